/* SPDX-License-Identifier: MIT */
#ifndef VK_TESTS_EDIT_REST_H
#define VK_TESTS_EDIT_REST_H

#include <stdlib.h>

#include "base/conf.h"

/*
 * What an edit of clients.conf must leave as it is, found in another way than
 * cli/edit.c does: the lines of text, without blank ones and without what is
 * from a header of `name` to the last line of its section that says
 * something.
 */

static inline void
edit_rest_add(struct vk_buf *out, struct vk_span text)
{
    if (vk_buf_add(out, text) != VK_OK)
        abort();
}

static inline bool
edit_rest_is_of(const struct vk_conf_line *line, const char *name)
{
    struct vk_span rest = line->value;

    return vk_span_is(rest, name) || vk_span_is(vk_span_cut(&rest, '/'), name);
}

/* The lines that are not blank, with a line break. */
static inline void
edit_rest_keep(struct vk_span lines, struct vk_buf *out)
{
    while (lines.len > 0) {
        struct vk_span line = vk_span_cut(&lines, '\n');
        if (vk_span_trim(line).len == 0)
            continue;
        edit_rest_add(out, line);
        edit_rest_add(out, VK_SPAN("\n"));
    }
}

static inline void
edit_rest(struct vk_span text, const char *name, struct vk_buf *out)
{
    struct vk_conf conf = VK_CONF_OF(text);
    struct vk_span held = {text.ptr, 0};
    struct vk_conf_line line;
    bool inside = false;
    enum vk_conf_kind kind;

    vk_buf_cut(out, 0);
    while ((kind = vk_conf_next(&conf, &line)) != VK_CONF_END) {
        if (kind == VK_CONF_SECTION) {
            edit_rest_keep(held, out);
            inside = edit_rest_is_of(&line, name);
        }
        if (!inside)
            edit_rest_keep(line.text, out);
        /* Kept if nothing of the section follows. */
        if (inside && kind == VK_CONF_NOTHING)
            held.len += line.text.len;
        else
            held = (struct vk_span){line.text.ptr + line.text.len, 0};
    }
    edit_rest_keep(held, out);
}

#endif

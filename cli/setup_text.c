/* SPDX-License-Identifier: MIT */
/* Lines of a configuration file. */
#include "cli/setup_text.h"

enum vk_err
vk_setup_refuse(struct vk_setup_text *text, size_t at, const char *why)
{
    text->why = why;
    text->at = at;
    return VK_CONFIG;
}

bool
vk_setup_line(struct vk_span text, size_t *at, struct vk_span *line)
{
    if (*at >= text.len)
        return false;
    struct vk_span rest = vk_span_from(text, *at);
    *line = vk_span_cut(&rest, '\n');
    if (rest.ptr != NULL)
        line->len++;
    *at += line->len;
    return true;
}

struct vk_span
vk_setup_bare(struct vk_span line)
{
    if (line.len > 0 && line.ptr[line.len - 1] == '\n')
        line.len--;
    return vk_span_trim(line);
}

static struct vk_span
without_break(struct vk_span line)
{
    while (line.len > 0 &&
           (line.ptr[line.len - 1] == '\n' || line.ptr[line.len - 1] == '\r'))
        line.len--;
    return line;
}

/* Whole lines, whatever an editor has made of their line breaks. */
static bool
begins_with_lines(struct vk_span text, struct vk_span lines)
{
    struct vk_span have, want;
    size_t at = 0, next = 0;

    while (vk_setup_line(lines, &next, &want))
        if (!vk_setup_line(text, &at, &have) ||
            have.ptr[have.len - 1] != '\n' ||
            !vk_span_same(without_break(have), without_break(want)))
            return false;
    return lines.len > 0;
}

bool
vk_setup_has_lines(struct vk_span text, struct vk_span lines)
{
    struct vk_span line;
    size_t at = 0;

    while (vk_setup_line(text, &at, &line)) {
        struct vk_span bare = line;
        while (bare.len > 0 && (bare.ptr[0] == ' ' || bare.ptr[0] == '\t'))
            bare = vk_span_from(bare, 1);
        size_t from = (size_t)(bare.ptr - text.ptr);
        if (begins_with_lines(vk_span_from(text, from), lines))
            return true;
    }
    return false;
}

/* SPDX-License-Identifier: MIT */
/*
 * .npmrc: a block before its first section.  npm writes the file anew, and
 * without its comments, at every `npm login` and `npm config set`.  So a line
 * that leads to a link of ours is ours without the marks, too.
 */
#include <string.h>

#include "cli/setup_text.h"

#define KEY_END ":tokenHelper"
#define LINKS "/valetkey/npm/valetkey-npm-"

static bool
is_comment(struct vk_span bare)
{
    return bare.len == 0 || bare.ptr[0] == '#' || bare.ptr[0] == ';';
}

/* Has the wanted line's key a value already? */
static bool
is_set(struct vk_span bare, struct vk_span want)
{
    struct vk_span wanted, key;
    size_t at = 0;

    key = vk_span_trim(vk_span_cut(&bare, '='));
    while (vk_setup_line(want, &at, &wanted))
        if (vk_span_same(key, vk_span_cut(&wanted, '=')))
            return true;
    return false;
}

static enum vk_err
look(struct vk_setup_text *text, struct vk_span rest,
     struct vk_setup_place *place)
{
    struct vk_span line;
    size_t at = 0, start = 0;

    /* Keys behind a section would be that section's. */
    for (; vk_setup_line(rest, &at, &line); start = at) {
        struct vk_span bare = vk_setup_bare(line);
        if (is_comment(bare))
            continue;
        if (bare.ptr[0] == '[')
            break;
        if (is_set(bare, text->want))
            return vk_setup_refuse(text, start,
                                   "has another tokenHelper for one of the"
                                   " registries");
    }
    place->at = start;
    return VK_OK;
}

/* The wanted lines that are not there, marked or not. */
static enum vk_err
find_missing(const struct vk_setup_text *text, struct vk_buf *out)
{
    struct vk_span line;
    size_t at = 0;
    enum vk_err err = VK_OK;

    while (err == VK_OK && vk_setup_line(text->want, &at, &line))
        if (!vk_setup_has_lines(text->now, line))
            err = vk_buf_add(out, line);
    return err;
}

enum vk_err
vk_setup_npm_put(struct vk_setup_text *text)
{
    VK_AUTO_BUF missing = VK_BUF(VK_SETUP_MAX);
    struct vk_span all = text->want;
    enum vk_err err = find_missing(text, &missing);

    if (err == VK_OK && missing.len == 0)
        return vk_buf_add(&text->next, text->now);
    text->want = vk_buf_span(&missing);
    if (err == VK_OK)
        err = vk_setup_block_put(text, look);
    text->want = all;
    return err;
}

static bool
is_ours(struct vk_span line)
{
    struct vk_span value = vk_setup_bare(line);
    struct vk_span key = vk_span_trim(vk_span_cut(&value, '='));
    size_t end = strlen(KEY_END);

    return key.len > end && vk_span_starts(key, "//") &&
           vk_span_is(vk_span_from(key, key.len - end), KEY_END) &&
           value.ptr != NULL &&
           memmem(value.ptr, value.len, LINKS, strlen(LINKS)) != NULL;
}

/* Those that have lost their marks. */
static enum vk_err
take_lines(struct vk_setup_text *text)
{
    VK_AUTO_BUF rest = VK_BUF(VK_SETUP_MAX);
    struct vk_span next = vk_buf_span(&text->next), line;
    size_t at = 0;
    enum vk_err err = VK_OK;

    while (err == VK_OK && vk_setup_line(next, &at, &line))
        if (!is_ours(line))
            err = vk_buf_add(&rest, line);
    if (err != VK_OK || rest.len == next.len)
        return err;
    vk_buf_cut(&text->next, 0);
    return vk_buf_add(&text->next, vk_buf_span(&rest));
}

enum vk_err
vk_setup_npm_take(struct vk_setup_text *text)
{
    static const char *const ours[] = {"//", NULL};
    enum vk_err err = vk_setup_block_take(text, ours);

    return err == VK_OK && !text->is_gone ? take_lines(text) : err;
}

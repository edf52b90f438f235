/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "cli/setup.h"

static enum vk_err
add_lines(struct vk_buf *out, char sign, struct vk_span run)
{
    struct vk_span line;
    size_t at = 0;
    enum vk_err err = VK_OK;

    if (run.len > 1 && run.ptr[0] == '\n')
        run = vk_span_from(run, 1);
    while (err == VK_OK && vk_setup_line(run, &at, &line)) {
        if (line.ptr[line.len - 1] == '\n')
            line.len--;
        err = vk_buf_add_char(out, sign);
        if (err == VK_OK)
            err = vk_buf_add(out, line);
        if (err == VK_OK)
            err = vk_buf_add_char(out, '\n');
    }
    return err;
}

/*
 * The same run can often be told to begin earlier: at the beginning of a
 * line, or the end of the one before, or else as early as can be.
 */
static size_t
align(struct vk_span whole, size_t from, size_t len)
{
    for (size_t at = from; at > 0; at--) {
        if (whole.ptr[at] == '\n' || whole.ptr[at - 1] == '\n')
            return at;
        if (whole.ptr[at - 1] != whole.ptr[at + len - 1])
            return at;
    }
    return 0;
}

static enum vk_err
show_run(struct vk_buf *out, char sign, struct vk_span whole, size_t from,
         size_t len)
{
    from = align(whole, from, len);
    return add_lines(out, sign, (struct vk_span){whole.ptr + from, len});
}

/* Whole lines that went, in several places; *fits: nothing else has. */
static enum vk_err
show_gone(struct vk_buf *out, struct vk_span before, struct vk_span after,
          bool *fits)
{
    struct vk_span line, kept = {NULL, 0};
    size_t at = 0, next = 0;
    size_t mark = out->len;
    enum vk_err err = VK_OK;
    bool more = vk_setup_line(after, &next, &kept);

    while (err == VK_OK && vk_setup_line(before, &at, &line)) {
        if (more && vk_span_same(line, kept))
            more = vk_setup_line(after, &next, &kept);
        else
            err = add_lines(out, '-', line);
    }
    *fits = !more;
    if (more)
        vk_buf_cut(out, mark);
    return err;
}

/* From the beginning of the line that from is in to the end of to's. */
static struct vk_span
lines_around(struct vk_span text, size_t from, size_t to)
{
    while (from > 0 && text.ptr[from - 1] != '\n')
        from--;
    while (to < text.len && text.ptr[to] != '\n')
        to++;
    return (struct vk_span){text.ptr + from, to - from};
}

/* A name at most: nothing that somebody could have put there as a value. */
static bool
is_bare_key(struct vk_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!(c >= 'a' && c <= 'z') && c != ':' && c != ' ')
            return false;
    }
    return true;
}

/* A line that was changed, with what came or went after it. */
static enum vk_err
show_both(struct vk_buf *out, struct vk_span before, struct vk_span after,
          size_t head, size_t tail)
{
    struct vk_span old = lines_around(before, head, before.len - tail);
    struct vk_span new = lines_around(after, head, after.len - tail);
    const char *end = before.ptr + before.len - tail;
    struct vk_span left = {old.ptr, (size_t)(before.ptr + head - old.ptr)};
    struct vk_span right = {end, (size_t)(old.ptr + old.len - end)};
    bool fits = false, has_lines = memchr(old.ptr, '\n', old.len) != NULL;
    enum vk_err err = VK_OK;

    if (has_lines)
        err = show_gone(out, before, after, &fits);
    if (err != VK_OK || fits)
        return err;
    if ((has_lines && memchr(new.ptr, '\n', new.len) != NULL) ||
        left.len == 0 || !is_bare_key(left) || !is_bare_key(right))
        return vk_buf_add_str(out, "(in several places)\n");
    err = add_lines(out, '-', old);
    return err == VK_OK ? add_lines(out, '+', new) : err;
}

enum vk_err
vk_setup_show(struct vk_buf *out, const char *title, struct vk_span before,
              struct vk_span after)
{
    size_t shorter = before.len < after.len ? before.len : after.len;
    size_t head = 0, tail = 0;
    enum vk_err err = vk_buf_addf(out, "%s:\n", title);

    while (head < shorter && before.ptr[head] == after.ptr[head])
        head++;
    while (tail < shorter - head && before.ptr[before.len - 1 - tail] ==
                                        after.ptr[after.len - 1 - tail])
        tail++;
    if (err != VK_OK)
        return err;
    if (head + tail == before.len)
        return show_run(out, '+', after, head, after.len - head - tail);
    if (head + tail == after.len)
        return show_run(out, '-', before, head, before.len - head - tail);
    return show_both(out, before, after, head, tail);
}

/* SPDX-License-Identifier: MIT */
#include "cli/shellword.h"

#include <string.h>

#define OPEN_QUOTE "has a quote that is not closed"

static bool
is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

bool
vk_shellword_begins(struct vk_span text, const char *set)
{
    return text.len > 0 && is_one_of(text.ptr[0], set);
}

static const char *
add(struct vk_buf *out, struct vk_span part)
{
    return vk_buf_add(out, part) == VK_OK ? NULL : "is too long";
}

static const char *
take(struct vk_span *text, size_t len, struct vk_buf *out)
{
    struct vk_span head = {text->ptr, len};

    *text = vk_span_from(*text, len);
    return add(out, head);
}

static const char *
single_quoted(struct vk_span *text, struct vk_buf *out)
{
    *text = vk_span_from(*text, 1);
    struct vk_span inner = vk_span_cut(text, '\'');

    return text->ptr == NULL ? OPEN_QUOTE : add(out, inner);
}

/* Bytes from '$' or '`' to its end; 0 if it has none or is not read. */
static size_t
expansion_length(struct vk_span text, bool quoted)
{
    char open = text.ptr[0] == '`' ? '`' : text.len > 1 ? text.ptr[1] : '\0';
    char close = open == '(' ? ')' : open == '{' ? '}' : open;
    size_t depth = 0;

    if (!is_one_of(open, "({`"))
        return !quoted && is_one_of(open, "'\"") ? 0 : 1;
    for (size_t at = 0; at < text.len; at++) {
        if (text.ptr[at] == '\\')
            at++;
        else if (text.ptr[at] == close && depth > 0 && --depth == 0)
            return at + 1;
        else if (text.ptr[at] == open)
            depth++;
    }
    return 0;
}

static const char *
expansion(struct vk_span *text, bool quoted, struct vk_buf *out)
{
    size_t len = expansion_length(*text, quoted);

    if (len == 0)
        return "has a '$' or '`' that is not read; quote the value in '...'";
    return take(text, len, out);
}

static const char *
plain(struct vk_span *text, bool quoted, struct vk_buf *out)
{
    struct vk_span next = vk_span_from(*text, 1);

    /* Between double quotes most backslashes stay. */
    if (text->ptr[0] == '\\' &&
        (!quoted || vk_shellword_begins(next, "$`\"\\")))
        *text = next;
    if (text->len == 0)
        return "goes on in the next line; write it as one line";
    return take(text, 1, out);
}

const char *
vk_shellword_take(struct vk_span *text, struct vk_buf *out)
{
    const char *trouble = NULL;
    bool quoted = false;

    while (trouble == NULL && text->len > 0 &&
           (quoted || !vk_shellword_begins(*text, " \t;|&<>()"))) {
        char c = text->ptr[0];
        if (c == '"') {
            quoted = !quoted;
            *text = vk_span_from(*text, 1);
        } else if (c == '$' || c == '`') {
            trouble = expansion(text, quoted, out);
        } else if (c == '\'' && !quoted) {
            trouble = single_quoted(text, out);
        } else {
            trouble = plain(text, quoted, out);
        }
    }
    return trouble == NULL && quoted ? OPEN_QUOTE : trouble;
}

const char *
vk_shellword_take_property(struct vk_span *text, struct vk_buf *out)
{
    const char *trouble = NULL;

    while (trouble == NULL && text->len > 0) {
        if (text->ptr[0] == '\\') {
            *text = vk_span_from(*text, 1);
            if (!vk_shellword_begins(*text, "\\:=#! \"'"))
                return "has an escape that is not read; write it plain";
        }
        trouble = take(text, 1, out);
    }
    return trouble;
}

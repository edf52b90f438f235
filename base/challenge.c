/* SPDX-License-Identifier: MIT */
#include "base/challenge.h"

/* Up to the next comma that is not in a quoted string. */
static struct vk_span
cut_element(struct vk_span *rest)
{
    struct vk_span element = *rest;
    bool quoted = false, escaped = false;

    for (size_t i = 0; i < rest->len; i++) {
        char c = rest->ptr[i];
        if (escaped)
            escaped = false;
        else if (quoted && c == '\\')
            escaped = true;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && c == ',') {
            element.len = i;
            *rest = vk_span_from(*rest, i + 1);
            return element;
        }
    }
    *rest = (struct vk_span){NULL, 0};
    return element;
}

/* RFC 9110, section 5.6.2 */
static bool
is_token_char(char c)
{
    return c > ' ' && c <= '~' && c != '"' && c != '(' && c != ')' &&
           c != ',' && c != '/' && !(c >= ':' && c <= '@') &&
           !(c >= '[' && c <= ']') && c != '{' && c != '}';
}

/*
 * A comma parts challenges, and parameters of one challenge, too: what an
 * equals sign follows is a parameter.
 */
bool
vk_challenge_next(struct vk_span *rest, struct vk_span *scheme)
{
    while (rest->len > 0) {
        struct vk_span word = vk_span_trim(cut_element(rest));
        size_t len = 0;

        while (len < word.len && is_token_char(word.ptr[len]))
            len++;
        struct vk_span next = vk_span_from(word, len);
        bool ends = next.len == 0 || next.ptr[0] == ' ' || next.ptr[0] == '\t';
        next = vk_span_trim(next);
        if (len == 0 || !ends || (next.len > 0 && next.ptr[0] == '='))
            continue;
        *scheme = (struct vk_span){word.ptr, len};
        return true;
    }
    return false;
}

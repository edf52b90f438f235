/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/buf.h"

/* Not by strchr(3): one function less for ld.so to find, where it is warm. */
bool
vk_char_in(char c, const char *set)
{
    while (*set != '\0' && *set != c)
        set++;
    return *set != '\0';
}

bool
vk_char_plain(char c, const char *more)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || vk_char_in(c, more);
}

struct vk_span
vk_span_str(const char *str)
{
    return (struct vk_span){str, strlen(str)};
}

bool
vk_span_same(struct vk_span a, struct vk_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool
vk_span_is(struct vk_span span, const char *str)
{
    return vk_span_same(span, vk_span_str(str));
}

bool
vk_span_starts(struct vk_span span, const char *str)
{
    size_t len = strlen(str);

    return span.len >= len && memcmp(span.ptr, str, len) == 0;
}

static char
lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool
vk_span_same_nocase(struct vk_span a, struct vk_span b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.ptr[i]) != lower(b.ptr[i]))
            return false;
    return true;
}

struct vk_span
vk_span_from(struct vk_span span, size_t from)
{
    if (from > span.len)
        from = span.len;
    if (from == 0)
        return span; /* it may be NULL, which has no "+ 0" in C */
    return (struct vk_span){span.ptr + from, span.len - from};
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

struct vk_span
vk_span_trim(struct vk_span span)
{
    while (span.len > 0 && is_blank(span.ptr[0]))
        span = vk_span_from(span, 1);
    while (span.len > 0 && is_blank(span.ptr[span.len - 1]))
        span.len--;
    return span;
}

struct vk_span
vk_span_cut(struct vk_span *span, char sep)
{
    struct vk_span head = *span;
    const char *at = span->len > 0 ? memchr(span->ptr, sep, span->len) : NULL;

    if (at == NULL) {
        *span = (struct vk_span){NULL, 0};
        return head;
    }
    head.len = (size_t)(at - head.ptr);
    *span = vk_span_from(*span, head.len + 1);
    return head;
}

bool
vk_span_number(struct vk_span span, int64_t max, int64_t *out)
{
    int64_t number = 0;

    if (span.len == 0)
        return false;
    for (size_t i = 0; i < span.len; i++) {
        int digit = span.ptr[i] - '0';
        if (digit < 0 || digit > 9 || digit > max ||
            number > (max - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *out = number;
    return true;
}

/* SPDX-License-Identifier: MIT */
#include "cli/setup_scan.h"

#include <string.h>

#include "base/utf8.h"

#define DEPTH_MAX 100

static int
peek(const struct vk_scan *scan)
{
    return scan->at < scan->text.len ? (unsigned char)scan->text.ptr[scan->at]
                                     : -1;
}

static bool
accept(struct vk_scan *scan, char c)
{
    if (peek(scan) != c)
        return false;
    scan->at++;
    return true;
}

static bool
is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static bool
is_hex(int c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static void
skip_blank(struct vk_scan *scan)
{
    scan->at += vk_scan_blank(scan->text, scan->at).len;
}

static bool
skip_escape(struct vk_scan *scan)
{
    int c = peek(scan);

    if (c < 0 || strchr("\"\\/bfnrtu", c) == NULL || c == '\0')
        return false;
    scan->at++;
    for (int i = 0; c == 'u' && i < 4; i++, scan->at++)
        if (!is_hex(peek(scan)))
            return false;
    return true;
}

static bool
skip_string(struct vk_scan *scan)
{
    if (!accept(scan, '"'))
        return false;
    for (;;) {
        int c = peek(scan);
        if (c < ' ')
            return false;
        if (accept(scan, '"'))
            return true;
        if (accept(scan, '\\')) {
            if (!skip_escape(scan))
                return false;
            continue;
        }
        size_t len = vk_utf8_length(vk_span_from(scan->text, scan->at));
        if (len == 0)
            return false;
        scan->at += len;
    }
}

static bool
skip_digits(struct vk_scan *scan)
{
    size_t from = scan->at;

    while (is_digit(peek(scan)))
        scan->at++;
    return scan->at > from;
}

static bool
skip_number(struct vk_scan *scan)
{
    accept(scan, '-');
    if (!accept(scan, '0') && !skip_digits(scan))
        return false;
    if (accept(scan, '.') && !skip_digits(scan))
        return false;
    if (accept(scan, 'e') || accept(scan, 'E')) {
        if (!accept(scan, '+'))
            accept(scan, '-');
        return skip_digits(scan);
    }
    return true;
}

static bool
skip_word(struct vk_scan *scan)
{
    static const char *const words[] = {"true", "false", "null"};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (!vk_span_starts(vk_span_from(scan->text, scan->at), words[i]))
            continue;
        scan->at += strlen(words[i]);
        return true;
    }
    return false;
}

static bool
skip_scalar(struct vk_scan *scan)
{
    if (peek(scan) == '"')
        return skip_string(scan);
    if (peek(scan) == '-' || is_digit(peek(scan)))
        return skip_number(scan);
    return skip_word(scan);
}

/* The brackets that are to come, the innermost last. */
struct nest {
    char close[DEPTH_MAX];
    size_t depth;
};

/* In an object: the name of the next value, up to its colon. */
static bool
skip_name(struct vk_scan *scan, const struct nest *nest)
{
    if (nest->close[nest->depth - 1] == ']')
        return true;
    skip_blank(scan);
    if (!skip_string(scan))
        return false;
    skip_blank(scan);
    return accept(scan, ':');
}

/* A value, or the beginning of one; *is_open: there is more to come in it. */
static bool
enter(struct vk_scan *scan, struct nest *nest, bool *is_open)
{
    char close = peek(scan) == '{' ? '}' : ']';

    *is_open = false;
    if (peek(scan) != '{' && peek(scan) != '[')
        return skip_scalar(scan);
    if (nest->depth == DEPTH_MAX)
        return false;
    scan->at++;
    skip_blank(scan);
    if (accept(scan, close))
        return true;
    *is_open = true;
    nest->close[nest->depth++] = close;
    return skip_name(scan, nest);
}

/* What follows a value, until the next or the end of the outermost one. */
static bool
leave(struct vk_scan *scan, struct nest *nest)
{
    while (nest->depth > 0) {
        skip_blank(scan);
        if (accept(scan, ','))
            return skip_name(scan, nest);
        if (!accept(scan, nest->close[nest->depth - 1]))
            return false;
        nest->depth--;
    }
    return true;
}

static bool
skip_value(struct vk_scan *scan)
{
    struct nest nest = {.depth = 0};
    bool is_open;

    do {
        skip_blank(scan);
        if (!enter(scan, &nest, &is_open) || (!is_open && !leave(scan, &nest)))
            return false;
    } while (nest.depth > 0);
    return true;
}

bool
vk_scan_object(struct vk_span text, size_t *open)
{
    struct vk_scan scan = {.text = text};

    skip_blank(&scan);
    *open = scan.at;
    if (peek(&scan) != '{' || !skip_value(&scan))
        return false;
    skip_blank(&scan);
    return scan.at == text.len;
}

bool
vk_scan_next(struct vk_scan *scan, struct vk_scan_member *member)
{
    *member = (struct vk_scan_member){.start = scan->at};
    skip_blank(scan);
    size_t quote = scan->at;
    if (!skip_string(scan))
        return false;
    member->key_end = scan->at;
    member->key = vk_scan_part(scan->text, quote + 1, scan->at - 1);
    skip_blank(scan);
    member->colon = scan->at++;
    skip_blank(scan);
    member->value = scan->at;
    if (!skip_value(scan))
        return false;
    member->end = scan->at;
    skip_blank(scan);
    member->comma = scan->at;
    member->is_last = !accept(scan, ',');
    return true;
}

struct vk_span
vk_scan_part(struct vk_span text, size_t a, size_t b)
{
    return (struct vk_span){text.ptr + a, b - a};
}

struct vk_span
vk_scan_blank(struct vk_span text, size_t from)
{
    size_t to = from;

    while (to < text.len && (text.ptr[to] == ' ' || text.ptr[to] == '\t' ||
                             text.ptr[to] == '\n' || text.ptr[to] == '\r'))
        to++;
    return vk_scan_part(text, from, to);
}

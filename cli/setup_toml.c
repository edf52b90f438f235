/* SPDX-License-Identifier: MIT */
#include "cli/setup_toml.h"

#include <string.h>

#define DEPTH_MAX 32

static int
peek(const struct vk_toml *toml)
{
    return toml->at < toml->text.len ? (unsigned char)toml->text.ptr[toml->at]
                                     : -1;
}

static bool
accept(struct vk_toml *toml, const char *word)
{
    if (!vk_span_starts(vk_span_from(toml->text, toml->at), word))
        return false;
    toml->at += strlen(word);
    return true;
}

static void
skip_blank(struct vk_toml *toml)
{
    while (peek(toml) == ' ' || peek(toml) == '\t')
        toml->at++;
}

static void
skip_comment(struct vk_toml *toml)
{
    if (peek(toml) == '#')
        while (peek(toml) >= 0 && peek(toml) != '\n')
            toml->at++;
}

static bool
accept_newline(struct vk_toml *toml)
{
    return accept(toml, "\n") || accept(toml, "\r\n");
}

/* Blanks, comments and line breaks. */
static void
skip_lines(struct vk_toml *toml)
{
    do {
        skip_blank(toml);
        skip_comment(toml);
    } while (accept_newline(toml));
}

static bool
is_bare(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/* A string of any of the four kinds. */
static bool
skip_string(struct vk_toml *toml)
{
    static const char *const quotes[] = {"\"\"\"", "'''", "\"", "'"};
    size_t kind = 0;

    while (kind < 4 && !accept(toml, quotes[kind]))
        kind++;
    if (kind == 4)
        return false;
    while (!accept(toml, quotes[kind])) {
        int c = peek(toml);
        if (c < 0 || (c == '\n' && kind >= 2))
            return false;
        toml->at += c == '\\' && kind % 2 == 0 ? 2 : 1;
    }
    /* One or two quotes more belong to a long one. */
    for (int i = 0; kind < 2 && i < 2; i++)
        accept(toml, quotes[kind + 2]);
    return toml->at <= toml->text.len;
}

static bool
read_part(struct vk_toml *toml, struct vk_span *out)
{
    size_t from = toml->at;

    if (peek(toml) == '"' || peek(toml) == '\'') {
        if (accept(toml, "\"\"\"") || accept(toml, "'''") ||
            !skip_string(toml))
            return false;
        *out =
            (struct vk_span){toml->text.ptr + from + 1, toml->at - from - 2};
        return out->len == 0 || memchr(out->ptr, '\\', out->len) == NULL;
    }
    while (is_bare(peek(toml)))
        toml->at++;
    *out = (struct vk_span){toml->text.ptr + from, toml->at - from};
    return out->len > 0;
}

static bool
read_key(struct vk_toml *toml, struct vk_toml_entry *entry)
{
    do {
        skip_blank(toml);
        if (entry->parts == VK_TOML_PARTS ||
            !read_part(toml, &entry->part[entry->parts]))
            return false;
        entry->parts++;
        skip_blank(toml);
    } while (accept(toml, "."));
    return true;
}

static bool
skip_word(struct vk_toml *toml)
{
    size_t from = toml->at;

    /* A blank: between date and time. */
    while (is_bare(peek(toml)) ||
           (peek(toml) > 0 && strchr("+.:", peek(toml)) != NULL) ||
           (peek(toml) == ' ' && toml->at == from + 10 &&
            is_bare(toml->at + 1 < toml->text.len
                        ? (unsigned char)toml->text.ptr[toml->at + 1]
                        : -1)))
        toml->at++;
    return toml->at > from;
}

static bool
skip_scalar(struct vk_toml *toml)
{
    return peek(toml) == '"' || peek(toml) == '\'' ? skip_string(toml)
                                                   : skip_word(toml);
}

/* The brackets that are to come, the innermost last. */
struct nest {
    const char *close[DEPTH_MAX];
    size_t depth;
};

static bool
is_array(const struct nest *nest)
{
    return nest->close[nest->depth - 1][0] == ']';
}

/* Line breaks and comments may stand in arrays, but not in inline tables. */
static void
skip_between(struct vk_toml *toml, const struct nest *nest)
{
    if (is_array(nest))
        skip_lines(toml);
    else
        skip_blank(toml);
}

static bool
skip_name(struct vk_toml *toml, const struct nest *nest)
{
    struct vk_toml_entry entry = {0};

    return is_array(nest) || (read_key(toml, &entry) && accept(toml, "="));
}

/* A value, or the beginning of one; *is_open: there is more to come in it. */
static bool
enter(struct vk_toml *toml, struct nest *nest, bool *is_open)
{
    const char *close = peek(toml) == '{' ? "}" : "]";

    *is_open = false;
    if (peek(toml) != '{' && peek(toml) != '[')
        return skip_scalar(toml);
    if (nest->depth == DEPTH_MAX)
        return false;
    toml->at++;
    nest->close[nest->depth++] = close;
    skip_between(toml, nest);
    if (accept(toml, close)) {
        nest->depth--;
        return true;
    }
    *is_open = true;
    return skip_name(toml, nest);
}

/* What follows a value, until the next or the end of the outermost one. */
static bool
leave(struct vk_toml *toml, struct nest *nest)
{
    for (; nest->depth > 0; nest->depth--) {
        const char *close = nest->close[nest->depth - 1];
        skip_between(toml, nest);
        if (accept(toml, ",")) {
            skip_between(toml, nest);
            /* An array may end with a comma. */
            if (!is_array(nest) || peek(toml) != ']')
                return skip_name(toml, nest);
        }
        if (!accept(toml, close))
            return false;
    }
    return true;
}

static bool
skip_value(struct vk_toml *toml)
{
    struct nest nest = {.depth = 0};
    bool is_open;

    do {
        skip_blank(toml);
        if (!enter(toml, &nest, &is_open) || (!is_open && !leave(toml, &nest)))
            return false;
    } while (nest.depth > 0);
    return true;
}

static bool
read_entry(struct vk_toml *toml, struct vk_toml_entry *entry, bool *is_table)
{
    *is_table = accept(toml, "[");
    if (*is_table) {
        entry->is_array = accept(toml, "[");
        if (!read_key(toml, entry) ||
            !accept(toml, entry->is_array ? "]]" : "]"))
            return false;
    } else {
        if (!read_key(toml, entry) || !accept(toml, "="))
            return false;
        skip_blank(toml);
        entry->value = toml->at;
        if (!skip_value(toml))
            return false;
    }
    skip_blank(toml);
    skip_comment(toml);
    return peek(toml) < 0 || accept_newline(toml);
}

enum vk_toml_kind
vk_toml_next(struct vk_toml *toml, struct vk_toml_entry *entry)
{
    bool is_table;

    skip_lines(toml);
    *entry = (struct vk_toml_entry){.from = toml->at};
    if (peek(toml) < 0)
        return VK_TOML_END;
    if (!read_entry(toml, entry, &is_table))
        return VK_TOML_BROKEN;
    entry->end = toml->at;
    return is_table ? VK_TOML_TABLE : VK_TOML_PAIR;
}

bool
vk_toml_item(struct vk_span text, size_t *at, size_t *from, size_t *to)
{
    struct vk_toml toml = {.text = text, .at = *at};

    skip_lines(&toml);
    *from = toml.at;
    if (peek(&toml) == ']' || !skip_value(&toml))
        return false;
    *to = toml.at;
    skip_lines(&toml);
    accept(&toml, ",");
    *at = toml.at;
    return true;
}

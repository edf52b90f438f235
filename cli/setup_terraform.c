/* SPDX-License-Identifier: MIT */
/* .terraformrc (HCL): a block at its end; only one helper may be there. */
#include <string.h>

#include "cli/setup_text.h"

#define HELPER "credentials_helper"
#define OURS "\"valetkey\""

struct hcl {
    struct vk_span text;
    size_t at;
    char open[64]; /* the brackets that are not closed yet */
    size_t depth;
};

static struct vk_span
rest_of(const struct hcl *hcl)
{
    return vk_span_from(hcl->text, hcl->at);
}

static bool
skip_comment(struct hcl *hcl)
{
    struct vk_span rest = rest_of(hcl);

    if (vk_span_starts(rest, "/*")) {
        const char *end = memmem(rest.ptr + 2, rest.len - 2, "*/", 2);
        hcl->at = end != NULL ? (size_t)(end - hcl->text.ptr) + 2
                              : hcl->text.len + 1; /* never closed */
        return true;
    }
    if (!vk_span_starts(rest, "#") && !vk_span_starts(rest, "//"))
        return false;
    hcl->at += vk_span_cut(&rest, '\n').len;
    return true;
}

/* To behind the quote that ends it; *out is what stands in it. */
static bool
skip_string(struct hcl *hcl, struct vk_span *out)
{
    size_t from = ++hcl->at;

    for (; hcl->at < hcl->text.len; hcl->at++) {
        char c = hcl->text.ptr[hcl->at];
        if (c == '"') {
            *out = (struct vk_span){hcl->text.ptr + from, hcl->at - from};
            hcl->at++;
            return true;
        }
        /* What is interpolated may have quotes of its own. */
        if (c == '\n' || vk_span_starts(rest_of(hcl), "${"))
            return false;
        if (c == '\\')
            hcl->at++;
    }
    return false;
}

static bool
is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

static struct vk_span
take_word(struct hcl *hcl)
{
    size_t from = hcl->at;

    while (hcl->at < hcl->text.len && is_word(hcl->text.ptr[hcl->at]))
        hcl->at++;
    return (struct vk_span){hcl->text.ptr + from, hcl->at - from};
}

static bool
take_bracket(struct hcl *hcl, char c)
{
    hcl->at++;
    if (c == '{' || c == '[') {
        if (hcl->depth == sizeof hcl->open)
            return false;
        hcl->open[hcl->depth++] = c == '{' ? '}' : ']';
        return true;
    }
    return hcl->depth > 0 && hcl->open[--hcl->depth] == c;
}

/* The next token; word is its text if it is a word or a string. */
static bool
take(struct hcl *hcl, struct vk_span *word)
{
    char c = hcl->text.ptr[hcl->at];

    *word = (struct vk_span){NULL, 0};
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
        hcl->at++;
        return true;
    }
    if (skip_comment(hcl))
        return hcl->at <= hcl->text.len;
    if (c == '"')
        return skip_string(hcl, word);
    if (c == '\0' || strchr("{}[]", c) != NULL)
        return c != '\0' && take_bracket(hcl, c);
    if (c == '=' || c == ',') {
        hcl->at++;
        return true;
    }
    *word = take_word(hcl);
    return word->len > 0;
}

static enum vk_err
look(struct vk_setup_text *text, struct vk_span rest,
     struct vk_setup_place *place)
{
    struct hcl hcl = {.text = rest};
    struct vk_span word;
    bool after_helper = false, has_word = false;

    while (hcl.at < rest.len) {
        size_t from = hcl.at;
        bool is_root = hcl.depth == 0;
        if (!take(&hcl, &word) ||
            (hcl.depth > 0 && !has_word && is_root && word.ptr == NULL))
            return vk_setup_refuse(text, from,
                                   "is not HCL that valetkey understands");
        if (word.ptr == NULL || !is_root)
            continue;
        has_word = true;
        if (after_helper && !vk_span_is(word, "valetkey"))
            return vk_setup_refuse(text, from,
                                   "has another " HELPER
                                   ", and there can be only one");
        place->is_done |= after_helper;
        after_helper = vk_span_is(word, HELPER);
    }
    if (hcl.depth > 0 || after_helper)
        return vk_setup_refuse(text, rest.len > 0 ? rest.len - 1 : 0,
                               "ends in the middle of a block");
    place->at = rest.len;
    return VK_OK;
}

enum vk_err
vk_setup_terraform_put(struct vk_setup_text *text)
{
    return vk_setup_block_put_once(text, look);
}

enum vk_err
vk_setup_terraform_take(struct vk_setup_text *text)
{
    static const char *const ours[] = {HELPER " " OURS " {", NULL};

    return vk_setup_block_take(text, ours);
}

/* SPDX-License-Identifier: MIT */
#include "cli/setup_kube.h"

#include <string.h>

#define PROGRAM "valetkey-k8s"

static size_t
indent_of(struct vk_span line)
{
    size_t len = 0;

    while (len < line.len && line.ptr[len] == ' ')
        len++;
    return len;
}

static bool
is_nothing(struct vk_span line)
{
    struct vk_span bare = vk_setup_bare(line);

    return bare.len == 0 || bare.ptr[0] == '#';
}

/* "- ..." with that indentation. */
static bool
is_item(struct vk_span line, size_t indent)
{
    return indent_of(line) == indent && line.len > indent + 1 &&
           line.ptr[indent] == '-' && line.ptr[indent + 1] == ' ';
}

static const char *
object_to(struct vk_span line, bool in_mapping)
{
    struct vk_span bare = vk_setup_bare(line);
    size_t indent = indent_of(line);

    if (indent < line.len && line.ptr[indent] == '\t')
        return "has a tab in its indentation";
    if (indent > 0)
        return in_mapping ? NULL : "begins with an indented line";
    if (is_item(line, 0))
        return in_mapping ? NULL : "is not a mapping";
    size_t key = 0;
    while (key < bare.len &&
           strchr("{}[]\"'&*!|>%@`#,?: ", bare.ptr[key]) == NULL)
        key++;
    bool is_key = key > 0 && key < bare.len && bare.ptr[key] == ':' &&
                  (key + 1 == bare.len || bare.ptr[key + 1] == ' ');
    return is_key ? NULL : "is not written as kubectl does";
}

static bool
note_users(struct vk_kube_users *users, struct vk_span line, size_t start,
           size_t at)
{
    if (users->is_there)
        return false;
    users->is_there = true;
    users->colon_end = start + strlen(VK_KUBE_USERS);
    users->value = vk_setup_bare(vk_span_from(line, strlen(VK_KUBE_USERS)));
    users->items = users->end = at;
    return true;
}

enum vk_err
vk_kube_find(struct vk_setup_text *text, struct vk_kube_users *users)
{
    struct vk_span line;
    size_t at = 0, start = 0;
    bool in_mapping = false, in_users = false;

    *users = (struct vk_kube_users){0};
    /* It would hide the name of the first key. */
    if (vk_span_starts(text->now, "\xef\xbb\xbf"))
        return vk_setup_refuse(text, 0, "begins with a byte order mark");
    for (; vk_setup_line(text->now, &at, &line); start = at) {
        if (is_nothing(line) ||
            (!in_mapping && vk_span_is(vk_setup_bare(line), "---")))
            continue;
        const char *why = object_to(line, in_mapping);
        if (why != NULL)
            return vk_setup_refuse(text, start, why);
        in_mapping = true;
        if (indent_of(line) == 0 && !is_item(line, 0)) {
            in_users = vk_span_starts(line, VK_KUBE_USERS);
            if (in_users && !note_users(users, line, start, at))
                return vk_setup_refuse(text, start, "has 'users' twice");
            continue;
        }
        if (!in_users)
            continue;
        if (!users->has_items) {
            users->indent = indent_of(line);
            users->has_items = true;
        }
        if (indent_of(line) < users->indent ||
            (indent_of(line) == users->indent &&
             !is_item(line, users->indent)))
            return vk_setup_refuse(text, start,
                                   "has 'users' that are no simple list");
        users->end = at;
    }
    return VK_OK;
}

/* A plain word, or one in quotes without escapes. */
static struct vk_span
scalar(struct vk_span text)
{
    text = vk_setup_bare(text);
    if (text.len >= 2 && (text.ptr[0] == '"' || text.ptr[0] == '\'') &&
        text.ptr[text.len - 1] == text.ptr[0])
        return (struct vk_span){text.ptr + 1, text.len - 2};
    return text;
}

/* A line in an item: its name, or that it runs our program. */
static void
note_line(struct vk_kube_item *item, struct vk_span line, size_t indent)
{
    struct vk_span bare = vk_setup_bare(line), value;
    bool first = is_item(line, indent);

    if (first)
        bare = vk_setup_bare(vk_span_from(bare, 2));
    value = bare;
    struct vk_span key = vk_span_cut(&value, ':');
    if (value.ptr == NULL)
        return;
    value = scalar(value);
    if (vk_span_is(key, "name") && (first || indent_of(line) == indent + 2))
        item->name = value;
    if (vk_span_is(key, "command") && value.len >= strlen(PROGRAM))
        item->is_ours |= vk_span_is(
            vk_span_from(value, value.len - strlen(PROGRAM)), PROGRAM);
}

bool
vk_kube_next(struct vk_span text, const struct vk_kube_users *users,
             size_t *at, struct vk_kube_item *item)
{
    struct vk_span line;
    bool inside = false;
    size_t start = *at;

    *item = (struct vk_kube_item){0};
    for (; start < users->end && vk_setup_line(text, at, &line); start = *at) {
        bool begins = is_item(line, users->indent);
        if (begins && inside) {
            *at = start;
            break;
        }
        if (begins)
            item->from = start;
        inside |= begins;
        if (!inside)
            continue;
        /* Comments behind it are not its own. */
        if (!is_nothing(line))
            item->to = *at;
        note_line(item, line, users->indent);
    }
    item->is_ours &= vk_span_starts(item->name, VK_KUBE_PREFIX);
    return inside;
}

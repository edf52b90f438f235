/* SPDX-License-Identifier: MIT */
/*
 * kubeconfig: items of the list `users`, in block style as kubectl writes
 * it.  kubectl drops all comments whenever it writes, so there are no marks:
 * an item is ours if its name begins with "valetkey-" and valetkey-k8s stands
 * in it.  Whatever else YAML can be is refused.
 */
#include "cli/setup_kube.h"

#include <string.h>

/* What a file of ours begins with, and what is left of it. */
#define OWN_HEAD                           \
    "# made by 'valetkey setup kubectl'\n" \
    "apiVersion: v1\nkind: Config\n"

/* A value that is in double quotes; false: that would not do. */
static bool
can_be_quoted(struct vk_span text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == '"' ||
            text.ptr[i] == '\\' || text.ptr[i] == 0x7f)
            return false;
    return true;
}

static enum vk_err
add_item(struct vk_buf *out, size_t indent, struct vk_span name,
         const char *program)
{
    int in = (int)indent;

    return vk_buf_addf(out,
                       "%*s- name: \"" VK_KUBE_PREFIX "%.*s\"\n"
                       "%*s  user:\n"
                       "%*s    exec:\n"
                       "%*s      apiVersion: client.authentication.k8s.io/v1\n"
                       "%*s      args:\n"
                       "%*s      - \"%.*s\"\n"
                       "%*s      command: \"%s\"\n"
                       "%*s      interactiveMode: Never\n",
                       in, "", (int)name.len, name.ptr, in, "", in, "", in, "",
                       in, "", in, "", (int)name.len, name.ptr, in, "",
                       program, in, "");
}

/* The items that are not there; another of such a name is refused. */
static enum vk_err
add_missing(struct vk_setup_text *text, const struct vk_kube_users *users,
            struct vk_buf *out)
{
    struct vk_span line;
    enum vk_err err = VK_OK;

    for (size_t at = 0;
         err == VK_OK && vk_setup_line(text->want, &at, &line);) {
        struct vk_span name = vk_setup_bare(line);
        size_t from = users->items;
        struct vk_kube_item item;
        bool is_there = false;
        while (users->has_items &&
               vk_kube_next(text->now, users, &from, &item)) {
            if (!vk_span_starts(item.name, VK_KUBE_PREFIX) ||
                !vk_span_same(vk_span_from(item.name, strlen(VK_KUBE_PREFIX)),
                              name))
                continue;
            if (!item.is_ours)
                return vk_setup_refuse(text, item.from,
                                       "has a user of that name");
            is_there = true;
        }
        if (!is_there)
            err = add_item(out, users->indent, name, text->program);
    }
    return err;
}

static enum vk_err
add_part(struct vk_setup_text *text, size_t from, size_t to)
{
    return vk_buf_add(&text->next,
                      (struct vk_span){text->now.ptr + from, to - from});
}

/* Without a list there is one at the end; the break before it goes with it. */
static enum vk_err
append_list(struct vk_setup_text *text, struct vk_span items)
{
    struct vk_span now = text->now;
    bool ended = now.len > 0 && now.ptr[now.len - 1] == '\n';
    enum vk_err err = now.ptr == NULL ? vk_buf_add_str(&text->next, OWN_HEAD)
                                      : vk_buf_add(&text->next, now);

    if (err == VK_OK && now.ptr != NULL && !ended)
        err = vk_buf_add_char(&text->next, '\n');
    if (err == VK_OK)
        err = vk_buf_add_str(&text->next, VK_KUBE_USERS "\n");
    /* A text without a line break at its end has none afterwards either. */
    if (now.ptr != NULL && !ended)
        items.len--;
    return err == VK_OK ? vk_buf_add(&text->next, items) : err;
}

/* Into the list; "users: null" becomes "users: # null". */
static enum vk_err
insert_items(struct vk_setup_text *text, const struct vk_kube_users *users,
             struct vk_span items)
{
    bool nothing =
        vk_span_is(users->value, "null") || vk_span_is(users->value, "[]");
    size_t value = users->colon_end + 1, at = users->items;
    bool ended = at > 0 && text->now.ptr[at - 1] == '\n';

    if (nothing && (users->has_items || text->now.ptr[value - 1] != ' ' ||
                    text->now.ptr + value != users->value.ptr))
        return vk_setup_refuse(text, users->colon_end,
                               "has 'users' that are no simple list");
    if (!nothing && (!users->has_items ||
                     (users->value.len > 0 && users->value.ptr[0] != '#')))
        return vk_setup_refuse(text, users->colon_end,
                               "has 'users' that are no simple list");
    enum vk_err err = add_part(text, 0, nothing ? value : at);
    if (err == VK_OK && nothing)
        err = vk_buf_add_str(&text->next, "# ");
    if (err == VK_OK && nothing)
        err = add_part(text, value, at);
    if (err == VK_OK && !ended) {
        err = vk_buf_add_char(&text->next, '\n');
        items.len--;
    }
    if (err == VK_OK)
        err = vk_buf_add(&text->next, items);
    return err == VK_OK ? add_part(text, at, text->now.len) : err;
}

enum vk_err
vk_setup_kube_put(struct vk_setup_text *text)
{
    VK_AUTO_BUF items = VK_BUF(VK_SETUP_MAX);
    struct vk_kube_users users;

    if (!can_be_quoted(vk_span_str(text->program)))
        return vk_setup_refuse(text, 0, "cannot name valetkey's directory");
    enum vk_err err = vk_kube_find(text, &users);
    if (err == VK_OK)
        err = add_missing(text, &users, &items);
    if (err != VK_OK)
        return err;
    if (items.len == 0)
        return vk_buf_add(&text->next, text->now);
    return users.is_there ? insert_items(text, &users, vk_buf_span(&items))
                          : append_list(text, vk_buf_span(&items));
}

/* The list has nothing in it any more. */
static enum vk_err
close_list(struct vk_setup_text *text, const struct vk_kube_users *users,
           struct vk_span rest)
{
    struct vk_span now = text->now;
    size_t line = users->colon_end - strlen(VK_KUBE_USERS);
    bool open_end = now.ptr[now.len - 1] != '\n';
    bool was_null =
        vk_span_is(users->value, "# null") || vk_span_is(users->value, "# []");
    size_t to = users->colon_end;

    vk_buf_cut(&text->next, 0);
    if (was_null) {
        enum vk_err err = add_part(text, 0, to + 1);
        size_t from = (size_t)(users->value.ptr - now.ptr) + 2;
        size_t end = users->items;
        if (open_end && users->end == now.len && end > 0)
            end--;
        if (err == VK_OK)
            err = add_part(text, from, end);
        return err == VK_OK ? vk_buf_add(&text->next, rest) : err;
    }
    /* A comment that is somebody's. */
    if (users->value.len > 0) {
        enum vk_err err = add_part(text, 0, users->items);
        return err == VK_OK ? vk_buf_add(&text->next, rest) : err;
    }
    /* The line break before the list came with it. */
    if (open_end && users->end == now.len && line > 0)
        line--;
    enum vk_err err = add_part(text, 0, line);
    if (err == VK_OK)
        err = vk_buf_add(&text->next, rest);
    text->is_gone = vk_span_is(vk_buf_span(&text->next), OWN_HEAD);
    return err;
}

enum vk_err
vk_setup_kube_take(struct vk_setup_text *text)
{
    VK_AUTO_BUF rest = VK_BUF(VK_SETUP_MAX);
    struct vk_kube_users users;
    struct vk_kube_item item;
    size_t kept = 0, taken = 0;
    enum vk_err err = vk_kube_find(text, &users);

    if (err != VK_OK || !users.has_items)
        return err != VK_OK ? err : vk_buf_add(&text->next, text->now);
    size_t at = users.items, copied = at;
    while (err == VK_OK && vk_kube_next(text->now, &users, &at, &item)) {
        kept += item.is_ours ? 0 : 1;
        if (!item.is_ours)
            continue;
        taken++;
        err = vk_buf_add(&rest, (struct vk_span){text->now.ptr + copied,
                                                 item.from - copied});
        copied = item.to;
    }
    if (err == VK_OK)
        err = vk_buf_add(&rest, vk_span_from(text->now, copied));
    if (err == VK_OK && taken > 0 && kept == 0)
        return close_list(text, &users, vk_buf_span(&rest));
    if (err == VK_OK)
        err = add_part(text, 0, users.items);
    return err == VK_OK ? vk_buf_add(&text->next, vk_buf_span(&rest)) : err;
}

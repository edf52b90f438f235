/* SPDX-License-Identifier: MIT */
#ifndef VK_CLI_SETUP_KUBE_H
#define VK_CLI_SETUP_KUBE_H

#include "cli/setup_text.h"

/* The list `users` of a kubeconfig, in block style as kubectl writes it. */

#define VK_KUBE_PREFIX "valetkey-"
#define VK_KUBE_USERS "users:"

/* Where the list is. */
struct vk_kube_users {
    bool is_there;
    struct vk_span value; /* behind "users:", bare: "", "null", "# []" */
    size_t colon_end;     /* behind the colon */
    size_t items, end;    /* from the line after it to the next key */
    size_t indent;        /* of the items */
    bool has_items;
};

struct vk_kube_item {
    size_t from, to;
    struct vk_span name;
    bool is_ours;
};

/* Look at every line; what is not written as kubectl does is refused. */
VK_MUST enum vk_err vk_kube_find(struct vk_setup_text *text,
                                 struct vk_kube_users *users);

/* The item that begins at or after *at, which moves behind it. */
bool vk_kube_next(struct vk_span text, const struct vk_kube_users *users,
                  size_t *at, struct vk_kube_item *item);

#endif

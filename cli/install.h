/* SPDX-License-Identifier: MIT */
#ifndef VK_CLI_INSTALL_H
#define VK_CLI_INSTALL_H

#include "cli/secret.h"

/* A client that is to be configured. */
struct vk_install {
    struct vk_secret_of of;
    struct vk_span secret;
    struct vk_span sections; /* for clients.conf */
};

/*
 * Configure clients: all of them or none.  First everything is checked and
 * the new clients.conf written beside the old one, then the secrets are
 * stored, then the file takes its place; if something fails the secrets that
 * were new are deleted again.  replace: a client of that name
 * may exist.
 */
VK_MUST enum vk_err vk_install(const struct vk_install *client, size_t count,
                               bool replace);

/* Could it be installed?  Before a person is asked for its secret. */
VK_MUST enum vk_err vk_install_check(const struct vk_install *client,
                                     bool replace);

/* Drop the tokens of a client, and what the governor remembers of it. */
VK_MUST enum vk_err vk_forget_tokens(const struct vk_clients *clients,
                                     struct vk_span client);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef VK_CLI_SECRET_H
#define VK_CLI_SECRET_H

#include "cli/cli.h"

/* The client that a secret belongs to; the strings end with NUL. */
struct vk_secret_of {
    const char *client, *client_id, *token_url;
};

/* Its longest, in bytes; the store refuses more. */
#define VK_CLI_SECRET_MAX 4096

/* From standard input (--secret-stdin) or a prompt, without a line break. */
VK_MUST enum vk_err vk_cli_read_secret(const struct vk_cli *cli,
                                       const char *client,
                                       struct vk_buf *secret);

/*
 * By way of valetkey-store, which logs.  VK_NOCLIENT from has: there is none.
 * prune: delete the client's other items; clear: all of them.
 */
VK_MUST enum vk_err vk_cli_secret_has(const struct vk_secret_of *of);
VK_MUST enum vk_err vk_cli_secret_put(const struct vk_secret_of *of,
                                      struct vk_span secret);
VK_MUST enum vk_err vk_cli_secret_delete(const struct vk_secret_of *of);
VK_MUST enum vk_err vk_cli_secret_prune(const struct vk_secret_of *of);
VK_MUST enum vk_err vk_cli_secret_clear(const char *client);

#endif

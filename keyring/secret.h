/* SPDX-License-Identifier: MIT */
#ifndef VK_KEYRING_SECRET_H
#define VK_KEYRING_SECRET_H

#include "base/buf.h"

/*
 * Client secrets in the Secret Service (libsecret), each an item of the
 * default collection: schema "org.valetkey.ClientSecret", attributes
 * "client", "client-id" and "token-url".  All three must be the same to find
 * it again: a clients.conf that names another endpoint does not get to it.
 *
 * Only valetkey-fetch and valetkey-store link this.
 */
struct vk_secret_id {
    const char *client, *client_id, *token_url;
};

#define VK_SECRET_MAX 4096

/* Printable (RFC 6749, A.2, or UTF-8), 1 to VK_SECRET_MAX bytes. */
bool vk_secret_is_usable(struct vk_span secret);

/*
 * Errors, logged: VK_NOSTORE no Secret Service, VK_LOCKED it is locked and
 * nobody unlocked it within wait_ms, VK_NOSECRET no such item.  secret holds
 * the only copy of it that is not the library's own, which wipes itself.
 */
VK_MUST enum vk_err vk_secret_get(const struct vk_secret_id *id,
                                  int64_t wait_ms, struct vk_buf *secret);
VK_MUST enum vk_err vk_secret_put(const struct vk_secret_id *id,
                                  struct vk_span secret, int64_t wait_ms);

/* VK_NOSECRET (silent) if there is none.  Does not unlock. */
VK_MUST enum vk_err vk_secret_has(const struct vk_secret_id *id,
                                  int64_t wait_ms);

enum vk_secret_which {
    VK_SECRET_THIS,   /* the item of id */
    VK_SECRET_OTHERS, /* every other item of id's client */
    VK_SECRET_ALL,    /* every item of id's client */
};
VK_MUST enum vk_err vk_secret_delete(const struct vk_secret_id *id,
                                     enum vk_secret_which which,
                                     int64_t wait_ms);

#endif

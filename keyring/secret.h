/* SPDX-License-Identifier: MIT */
#ifndef VK_KEYRING_SECRET_H
#define VK_KEYRING_SECRET_H

#include "base/buf.h"

/*
 * Client secrets, each known by its client, client id and token endpoint.
 * All three must be the same to find it again: a clients.conf that names
 * another endpoint does not get to it.  Two stores have this interface:
 *
 * keyring/secret_service.c: the Secret Service (libsecret), items of the
 * default collection with the schema "org.valetkey.ClientSecret" and the
 * attributes "client", "client-id" and "token-url".  Only valetkey-fetch and
 * valetkey-store link it.
 *
 * server/vault.c: the system store, root's files.  Only valetkey-broker and
 * valetkey-vault link it.
 */
struct vk_secret_id {
    const char *client, *client_id, *token_url;
};

#define VK_SECRET_MAX 4096

/* The program that changes this store for `valetkey`. */
extern const char vk_secret_program[];
/* What to say where there is no secret. */
extern const char vk_secret_none[];

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

/*
 * Both silent: VK_NOSECRET, there is none; VK_LOCKED, there is one that
 * cannot be read before somebody has unlocked it.  Does not unlock.
 */
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

/*
 * The verbs of that program: put, has, delete, prune, clear.  There is none
 * that prints a secret.  vk_secret_more_usage names those it has besides.
 */
VK_MUST enum vk_err vk_secret_serve(int argc, char **argv);
extern const char vk_secret_more_usage[];

#endif

/* SPDX-License-Identifier: MIT */
#ifndef VK_KEYRING_LOGINS_H
#define VK_KEYRING_LOGINS_H

#include "base/buf.h"

/*
 * Logins for container registries in the Secret Service, item for item as
 * docker-credential-secretservice of docker-credential-helpers keeps them,
 * so that each finds what the other has stored: schema
 * "io.docker.Credentials", attributes "server", "username", "docker_cli" (1)
 * and "label" (Docker Credentials), the server as the item's label.
 *
 * Only valetkey-store links this.  A service that does not answer is given
 * up after 5 s; a person who is asked to unlock the keyring has 30 s, or
 * 120 s while something is stored.
 */
struct vk_login {
    struct vk_span server, username, secret;
};

/* Is there a session bus to ask at all? */
bool vk_logins_can_ask(void);

/*
 * The login that was stored last, of the first of these servers that has
 * one.  Nobody is asked to unlock anything unless there is one.  VK_NOCLIENT
 * (silent): there is none, or only an empty password.  Logged: VK_NOSTORE,
 * it is not known whether there is one; VK_LOCKED, there is, and it cannot
 * be read.
 */
VK_MUST enum vk_err vk_logins_get(const struct vk_span *servers, size_t count,
                                  struct vk_buf *username,
                                  struct vk_buf *secret);

/* In the place of the one with the same server and username, if any. */
VK_MUST enum vk_err vk_logins_put(const struct vk_login *login);

/* All of these servers, whoever they are for.  That there is none is VK_OK. */
VK_MUST enum vk_err vk_logins_delete(const struct vk_span *servers,
                                     size_t count);

/* Server after server, each with the user of its last login; no secrets. */
VK_MUST enum vk_err vk_logins_each(void (*add)(void *arg,
                                               struct vk_span server,
                                               struct vk_span username),
                                   void *arg);

/* Run a verb of keyring/login.h; its outcome goes to standard output. */
VK_MUST enum vk_err vk_login_serve(const char *verb);

#endif

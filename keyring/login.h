/* SPDX-License-Identifier: MIT */
#ifndef VK_KEYRING_LOGIN_H
#define VK_KEYRING_LOGIN_H

#include "base/buf.h"

/*
 * Logins for container registries that no client serves, kept where
 * docker-credential-secretservice keeps them (keyring/logins.h).  This runs
 * valetkey-store, so that a helper does not link libsecret.  Requests and
 * answers go over pipes, since there is a password in them:
 *
 *     login-get    a registry           the answer of docker's protocol
 *     login-put    what docker sends    nothing
 *     login-erase  a registry           nothing
 *     login-list   nothing              SERVER NUL USERNAME NUL, for each
 *
 * The answer is appended to out.  VK_NOCLIENT: there is no such login, or it
 * cannot be known whether there is; a note on standard error tells which.
 * Errors are logged.  login-put does not store a login for a registry that a
 * client serves, and login-list does not list it.
 */
VK_MUST enum vk_err vk_login(const char *verb, struct vk_span request,
                             struct vk_buf *out);

/* The most that an answer has, with what stands before it. */
#define VK_LOGIN_MAX 65536

#endif

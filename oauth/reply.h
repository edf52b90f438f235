/* SPDX-License-Identifier: MIT */
#ifndef VK_OAUTH_REPLY_H
#define VK_OAUTH_REPLY_H

#include "oauth/https.h"

/*
 * What a token endpoint answered (RFC 6749, 5), by json-c.  Pure: it depends
 * on nothing but the reply and the two limits.
 */
struct vk_reply {
    struct vk_buf token;
    int64_t life; /* seconds */
    /* Refusals: the registered error and the server's own words, raw. */
    struct vk_buf error, description;
    const char *why; /* VK_BADREPLY and VK_HELD, for a person */
};

#define VK_REPLY                                             \
    {                                                        \
        .token = VK_BUF(VK_REPLY_MAX), .error = VK_BUF(256), \
        .description = VK_BUF(1024)                          \
    }

/*
 * VK_OK: token and life are set.  VK_REFUSED: the credential; VK_REQUEST:
 * scope, audience or grant; VK_HELD: asked to wait; VK_UNREACHABLE: 5xx;
 * VK_BADREPLY: anything else.
 *
 * lifetime: what to assume where the server names none; max_lifetime: the
 * cap.  A JWT lives no longer than its exp by the server's own clock.
 */
VK_MUST enum vk_err vk_reply_read(const struct vk_http_reply *http,
                                  int64_t lifetime, int64_t max_lifetime,
                                  struct vk_reply *out);
void vk_reply_clear(struct vk_reply *reply);

#endif

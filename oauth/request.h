/* SPDX-License-Identifier: MIT */
#ifndef VK_OAUTH_REQUEST_H
#define VK_OAUTH_REQUEST_H

#include "keyring/clients.h"

/*
 * The access token request of the client credentials grant (RFC 6749, 4.4,
 * with RFC 8707's resource and the audience of Auth0 and Camunda), as
 * clients.conf describes it: body form or json, the credential in the body
 * (client_secret_post) or as HTTP Basic (client_secret_basic, 2.3.1: both
 * parts form-encoded first).
 */
struct vk_request {
    struct vk_buf body;
    const char *content_type;
    struct vk_buf user, password; /* empty unless Basic */
};

#define VK_REQUEST_MAX 65536
#define VK_REQUEST_EMPTY                                                \
    {                                                                   \
        .body = VK_BUF(VK_REQUEST_MAX), .user = VK_BUF(VK_REQUEST_MAX), \
        .password = VK_BUF(VK_REQUEST_MAX)                              \
    }

VK_MUST enum vk_err vk_request_build(const struct vk_profile *profile,
                                     struct vk_span secret,
                                     struct vk_request *out);
/*
 * Does text hold a part of the secret, as it is, percent-encoded or as in
 * Basic?  Eight bytes in a row count, or all of a shorter one.
 */
bool vk_request_repeats(const struct vk_profile *profile,
                        struct vk_span secret, struct vk_span text);
void vk_request_clear(struct vk_request *request);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef VK_OAUTH_DISCOVER_H
#define VK_OAUTH_DISCOVER_H

#include "keyring/clients.h"

/*
 * The token endpoint of a client: its token-url or, for one that names an
 * issuer, what the issuer's metadata say (OpenID Connect Discovery 1.0, 4;
 * RFC 8414).  The metadata must be the issuer's own and name an endpoint
 * that clients.conf could name too.  url receives it; errors are logged.
 * retry_after is set, to seconds, where the issuer asked to wait.
 */
VK_MUST enum vk_err vk_discover(const struct vk_profile *profile,
                                int64_t timeout_ms, struct vk_buf *url,
                                int64_t *retry_after);

#endif

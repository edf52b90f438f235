/* SPDX-License-Identifier: MIT */
#ifndef VK_OAUTH_EXCHANGE_H
#define VK_OAUTH_EXCHANGE_H

#include "keyring/clients.h"
#include "oauth/governor.h"
#include "oauth/reply.h"

/*
 * Exchange the client's secret for a token: one request.  Errors are logged
 * in words for the person whose client it is; never with anything that came
 * with the secret, and without the server's words where these repeat it.
 * failure is set in any case.
 */
VK_MUST enum vk_err vk_exchange(const struct vk_profile *profile,
                                struct vk_span secret, int64_t timeout_ms,
                                struct vk_reply *reply,
                                struct vk_failure *failure);

#endif

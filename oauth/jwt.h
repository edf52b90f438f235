/* SPDX-License-Identifier: MIT */
#ifndef VK_OAUTH_JWT_H
#define VK_OAUTH_JWT_H

#include "base/buf.h"

/*
 * The times in a JWT's payload (RFC 7519), Unix seconds, -1 where there is
 * none.  The signature is not looked at: it is the resource server's to
 * check.  False: not a JWT; tokens need not be one.
 */
bool vk_jwt_times(struct vk_span token, int64_t *exp, int64_t *iat);

#endif

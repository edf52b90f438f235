/* SPDX-License-Identifier: MIT */
#ifndef VK_OAUTH_GOVERNOR_H
#define VK_OAUTH_GOVERNOR_H

#include "keyring/hold.h"

/*
 * When may a token endpoint be asked again?  Token endpoints count requests
 * for each source address, failures too, and block everybody behind one that
 * asks too often.  The decision is pure; keyring/hold.h keeps its outcome.
 */

/* What a fetch that failed came to. */
struct vk_failure {
    enum vk_err err;
    int64_t retry_after; /* seconds, -1: the server named none */
};

/*
 * The hold that follows, times in milliseconds on the boot clock: previous
 * is the one before it (NULL: none), random evenly spread over 0 to 65535.
 *
 *   VK_HELD       Retry-After, else 5 s doubling to 300 s
 *   VK_REFUSED    300 s doubling to an hour
 *   other         1 s doubling to 60 s
 */
struct vk_hold vk_governor_after(const struct vk_hold *previous,
                                 const struct vk_failure *failure, int64_t now,
                                 unsigned int random);

/*
 * Before the request: VK_OK, or the error that stands in its way (logged).
 * secret is compared with the one that was refused.
 */
VK_MUST enum vk_err vk_governor_may(const struct vk_profile *profile,
                                    struct vk_span secret);

/* Afterwards: remember what it came to. */
void vk_governor_succeeded(const struct vk_profile *profile);
void vk_governor_failed(const struct vk_profile *profile,
                        const struct vk_failure *failure,
                        struct vk_span secret, struct vk_span message);

#endif

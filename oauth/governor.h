/* SPDX-License-Identifier: MIT */
#ifndef VK_OAUTH_GOVERNOR_H
#define VK_OAUTH_GOVERNOR_H

#include "keyring/hold.h"

/*
 * When may a token endpoint be asked?  Token endpoints count requests for
 * each source address, failures too, and block everybody behind one that asks
 * too often.  The rules, and why: docs/governor.md.
 *
 * The decisions are pure functions of what is remembered, the time and what
 * happened; vk_governor_enter and _leave put them together with the notes in
 * the kernel keyring.  Times are milliseconds on the boot clock.
 */

/* A little more than a second: the way to the server is not always as long. */
#define VK_PACE_MS 1150

/* What a fetch that failed came to. */
struct vk_failure {
    enum vk_err err;
    int64_t retry_after; /* seconds, -1: the server named none */
    bool is_forbidden;   /* 403: with a secret that was accepted before it is
                            about this token, not about the secret */
};

/*
 * The hold that follows; previous is the one before it (NULL: none), random
 * evenly spread over 0 to 65535.
 *
 *   VK_HELD       Retry-After, else 5 s doubling to 300 s, a tenth jitter
 *   VK_REFUSED    300 s doubling to an hour
 *   VK_NOSTORE, VK_LOCKED, VK_NOSECRET   none: nothing was sent
 *   other         1 s doubling to 60 s
 */
struct vk_hold vk_governor_after(const struct vk_hold *previous,
                                 const struct vk_failure *failure, int64_t now,
                                 unsigned int random);

/*
 * The next free place in the endpoint's queue, if next (0: unknown) is the
 * one after the last that was taken.
 */
int64_t vk_governor_slot(int64_t next, int64_t now);

/* Can a fetch fail in this way after something was sent? */
bool vk_governor_was_sent(enum vk_err err);

/* When to renew a token early, in seconds of its life; random as above. */
int64_t vk_governor_refresh_after(int64_t life, unsigned int random);

/* The right to send one request. */
struct vk_pass {
    int64_t sent; /* when it was given */
    int lock;     /* -1, or held while the secret is unproven */
};

/*
 * Wait for a place in the endpoint's queue, at most until deadline.  VK_OK:
 * send now, then leave.  Else what stands in the way, logged.
 */
VK_MUST enum vk_err vk_governor_enter(const struct vk_clients *clients,
                                      const struct vk_profile *profile,
                                      struct vk_span secret, int64_t deadline,
                                      struct vk_pass *pass);

/*
 * The same for a request without a secret: VK_OK, it may go out now, and
 * nothing is remembered of what comes of it.
 */
VK_MUST enum vk_err vk_governor_pace(const struct vk_clients *clients,
                                     const struct vk_profile *profile,
                                     int64_t deadline);

/* Remember what came of it.  message: for those who waited, and `status`. */
void vk_governor_leave(const struct vk_profile *profile, struct vk_pass *pass,
                       const struct vk_failure *failure, struct vk_span secret,
                       struct vk_span message);

/* The fetch failed before anything was sent. */
void vk_governor_failed(const struct vk_profile *profile,
                        const struct vk_failure *failure,
                        struct vk_span secret, struct vk_span message);

#endif

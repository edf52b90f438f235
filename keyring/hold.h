/* SPDX-License-Identifier: MIT */
#ifndef VK_KEYRING_HOLD_H
#define VK_KEYRING_HOLD_H

#include "keyring/clients.h"

/*
 * The governor's memory: small notes in the kernel keyring, gone by
 * themselves.  The fetcher writes them; whoever misses a token looks here
 * before it asks for a fetch.  Times are milliseconds on the boot clock.
 *
 *   valetkey.hold:HOST:PORT   nothing goes to this endpoint before `until`
 *   valetkey.hold:NAME        the same for one token only
 *   valetkey.drop:NAME        a tool reported a new token as refused
 *   valetkey.bad:CLIENT       the credential that the server refused
 *   valetkey.refresh:NAME     an early renewal is under way, or has failed
 *
 * Their own timeouts are longer than their holds by days: the kernel counts
 * those on the wall clock, and a step of that must not cut a hold short.
 */
struct vk_hold {
    int64_t until;
    int64_t at;             /* when it was written */
    int64_t failures;       /* in a row */
    enum vk_err err;        /* what the last fetch came to */
    struct vk_span secret;  /* VK_REFUSED: a keyed hash of it, else "-" */
    struct vk_span message; /* for people, one line */
};

#define VK_HOLD_REFRESH "refresh"
#define VK_HOLD_MAX 1024
#define VK_HOLD_NAME_MAX 110

/* HOST:PORT of a client's token endpoint, cut where that is long. */
void vk_hold_endpoint(const struct vk_profile *profile,
                      char out[VK_HOLD_NAME_MAX + 1]);

VK_MUST enum vk_err vk_hold_write(const struct vk_hold *hold,
                                  struct vk_buf *out);
VK_MUST enum vk_err vk_hold_read(struct vk_span text, struct vk_hold *out);

/*
 * The note that stands in the way of fetching this token now: one that has
 * not run out, or one that a fetch left that ended after `since` (it failed
 * for all who waited with it).  VK_MISS: none.  text owns what hold points
 * into.  A quarantine (VK_REFUSED) counts only if it came after since: the
 * fetcher itself compares it with the secret.
 */
VK_MUST enum vk_err vk_hold_find(const struct vk_profile *profile,
                                 int64_t since, struct vk_buf *text,
                                 struct vk_hold *hold);

/* How messages about a fetch that failed begin; notes leave it out. */
#define VK_HOLD_NO_TOKEN "no token for '%s': "

/* Log what hold says of the token, as of now, and return the error for it. */
enum vk_err vk_hold_fail(const char *name, const struct vk_hold *hold,
                         int64_t since);

/* The note that holds longest, in force or not, for `status`. */
VK_MUST enum vk_err vk_hold_last(const struct vk_profile *profile,
                                 struct vk_buf *text, struct vk_hold *hold);

/* Store a note. */
VK_MUST enum vk_err vk_hold_put(const char *kind, const char *name,
                                const struct vk_hold *hold);

/*
 * Forget the notes of this token and its client; `endpoint`: also the hold
 * of the endpoint, which other clients share.
 */
void vk_hold_drop(const struct vk_profile *profile, bool endpoint);

/*
 * A token that was reported as refused at the age of `age` seconds.  A new
 * one (under 60 s) holds the next fetch, 5 s doubling to 300 s: a server that
 * hands out what another refuses would be asked without end.  previous NULL:
 * none.  False: too old to matter, or reported before: a token counts once,
 * however many were refused with it.  Pure.
 */
bool vk_hold_after_drop(const struct vk_hold *previous, int64_t age,
                        int64_t now, struct vk_hold *out);
void vk_hold_dropped(const struct vk_profile *profile, int64_t age);

/* Doubled from first at each failure after the one before, up to most. */
int64_t vk_hold_backoff(int64_t first, int64_t most, int64_t failures);

#endif

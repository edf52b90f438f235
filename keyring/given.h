/* SPDX-License-Identifier: MIT */
#ifndef VK_KEYRING_GIVEN_H
#define VK_KEYRING_GIVEN_H

#include "base/buf.h"

/*
 * Who was given which token.  Some tools run their helper again when a
 * server refused the token, and do not tell: that the same process asks a
 * second time, and would get the very token that it has, is all there is to
 * see.  One note for each token, valetkey.given:NAME, remembers the last
 * callers, no longer than the token is good:
 *
 *     90146 5c1d7a09be44 03fe119a2b7c:86211
 *
 * The token's boot-expires, then a hash of each caller, newest first, and
 * when it has asked for another, on the boot clock in seconds.
 */

#define VK_GIVEN_CALLERS 32
/* Seconds before the same caller may ask for another token again. */
#define VK_GIVEN_PAUSE 300
#define VK_GIVEN_MAX 1024

/*
 * One process that runs one program: its number, when it started, its name,
 * and where its stack is, which another program in the same process has
 * elsewhere (and which reads as 0 where we may not look into it).  stat is
 * /proc/PID/stat (proc(5)); what it wants tells two uses of one process
 * apart.  0: not to be told.  Pure.
 */
uint64_t vk_given_caller(struct vk_span stat, struct vk_span want);

struct vk_given {
    uint64_t caller;
    int64_t id;  /* of the token: its boot-expires */
    int64_t now; /* boot clock, seconds */
    bool fresh;  /* made because the caller has asked for another */
};

/*
 * The note with that entered; an empty `out` where it can stay as it is.
 * True: the caller was given this token before, and has not asked for
 * another within the pause.  A note that makes no sense counts as none.
 * Pure.
 */
bool vk_given_enter(struct vk_span note, const struct vk_given *given,
                    struct vk_buf *out);

/*
 * Enter that our parent is given the token `id` of this name, which is good
 * for so many seconds.  True as above: it was probably refused.  Where there
 * is no keyring or no /proc it is always false.
 */
bool vk_given_again(const char *name, int64_t id, int64_t seconds,
                    struct vk_span want);

/* Enter that it is given this one instead of one that it was refused with. */
void vk_given_instead(const char *name, int64_t id, int64_t seconds,
                      struct vk_span want);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef VK_SERVER_SLOTS_H
#define VK_SERVER_SLOTS_H

#include <stdint.h>
#include <sys/types.h>

/*
 * How many may be at it at once: a few for each user, so that nobody keeps
 * others from their turn, and a number for the machine.  Places are locks on
 * bytes of a file (fcntl_locking(2), open file description locks), which the
 * kernel frees with the process that holds them.
 */
#define VK_SLOTS_USER 4
#define VK_SLOTS_ALL 32

/*
 * Wait for a place until deadline (milliseconds, boot clock).  The file that
 * holds it, to be closed; -1: there was none in time.
 */
int vk_slots_take_user(uid_t uid, int64_t deadline);
int vk_slots_take_all(int64_t deadline);

/* One at a time may hand a key to this user. */
int vk_slots_take_ring(uid_t uid, int64_t deadline);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef VK_KEYRING_TURN_H
#define VK_KEYRING_TURN_H

#include "keyring/clients.h"

/*
 * One at a time: a lock (flock(2)) for each token of a user.  The kernel
 * frees it when the last process that holds it ends, however it ends.
 * Files: $XDG_RUNTIME_DIR/valetkey, else /run/user/UID/valetkey, else
 * ~/.cache/valetkey; where none of them can be written, clients.conf itself
 * is the lock for all tokens.  Those of the machine's clients are root's, in
 * VK_TURN_DIR.  The governor's own turns have a ':' or '=' in their name.
 */
#define VK_TURN_DIR "/run/valetkey"

/*
 * Wait for the turn of name until deadline (milliseconds, boot clock).
 * VK_HELD: it did not come in time (logged).  Close *fd to end the turn.
 */
VK_MUST enum vk_err vk_turn_take(const struct vk_clients *clients,
                                 const char *name, int64_t deadline, int *fd);

/* The same without waiting: false if it is another's turn, or no lock. */
bool vk_turn_try(const struct vk_clients *clients, const char *name, int *fd);

#endif

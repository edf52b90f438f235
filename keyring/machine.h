/* SPDX-License-Identifier: MIT */
#ifndef VK_KEYRING_MACHINE_H
#define VK_KEYRING_MACHINE_H

#include "base/buf.h"

/*
 * The broker's memory, for root: two keyrings (keyrings(7)) that only uid 0
 * can use, and not by possession, for a session keyring of root's can come
 * to other users by su(1).  "_valetkey" has the machine's tokens, one for
 * each NAME, and the governor's notes; "_valetkey.users" has a keyring "uUID"
 * for each user, with the keys that were handed out to him.
 *
 * They are linked in root's persistent keyring (persistent-keyring(7)): what
 * is in the user keyring @u can be read, unlinked and replaced by any user
 * who was started from root's session.  Kernels without persistent keyrings
 * have them in @u all the same.
 */

/*
 * Find or make them; vk_cache_get and all that builds on it now see the
 * machine's.  VK_NOKEYRING with errno (logged).
 */
VK_MUST enum vk_err vk_machine_open(void);

/*
 * The same, by the serial numbers that the last vk_machine_open has left in
 * VK_TURN_DIR if they are still right: linking the persistent keyring takes
 * the kernel a walk through all keyrings that are in it.
 */
VK_MUST enum vk_err vk_machine_open_known(void);

/* The user's keyring, found or made.  VK_NOKEYRING with errno, silent. */
VK_MUST enum vk_err vk_machine_of_user(uint32_t uid, int32_t *out);

/*
 * Take the token valetkey:NAME from everybody who was given it.  Dropping it
 * by vk_cache_drop does so too.
 */
void vk_machine_recall(const char *name);

/*
 * For how long a key that is handed out may last, of a token with so many
 * seconds left.  The registry is lost if nothing happens for three days, and
 * what it has lost cannot be recalled.
 */
int64_t vk_machine_seconds(int64_t left);

/*
 * Give a key that was handed out what the registry has of name by now, with
 * its end; if there is nothing, take it away.  Whoever reads meanwhile gets
 * the old content or the new one.  The latter has no timeout for a moment;
 * readers go by boot-expires.
 */
void vk_machine_update(const char *name, int32_t key);
/* The same for what the user with this ring has, if anything. */
void vk_machine_update_user(const char *name, int32_t ring);

/*
 * The same for all users who have asked for the renewal, and were allowed to,
 * a moment ago: those with valetkey.refresh:NAME in their ring.
 */
void vk_machine_renewed(const char *name);

#endif

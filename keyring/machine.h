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

/* The user's keyring, found or made.  VK_NOKEYRING with errno, silent. */
VK_MUST enum vk_err vk_machine_of_user(uint32_t uid, int32_t *out);

/*
 * Take the token valetkey:NAME from everybody who was given it.  Dropping it
 * by vk_cache_drop does so too.
 */
void vk_machine_recall(const char *name);

#endif

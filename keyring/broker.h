/* SPDX-License-Identifier: MIT */
#ifndef VK_KEYRING_BROKER_H
#define VK_KEYRING_BROKER_H

#include "keyring/ask.h"

/*
 * A token of the machine's clients: request_key(2) has the kernel ask
 * valetkey-upcall(8), which puts root's key into @u.  Whoever starts such a
 * request sleeps until it is over, deaf to all signals; a child does it, so
 * that Ctrl-C and the deadline end the caller.
 *
 * As vk_ask, which calls it.  VK_REFUSED: not allowed, or the server refuses
 * the credential.
 */
VK_MUST enum vk_err vk_broker_ask(const struct vk_profile *profile,
                                  const struct vk_wish *wish, int64_t deadline,
                                  struct vk_buf *payload,
                                  struct vk_record *record);

/*
 * Does a request like that for the profile's token reach valetkey-upcall?  It
 * is one for a name that cannot be.  Returns 0 if so, else the errno that the
 * kernel said, ETIME if nothing came before the deadline, -1 (logged) if it
 * cannot be tried.
 */
VK_MUST int vk_broker_try(const struct vk_profile *profile, int64_t deadline);

/*
 * The token is due for its early renewal: ask the kernel for the key
 * valetkey.refresh:NAME, which has valetkey-upcall(8) see to it, in a process
 * that nobody waits for.
 */
void vk_broker_renew(const struct vk_profile *profile);

/* What the upcall rejects a request with, by what stands behind it. */
struct vk_broker_row {
    int error;
    enum vk_err err;
    const char *text; /* follows "no token for 'NAME': " */
};
extern const struct vk_broker_row vk_broker_rows[]; /* ended by error 0 */

#endif

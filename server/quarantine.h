/* SPDX-License-Identifier: MIT */
#ifndef VK_SERVER_QUARANTINE_H
#define VK_SERVER_QUARANTINE_H

#include "keyring/clients.h"

/*
 * The governor knows a refused credential by its keyed hash, and so has to
 * have the secret unsealed to tell it from another one.  The upcall knows it
 * by the file that the secret is in and by the fingerprint of what was asked
 * for: while both are the same there is no need to look.
 */
struct vk_sight {
    char text[160];
};

/* What is there now; to be taken before the secret is read. */
struct vk_sight vk_quarantine_look(const struct vk_profile *profile);

/* Nobody may send what the sight is of: VK_REFUSED, logged.  Else VK_OK. */
VK_MUST enum vk_err vk_quarantine_check(const struct vk_profile *profile,
                                        const struct vk_sight *sight);

/* What the sight is of was refused. */
void vk_quarantine_note(const struct vk_profile *profile,
                        const struct vk_sight *sight);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef VK_KEYRING_HEALTH_H
#define VK_KEYRING_HEALTH_H

#include "base/buf.h"

/* How the kernel's keyrings are, for this user (keyrings(7)). */
struct vk_health {
    int error; /* errno: what stands in the way of using @u, 0: nothing */
    bool is_session_revoked;
    /* /proc/key-users: what counts for the quota; maximum 0: unknown */
    int64_t keys, max_keys, bytes, max_bytes;
};

/* Tries it: a key is made in @u, read, and dropped. */
void vk_health_look(struct vk_health *out);

/* A line of /proc/key-users, if it is the user's.  Pure. */
bool vk_health_read_quota(struct vk_span line, int64_t uid,
                          struct vk_health *out);

#endif

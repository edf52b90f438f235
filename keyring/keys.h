/* SPDX-License-Identifier: MIT */
#ifndef VK_KEYRING_KEYS_H
#define VK_KEYRING_KEYS_H

#include "keyring/clients.h"

/* The keys of clients.conf: one row each.  The only place that lists them. */
#define VK_IN_CLIENT 1U
#define VK_IN_TOKEN 2U
#define VK_REPEATABLE 4U
#define VK_SHAPES 8U   /* part of the fingerprint */
#define VK_LIST 16U    /* values with commas between them */
#define VK_MACHINE 32U /* only in the machine's file */

struct vk_key_row {
    const char *name;
    unsigned int flags;
    const char *fallback;
    /* NULL, or what the value must be. */
    const char *(*objection)(struct vk_span value);
};

extern const struct vk_key_row vk_key_rows[VK_KEYS];

/* VK_KEYS if there is none of that name. */
enum vk_key vk_key_find(struct vk_span name);

#endif

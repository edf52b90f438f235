/* SPDX-License-Identifier: MIT */
#ifndef VK_KEYRING_NEEDLE_H
#define VK_KEYRING_NEEDLE_H

#include "base/buf.h"

/*
 * What is looked for in clients.conf, and for each pair of bytes how far it
 * is from its last place in there to the end: Boyer-Moore-Horspool on pairs,
 * which are rarer than bytes and so skip further.  memmem(3) works alike but
 * makes its table anew at each hit.
 */
#define VK_NEEDLE_MAX ((size_t)256) /* its shifts fit a byte */
#define VK_NEEDLE_PAIRS 4096
/* What is looked for in so large a text is looked for in another way. */
#define VK_NEEDLE_LARGE ((size_t)1 << 20)

struct vk_needle {
    struct vk_span text; /* 2 to VK_NEEDLE_MAX bytes */
    unsigned char shift[VK_NEEDLE_PAIRS];
};

void vk_needle_init(struct vk_needle *needle, struct vk_span text);

/* The next place at or after from; NULL: none. */
const char *vk_needle_find(const struct vk_needle *needle, struct vk_span text,
                           size_t from);

#endif

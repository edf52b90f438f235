/* SPDX-License-Identifier: MIT */
#ifndef VK_KEYRING_SECTIONS_H
#define VK_KEYRING_SECTIONS_H

#include "keyring/clients.h"

/*
 * The sections of clients.conf as text: finding one without reading the
 * rest, and reading one.  A section is the span from its '[' to the next
 * section or the end.
 */

/* Log "FILE:LINE: message" for the line at.ptr is in; VK_CONFIG. */
enum vk_err vk_sections_fail(const struct vk_clients *clients,
                             struct vk_span at, const char *fmt, ...)
    VK_PRINTF(3, 4);

/* The section that begins at or after *at; *at moves behind it. */
bool vk_sections_next(struct vk_span text, size_t *at,
                      struct vk_span *section);

/* The section that p is in; a NULL pointer before the first. */
struct vk_span vk_sections_around(struct vk_span text, const char *p);

/* Is it [kind NAME]?  name is what stands there. */
bool vk_sections_is(struct vk_span section, const char *kind,
                    struct vk_span *name);

/* The section [kind name]. */
bool vk_sections_find(const struct vk_clients *clients, const char *kind,
                      struct vk_span name, struct vk_span *out);

/* The section whose `serves` fits best: VK_OK, VK_NOCLIENT, VK_CONFIG. */
VK_MUST enum vk_err vk_sections_serving(const struct vk_clients *clients,
                                        const struct vk_url *request,
                                        struct vk_span *out);

/*
 * Read a section into the keys of out, every line checked.  where is
 * VK_IN_CLIENT or VK_IN_TOKEN.
 */
VK_MUST enum vk_err vk_sections_read(const struct vk_clients *clients,
                                     struct vk_span section,
                                     unsigned int where, struct vk_span *name,
                                     struct vk_profile *out);

/* When all keys are read. */
void vk_profile_set_fingerprint(struct vk_profile *profile);

#endif

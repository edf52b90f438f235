/* SPDX-License-Identifier: MIT */
#ifndef VK_KEYRING_REGISTRY_H
#define VK_KEYRING_REGISTRY_H

#include "base/url.h"

/*
 * Container registries, as tools name them: host[:port], or a URL.  Docker
 * Hub has several names; docker asks for it by a URL of its own, podman by
 * `docker.io`.
 */

/*
 * The URL by which clients.conf is asked: for every name of Docker Hub it is
 * that of docker.io.  false: it is no URL.
 */
VK_MUST bool vk_registry_url(struct vk_span server, struct vk_url *url);

/*
 * If nobody serves that URL of Docker Hub: the one that docker has in its own
 * file, for which clients.conf is asked then.  false: there is no other.
 */
bool vk_registry_other(struct vk_url *url);

/* Is it Docker Hub, by any of its names? */
bool vk_registry_is_hub(const struct vk_url *url);

/*
 * The names under which a login for it may be stored: its own first, then
 * the others that it has.  Returns how many.
 */
#define VK_REGISTRY_NAMES 5
size_t vk_registry_names(struct vk_span server,
                         struct vk_span out[VK_REGISTRY_NAMES]);

#endif

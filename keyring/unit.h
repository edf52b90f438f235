/* SPDX-License-Identifier: MIT */
#ifndef VK_KEYRING_UNIT_H
#define VK_KEYRING_UNIT_H

#include "base/buf.h"

/* Names of systemd units, and of the credentials that they ask for. */

/*
 * One that can have credentials: NAME.service, NAME@.service, NAME@X.service,
 * and the same with .socket, .mount and .swap (systemd.unit(5)).
 */
bool vk_unit_is_name(struct vk_span name);

/* "name@.service" allows every instance; else both must be the same. */
bool vk_unit_allows(struct vk_span allowed, struct vk_span unit);

/*
 * The address from which systemd asks for LoadCredential=ID:SOCKET
 * (systemd.exec(5)): NUL RANDOM "/unit/" UNIT "/" ID, without an end.  False:
 * it is of another form.
 */
VK_MUST bool vk_unit_read_peer(struct vk_span address, struct vk_span *unit,
                               struct vk_span *id);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef VK_SERVER_RENEWAL_H
#define VK_SERVER_RENEWAL_H

#include "server/supply.h"

/*
 * A request for valetkey.refresh:NAME, of one who may have the token and sees
 * that it is due for its early renewal.  The key becomes a mark that he has
 * asked, which the kernel answers his further requests with.  Then he gets
 * what the registry has; if that is due as well, valetkey-broker is started,
 * unless it is at it or a failure was not long ago.  Nobody waits for it; it
 * brings all who have such a mark up to date (vk_machine_renewed).
 *
 * 0, or the errno to reject with.
 */
int vk_renewal_answer(struct vk_supply *supply);

#endif

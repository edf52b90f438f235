/* SPDX-License-Identifier: MIT */
#ifndef VK_BASE_CHALLENGE_H
#define VK_BASE_CHALLENGE_H

#include "base/buf.h"

/*
 * The schemes that a WWW-Authenticate header offers (RFC 9110, section
 * 11.6.1), one a call: `Basic realm="a, b", Bearer` has two.  *rest is the
 * header's value at first, and what is left of it afterwards.  False: there
 * are no more.  Pure: scheme points into the text.
 */
bool vk_challenge_next(struct vk_span *rest, struct vk_span *scheme);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef VK_BASE_UTF8_H
#define VK_BASE_UTF8_H

#include "base/buf.h"

/*
 * Bytes of the UTF-8 sequence (RFC 3629) that text begins with, 1 to 4; 0 if
 * it begins with none.
 */
size_t vk_utf8_length(struct vk_span text);

/* All of it is UTF-8, and there is no NUL in it. */
bool vk_utf8_is_text(struct vk_span text);

#endif

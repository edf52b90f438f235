/* SPDX-License-Identifier: MIT */
#ifndef VK_CLI_SHELLWORD_H
#define VK_CLI_SHELLWORD_H

#include "base/buf.h"

/*
 * Quotes and backslashes as bash(1) and Java's Properties read them, nothing
 * evaluated.  Both move the front of *text to out, which gets it plain, and
 * return NULL or what is wrong with the line: "has a quote ...".  Then *text
 * and what out got are good for nothing.
 */

/* A word, up to a blank or one of ;|&<>() outside quotes; it may be empty. */
VK_MUST const char *vk_shellword_take(struct vk_span *text,
                                      struct vk_buf *out);

/* The value of a property, which is all of the text. */
VK_MUST const char *vk_shellword_take_property(struct vk_span *text,
                                               struct vk_buf *out);

/* Is the first byte one of set? */
bool vk_shellword_begins(struct vk_span text, const char *set);

#endif

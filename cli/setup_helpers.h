/* SPDX-License-Identifier: MIT */
#ifndef VK_CLI_SETUP_HELPERS_H
#define VK_CLI_SETUP_HELPERS_H

#include "cli/setup_scan.h"
#include "cli/setup_text.h"

#define VK_HELPERS "credHelpers"
#define VK_HELPERS_OURS "\"valetkey\""

/*
 * The member "credHelpers" of the object at *open, if there is one.  Go
 * takes it in any case of letters, and twice; we do not.
 */
VK_MUST enum vk_err vk_helpers_find(struct vk_setup_text *text, size_t *open,
                                    struct vk_scan_member *out, bool *found);

#endif

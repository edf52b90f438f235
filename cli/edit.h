/* SPDX-License-Identifier: MIT */
#ifndef VK_CLI_EDIT_H
#define VK_CLI_EDIT_H

#include "keyring/clients.h"

/*
 * Changing clients.conf by section.  Comments, order and blank lines that
 * are not part of a changed section stay as they are.  From begin to end the
 * directory is locked against other valetkeys; the file is replaced whole,
 * and only by a text that vk_clients_check accepts.
 */
struct vk_edit {
    struct vk_clients clients; /* as it was, checked */
    struct vk_buf text;        /* as it will be */
    int lock;
};

/* Makes the directory if need be. */
VK_MUST enum vk_err vk_edit_begin(struct vk_edit *edit);

/* Take [client NAME] and its tokens, or [token NAME/TOKEN], out. */
VK_MUST enum vk_err vk_edit_remove(struct vk_edit *edit, const char *name);

/* Put sections in the place of those of `name`, or at the end. */
VK_MUST enum vk_err vk_edit_put(struct vk_edit *edit, const char *name,
                                struct vk_span sections);

/* Check the new text without writing it; errors are logged. */
VK_MUST enum vk_err vk_edit_check(const struct vk_edit *edit);

/* Check it, and write it beside the old one; vk_file_commit or _abort. */
VK_MUST enum vk_err vk_edit_prepare(const struct vk_edit *edit,
                                    struct vk_pending *pending);
/* Check and replace. */
VK_MUST enum vk_err vk_edit_save(const struct vk_edit *edit);
void vk_edit_end(struct vk_edit *edit);

#endif

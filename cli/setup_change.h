/* SPDX-License-Identifier: MIT */
#ifndef VK_CLI_SETUP_CHANGE_H
#define VK_CLI_SETUP_CHANGE_H

#include "cli/setup.h"
#include "cli/setup_file.h"

/* What is about to be done, and what a person is shown of it. */
struct vk_change {
    struct vk_setup setup;
    struct vk_setup_file file;
    struct vk_setup_text text;
    char program[VK_PATH_MAX]; /* that stands in a file */
    struct vk_buf out;
    size_t links;
};

/* Work out what the file becomes; refusals are logged. */
VK_MUST enum vk_err vk_change_edit(struct vk_change *change, bool undo);

/* Is the file to stay as it is? */
bool vk_change_is_none(const struct vk_setup_text *text);

/* Tell in change->out what will be done, to the file and to links. */
VK_MUST enum vk_err vk_change_describe(struct vk_change *change, bool undo);

#endif

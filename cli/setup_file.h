/* SPDX-License-Identifier: MIT */
#ifndef VK_CLI_SETUP_FILE_H
#define VK_CLI_SETUP_FILE_H

#include <sys/stat.h>

#include "base/file.h"

/*
 * A tool's own configuration file, as it is.  A link leads to the file that
 * is changed, and stays.  Unlike clients.conf it may be written by others:
 * that is the tool's affair.
 */
struct vk_setup_file {
    char path[VK_PATH_MAX]; /* as the tool names it */
    char dir[VK_PATH_MAX], name[VK_PATH_MAX];
    bool is_there;
    struct stat st;
    struct vk_buf text;
};

/*
 * Read it, if it is there.  VK_CONFIG, logged: it is no file, has another
 * owner or other names, cannot be written, is too large or no text.
 */
VK_MUST enum vk_err vk_setup_file_open(const char *path,
                                       struct vk_setup_file *file);
void vk_setup_file_close(struct vk_setup_file *file);

/*
 * Replace it by text, with its mode and owner; one that is new gets mode
 * 0600.  Refused if it is not the same any more as when it was read.
 */
VK_MUST enum vk_err vk_setup_file_replace(const struct vk_setup_file *file,
                                          struct vk_span text);
VK_MUST enum vk_err vk_setup_file_remove(const struct vk_setup_file *file);

/* Make dir and what leads to it, as far as it is not there. */
VK_MUST enum vk_err vk_setup_make_dirs(const char *dir);

/* A link: what there is at path. */
enum vk_setup_link {
    VK_LINK_NONE,
    VK_LINK_OURS,
    VK_LINK_OLD,
    VK_LINK_FOREIGN
};

/*
 * OURS leads to target, OLD to a program of the same name elsewhere, FOREIGN
 * is anything else.
 */
enum vk_setup_link vk_setup_link_state(const char *path, const char *target);

/* Make it lead to target, in the place of an old one. */
VK_MUST enum vk_err vk_setup_link_make(const char *path, const char *target);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef VK_BASE_FILE_H
#define VK_BASE_FILE_H

#include "base/buf.h"

#define VK_PATH_MAX 1024

/*
 * Refuse a program that runs with another's rights (AT_SECURE in
 * getauxval(3), or ids that differ): VK_USAGE.
 */
VK_MUST enum vk_err vk_file_refuse_setuid(void);

/* "$VARIABLE/valetkey" if that is absolute, else "$HOME/fallback/valetkey". */
VK_MUST enum vk_err vk_file_user_dir(const char *variable,
                                     const char *fallback,
                                     char out[VK_PATH_MAX]);

/* dir and name joined by a slash. */
VK_MUST enum vk_err vk_file_join(const char *dir, const char *name,
                                 char out[VK_PATH_MAX]);

/*
 * Map dir/name for reading, at most max bytes.  Only a regular file, no
 * link; it and dir must belong to this user or to root and nobody else may
 * write to them (VK_CONFIG, logged).  VK_NOCLIENT if it does not exist.
 *
 * A file that is cut short at this very moment ends the program by SIGBUS.
 * valetkey itself replaces files whole, and a program that dies gives no
 * token, which is what it would do with half a file too.
 */
VK_MUST enum vk_err vk_file_map(const char *dir, const char *name, size_t max,
                                struct vk_span *out);
/* The same without a look at dir. */
VK_MUST enum vk_err vk_file_map_only(const char *dir, const char *name,
                                     size_t max, struct vk_span *out);
void vk_file_unmap(struct vk_span text);

/* Make dir, and what leads to it, 0700; check it as vk_file_map does. */
VK_MUST enum vk_err vk_file_make_dir(const char *dir);

/*
 * Move a new fd out of the way of standard input, output and error, should
 * one of them be closed.  Negative: errno, as it came.
 */
int vk_file_above_stderr(int fd);

/*
 * Open dir/name for locking; the file and dir, but not what leads to it, are
 * made if need be, and checked as in vk_file_map.  Silent: VK_IO means that
 * this is no place for a lock.
 */
VK_MUST enum vk_err vk_file_open_lock(const char *dir, const char *name,
                                      int *fd);

/*
 * Replace dir/name by text, 0600, through a file beside it, fsync and
 * rename: at any moment it has either the old content or the new.  After
 * prepare nothing can fail any more for want of room; then commit, or abort.
 */
struct vk_pending {
    char path[VK_PATH_MAX], target[VK_PATH_MAX], dir[VK_PATH_MAX];
};
VK_MUST enum vk_err vk_file_prepare(const char *dir, const char *name,
                                    struct vk_span text,
                                    struct vk_pending *out);
/* The same for what is not only for its owner. */
VK_MUST enum vk_err vk_file_prepare_as(const char *dir, const char *name,
                                       struct vk_span text, mode_t mode,
                                       struct vk_pending *out);
VK_MUST enum vk_err vk_file_commit(const struct vk_pending *pending);
void vk_file_abort(const struct vk_pending *pending);

/* Both in one. */
VK_MUST enum vk_err vk_file_replace(const char *dir, const char *name,
                                    struct vk_span text);

#endif

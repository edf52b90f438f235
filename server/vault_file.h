/* SPDX-License-Identifier: MIT */
#ifndef VK_SERVER_VAULT_FILE_H
#define VK_SERVER_VAULT_FILE_H

#include "base/buf.h"

/*
 * The files of the system store: secrets/CLIENT.cred beside the machine's
 * clients.conf, root's own, in a directory of root's own.  What is not so is
 * VK_NOSTORE, logged, and is not read.
 */

/* As it is in the file; VK_NOSECRET if there is none. */
VK_MUST enum vk_err vk_vault_read(const char *client, struct vk_buf *raw);

/*
 * For whoever reads a file to write it anew.  *out is closed to end it.  The
 * directory is made if it is not there.
 */
VK_MUST enum vk_err vk_vault_lock(int64_t wait_ms, int *out);

/* Under the lock: replace the file, sealed if that is possible. */
VK_MUST enum vk_err vk_vault_write(const char *client, struct vk_span plain);
VK_MUST enum vk_err vk_vault_remove(const char *client);

#endif

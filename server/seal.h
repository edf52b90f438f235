/* SPDX-License-Identifier: MIT */
#ifndef VK_SERVER_SEAL_H
#define VK_SERVER_SEAL_H

#include "base/buf.h"

/*
 * Sealing by systemd-creds(1): with the TPM and the host's key where there is
 * a TPM, else with the host's key alone.  What is sealed can be opened on this
 * machine only, by root, and only under the same name.  Secrets go through
 * pipes.
 */
#define VK_SEAL_PLAIN_MAX 24576
#define VK_SEAL_MAX 49152 /* so that a pipe holds all of it */

/* VK_NOSTORE, silent: there is no systemd-creds, or it cannot seal here. */
VK_MUST enum vk_err vk_seal(const char *name, struct vk_span plain,
                            struct vk_buf *out);
/* VK_NOSTORE, silent: it cannot be opened, for whatever reason. */
VK_MUST enum vk_err vk_unseal(const char *name, struct vk_span sealed,
                              struct vk_buf *out);

#endif

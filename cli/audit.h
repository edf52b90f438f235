/* SPDX-License-Identifier: MIT */
#ifndef VK_CLI_AUDIT_H
#define VK_CLI_AUDIT_H

#include "base/json.h"
#include "keyring/audit.h"

/* What `valetkey --system log` prints, entry by entry. */
struct vk_log_job {
    const char *name; /* NULL: all */
    bool as_json, has_head;
    struct vk_buf out;
    struct vk_json json;
};

struct vk_log_entry {
    struct vk_span time; /* as a file has it; or: */
    int64_t unix_time;   /* -1: there is none */
    struct vk_audit audit;
};

/* Show the entry if line is one (keyring/audit.h), and wanted. */
VK_MUST enum vk_err vk_log_show(struct vk_log_job *job,
                                struct vk_log_entry *entry,
                                struct vk_span line);
/* Print what is there if it is that much. */
VK_MUST enum vk_err vk_log_flush(struct vk_log_job *job, size_t least);

#endif

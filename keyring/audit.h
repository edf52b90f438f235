/* SPDX-License-Identifier: MIT */
#ifndef VK_KEYRING_AUDIT_H
#define VK_KEYRING_AUDIT_H

#include "base/buf.h"

/*
 * The broker's decisions in the system's log, one line for each:
 *
 *     uid=1001 loginuid=1001 pid=4321 exe=/usr/bin/git unit=session-3.scope
 *     name=prod outcome=ok source=registry hash=3f9a1c22b4d0
 *
 * and in the journal also as fields, VALETKEY_UID and so on
 * (systemd.journal-fields(7)).  A value is printable ASCII without '"' and
 * '\'; every other byte is written as \xNN, so that nobody can make lines or
 * fields by the name of a program.  In a line one with a blank stands in
 * quotes, and one that is not known is "-".
 */
enum vk_audit_field {
    VK_AUDIT_UID,
    VK_AUDIT_LOGINUID, /* who had logged in, /proc/PID/loginuid */
    VK_AUDIT_PID,
    VK_AUDIT_EXE,
    VK_AUDIT_UNIT,
    VK_AUDIT_NAME,
    VK_AUDIT_OUTCOME, /* "ok", or the errno that the key was rejected with */
    VK_AUDIT_SOURCE,  /* "registry", "fetch", "refused", "busy" */
    VK_AUDIT_HASH,    /* the beginning of the token's SHA-256 */
    VK_AUDIT_WHY,     /* for people; left out where there is none */
    VK_AUDIT_FIELDS
};

struct vk_audit {
    struct vk_span value[VK_AUDIT_FIELDS];
};

#define VK_AUDIT_PROGRAM "valetkey-upcall"
/* Longer values are cut, and end in "...". */
#define VK_AUDIT_VALUE_MAX 400
#define VK_AUDIT_LINE_MAX 8192
#define VK_AUDIT_ENTRY_MAX 32768

const char *vk_audit_name(enum vk_audit_field field);
/* The same in the journal. */
const char *vk_audit_journal_name(enum vk_audit_field field);

/* The line, without its end. */
VK_MUST enum vk_err vk_audit_write(const struct vk_audit *audit,
                                   struct vk_buf *out);
/* A datagram of the journal's native protocol; level as for syslog(3). */
VK_MUST enum vk_err vk_audit_write_entry(const struct vk_audit *audit,
                                         int level, struct vk_buf *out);

/*
 * Values are as they stand in the line, and empty where that has "-".  False:
 * it is no such line.
 */
VK_MUST bool vk_audit_read(struct vk_span line, struct vk_audit *out);
/* The bytes that a value stands for. */
VK_MUST enum vk_err vk_audit_decode(struct vk_span value, struct vk_buf *out);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef VK_SERVER_AUDIT_H
#define VK_SERVER_AUDIT_H

#include "server/requester.h"

/*
 * A line for each decision (keyring/audit.h), for the journal
 * (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/) or, where there is none, to
 * authpriv of syslog(3).  It waits for no logger, and without one nothing is
 * told.
 */

/* Which process it is; it has to be there while we look. */
struct vk_traces {
    char loginuid[16], exe[512], unit[256]; /* "": not known */
};
void vk_audit_look(pid_t pid, struct vk_traces *out);

struct vk_decision {
    const struct vk_requester *who;
    const struct vk_traces *traces;
    int error;              /* 0, or what the key was rejected with */
    const char *source;     /* of a token; "fetch": the endpoint was asked */
    const char *hash, *why; /* or "" */
};
void vk_audit_tell(const struct vk_decision *decision);

/* Other sockets than those of the system; NULL: no change. */
void vk_audit_use(const char *journal, const char *syslog);

/* For tests: the unit of the system's manager in /proc/PID/cgroup; empty:
 * none. */
struct vk_span vk_audit_unit(struct vk_span cgroups);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef VK_CLI_DOCTOR_H
#define VK_CLI_DOCTOR_H

#include "base/json.h"
#include "keyring/clients.h"

/* What `valetkey doctor` found so far. */
struct vk_report {
    struct vk_buf out;
    struct vk_json json;
    bool as_json, is_bad;
};

enum vk_finding {
    VK_FINE,
    VK_NOTE, /* worth knowing, but everything works */
    VK_BAD,  /* something that the configuration needs does not work */
};

/* Add a finding.  what: the thing looked at; advice: what to do, or NULL. */
void vk_report_add(struct vk_report *report, enum vk_finding finding,
                   const char *what, const char *advice, const char *fmt, ...)
    VK_PRINTF(5, 6);

/*
 * What a request for a token of the machine's needs; profile: one that may be
 * asked for.
 */
void vk_doctor_machine(struct vk_report *report,
                       const struct vk_profile *profile);

/* Where PAM runs pam_valetkey(8), if it does. */
void vk_doctor_pam(struct vk_report *report);

/* Its secret, its endpoint, our clock, and what holds its requests back. */
void vk_doctor_client(struct vk_report *report,
                      const struct vk_profile *profile);

/* Whom `allow` names, for root; each section's own. */
void vk_doctor_allow(struct vk_report *report,
                     const struct vk_profile *profile);

#endif

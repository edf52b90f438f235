/* SPDX-License-Identifier: MIT */
#ifndef VK_CLI_PAMSTACK_H
#define VK_CLI_PAMSTACK_H

#include "base/buf.h"

/*
 * Where pam_valetkey(8) stands among the session modules of a service: with
 * all that pam.conf(5) includes, in the order in which they run.
 */
enum vk_pam_order {
    VK_PAM_NONE,       /* it is not there, or there is no such service */
    VK_PAM_GOOD,       /* pam_keyinit(8) comes before */
    VK_PAM_TOO_EARLY,  /* comes after */
    VK_PAM_NO_KEYINIT, /* does not come at all */
};

enum vk_pam_order vk_pam_order(const char *dir, const char *service);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef VK_SERVER_CONFINE_H
#define VK_SERVER_CONFINE_H

#include "base/buf.h"

/*
 * Another process for what comes from the network: the unprivileged user
 * _valetkey, or nobody where there is none, without groups, capabilities,
 * environment, keyrings or files of ours, with limits, and never with more
 * rights than that.
 */

/*
 * Run this very program with argv in such a process; in and out become its
 * standard input and output.  It ends when we do.
 */
VK_MUST enum vk_err vk_confine_start(const char *const argv[], int in, int out,
                                     pid_t *pid);

/*
 * In it, once it has read what it needs: no program can be run, no file
 * written, no key touched, by Landlock and seccomp where the kernel has them.
 * VK_INTERNAL (logged): it is not unprivileged at all.
 */
VK_MUST enum vk_err vk_confine_self(void);

#endif

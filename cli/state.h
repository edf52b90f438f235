/* SPDX-License-Identifier: MIT */
#ifndef VK_CLI_STATE_H
#define VK_CLI_STATE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/time.h>

/*
 * What a program that we become is to find as we found it: a fetch needs
 * signals and the timer, and execve(2) hands them on.  Zeroed: nothing is
 * saved, and restoring does nothing.
 */
struct vk_state {
    bool is_saved;
    struct sigaction child, alarm;
    sigset_t mask;
    struct itimerval timer; /* stopped by saving it */
    int64_t at;             /* milliseconds on the boot clock */
};

void vk_state_save(struct vk_state *state);
void vk_state_restore(const struct vk_state *state);

#endif

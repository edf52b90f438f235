/* SPDX-License-Identifier: MIT */
#include "cli/state.h"

#include <stddef.h>

#include "base/clock.h"

void
vk_state_save(struct vk_state *state)
{
    static const struct itimerval off;

    if (state->is_saved)
        return;
    state->is_saved = true;
    sigaction(SIGCHLD, NULL, &state->child);
    sigaction(SIGALRM, NULL, &state->alarm);
    sigprocmask(SIG_SETMASK, NULL, &state->mask);
    /* alarm(2), then exec: a common way to limit a program's time. */
    setitimer(ITIMER_REAL, &off, &state->timer);
    state->at = vk_clock_boot_ms();
}

/* With what is left of it. */
static void
start_timer(const struct vk_state *state)
{
    struct itimerval timer = state->timer;
    int64_t left =
        (int64_t)timer.it_value.tv_sec * 1000000 + timer.it_value.tv_usec;

    if (left == 0)
        return;
    left -= (vk_clock_boot_ms() - state->at) * 1000;
    if (left < 1)
        left = 1;
    timer.it_value.tv_sec = left / 1000000;
    timer.it_value.tv_usec = left % 1000000;
    setitimer(ITIMER_REAL, &timer, NULL);
}

void
vk_state_restore(const struct vk_state *state)
{
    if (!state->is_saved)
        return;
    sigaction(SIGCHLD, &state->child, NULL);
    sigaction(SIGALRM, &state->alarm, NULL);
    sigprocmask(SIG_SETMASK, &state->mask, NULL);
    start_timer(state);
}

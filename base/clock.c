/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <time.h>

static int64_t
milliseconds(clockid_t clock)
{
    struct timespec now = {0};

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t
vk_clock_boot(void)
{
    return milliseconds(CLOCK_BOOTTIME) / 1000;
}

int64_t
vk_clock_unix(void)
{
    return milliseconds(CLOCK_REALTIME) / 1000;
}

int64_t
vk_clock_boot_ms(void)
{
    return milliseconds(CLOCK_BOOTTIME);
}

void
vk_clock_sleep_until(int64_t boot_ms)
{
    int64_t left;

    while ((left = boot_ms - vk_clock_boot_ms()) > 0) {
        struct timespec pause = {left / 1000, left % 1000 * 1000000};
        nanosleep(&pause, NULL);
    }
}

/* SPDX-License-Identifier: MIT */
#ifndef VK_BASE_CLOCK_H
#define VK_BASE_CLOCK_H

#include <stdint.h>

/*
 * Seconds.  The boot clock counts (CLOCK_BOOTTIME, clock_gettime(2)): it
 * goes on in suspend and nobody can set it.  Unix time is only for people
 * and for protocols.  Both go through clock_gettime, which tests replace.
 */
int64_t vk_clock_boot(void);
int64_t vk_clock_unix(void);

/* The boot clock in milliseconds, for deadlines. */
int64_t vk_clock_boot_ms(void);

/* Sleep until then, on the same clock. */
void vk_clock_sleep_until(int64_t boot_ms);

#endif

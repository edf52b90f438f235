/* SPDX-License-Identifier: MIT */
/*
 * Preloaded by the tests of long times.  Moves two clocks by what the file
 * $CLOCK_FILE says: milliseconds for CLOCK_BOOTTIME and for CLOCK_REALTIME,
 * two int64_t, which may change at any time.  A program that sleeps while the
 * boot clock is moved wakes up earlier by as much.
 *
 * The kernel's own timers (setitimer, key timeouts) are not moved.
 */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SLICE_MS 5

enum { BOOT, REAL, CLOCKS };

static const volatile int64_t none[CLOCKS];
static const volatile int64_t *moved = none;

__attribute__((constructor)) static void
open_clocks(void)
{
    const char *path = getenv("CLOCK_FILE");
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *file = MAP_FAILED;

    if (fd < 0)
        _exit(125);
    file = mmap(NULL, sizeof none, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (file == MAP_FAILED)
        _exit(125);
    moved = file;
}

static void
add_ms(struct timespec *time, int64_t ms)
{
    int64_t ns = time->tv_nsec + ms % 1000 * 1000000;

    time->tv_sec += (time_t)(ms / 1000);
    if (ns < 0 || ns >= 1000000000) {
        time->tv_sec += ns < 0 ? -1 : 1;
        ns += ns < 0 ? 1000000000 : -1000000000;
    }
    time->tv_nsec = (long)ns;
}

int
clock_gettime(clockid_t clock, struct timespec *time)
{
    long result = syscall(SYS_clock_gettime, clock, time);

    if (result == 0 && clock == CLOCK_BOOTTIME)
        add_ms(time, moved[BOOT]);
    if (result == 0 && clock == CLOCK_REALTIME)
        add_ms(time, moved[REAL]);
    return (int)result;
}

static int64_t
boot_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int
nanosleep(const struct timespec *pause, struct timespec *left)
{
    static const struct timespec slice = {0, (long)SLICE_MS * 1000000};
    int64_t end = boot_ms() + (int64_t)pause->tv_sec * 1000 +
                  (pause->tv_nsec + 999999) / 1000000;

    while (boot_ms() < end)
        if (syscall(SYS_nanosleep, &slice, left) != 0)
            return -1;
    return 0;
}

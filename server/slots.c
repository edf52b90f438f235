/* SPDX-License-Identifier: MIT */
#include "server/slots.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/proc.h"
#include "keyring/turn.h"

/* Behind the bytes of all users. */
#define BASE_ALL ((off_t)VK_SLOTS_USER << 32)
#define BASE_RINGS (BASE_ALL + VK_SLOTS_ALL)

static int
lock(int fd, int how, off_t byte)
{
    struct flock range = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};

    return fcntl(fd, how, &range);
}

/* Any free one, else the first to become free of one that we pick. */
static int
take(off_t base, unsigned int places, int64_t deadline)
{
    unsigned int first = (unsigned int)getpid() % places;
    char path[VK_PATH_MAX];

    if (vk_file_join(VK_TURN_DIR, "slots", path) != VK_OK)
        return -1;
    mkdir(VK_TURN_DIR, 0700);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -1;
    for (unsigned int i = 0; i < places; i++)
        if (lock(fd, F_OFD_SETLK, base + (first + i) % places) == 0)
            return fd;
    enum vk_err err = vk_proc_alarm_at(deadline);
    bool got = false;
    while (err == VK_OK && !got && vk_clock_boot_ms() < deadline) {
        got = lock(fd, F_OFD_SETLKW, base + first) == 0;
        if (!got && errno != EINTR)
            break;
    }
    vk_proc_alarm_off();
    if (got)
        return fd;
    close(fd);
    return -1;
}

int
vk_slots_take_user(uid_t uid, int64_t deadline)
{
    return take((off_t)uid * VK_SLOTS_USER, VK_SLOTS_USER, deadline);
}

int
vk_slots_take_all(int64_t deadline)
{
    return take(BASE_ALL, VK_SLOTS_ALL, deadline);
}

int
vk_slots_take_ring(uid_t uid, int64_t deadline)
{
    return take(BASE_RINGS + (off_t)uid, 1, deadline);
}

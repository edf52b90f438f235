/* SPDX-License-Identifier: MIT */
#include "keyring/turn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/proc.h"

static int
open_in_cache(const char *file)
{
    char dir[VK_PATH_MAX];
    int fd = -1;

    /* Silent: there is one more place. */
    if (getenv("HOME") == NULL && getenv("XDG_CACHE_HOME") == NULL)
        return -1;
    if (vk_file_user_dir("XDG_CACHE_HOME", ".cache", dir) != VK_OK)
        return -1;
    /* Where not even this can be made, there is no place for a lock. */
    if (vk_file_open_lock(dir, file, &fd) == VK_OK)
        return fd;
    size_t parent = strlen(dir) - strlen("/valetkey");
    dir[parent] = '\0';
    enum vk_err err = vk_file_open_lock(dir, "", &fd);
    dir[parent] = '/';
    (void)err;
    return vk_file_open_lock(dir, file, &fd) == VK_OK ? fd : -1;
}

static int
open_in_runtime_dir(const char *file)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    char run[64], dir[VK_PATH_MAX];
    int fd = -1;

    vk_format(run, sizeof run, "/run/user/%lu", getauxval(AT_EUID));
    if (runtime == NULL || runtime[0] != '/')
        runtime = run;
    if (vk_file_join(runtime, "valetkey", dir) != VK_OK)
        return -1;
    return vk_file_open_lock(dir, file, &fd) == VK_OK ? fd : -1;
}

/* Of the machine, for root. */
static int
open_in_run(const char *file)
{
    int fd = -1;

    return vk_file_open_lock(VK_TURN_DIR, file, &fd) == VK_OK ? fd : -1;
}

static int
open_lock(const struct vk_clients *clients, const char *name)
{
    char file[VK_FULL_NAME_MAX + 8];
    int fd = -1;

    vk_format(file, sizeof file, "%s.lock", name);
    for (char *c = file; *c != '\0'; c++)
        if (*c == '/')
            *c = '+';
    if (clients->origin == VK_BROKER)
        return open_in_run(file);
    fd = open_in_runtime_dir(file);
    if (fd < 0)
        fd = open_in_cache(file);
    if (fd >= 0)
        return fd;
    /* One lock for all tokens: whoever has it needs no others. */
    if (vk_char_in(':', name) || vk_char_in('=', name))
        return vk_file_above_stderr(memfd_create("valetkey", MFD_CLOEXEC));
    if (vk_file_open_lock(clients->dir, VK_CLIENTS_FILE, &fd) != VK_OK)
        return -1;
    return fd;
}

static enum vk_err
too_late(const char *name)
{
    return vk_fail(VK_HELD,
                   "no token for '%s' in time: another process is"
                   " still fetching it",
                   name);
}

enum vk_err
vk_turn_take(const struct vk_clients *clients, const char *name,
             int64_t deadline, int *out)
{
    int fd = open_lock(clients, name);

    if (fd < 0)
        return vk_fail(
            VK_IO, "cannot make a lock for '%s': %s cannot be written", name,
            clients->origin == VK_BROKER
                ? VK_TURN_DIR
                : "neither XDG_RUNTIME_DIR nor ~/.cache");
    enum vk_err err = vk_proc_alarm_at(deadline);
    while (err == VK_OK && flock(fd, LOCK_EX) != 0) {
        if (errno != EINTR)
            err =
                vk_fail(VK_IO, "cannot lock '%s': %s", name, strerror(errno));
        else if (vk_clock_boot_ms() >= deadline)
            err = too_late(name);
    }
    vk_proc_alarm_off();
    if (err != VK_OK)
        close(fd);
    else
        *out = fd;
    return err;
}

bool
vk_turn_try(const struct vk_clients *clients, const char *name, int *out)
{
    int fd = open_lock(clients, name);

    if (fd < 0)
        return false;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        return false;
    }
    *out = fd;
    return true;
}

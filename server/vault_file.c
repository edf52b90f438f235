/* SPDX-License-Identifier: MIT */
#include "server/vault_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/proc.h"
#include "keyring/clients.h"
#include "server/seal.h"

static enum vk_err
make_paths(const char *client, char dir[VK_PATH_MAX],
           char file[VK_NAME_MAX + 8])
{
    if (!vk_clients_is_name(vk_span_str(client)))
        return vk_fail(VK_USAGE, "'%s' is not the name of a client", client);
    snprintf(file, VK_NAME_MAX + 8, "%s.cred", client);
    return vk_file_join(vk_clients_machine_dir(), "secrets", dir);
}

/* NULL: nobody but its owner, who must be us, can even look at it. */
static const char *
objection(const struct stat *st, mode_t kind)
{
    if ((st->st_mode & S_IFMT) != kind)
        return kind == S_IFDIR ? "is not a directory"
                               : "is not a regular file";
    if (st->st_uid != geteuid())
        return "belongs to another user";
    if ((st->st_mode & 077) != 0)
        return "is open to others; run 'chmod go-rwx' on it";
    if (kind == S_IFREG && st->st_nlink != 1)
        return "has a second name (hard link)";
    return NULL;
}

static enum vk_err
open_checked(int at, const char *path, int flags, mode_t kind, int *out)
{
    struct stat st;
    int fd = vk_file_above_stderr(openat(at, path,
                                         O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
                                             O_NONBLOCK | O_NOCTTY | flags));

    if (fd < 0 && errno == ENOENT)
        return VK_NOSECRET;
    if (fd < 0)
        return vk_fail(VK_NOSTORE, "cannot open '%s': %s", path,
                       errno == ELOOP ? "it is a symbolic link"
                                      : strerror(errno));
    const char *why =
        fstat(fd, &st) == 0 ? objection(&st, kind) : strerror(errno);
    if (why != NULL) {
        close(fd);
        return vk_fail(VK_NOSTORE, "'%s' %s", path, why);
    }
    *out = fd;
    return VK_OK;
}

enum vk_err
vk_vault_read(const char *client, struct vk_buf *raw)
{
    char dir[VK_PATH_MAX], file[VK_NAME_MAX + 8];
    int at = -1, fd = -1;
    enum vk_err err = make_paths(client, dir, file);

    if (err == VK_OK)
        err = open_checked(AT_FDCWD, dir, O_DIRECTORY, S_IFDIR, &at);
    if (err == VK_OK)
        err = open_checked(at, file, 0, S_IFREG, &fd);
    if (at >= 0)
        close(at);
    if (err != VK_OK)
        return err;
    err = vk_buf_read(raw, fd);
    close(fd);
    if (err != VK_OK)
        return vk_fail(VK_NOSTORE, "cannot read '%s/%s'", dir, file);
    return VK_OK;
}

/* The directory is the lock: files come and go by rename. */
enum vk_err
vk_vault_lock(int64_t wait_ms, int *out)
{
    int64_t deadline = vk_clock_boot_ms() + wait_ms;
    char dir[VK_PATH_MAX];
    int fd = -1;
    enum vk_err err = vk_file_join(vk_clients_machine_dir(), "secrets", dir);

    if (err == VK_OK)
        err = vk_file_make_dir(dir);
    if (err == VK_OK)
        err = open_checked(AT_FDCWD, dir, O_DIRECTORY, S_IFDIR, &fd);
    if (err != VK_OK)
        return err;
    err = vk_proc_alarm_at(deadline);
    while (err == VK_OK && flock(fd, LOCK_EX) != 0)
        if (errno != EINTR || vk_clock_boot_ms() >= deadline)
            err = vk_fail(VK_NOSTORE, "cannot lock '%s': %s", dir,
                          errno == EINTR ? "another process has it"
                                         : strerror(errno));
    vk_proc_alarm_off();
    if (err != VK_OK)
        close(fd);
    else
        *out = fd;
    return err;
}

enum vk_err
vk_vault_write(const char *client, struct vk_span plain)
{
    VK_AUTO_BUF sealed = VK_BUF(VK_SEAL_MAX);
    char dir[VK_PATH_MAX], file[VK_NAME_MAX + 8];
    enum vk_err err = make_paths(client, dir, file);

    if (err != VK_OK)
        return err;
    /* A plain file that only root can read is the next best. */
    if (vk_seal(client, plain, &sealed) == VK_OK)
        plain = vk_buf_span(&sealed);
    return vk_file_replace(dir, file, plain);
}

enum vk_err
vk_vault_remove(const char *client)
{
    char path[VK_PATH_MAX], dir[VK_PATH_MAX], file[VK_NAME_MAX + 8];
    enum vk_err err = make_paths(client, dir, file);

    if (err == VK_OK)
        err = vk_file_join(dir, file, path);
    if (err == VK_OK && unlink(path) != 0 && errno != ENOENT)
        return vk_fail(VK_NOSTORE, "cannot remove '%s': %s", path,
                       strerror(errno));
    return err;
}

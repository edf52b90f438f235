/* SPDX-License-Identifier: MIT */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

enum vk_err
vk_file_refuse_setuid(void)
{
    if (getauxval(AT_SECURE) == 0 && getauxval(AT_UID) == getauxval(AT_EUID))
        return VK_OK;
    return vk_fail(VK_USAGE, "refusing to run set-user-ID or set-group-ID");
}

enum vk_err
vk_file_join(const char *dir, const char *name, char out[VK_PATH_MAX])
{
    size_t dir_len = strlen(dir), name_len = strlen(name);

    if (dir_len + name_len + 2 > VK_PATH_MAX)
        return vk_fail(VK_CONFIG, "the path '%s/%s' is too long", dir, name);
    if (out != dir)
        memcpy(out, dir, dir_len);
    out[dir_len] = '/';
    memcpy(out + dir_len + 1, name, name_len + 1);
    return VK_OK;
}

enum vk_err
vk_file_user_dir(const char *variable, const char *fallback,
                 char out[VK_PATH_MAX])
{
    const char *dir = getenv(variable);
    const char *home = getenv("HOME");

    if (dir != NULL && dir[0] == '/')
        return vk_file_join(dir, "valetkey", out);
    if (home == NULL || home[0] != '/')
        return vk_fail(VK_CONFIG,
                       "no home directory; set HOME to an absolute path");
    enum vk_err err = vk_file_join(home, fallback, out);
    return err != VK_OK ? err : vk_file_join(out, "valetkey", out);
}

/* NULL: nobody but the user and root can change it. */
static const char *
objection(const struct stat *st)
{
    if (st->st_uid != getauxval(AT_EUID) && st->st_uid != 0)
        return "belongs to another user";
    if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return "can be written by others; run 'chmod go-w' on it";
    return NULL;
}

static enum vk_err
check(const char *dir, const char *slash, const char *name,
      const struct stat *st)
{
    const char *why = objection(st);

    if (why == NULL)
        return VK_OK;
    return vk_fail(VK_CONFIG, "'%s%s%s' %s", dir, slash, name, why);
}

static enum vk_err
check_dir(const char *dir)
{
    struct stat st;

    if (stat(dir, &st) != 0)
        return errno == ENOENT ? VK_NOCLIENT
                               : vk_fail(VK_IO, "cannot open '%s': %s", dir,
                                         strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return vk_fail(VK_IO, "'%s' is not a directory", dir);
    return check(dir, "", "", &st);
}

int
vk_file_above_stderr(int fd)
{
    if (fd < 0 || fd > STDERR_FILENO)
        return fd;
    int high = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    close(fd);
    return high;
}

static enum vk_err
open_checked(const char *dir, const char *name, int *out, struct stat *st)
{
    char path[VK_PATH_MAX];
    enum vk_err err = vk_file_join(dir, name, path);

    if (err != VK_OK)
        return err;
    /* O_NONBLOCK: a FIFO in its place must not hang us. */
    int fd = vk_file_above_stderr(
        open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    if (fd < 0 && errno == ENOENT)
        return VK_NOCLIENT;
    if (fd < 0 && errno == ELOOP)
        return vk_fail(VK_CONFIG,
                       "'%s' is a symbolic link; put the file"
                       " itself there",
                       path);
    if (fd < 0)
        return vk_fail(VK_IO, "cannot open '%s': %s", path, strerror(errno));
    if (fstat(fd, st) != 0 || !S_ISREG(st->st_mode))
        err = vk_fail(VK_CONFIG, "'%s' is not a regular file", path);
    else
        err = check(dir, "/", name, st);
    if (err != VK_OK) {
        close(fd);
        return err;
    }
    *out = fd;
    return VK_OK;
}

enum vk_err
vk_file_map(const char *dir, const char *name, size_t max, struct vk_span *out)
{
    enum vk_err err = check_dir(dir);

    return err == VK_OK ? vk_file_map_only(dir, name, max, out) : err;
}

enum vk_err
vk_file_map_only(const char *dir, const char *name, size_t max,
                 struct vk_span *out)
{
    struct stat st = {0};
    int fd = -1;
    enum vk_err err = open_checked(dir, name, &fd, &st);

    if (err != VK_OK)
        return err;

    size_t size = (size_t)st.st_size;
    void *text = MAP_FAILED;
    if (size > 0 && size <= max)
        text = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    int saved = errno;
    /* On success it stays open: one system call less on the warm path. */
    if (text == MAP_FAILED)
        close(fd);
    if (size > max)
        return vk_fail(VK_CONFIG, "'%s/%s' is larger than %zu bytes", dir,
                       name, max);
    if (size > 0 && text == MAP_FAILED)
        return vk_fail(VK_IO, "cannot read '%s/%s': %s", dir, name,
                       strerror(saved));
    *out = size > 0 ? (struct vk_span){text, size} : VK_SPAN("");
    return VK_OK;
}

void
vk_file_unmap(struct vk_span text)
{
    if (text.len > 0)
        munmap((void *)(uintptr_t)text.ptr, text.len);
}

enum vk_err
vk_file_make_dir(const char *dir)
{
    char path[VK_PATH_MAX] = "";
    enum vk_err err = vk_file_join(dir, "", path);

    if (err != VK_OK)
        return err;
    for (char *at = path + 1; *at != '\0'; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            return vk_fail(VK_IO, "cannot make '%s': %s", path,
                           strerror(errno));
        *at = '/';
    }
    return check_dir(dir);
}

enum vk_err
vk_file_open_lock(const char *dir, const char *name, int *out)
{
    char path[VK_PATH_MAX];
    struct stat st;

    if (vk_file_join(dir, name, path) != VK_OK)
        return VK_IO;
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return VK_IO;
    /* Not through a link: it could lead to where files mean something. */
    int opened = open(dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    bool good = opened >= 0 && fstat(opened, &st) == 0 && !objection(&st);
    if (opened >= 0)
        close(opened);
    if (!good)
        return VK_IO;
    /* With O_CREAT the file is made for reading: it never gets a byte. */
    int fd = vk_file_above_stderr(open(path,
                                       O_RDONLY | O_CREAT | O_CLOEXEC |
                                           O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
                                       0600));
    if (fd < 0)
        return VK_IO;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || objection(&st)) {
        close(fd);
        return VK_IO;
    }
    *out = fd;
    return VK_OK;
}

static enum vk_err
write_temporary(int fd, struct vk_span text, mode_t mode)
{
    if (fchmod(fd, mode) != 0 || vk_span_write(text, fd) != VK_OK)
        return VK_IO;
    return fsync(fd) == 0 ? VK_OK : VK_IO;
}

static void
sync_dir(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0) {
        /* Some file systems cannot; the rename holds all the same. */
        fsync(fd);
        close(fd);
    }
}

static enum vk_err
write_failed(const struct vk_pending *pending, int error)
{
    unlink(pending->path);
    return vk_fail(VK_IO, "cannot write '%s': %s; it is unchanged",
                   pending->target, strerror(error));
}

enum vk_err
vk_file_prepare(const char *dir, const char *name, struct vk_span text,
                struct vk_pending *out)
{
    return vk_file_prepare_as(dir, name, text, 0600, out);
}

enum vk_err
vk_file_prepare_as(const char *dir, const char *name, struct vk_span text,
                   mode_t mode, struct vk_pending *out)
{
    enum vk_err err = vk_file_join(dir, name, out->target);

    if (err == VK_OK)
        err = vk_file_join(dir, ".new-XXXXXX", out->path);
    if (err != VK_OK)
        return err;
    snprintf(out->dir, sizeof out->dir, "%s", dir);

    int fd = vk_file_above_stderr(mkostemp(out->path, O_CLOEXEC));
    if (fd < 0)
        return vk_fail(VK_IO, "cannot write in '%s': %s", dir,
                       strerror(errno));
    err = write_temporary(fd, text, mode);
    int saved = errno;
    if (close(fd) != 0 && err == VK_OK) {
        saved = errno;
        err = VK_IO;
    }
    return err == VK_OK ? err : write_failed(out, saved);
}

enum vk_err
vk_file_commit(const struct vk_pending *pending)
{
    if (rename(pending->path, pending->target) != 0)
        return write_failed(pending, errno);
    sync_dir(pending->dir);
    return VK_OK;
}

void
vk_file_abort(const struct vk_pending *pending)
{
    unlink(pending->path);
}

enum vk_err
vk_file_replace(const char *dir, const char *name, struct vk_span text)
{
    struct vk_pending pending;
    enum vk_err err = vk_file_prepare(dir, name, text, &pending);

    return err == VK_OK ? vk_file_commit(&pending) : err;
}

/* SPDX-License-Identifier: MIT */
#include "cli/setup_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/utf8.h"
#include "cli/setup_text.h"

#define LINKS_MAX 40

static const char *
base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

/* dir becomes what stands before the last slash of an absolute path. */
static void
dir_name(const char *path, char dir[VK_PATH_MAX])
{
    size_t len = (size_t)(base_name(path) - path);

    while (len > 1 && path[len - 1] == '/')
        len--;
    memmove(dir, path, len);
    dir[len] = '\0';
}

/* What a link says, as a path of its own; false: it is no link. */
static bool
read_link(const char *path, char out[VK_PATH_MAX])
{
    ssize_t len = readlink(path, out, VK_PATH_MAX - 1);

    if (len <= 0)
        return false;
    out[len] = '\0';
    return true;
}

/* Follow links, the last one perhaps to what is not there yet. */
static enum vk_err
follow(const char *path, char dir[VK_PATH_MAX], char name[VK_PATH_MAX])
{
    char here[VK_PATH_MAX], next[VK_PATH_MAX];
    enum vk_err err = VK_OK;

    snprintf(here, sizeof here, "%s", path);
    for (int i = 0; i < LINKS_MAX && read_link(here, next); i++) {
        if (i + 1 == LINKS_MAX)
            return vk_fail(VK_CONFIG, "'%s' is a link that leads nowhere",
                           path);
        if (next[0] == '/') {
            memcpy(here, next, sizeof here);
            continue;
        }
        dir_name(here, dir);
        err = vk_file_join(dir, next, here);
        if (err != VK_OK)
            return err;
    }
    dir_name(here, dir);
    memmove(name, base_name(here), strlen(base_name(here)) + 1);
    return VK_OK;
}

static const char *
object_to(const struct stat *st)
{
    if (!S_ISREG(st->st_mode))
        return "is not a regular file";
    if (st->st_uid != geteuid() && geteuid() != 0)
        return "belongs to another user";
    if (st->st_nlink != 1)
        return "has other names, which would not be changed";
    return NULL;
}

static bool
is_text(struct vk_span text)
{
    while (text.len > 0) {
        size_t len = vk_utf8_length(text);
        if (len == 0 || text.ptr[0] == '\0')
            return false;
        text = vk_span_from(text, len);
    }
    return true;
}

static enum vk_err
read_whole(struct vk_setup_file *file, int fd)
{
    const char *why =
        fstat(fd, &file->st) != 0 ? strerror(errno) : object_to(&file->st);

    if (why == NULL && faccessat(AT_FDCWD, file->path, W_OK, AT_EACCESS) != 0)
        why = "cannot be written";
    if (why != NULL)
        return vk_fail(VK_CONFIG, "'%s' %s", file->path, why);
    enum vk_err err = vk_buf_read(&file->text, fd);
    if (err == VK_TOOBIG)
        return vk_fail(VK_CONFIG, "'%s' is larger than %zu bytes", file->path,
                       VK_SETUP_MAX);
    if (err != VK_OK)
        return vk_fail(err, "cannot read '%s': %s", file->path,
                       strerror(errno));
    if (!is_text(vk_buf_span(&file->text)))
        return vk_fail(VK_CONFIG, "'%s' is not a text in UTF-8", file->path);
    return VK_OK;
}

enum vk_err
vk_setup_file_open(const char *path, struct vk_setup_file *file)
{
    char target[VK_PATH_MAX];

    *file = (struct vk_setup_file){.text = VK_BUF(VK_SETUP_MAX)};
    snprintf(file->path, sizeof file->path, "%s", path);
    enum vk_err err = follow(path, file->dir, file->name);
    if (err == VK_OK)
        err = vk_file_join(file->dir, file->name, target);
    if (err != VK_OK)
        return err;
    /* O_NONBLOCK: a FIFO in its place must not hang us. */
    int fd = vk_file_above_stderr(open(
        target, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return VK_OK;
    if (fd < 0)
        return vk_fail(VK_IO, "cannot open '%s': %s", path, strerror(errno));
    file->is_there = true;
    err = read_whole(file, fd);
    close(fd);
    return err;
}

void
vk_setup_file_close(struct vk_setup_file *file)
{
    vk_buf_clear(&file->text);
}

/* A person may have taken a while to answer. */
static enum vk_err
check_same(const struct vk_setup_file *file)
{
    struct vk_setup_file now;
    enum vk_err err = vk_setup_file_open(file->path, &now);

    if (err == VK_OK &&
        (now.is_there != file->is_there ||
         !vk_span_same(vk_buf_span(&now.text), vk_buf_span(&file->text)) ||
         strcmp(now.dir, file->dir) != 0 || strcmp(now.name, file->name) != 0))
        err = vk_fail(VK_CONFIG, "'%s' was changed in the meantime; try again",
                      file->path);
    vk_setup_file_close(&now);
    return err;
}

enum vk_err
vk_setup_make_dirs(const char *dir)
{
    char path[VK_PATH_MAX];
    enum vk_err err = vk_file_join(dir, "", path);

    for (char *at = path; err == VK_OK && (at = strchr(at + 1, '/')) != NULL;
         *at = '/') {
        *at = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            err =
                vk_fail(VK_IO, "cannot make '%s': %s", path, strerror(errno));
    }
    return err;
}

/* Is it the file that we made, and nothing else by now? */
static bool
is_fresh(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
           st.st_uid == geteuid() && st.st_nlink == 1;
}

/*
 * The new file is to be as the old one was.  Not by its path: as root we may
 * be in somebody's own directory.
 */
static enum vk_err
dress(const struct vk_setup_file *file, const char *path)
{
    const struct stat *st = &file->st;
    enum vk_err err = VK_OK;

    if (!file->is_there)
        return VK_OK;
    int fd = vk_file_above_stderr(
        open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    if (fd >= 0 && !is_fresh(fd))
        err = vk_fail(VK_IO, "'%s' was changed in the meantime; try again",
                      path);
    else if (fd < 0 || fchown(fd, st->st_uid, st->st_gid) != 0 ||
             fchmod(fd, st->st_mode & 07777) != 0)
        err = vk_fail(VK_IO, "cannot give '%s' its owner and mode: %s",
                      file->path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return err;
}

enum vk_err
vk_setup_file_replace(const struct vk_setup_file *file, struct vk_span text)
{
    struct vk_pending pending;
    enum vk_err err = check_same(file);

    if (err == VK_OK && !file->is_there)
        err = vk_setup_make_dirs(file->dir);
    if (err == VK_OK)
        err = vk_file_prepare(file->dir, file->name, text, &pending);
    if (err != VK_OK)
        return err;
    err = dress(file, pending.path);
    if (err == VK_OK)
        return vk_file_commit(&pending);
    vk_file_abort(&pending);
    return err;
}

enum vk_err
vk_setup_file_remove(const struct vk_setup_file *file)
{
    char path[VK_PATH_MAX];
    enum vk_err err = check_same(file);

    if (err == VK_OK)
        err = vk_file_join(file->dir, file->name, path);
    if (err == VK_OK && unlink(path) != 0)
        err = vk_fail(VK_IO, "cannot remove '%s': %s", path, strerror(errno));
    return err;
}

enum vk_setup_link
vk_setup_link_state(const char *path, const char *target)
{
    char now[VK_PATH_MAX];
    struct stat st;

    if (lstat(path, &st) != 0)
        return VK_LINK_NONE;
    if (!read_link(path, now) ||
        strcmp(base_name(now), base_name(target)) != 0)
        return VK_LINK_FOREIGN;
    return strcmp(now, target) == 0 ? VK_LINK_OURS : VK_LINK_OLD;
}

enum vk_err
vk_setup_link_make(const char *path, const char *target)
{
    char dir[VK_PATH_MAX];

    dir_name(path, dir);
    enum vk_err err = vk_setup_make_dirs(dir);
    if (err != VK_OK)
        return err;
    if (vk_setup_link_state(path, target) == VK_LINK_OLD)
        unlink(path);
    if (symlink(target, path) != 0)
        return vk_fail(VK_IO, "cannot make '%s': %s", path, strerror(errno));
    return VK_OK;
}

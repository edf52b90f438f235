/* SPDX-License-Identifier: MIT */
#include "cli/edit.h"

#include <errno.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/log.h"
#include "keyring/sections.h"

/*
 * A file of its own, which nobody else can open: on the directory another
 * user could hold a lock for ever.
 */
static enum vk_err
lock_dir(const char *dir, int *lock)
{
    int fd = -1;

    if (vk_file_open_lock(dir, ".lock", &fd) != VK_OK)
        return vk_fail(VK_IO, "cannot write in '%s': %s", dir,
                       strerror(errno));
    while (flock(fd, LOCK_EX) != 0) {
        if (errno == EINTR)
            continue;
        int saved = errno;
        close(fd);
        return vk_fail(VK_IO, "cannot lock '%s': %s", dir, strerror(saved));
    }
    *lock = fd;
    return VK_OK;
}

/* The machine's is for everybody to read, whatever root's umask is. */
static enum vk_err
make_dir(const char *dir)
{
    if (vk_clients_is_machine() && mkdir(dir, 0755) == 0 &&
        chmod(dir, 0755) != 0)
        return vk_fail(VK_IO, "cannot open '%s' for all users: %s", dir,
                       strerror(errno));
    return vk_file_make_dir(dir);
}

enum vk_err
vk_edit_begin(struct vk_edit *edit)
{
    *edit = (struct vk_edit){.lock = -1, .text = VK_BUF(VK_CLIENTS_MAX)};
    enum vk_err err = vk_clients_own_dir(edit->clients.dir);

    if (err == VK_OK)
        err = make_dir(edit->clients.dir);
    if (err == VK_OK)
        err = lock_dir(edit->clients.dir, &edit->lock);
    if (err == VK_OK)
        err = vk_clients_open_own(&edit->clients);
    if (err == VK_NOCLIENT)
        err = VK_OK;
    if (err == VK_OK)
        err = vk_clients_check(&edit->clients);
    if (err == VK_OK)
        err = vk_buf_add(&edit->text, edit->clients.text);
    return err;
}

/* From the header to the last line that says something. */
static size_t
own_length(struct vk_span section)
{
    struct vk_conf conf = VK_CONF_OF(section);
    struct vk_conf_line line;
    enum vk_conf_kind kind;
    size_t own = 0;

    while ((kind = vk_conf_next(&conf, &line)) != VK_CONF_END)
        if (kind != VK_CONF_NOTHING)
            own = (size_t)(line.text.ptr - section.ptr) + line.text.len;
    return own;
}

static size_t
blank_length(struct vk_span text)
{
    size_t len = 0;

    while (len < text.len && text.ptr[len] == '\n')
        len++;
    return len;
}

static bool
belongs_to(struct vk_span section, const char *name)
{
    struct vk_span have;

    if (vk_sections_is(section, "client", &have))
        return vk_span_is(have, name);
    if (!vk_sections_is(section, "token", &have))
        return false;
    return vk_span_is(have, name) || vk_span_is(vk_span_cut(&have, '/'), name);
}

/* A blank line before what comes next, unless nothing stands there. */
static enum vk_err
separate(struct vk_buf *out)
{
    enum vk_err err = VK_OK;

    if (out->len > 0 && out->data[out->len - 1] != '\n')
        err = vk_buf_add_char(out, '\n');
    if (err == VK_OK && out->len > 1 && out->data[out->len - 2] != '\n')
        err = vk_buf_add_char(out, '\n');
    return err;
}

/* Copy text without the sections of name; sections stand for the first. */
static enum vk_err
rewrite(struct vk_span text, const char *name, struct vk_span sections,
        struct vk_buf *out)
{
    struct vk_span section;
    size_t at = 0, copied = 0;
    enum vk_err err = VK_OK;

    while (err == VK_OK && vk_sections_next(text, &at, &section)) {
        size_t from = (size_t)(section.ptr - text.ptr);
        if (!belongs_to(section, name))
            continue;
        /* Blanks before the header go with it. */
        while (from > copied && strchr(" \t\r", text.ptr[from - 1]) != NULL)
            from--;
        err = vk_buf_add(out,
                         (struct vk_span){text.ptr + copied, from - copied});
        copied = (size_t)(section.ptr - text.ptr) + own_length(section);
        copied +=
            blank_length((struct vk_span){text.ptr + copied, at - copied});
        if (err == VK_OK && sections.len > 0) {
            err = vk_buf_add(out, sections);
            if (err == VK_OK && copied < text.len)
                err = separate(out);
            sections.len = 0;
        }
    }
    if (err == VK_OK)
        err = vk_buf_add(out, vk_span_from(text, copied));
    if (err == VK_OK && sections.len > 0) {
        err = separate(out);
        if (err == VK_OK)
            err = vk_buf_add(out, sections);
    }
    return err;
}

enum vk_err
vk_edit_put(struct vk_edit *edit, const char *name, struct vk_span sections)
{
    struct vk_buf out = VK_BUF(VK_CLIENTS_MAX);
    enum vk_err err = rewrite(vk_buf_span(&edit->text), name, sections, &out);

    if (err != VK_OK) {
        vk_buf_clear(&out);
        return vk_fail(err, "clients.conf would be too large");
    }
    vk_buf_clear(&edit->text);
    edit->text = out;
    return VK_OK;
}

enum vk_err
vk_edit_remove(struct vk_edit *edit, const char *name)
{
    return vk_edit_put(edit, name, VK_SPAN(""));
}

enum vk_err
vk_edit_check(const struct vk_edit *edit)
{
    struct vk_clients next = edit->clients;

    next.text = vk_buf_span(&edit->text);
    next.is_draft = true;
    if (next.text.len == 0)
        next.text = VK_SPAN("");
    return vk_clients_check(&next);
}

enum vk_err
vk_edit_prepare(const struct vk_edit *edit, struct vk_pending *pending)
{
    enum vk_err err = vk_edit_check(edit);

    if (err != VK_OK)
        return err;
    return vk_file_prepare_as(edit->clients.dir, VK_CLIENTS_FILE,
                              vk_buf_span(&edit->text),
                              vk_clients_is_machine() ? 0644 : 0600, pending);
}

enum vk_err
vk_edit_save(const struct vk_edit *edit)
{
    struct vk_pending pending;
    enum vk_err err = vk_edit_prepare(edit, &pending);

    return err == VK_OK ? vk_file_commit(&pending) : err;
}

void
vk_edit_end(struct vk_edit *edit)
{
    vk_clients_close(&edit->clients);
    vk_buf_clear(&edit->text);
    if (edit->lock >= 0)
        close(edit->lock);
    edit->lock = -1;
}

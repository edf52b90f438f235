/* SPDX-License-Identifier: MIT */
/*
 * The system store: keyring/secret.h once more, for the machine's clients.
 * secrets/CLIENT.cred beside the machine's clients.conf holds, sealed where
 * that is possible, a first line and three lines for each secret: client id,
 * endpoint, secret.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/utf8.h"
#include "keyring/clients.h"
#include "keyring/secret.h"
#include "server/seal.h"

#define HEAD "valetkey-secrets 1\n"

const char vk_secret_program[] = "valetkey-vault";
const char vk_secret_none[] = "there is none in the system store";

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

static enum vk_err
read_file(const char *client, struct vk_buf *raw)
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

/* Everything that is kept for the client, behind the first line. */
static enum vk_err
load(const char *client, struct vk_buf *raw, struct vk_buf *plain,
     struct vk_span *entries)
{
    enum vk_err err = read_file(client, raw);

    if (err != VK_OK)
        return err;
    if (vk_span_starts(vk_buf_span(raw), HEAD))
        err = vk_buf_add(plain, vk_buf_span(raw));
    else
        err = vk_unseal(client, vk_buf_span(raw), plain);
    *entries = vk_buf_span(plain);
    if (err == VK_OK && vk_span_starts(*entries, HEAD)) {
        *entries = vk_span_from(*entries, sizeof HEAD - 1);
        return VK_OK;
    }
    return vk_fail(VK_NOSTORE,
                   "the secret of '%s' cannot be unsealed on this machine;"
                   " give it again: valetkey --system rotate %s",
                   client, client);
}

struct entry {
    struct vk_span id, url, secret;
};

static bool
next_entry(struct vk_span *rest, struct entry *out)
{
    out->id = vk_span_cut(rest, '\n');
    out->url = vk_span_cut(rest, '\n');
    out->secret = vk_span_cut(rest, '\n');
    return rest->ptr != NULL;
}

static bool
is_of(const struct entry *entry, const struct vk_secret_id *id)
{
    return vk_span_is(entry->id, id->client_id) &&
           vk_span_is(entry->url, id->token_url);
}

bool
vk_secret_is_usable(struct vk_span secret)
{
    if (secret.len == 0 || secret.len > VK_SECRET_MAX)
        return false;
    for (size_t i = 0, n; i < secret.len; i += n) {
        unsigned char c = (unsigned char)secret.ptr[i];
        n = vk_utf8_length(vk_span_from(secret, i));
        if (n == 0 || c < 0x20 || c == 0x7f)
            return false;
    }
    return true;
}

/* A line of its own in the file. */
static bool
is_line(const char *text)
{
    for (const char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 127)
            return false;
    return text[0] != '\0';
}

static enum vk_err
add_entry(const struct entry *entry, struct vk_buf *out)
{
    const struct vk_span lines[] = {entry->id, entry->url, entry->secret};
    enum vk_err err = VK_OK;

    for (size_t i = 0; i < 3 && err == VK_OK; i++) {
        err = vk_buf_add(out, lines[i]);
        if (err == VK_OK)
            err = vk_buf_add_char(out, '\n');
    }
    return err;
}

static enum vk_err
save(const char *client, struct vk_span plain)
{
    VK_AUTO_BUF sealed = VK_BUF(VK_SEAL_MAX);
    char dir[VK_PATH_MAX], file[VK_NAME_MAX + 8];
    int at = -1;
    enum vk_err err = make_paths(client, dir, file);

    if (err == VK_OK)
        err = vk_file_make_dir(dir);
    if (err == VK_OK)
        err = open_checked(AT_FDCWD, dir, O_DIRECTORY, S_IFDIR, &at);
    if (err != VK_OK)
        return err;
    close(at);
    /* A plain file that only root can read is the next best. */
    if (vk_seal(client, plain, &sealed) == VK_OK)
        plain = vk_buf_span(&sealed);
    return vk_file_replace(dir, file, plain);
}

enum vk_err
vk_secret_get(const struct vk_secret_id *id, int64_t wait_ms,
              struct vk_buf *secret)
{
    VK_AUTO_BUF raw = VK_BUF(VK_SEAL_MAX);
    VK_AUTO_BUF plain = VK_BUF(VK_SEAL_PLAIN_MAX);
    struct vk_span rest;
    struct entry entry;
    enum vk_err err = load(id->client, &raw, &plain, &rest);

    (void)wait_ms;
    if (err != VK_OK && err != VK_NOSECRET)
        return err;
    while (err == VK_OK && next_entry(&rest, &entry))
        if (is_of(&entry, id) && vk_secret_is_usable(entry.secret))
            return vk_buf_add(secret, entry.secret);
    return vk_fail(VK_NOSECRET,
                   "there is no secret of '%s' for its client-id and"
                   " endpoint; give it: valetkey --system rotate %s",
                   id->client, id->client);
}

enum vk_err
vk_secret_has(const struct vk_secret_id *id, int64_t wait_ms)
{
    VK_AUTO_BUF raw = VK_BUF(VK_SEAL_MAX);
    VK_AUTO_BUF plain = VK_BUF(VK_SEAL_PLAIN_MAX);
    struct vk_span rest;
    struct entry entry;
    enum vk_err err = load(id->client, &raw, &plain, &rest);

    (void)wait_ms;
    if (err != VK_OK)
        return err;
    while (next_entry(&rest, &entry))
        if (is_of(&entry, id))
            return VK_OK;
    return VK_NOSECRET;
}

enum vk_err
vk_secret_put(const struct vk_secret_id *id, struct vk_span secret,
              int64_t wait_ms)
{
    VK_AUTO_BUF raw = VK_BUF(VK_SEAL_MAX);
    VK_AUTO_BUF plain = VK_BUF(VK_SEAL_PLAIN_MAX);
    VK_AUTO_BUF next = VK_BUF(VK_SEAL_PLAIN_MAX);
    const struct entry added = {vk_span_str(id->client_id),
                                vk_span_str(id->token_url), secret};
    struct vk_span rest = VK_SPAN("");
    struct entry entry;

    (void)wait_ms;
    if (!is_line(id->client_id) || !is_line(id->token_url))
        return vk_fail(VK_USAGE, "client id and endpoint must be lines");
    enum vk_err err = vk_buf_add_str(&next, HEAD);
    /* What cannot be unsealed any more is of no use to anybody. */
    if (err == VK_OK && load(id->client, &raw, &plain, &rest) != VK_OK)
        rest = VK_SPAN("");
    while (err == VK_OK && next_entry(&rest, &entry))
        if (!is_of(&entry, id))
            err = add_entry(&entry, &next);
    if (err == VK_OK)
        err = add_entry(&added, &next);
    if (err != VK_OK)
        return vk_fail(err, "cannot store the secret of '%s': %s", id->client,
                       vk_err_text(err));
    return save(id->client, vk_buf_span(&next));
}

static enum vk_err
remove_file(const char *client)
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

static bool
goes(const struct entry *entry, const struct vk_secret_id *id,
     enum vk_secret_which which)
{
    return (which == VK_SECRET_THIS) == is_of(entry, id);
}

enum vk_err
vk_secret_delete(const struct vk_secret_id *id, enum vk_secret_which which,
                 int64_t wait_ms)
{
    VK_AUTO_BUF raw = VK_BUF(VK_SEAL_MAX);
    VK_AUTO_BUF plain = VK_BUF(VK_SEAL_PLAIN_MAX);
    VK_AUTO_BUF next = VK_BUF(VK_SEAL_PLAIN_MAX);
    struct vk_span rest;
    struct entry entry;
    bool changed = false;

    (void)wait_ms;
    if (which == VK_SECRET_ALL)
        return remove_file(id->client);
    enum vk_err err = load(id->client, &raw, &plain, &rest);
    if (err != VK_OK)
        return err == VK_NOSECRET ? VK_OK : err;
    err = vk_buf_add_str(&next, HEAD);
    while (err == VK_OK && next_entry(&rest, &entry)) {
        if (goes(&entry, id, which))
            changed = true;
        else
            err = add_entry(&entry, &next);
    }
    if (err != VK_OK || !changed)
        return err;
    return next.len == sizeof HEAD - 1 ? remove_file(id->client)
                                       : save(id->client, vk_buf_span(&next));
}

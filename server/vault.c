/* SPDX-License-Identifier: MIT */
/*
 * The system store: keyring/secret.h once more, for the machine's clients.
 * secrets/CLIENT.cred beside the machine's clients.conf holds, sealed where
 * that is possible, a first line and three lines for each secret: client id,
 * endpoint, secret.
 */
#include <unistd.h>

#include "base/log.h"
#include "base/utf8.h"
#include "keyring/clients.h"
#include "keyring/secret.h"
#include "server/seal.h"
#include "server/vault_file.h"

#define HEAD "valetkey-secrets 1\n"

const char vk_secret_program[] = "valetkey-vault";
const char vk_secret_none[] = "there is none in the system store";

/* Everything that is kept for the client, behind the first line. */
static enum vk_err
load(const char *client, struct vk_buf *raw, struct vk_buf *plain,
     struct vk_span *entries)
{
    enum vk_err err = vk_vault_read(client, raw);

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

static enum vk_err
add_secret(const struct vk_secret_id *id, struct vk_span secret)
{
    VK_AUTO_BUF raw = VK_BUF(VK_SEAL_MAX);
    VK_AUTO_BUF plain = VK_BUF(VK_SEAL_PLAIN_MAX);
    VK_AUTO_BUF next = VK_BUF(VK_SEAL_PLAIN_MAX);
    const struct entry added = {vk_span_str(id->client_id),
                                vk_span_str(id->token_url), secret};
    struct vk_span rest = VK_SPAN("");
    struct entry entry;

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
    return vk_vault_write(id->client, vk_buf_span(&next));
}

enum vk_err
vk_secret_put(const struct vk_secret_id *id, struct vk_span secret,
              int64_t wait_ms)
{
    int lock = -1;
    enum vk_err err = vk_vault_lock(wait_ms, &lock);

    if (err == VK_OK)
        err = add_secret(id, secret);
    if (lock >= 0)
        close(lock);
    return err;
}

static bool
goes(const struct entry *entry, const struct vk_secret_id *id,
     enum vk_secret_which which)
{
    return (which == VK_SECRET_THIS) == is_of(entry, id);
}

static enum vk_err
remove_entries(const struct vk_secret_id *id, enum vk_secret_which which)
{
    VK_AUTO_BUF raw = VK_BUF(VK_SEAL_MAX);
    VK_AUTO_BUF plain = VK_BUF(VK_SEAL_PLAIN_MAX);
    VK_AUTO_BUF next = VK_BUF(VK_SEAL_PLAIN_MAX);
    struct vk_span rest;
    struct entry entry;
    bool changed = false;

    if (which == VK_SECRET_ALL)
        return vk_vault_remove(id->client);
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
    return next.len == sizeof HEAD - 1
               ? vk_vault_remove(id->client)
               : vk_vault_write(id->client, vk_buf_span(&next));
}

enum vk_err
vk_secret_delete(const struct vk_secret_id *id, enum vk_secret_which which,
                 int64_t wait_ms)
{
    int lock = -1;
    enum vk_err err = vk_vault_lock(wait_ms, &lock);

    if (err == VK_OK)
        err = remove_entries(id, which);
    if (lock >= 0)
        close(lock);
    return err;
}

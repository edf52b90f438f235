/* SPDX-License-Identifier: MIT */
#include "keyring/cache.h"

#include <errno.h>
#include <keyutils.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/clock.h"

/*
 * Possessor: everything.  User: view, read, search.  Reading by the user's
 * right means that a process whose session keyring does not lead to @u (a
 * service, a revoked session) can read a token without linking anything; it
 * is no more than what any process of this user could get by linking @u.
 */
#define TOKEN_PERM (KEY_POS_ALL | KEY_USR_VIEW | KEY_USR_READ | KEY_USR_SEARCH)

/* The machine's, which are root's alone: keyring/machine.h. */
static key_serial_t ring = KEY_SPEC_USER_KEYRING;
static key_perm_t perm = TOKEN_PERM;

static void (*recall_token)(const char *name);

void
vk_cache_use(int32_t keyring, uint32_t key_perm,
             void (*recall)(const char *name))
{
    ring = keyring;
    recall_token = recall;
    perm = key_perm;
}

#define DESCRIPTION_MAX (VK_FULL_NAME_MAX + 32)
#define TRIES 3

/* The session keyring may hold a link to @u only if it is our own. */
static bool
owns_session_keyring(void)
{
    char text[DESCRIPTION_MAX];
    key_serial_t session = keyctl_get_keyring_ID(KEY_SPEC_SESSION_KEYRING, 0);
    int64_t uid;

    if (session < 0)
        return false;
    long len = keyctl_describe(session, text, sizeof text);
    if (len <= 0 || (size_t)len > sizeof text)
        return false;
    struct vk_span rest = {text, (size_t)len - 1};
    vk_span_cut(&rest, ';');
    if (!vk_span_number(vk_span_cut(&rest, ';'), UINT32_MAX, &uid) ||
        (unsigned long)uid != getauxval(AT_EUID))
        return false;
    vk_span_cut(&rest, ';');
    vk_span_cut(&rest, ';');
    /* The default session leads to @u already. */
    return !vk_span_starts(rest, "_uid_ses.");
}

/*
 * Possess what is in @u, for keys that others put there with less than
 * TOKEN_PERM.  A link in the session keyring helps later processes too; one
 * in the process keyring costs quota for each process that runs.
 */
void
vk_cache_possess(void)
{
    if (!vk_cache_possess_by_session())
        keyctl_link(KEY_SPEC_USER_KEYRING, KEY_SPEC_PROCESS_KEYRING);
}

bool
vk_cache_possess_by_session(void)
{
    return owns_session_keyring() &&
           keyctl_link(KEY_SPEC_USER_KEYRING, KEY_SPEC_SESSION_KEYRING) == 0;
}

/* Who may own a key: the user himself, or root, who cannot be forged. */
#define OWNER_ME 1U
#define OWNER_ROOT 2U

/* Type "user", and ours: what another planted does not count. */
static bool
is_ours(key_serial_t key, unsigned int owner)
{
    char text[DESCRIPTION_MAX + 64];
    int64_t uid;

    long len = keyctl_describe(key, text, sizeof text);
    /* Root's are shown to their possessor only. */
    if (len < 0 && errno == EACCES && (owner & OWNER_ROOT) != 0) {
        vk_cache_possess();
        len = keyctl_describe(key, text, sizeof text);
    }
    if (len <= 0 || (size_t)len > sizeof text)
        return false;
    struct vk_span rest = {text, (size_t)len - 1};
    if (!vk_span_is(vk_span_cut(&rest, ';'), "user") ||
        !vk_span_number(vk_span_cut(&rest, ';'), UINT32_MAX, &uid))
        return false;
    return ((owner & OWNER_ROOT) != 0 && uid == 0) ||
           ((owner & OWNER_ME) != 0 &&
            (unsigned long)uid == getauxval(AT_EUID));
}

static bool
is_gone(int error)
{
    return error == ENOKEY || error == EKEYEXPIRED || error == EKEYREVOKED ||
           error == EKEYREJECTED;
}

/* VK_OK, VK_MISS, or VK_NOKEYRING with errno. */
static enum vk_err
find(const char *description, unsigned int owner, key_serial_t *out)
{
    long key = keyctl_search(ring, "user", description, 0);

    if (key < 0)
        return is_gone(errno) ? VK_MISS : VK_NOKEYRING;
    /* Nobody but root can put anything into the machine's. */
    if (ring == KEY_SPEC_USER_KEYRING && !is_ours((key_serial_t)key, owner))
        return VK_MISS;
    *out = (key_serial_t)key;
    return VK_OK;
}

/* Find and read; a key that is replaced in between is looked for again. */
static enum vk_err
read_key(const char *description, unsigned int owner, size_t max,
         struct vk_buf *out, key_serial_t *found)
{
    key_serial_t key;
    enum vk_err err = vk_buf_reserve(out, max);

    for (int i = 0; err == VK_OK && i < TRIES; i++) {
        err = find(description, owner, &key);
        if (err != VK_OK)
            return err;
        long len = keyctl_read(key, out->data + out->len, max);
        if (len >= 0 && (size_t)len <= max) {
            out->len += (size_t)len;
            *found = key;
            return VK_OK;
        }
        if (len >= 0)
            return VK_MISS;
        if (errno == EACCES)
            vk_cache_possess();
    }
    return err != VK_OK ? err : VK_MISS;
}

static bool
describe(const char *kind, const char *name, char out[DESCRIPTION_MAX])
{
    int len =
        vk_format(out, DESCRIPTION_MAX, "valetkey%s%s:%s",
                  kind != NULL ? "." : "", kind != NULL ? kind : "", name);

    return len > 0 && len < DESCRIPTION_MAX;
}

enum vk_err
vk_cache_get(const struct vk_profile *profile, int64_t min_validity,
             struct vk_buf *payload, struct vk_record *record)
{
    char description[DESCRIPTION_MAX] = "valetkey:";
    struct vk_record got;
    key_serial_t key = 0;

    /* Not describe(): the warm path does without printf. */
    memcpy(description + 9, profile->name, strlen(profile->name) + 1);
    unsigned int owner = profile->origin == VK_BROKER ? OWNER_ROOT : OWNER_ME;
    enum vk_err err =
        read_key(description, owner, VK_RECORD_MAX, payload, &key);
    if (err != VK_OK)
        return err;
    if (vk_record_read(vk_buf_span(payload), &got) == VK_OK &&
        vk_span_is(got.config, profile->fingerprint) &&
        vk_record_left(&got, vk_clock_boot()) > min_validity) {
        *record = got;
        record->key = key;
        return VK_OK;
    }
    vk_buf_cut(payload, 0);
    return VK_MISS;
}

/*
 * The last resort where the quota has no room for old and new side by side:
 * change the old key.  Until its timeout is set again it has none, which is
 * why readers go by boot-expires.
 */
static bool
update(const char *description, struct vk_span payload, unsigned int seconds)
{
    key_serial_t key;

    if (find(description, OWNER_ME, &key) != VK_OK)
        return false;
    long done = keyctl_update(key, payload.ptr, payload.len);
    if (done != 0 && errno == EACCES) {
        vk_cache_possess();
        done = keyctl_update(key, payload.ptr, payload.len);
    }
    return done == 0 && keyctl_set_timeout(key, seconds) == 0;
}

static bool
publish(key_serial_t key, unsigned int seconds)
{
    bool done = keyctl_set_timeout(key, seconds) == 0 &&
                keyctl_setperm(key, perm) == 0 && keyctl_link(key, ring) == 0;
    int saved = errno;

    keyctl_unlink(key, KEY_SPEC_PROCESS_KEYRING);
    errno = saved;
    return done;
}

static enum vk_err
put(const char *description, struct vk_span payload, int64_t seconds)
{
    unsigned int timeout = seconds < 1            ? 1
                           : seconds > UINT32_MAX ? UINT32_MAX
                                                  : (unsigned int)seconds;
    key_serial_t key = add_key("user", description, payload.ptr, payload.len,
                               KEY_SPEC_PROCESS_KEYRING);

    if (key >= 0 && publish(key, timeout))
        return VK_OK;
    int saved = errno;
    if (saved == EDQUOT && update(description, payload, timeout))
        return VK_OK;
    errno = saved;
    return VK_NOKEYRING;
}

static enum vk_err
drop(const char *description)
{
    key_serial_t key;
    enum vk_err err = find(description, OWNER_ME | OWNER_ROOT, &key);

    if (err != VK_OK)
        return err;
    /* Nor invalidated: until it is collected, requests would fail by it. */
    if (ring == KEY_SPEC_USER_KEYRING && is_ours(key, OWNER_ROOT) &&
        keyctl_unlink(key, ring) == 0)
        return VK_OK;
    /* Invalidated it is gone at once, for every reader. */
    if (keyctl_invalidate(key) == 0 || keyctl_unlink(key, ring) == 0)
        return VK_OK;
    return is_gone(errno) ? VK_MISS : VK_NOKEYRING;
}

enum vk_err
vk_cache_put(const struct vk_profile *profile, struct vk_span payload,
             int64_t seconds)
{
    return vk_cache_note_put(NULL, profile->name, payload, seconds);
}

enum vk_err
vk_cache_drop(const char *name)
{
    enum vk_err err = vk_cache_note_drop(NULL, name);

    /* After ours: who is given it now is given another one. */
    if (recall_token != NULL)
        recall_token(name);
    return err;
}

enum vk_err
vk_cache_note_find(const char *kind, const char *name, struct vk_buf *out,
                   int32_t *key)
{
    char description[DESCRIPTION_MAX];
    size_t max = out->max < VK_RECORD_MAX ? out->max : VK_RECORD_MAX;

    if (!describe(kind, name, description))
        return VK_TOOBIG;
    return read_key(description, OWNER_ME, max, out, key);
}

enum vk_err
vk_cache_note_get(const char *kind, const char *name, struct vk_buf *out)
{
    int32_t key;

    return vk_cache_note_find(kind, name, out, &key);
}

enum vk_err
vk_cache_note_put(const char *kind, const char *name, struct vk_span text,
                  int64_t seconds)
{
    char description[DESCRIPTION_MAX];

    if (!describe(kind, name, description))
        return VK_TOOBIG;
    return put(description, text, seconds);
}

enum vk_err
vk_cache_note_drop(const char *kind, const char *name)
{
    char description[DESCRIPTION_MAX];

    if (!describe(kind, name, description))
        return VK_TOOBIG;
    return drop(description);
}

bool
vk_cache_note_is(const char *kind, const char *name)
{
    char description[DESCRIPTION_MAX];
    key_serial_t key;

    return describe(kind, name, description) &&
           find(description, OWNER_ME, &key) == VK_OK;
}

const char *
vk_cache_trouble(int error)
{
    switch (error) {
    case EDQUOT:
        return "this user's kernel keyring is full (see 'keyctl show @u' and"
               " /proc/key-users)";
    case ENOSYS:
    case EPERM:
    case EACCES:
        return "the kernel keyring is not available here (a container may"
               " forbid it)";
    default: return strerror(error);
    }
}

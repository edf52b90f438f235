/* SPDX-License-Identifier: MIT */
#include "keyring/broker.h"

#include <errno.h>
#include <keyutils.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/proc.h"
#include "keyring/cache.h"

#define DESCRIPTION_MAX (VK_FULL_NAME_MAX + 32)
#define TRIES 6
#define KEYS_MAX 65536
#define RETRY_MS 5
#define PAUSE_MS 1000

const struct vk_broker_row vk_broker_rows[] = {
    {EACCES, VK_REFUSED, "you are not allowed to have it"},
    {EKEYREJECTED, VK_REFUSED,
     "the authorization server refuses the client's credential"},
    {ECONNREFUSED, VK_UNREACHABLE,
     "the authorization server cannot be reached"},
    {ETIMEDOUT, VK_UNREACHABLE,
     "the authorization server did not answer in time"},
    {EBUSY, VK_HELD, "requests are held back; try again later"},
    {EINVAL, VK_NOCLIENT, "the machine has no such client"},
    {EPERM, VK_REFUSED,
     "the request was tampered with, or comes from a foreign namespace"},
    {EIO, VK_INTERNAL,
     "the machine's configuration or secret is at fault; its administrator"
     " finds out more"},
    {ENOKEY, VK_NOKEYRING,
     "the kernel got no answer from valetkey-upcall; is its rule in"
     " /etc/request-key.d?"},
    {EDQUOT, VK_NOKEYRING,
     "this user's kernel keyring is full (see 'keyctl show @u' and"
     " /proc/key-users)"},
    {ENOSYS, VK_NOKEYRING,
     "the kernel keyring is not available here (a container may forbid it)"},
    {0, VK_INTERNAL, NULL},
};

static enum vk_err
explain(const char *name, int error)
{
    const struct vk_broker_row *row = vk_broker_rows;

    while (row->error != 0 && row->error != error)
        row++;
    return vk_fail(row->err, "no token for '%s': %s", name,
                   row->text != NULL ? row->text : strerror(error));
}

/* Does the session keyring lead to @u, as logins and the default make it? */
static bool
has_user_keyring(void)
{
    char name[32];

    vk_format(name, sizeof name, "_uid.%lu", getauxval(AT_UID));
    long found = keyctl_search(KEY_SPEC_SESSION_KEYRING, "keyring", name, 0);
    return found >= 0 &&
           found == keyctl_get_keyring_ID(KEY_SPEC_USER_KEYRING, 0);
}

/*
 * In the child.  Without @u among our keyrings each process would have an
 * upcall of its own, and the upcall could not make its key root's.  A session
 * keyring that others can write to may hold a planted key: then do without.
 * So do where it is another user's, who has started us (sudo(8), su(1)): it
 * leads to his tokens, and the kernel would give us one of them.
 */
static int
request(const char *description, bool alone)
{
    /* Whoever reads what our parent writes must not wait for us too. */
    close_range(0, ~0U, 0);
    if (!alone)
        alone = !has_user_keyring() && !vk_cache_possess_by_session();
    if (alone && keyctl_join_session_keyring(NULL) < 0)
        vk_cache_possess();
    else if (alone)
        keyctl_link(KEY_SPEC_USER_KEYRING, KEY_SPEC_SESSION_KEYRING);
    if (request_key("user", description, "", KEY_SPEC_USER_KEYRING) >= 0)
        return 0;
    return errno;
}

/* *error: 0, or the request's errno. */
static enum vk_err
request_by_child(const struct vk_profile *profile, const char *description,
                 bool alone, int64_t deadline, int *error)
{
    static const struct sigaction usual = {.sa_handler = SIG_DFL};
    enum vk_err err = VK_OK;

    /* A parent that ignores SIGCHLD would take the child's status away. */
    sigaction(SIGCHLD, &usual, NULL);
    pid_t pid = fork();
    if (pid == 0)
        _exit(request(description, alone));
    if (pid < 0)
        return vk_fail(VK_INTERNAL, "cannot fork: %s", strerror(errno));
    err = vk_proc_alarm_at(deadline);
    if (err == VK_OK)
        err = vk_proc_wait(pid, deadline, error);
    vk_proc_alarm_off();
    if (err == VK_UNREACHABLE)
        return vk_fail(err, "no token for '%s' in time; the request goes on",
                       profile->name);
    return err;
}

static bool
is_named(key_serial_t key, const char *description)
{
    char text[DESCRIPTION_MAX + 64];
    long len = keyctl_describe(key, text, sizeof text);

    if (len <= 0 || (size_t)len > sizeof text)
        return false;
    struct vk_span rest = {text, (size_t)len - 1};
    bool is_user = vk_span_is(vk_span_cut(&rest, ';'), "user");
    for (int i = 0; i < 3; i++)
        vk_span_cut(&rest, ';');
    return is_user && vk_span_is(rest, description);
}

/*
 * Take what stands in the way out of @u: a refusal of a helper that crashed
 * (the kernel keeps it for a minute), a token of another configuration, or a
 * key that is not root's.
 */
static void
forget(const char *description)
{
    VK_AUTO_BUF list = VK_BUF(KEYS_MAX * sizeof(key_serial_t));
    key_serial_t key;

    if (vk_buf_reserve(&list, list.max) != VK_OK)
        return;
    long len = keyctl_read(KEY_SPEC_USER_KEYRING, list.data, list.max);
    for (long at = 0; at + (long)sizeof key <= len && len <= (long)list.max;
         at += (long)sizeof key) {
        memcpy(&key, list.data + at, sizeof key);
        if (is_named(key, description))
            keyctl_unlink(key, KEY_SPEC_USER_KEYRING);
    }
}

/* Could it come out otherwise at once? */
static bool
is_passing(int error, int tries)
{
    switch (error) {
    case ENOKEY: return tries == 0;
    case EPERM:
    case EKEYEXPIRED:
    case EKEYREVOKED: return tries + 1 < TRIES;
    default: return false;
    }
}

/* One answer of the broker, and what is only in its way set aside. */
static enum vk_err
ask_once(const struct vk_profile *profile, int64_t deadline,
         struct vk_buf *payload, struct vk_record *record, int *error)
{
    char description[DESCRIPTION_MAX];

    vk_format(description, sizeof description, "valetkey:%s", profile->name);
    for (int i = 0; i < TRIES; i++) {
        enum vk_err err =
            request_by_child(profile, description, i > 0, deadline, error);
        if (err != VK_OK || (*error != 0 && !is_passing(*error, i)))
            return err;
        if (*error == 0 && vk_cache_get(profile, 0, payload, record) == VK_OK)
            return VK_OK;
        forget(description);
        /* The kernel unlinks invalidated keys a moment later. */
        if (i > 0 || *error == EKEYREVOKED)
            vk_clock_sleep_until(vk_clock_boot_ms() + (RETRY_MS << i));
    }
    if (*error == 0)
        *error = EPERM;
    return VK_OK;
}

static enum vk_err
check_life(const struct vk_profile *profile, const struct vk_wish *wish,
           const struct vk_record *record)
{
    int64_t left = vk_record_left(record, vk_clock_boot());

    if (wish->min_validity <= 0 || left > wish->min_validity)
        return VK_OK;
    return vk_fail(VK_BADREPLY,
                   "the machine's token of '%s' is good for %lld s, not for"
                   " %lld s",
                   profile->name, (long long)left,
                   (long long)wish->min_validity);
}

enum vk_err
vk_broker_ask(const struct vk_profile *profile, const struct vk_wish *wish,
              int64_t deadline, struct vk_buf *payload,
              struct vk_record *record)
{
    enum vk_err err = vk_cache_get(profile, 0, payload, record);
    int error = 0;

    /* All who are allowed share one token: there is no better one. */
    if (err == VK_OK)
        return check_life(profile, wish, record);
    for (;;) {
        err = ask_once(profile, deadline, payload, record, &error);
        if (err != VK_OK || error == 0)
            return err != VK_OK ? err : check_life(profile, wish, record);
        if (error != EBUSY || !wish->waits_for_hold ||
            vk_clock_boot_ms() + PAUSE_MS >= deadline)
            return explain(profile->name, error);
        vk_clock_sleep_until(vk_clock_boot_ms() + PAUSE_MS);
    }
}

int
vk_broker_try(const struct vk_profile *profile, int64_t deadline)
{
    char description[DESCRIPTION_MAX + 16];
    int error = 0;

    vk_format(description, sizeof description, "valetkey:%s=doctor",
              profile->name);
    /* What an earlier one left: a helper that failed is kept for a minute. */
    forget(description);
    enum vk_err err =
        request_by_child(profile, description, false, deadline, &error);
    forget(description);
    if (err != VK_OK)
        return err == VK_UNREACHABLE ? ETIME : -1;
    return error == EINVAL ? 0 : error;
}

/*
 * One that is there is a renewal under way, or one that was refused; then the
 * answer would be the same.
 */
static bool
is_asked_for(const char *description)
{
    return keyctl_search(KEY_SPEC_USER_KEYRING, "user", description, 0) >= 0 ||
           (errno != ENOKEY && errno != EKEYEXPIRED);
}

void
vk_broker_renew(const struct vk_profile *profile)
{
    char description[DESCRIPTION_MAX];

    vk_format(description, sizeof description, "valetkey.refresh:%s",
              profile->name);
    if (is_asked_for(description))
        return;
    pid_t pid = fork();
    if (pid == 0) {
        /* A grandchild, for which nobody waits. */
        if (fork() == 0)
            request(description, false);
        _exit(0);
    }
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}

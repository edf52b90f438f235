/* SPDX-License-Identifier: MIT */
#include "keyring/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <keyutils.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "keyring/cache.h"
#include "keyring/record.h"
#include "keyring/turn.h"

#define TOKENS "_valetkey"
#define USERS "_valetkey.users"
#define LOCK_MS 5000
#define SERIALS VK_TURN_DIR "/registry"
#define RECENT_S 86400
/* With that it is less than the kernel's three days. */
#define HANDED_OUT_MAX_S (2 * RECENT_S - 3600)
#define TEXT_MAX 256
#define TRIES 3

/*
 * What there can be many of is not for view: each upcall reads /proc/keys,
 * and a key that root cannot view makes no line there.
 */
#define UNSEEN (KEY_USR_ALL & ~(key_perm_t)KEY_USR_VIEW)

static key_serial_t tokens, users;

/* A keyring that another has put in its place is not it. */
static bool
is_genuine(key_serial_t ring, const char *name)
{
    char text[TEXT_MAX];
    long len = keyctl_describe(ring, text, sizeof text);

    if (len <= 0 || (size_t)len > sizeof text)
        return false;
    struct vk_span rest = {text, (size_t)len - 1};
    bool good = vk_span_is(vk_span_cut(&rest, ';'), "keyring") &&
                vk_span_is(vk_span_cut(&rest, ';'), "0");
    vk_span_cut(&rest, ';');
    return good && vk_span_is(vk_span_cut(&rest, ';'), "003f0000") &&
           vk_span_is(rest, name);
}

static bool
find(key_serial_t in, const char *name, key_serial_t *out)
{
    long ring = keyctl_search(in, "keyring", name, 0);

    /* Nobody but root can put anything into one of ours. */
    if (ring < 0 || (in != users && !is_genuine((key_serial_t)ring, name)))
        return false;
    *out = (key_serial_t)ring;
    return true;
}

/* Nobody sees it before it has its permissions. */
static bool
make(key_serial_t in, const char *name, key_serial_t *out)
{
    key_serial_t ring =
        add_key("keyring", name, NULL, 0, KEY_SPEC_PROCESS_KEYRING);

    if (ring < 0)
        return false;
    bool done =
        keyctl_setperm(ring, in == users ? UNSEEN : KEY_USR_ALL) == 0 &&
        keyctl_link(ring, in) == 0;
    int saved = errno;
    keyctl_unlink(ring, KEY_SPEC_PROCESS_KEYRING);
    errno = saved;
    *out = ring;
    return done;
}

/* Two who make the same one would lose what the first has put into it. */
static enum vk_err
find_or_make(key_serial_t in, const char *name, key_serial_t *out)
{
    static const struct vk_clients machine = {.origin = VK_BROKER};
    int lock = -1;

    if (find(in, name, out))
        return VK_OK;
    enum vk_err err = vk_turn_take(&machine, "=registry",
                                   vk_clock_boot_ms() + LOCK_MS, &lock);
    if (err != VK_OK)
        return err;
    if (!find(in, name, out) && !make(in, name, out))
        err = VK_NOKEYRING;
    int saved = errno;
    close(lock);
    errno = saved;
    return err;
}

static void
use(void)
{
    vk_cache_use(tokens, UNSEEN, vk_machine_recall);
}

/* Should it not be there the next one looks for them, too. */
static void
note_serials(void)
{
    char text[32];
    int len = vk_format(text, sizeof text, "%d %d\n", tokens, users);
    int fd = open(SERIALS,
                  O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0)
        return;
    if (write(fd, text, (size_t)len) != len)
        unlink(SERIALS);
    close(fd);
}

/* The kernel drops a persistent keyring that nobody asks for in three days. */
static bool
is_recent(int fd)
{
    struct stat file;

    if (fstat(fd, &file) != 0 || file.st_uid != 0 ||
        (file.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return false;
    int64_t age = vk_clock_unix() - file.st_mtime;
    return age >= 0 && age < RECENT_S;
}

static bool
read_serials(void)
{
    int fd = open(SERIALS, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    char text[32];
    int64_t first, second;

    if (fd < 0)
        return false;
    ssize_t len = is_recent(fd) ? read(fd, text, sizeof text) : 0;
    close(fd);
    struct vk_span rest = {text, len > 0 ? (size_t)len : 0};
    struct vk_span line = vk_span_cut(&rest, '\n');
    if (rest.ptr == NULL ||
        !vk_span_number(vk_span_cut(&line, ' '), INT32_MAX, &first) ||
        !vk_span_number(line, INT32_MAX, &second) ||
        !is_genuine((key_serial_t)first, TOKENS) ||
        !is_genuine((key_serial_t)second, USERS))
        return false;
    tokens = (key_serial_t)first;
    users = (key_serial_t)second;
    return true;
}

enum vk_err
vk_machine_open_known(void)
{
    if (!read_serials())
        return vk_machine_open();
    use();
    return VK_OK;
}

enum vk_err
vk_machine_open(void)
{
    key_serial_t anchor;

    if (tokens != 0)
        return VK_OK;
    anchor = (key_serial_t)keyctl_get_persistent((uid_t)-1,
                                                 KEY_SPEC_PROCESS_KEYRING);
    if (anchor < 0 && errno == EOPNOTSUPP)
        anchor = KEY_SPEC_USER_KEYRING;
    if (anchor == -1)
        return vk_fail(VK_NOKEYRING, "no persistent keyring: %s",
                       strerror(errno));
    enum vk_err err = find_or_make(anchor, TOKENS, &tokens);
    if (err == VK_OK)
        err = find_or_make(anchor, USERS, &users);
    if (err != VK_OK) {
        tokens = 0;
        return vk_fail(err, "no keyring for the machine's tokens: %s",
                       strerror(errno));
    }
    /*
     * Both can be used without possessing them; and as long as they are
     * possessed the kernel goes through all keys of all users whenever we
     * name any key at all.
     */
    keyctl_unlink(anchor, KEY_SPEC_PROCESS_KEYRING);
    note_serials();
    use();
    return VK_OK;
}

enum vk_err
vk_machine_of_user(uint32_t uid, int32_t *out)
{
    char name[24];

    vk_format(name, sizeof name, "u%lu", (unsigned long)uid);
    return find_or_make(users, name, out);
}

static long
search(key_serial_t ring, const char *prefix, const char *name)
{
    char description[TEXT_MAX];

    vk_format(description, sizeof description, "%s:%s", prefix, name);
    return keyctl_search(ring, "user", description, 0);
}

static void
for_each_user(void (*act)(key_serial_t ring, const char *name),
              const char *name)
{
    void *list = NULL;
    long len = keyctl_read_alloc(users, &list);

    for (long at = 0; at + (long)sizeof(key_serial_t) <= len;
         at += (long)sizeof(key_serial_t)) {
        key_serial_t ring;
        memcpy(&ring, (const char *)list + at, sizeof ring);
        act(ring, name);
    }
    free(list);
}

static void
recall_from(key_serial_t ring, const char *name)
{
    long key = search(ring, "valetkey", name);

    if (key >= 0)
        keyctl_invalidate((key_serial_t)key);
}

void
vk_machine_recall(const char *name)
{
    for_each_user(recall_from, name);
}

int64_t
vk_machine_seconds(int64_t left)
{
    return left < HANDED_OUT_MAX_S ? left : HANDED_OUT_MAX_S;
}

/* A key that has ended cannot be changed any more: then he asks anew. */
static bool
fill(key_serial_t key, struct vk_span payload)
{
    struct vk_record record;

    if (vk_record_read(payload, &record) != VK_OK)
        return false;
    int64_t left = vk_record_left(&record, vk_clock_boot());
    return left > 0 && keyctl_update(key, payload.ptr, payload.len) == 0 &&
           keyctl_set_timeout(key, (unsigned int)vk_machine_seconds(left)) ==
               0;
}

void
vk_machine_update(const char *name, int32_t key)
{
    VK_AUTO_BUF payload = VK_BUF(VK_RECORD_MAX);
    int32_t given = 0, found;

    /* It can be dropped or replaced while we are at it. */
    for (int i = 0; i < TRIES; i++) {
        vk_buf_cut(&payload, 0);
        if (vk_cache_note_find(NULL, name, &payload, &found) != VK_OK) {
            keyctl_invalidate(key);
            return;
        }
        if (found == given || !fill(key, vk_buf_span(&payload)))
            return;
        given = found;
    }
}

void
vk_machine_update_user(const char *name, int32_t ring)
{
    long key = search(ring, "valetkey", name);

    if (key >= 0)
        vk_machine_update(name, (key_serial_t)key);
}

static void
hand_on(key_serial_t ring, const char *name)
{
    if (search(ring, "valetkey.refresh", name) >= 0)
        vk_machine_update_user(name, ring);
}

void
vk_machine_renewed(const char *name)
{
    for_each_user(hand_on, name);
}

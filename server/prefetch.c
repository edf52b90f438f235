/* SPDX-License-Identifier: MIT */
/*
 * valetkey-prefetch NAME[/TOKEN]...: ask the kernel for tokens of the
 * machine's clients, and so put them into this user's keyring; --purge: drop
 * what is there of them.  pam_valetkey(8) runs it, as the user.  It is silent
 * and asks all at once: one that hangs must not keep the others waiting.
 * With --sessions-fd=4 that file has the number of the user's sessions: if it
 * is 0 by the time that a token has come, it is dropped.
 */
#include <errno.h>
#include <keyutils.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "keyring/clients.h"

#define KEYS_MAX 512
#define TRIES 6
#define RETRY_MS 5
/* As pam_valetkey.c has them. */
#define SESSIONS_FD 4
#define SESSIONS_OPTION "--sessions-fd=4"

/*
 * The upcall makes the key root's, which takes that we possess it.  A session
 * keyring as pam_keyinit(8) makes it leads to @u as well, but is revoked at
 * logout, which may be sooner than the upcall has come that far; and without
 * pam_keyinit(8) it is that of whoever runs su(1), and leads to his tokens.
 */
static void
possess_user_keyring(void)
{
    long session = keyctl_join_session_keyring(NULL);

    keyctl_link(KEY_SPEC_USER_KEYRING, session >= 0
                                           ? KEY_SPEC_SESSION_KEYRING
                                           : KEY_SPEC_PROCESS_KEYRING);
}

/*
 * One that was dropped just now answers in place of the upcall, until the
 * kernel has unlinked it a moment later.
 */
static void
request(const char *name)
{
    char description[VK_FULL_NAME_MAX + 16];

    snprintf(description, sizeof description, "valetkey:%s", name);
    possess_user_keyring();
    for (int i = 0; i < TRIES; i++) {
        if (request_key("user", description, "", KEY_SPEC_USER_KEYRING) >= 0 ||
            errno != EKEYREVOKED)
            break;
        vk_clock_sleep_until(vk_clock_boot_ms() + (RETRY_MS << i));
    }
}

static bool
is_name(const char *text)
{
    struct vk_span token = vk_span_str(text);
    struct vk_span name = vk_span_cut(&token, '/');

    return vk_clients_is_name(name) &&
           (token.ptr == NULL || vk_clients_is_name(token));
}

/* Only what the broker made: owned by root, and of our name. */
static bool
is_ours(key_serial_t key)
{
    char text[VK_FULL_NAME_MAX + 128];
    long len = keyctl_describe(key, text, sizeof text);
    int64_t uid;

    if (len <= 0 || (size_t)len > sizeof text)
        return false;
    struct vk_span rest = {text, (size_t)len - 1};
    if (!vk_span_is(vk_span_cut(&rest, ';'), "user") ||
        !vk_span_number(vk_span_cut(&rest, ';'), UINT32_MAX, &uid) || uid != 0)
        return false;
    vk_span_cut(&rest, ';');
    vk_span_cut(&rest, ';');
    return vk_span_starts(rest, "valetkey:") ||
           vk_span_starts(rest, "valetkey.");
}

static int
purge(void)
{
    key_serial_t keys[KEYS_MAX];

    possess_user_keyring();
    long len = keyctl_read(KEY_SPEC_USER_KEYRING, (char *)keys, sizeof keys);

    if (len < 0)
        return 1;
    size_t count = (size_t)len < sizeof keys ? (size_t)len : sizeof keys;
    for (size_t i = 0; i < count / sizeof keys[0]; i++)
        if (is_ours(keys[i]))
            keyctl_unlink(keys[i], KEY_SPEC_USER_KEYRING);
    return 0;
}

/* Had the last session ended before the token came? */
static bool
is_logged_out(int sessions)
{
    char text[16];
    int64_t count;
    ssize_t len = sessions >= 0 ? pread(sessions, text, sizeof text, 0) : -1;

    if (len < 0)
        return false;
    struct vk_span rest = {text, (size_t)len};
    struct vk_span number = vk_span_trim(vk_span_cut(&rest, '\n'));
    return vk_span_number(number, INT32_MAX, &count) && count == 0;
}

static int
request_one(const char *name, int sessions)
{
    if (!is_name(name))
        return 0;
    request(name);
    return is_logged_out(sessions) ? purge() : 0;
}

/* A requester sleeps until the upcall has ended: one process for each. */
static int
request_all(char **names, int sessions)
{
    for (; names[0] != NULL && names[1] != NULL; names++)
        if (is_name(names[0]) && fork() == 0)
            _exit(request_one(names[0], sessions));
    return names[0] != NULL ? request_one(names[0], sessions) : 0;
}

int
main(int argc, char **argv)
{
    vk_log_program("valetkey-prefetch");
    if (vk_file_refuse_setuid() != VK_OK)
        return 1;
    if (argc == 2 && strcmp(argv[1], "--purge") == 0)
        return purge();
    bool has_sessions = argc > 1 && strcmp(argv[1], SESSIONS_OPTION) == 0;
    return request_all(argv + 1 + has_sessions,
                       has_sessions ? SESSIONS_FD : -1);
}

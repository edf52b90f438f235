/* SPDX-License-Identifier: MIT */
/*
 * What the upcall is told, NUL after NUL: the description of the authority,
 * that of the key, the requester's /proc/PID/status, and /proc/keys.  A user
 * chooses descriptions, his program's name and how his keys are called.
 */
#include <keyutils.h>
#include <stdio.h>
#include <sys/stat.h>

#define KEY 0x2a6
#define AUTHORITY 0x3b7

static FILE *open_text(const char *path);
static int stat_same(const char *path, struct stat *out);

#define fopen(path, mode) open_text(path)
#define stat(path, out) stat_same(path, out)
#include "server/requester.c"
#undef fopen
#undef stat

#include "tests/fuzz/fuzz.h"

static struct vk_span authority_text, key_text, status_text, keys_text;
static bool owned;

static FILE *
open_text(const char *path)
{
    struct vk_span text =
        strcmp(path, "/proc/keys") == 0 ? keys_text : status_text;

    return text.len > 0 ? fmemopen((void *)(uintptr_t)text.ptr, text.len, "r")
                        : NULL;
}

static int
stat_same(const char *path, struct stat *out)
{
    require(strncmp(path, "/proc/", 6) == 0);
    *out = (struct stat){.st_dev = 3, .st_ino = 4};
    return 0;
}

long
keyctl_read(key_serial_t id, char *buffer, size_t size)
{
    key_serial_t authority = AUTHORITY;

    require(id == KEY_SPEC_SESSION_KEYRING && size >= sizeof authority);
    memcpy(buffer, &authority, sizeof authority);
    return (long)sizeof authority;
}

/* As the kernel does it: with a NUL, and never more than fits. */
long
keyctl_describe(key_serial_t id, char *buffer, size_t size)
{
    struct vk_span text = id == AUTHORITY ? authority_text : key_text;

    require(id == AUTHORITY || id == KEY);
    if (text.len + 1 <= size) {
        if (text.len > 0)
            memcpy(buffer, text.ptr, text.len);
        buffer[text.len] = '\0';
    }
    return (long)text.len + 1;
}

long
keyctl_assume_authority(key_serial_t key)
{
    require(key == KEY);
    return AUTHORITY;
}

long
keyctl_chown(key_serial_t id, uid_t uid, gid_t gid)
{
    require(id == KEY && uid == 0 && gid == (gid_t)-1);
    owned = true;
    return 0;
}

long
keyctl_setperm(key_serial_t id, key_perm_t perm)
{
    require(id == KEY && (perm & (KEY_OTH_ALL | KEY_GRP_ALL)) == 0);
    return 0;
}

static size_t
count(struct vk_span text, const char *part)
{
    size_t len = strlen(part), found = 0;

    for (size_t i = 0; i + len <= text.len; i++)
        found += memcmp(text.ptr + i, part, len) == 0;
    return found;
}

/* What was taken for true is what the texts say, each in one way only. */
static void
check(const struct vk_requester *found)
{
    char text[128];
    struct vk_span token = vk_span_str(found->name);
    struct vk_span client = vk_span_cut(&token, '/');

    require(vk_clients_is_name(client));
    require(token.ptr == NULL || vk_clients_is_name(token));
    snprintf(text, sizeof text, "user;%lu;", (unsigned long)found->uid);
    /* The number may be written with zeros before it. */
    require(vk_span_starts(key_text, "user;"));
    require(holds(key_text, token));
    require(vk_span_starts(authority_text, ".request_key_auth;"));
    snprintf(text, sizeof text, " .request_ key:%x pid:", KEY);
    require(found->pid > 0 && count(keys_text, text) >= 1);
    snprintf(text, sizeof text, "%08x ", AUTHORITY);
    require(count(keys_text, text) >= 1);
    require(count(status_text, "Uid:") >= 1);
    if (vk_requester_own(found) == 0)
        require(owned && found->uid == 0 &&
                count(key_text, ";" HANDED_OUT_TEXT ";") >= 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vk_requester found;

    owned = false;
    keys_text = (struct vk_span){(const char *)data, size};
    authority_text = vk_span_cut(&keys_text, '\0');
    key_text = vk_span_cut(&keys_text, '\0');
    status_text = vk_span_cut(&keys_text, '\0');
    int error = vk_requester_find(KEY, &found);
    require(error == 0 || error == EPERM || error == EINVAL);
    require(error == 0 || !owned);
    if (error == 0)
        check(&found);
    return 0;
}

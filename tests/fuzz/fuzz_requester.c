/* SPDX-License-Identifier: MIT */
/*
 * What the upcall is told, NUL after NUL: the description of the authority,
 * that of the key, the requester's /proc/PID/status, and /proc/keys.  A user
 * chooses descriptions, his program's name and how his keys are called.
 */
#include <fcntl.h>
#include <keyutils.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY 0x2a6
#define AUTHORITY 0x3b7

static int open_text(const char *path);
static ssize_t read_text(int fd, char *out, size_t size);
static int stat_same(const char *path, struct stat *out);

#define open(path, flags) open_text(path)
#define read(fd, out, size) read_text(fd, out, size)
#define close(fd) (void)(fd)
#define stat(path, out) stat_same(path, out)
#include "server/requester.c"
#undef open
#undef read
#undef close
#undef stat

#include "tests/fuzz/fuzz.h"

static struct vk_span authority_text, key_text, status_text, keys_text;
static bool owned;

static struct vk_span rest_of[2];

static int
open_text(const char *path)
{
    int fd = strcmp(path, "/proc/keys") == 0 ? 1 : 0;

    rest_of[fd] = fd == 1 ? keys_text : status_text;
    return rest_of[fd].len > 0 ? fd : -1;
}

/* As much as the kernel likes to give, which need not be whole lines. */
static ssize_t
read_text(int fd, char *out, size_t size)
{
    size_t len = rest_of[fd].len;

    len = len < size ? len : size;
    if (fd == 1 && len > 59)
        len = 59;
    if (len > 0)
        memcpy(out, rest_of[fd].ptr, len);
    rest_of[fd] = vk_span_from(rest_of[fd], len);
    return (ssize_t)len;
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

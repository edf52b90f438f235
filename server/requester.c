/* SPDX-License-Identifier: MIT */
#include "server/requester.h"

#include <errno.h>
#include <keyutils.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Possessor: view, read, search, link.  Owner, who is root: everything. */
#define HANDED_OUT \
    (KEY_POS_VIEW | KEY_POS_READ | KEY_POS_SEARCH | KEY_POS_LINK | KEY_USR_ALL)
#define HANDED_OUT_TEXT "1b3f0000"

/* The longest description that the kernel takes, and what stands before. */
#define DESCRIPTION_MAX 4096
#define TEXT_MAX (DESCRIPTION_MAX + 64)
#define TOKEN_PREFIX "valetkey:"
#define REFRESH_PREFIX "valetkey.refresh:"

bool
vk_requester_name(struct vk_span description, struct vk_requester *out)
{
    static const char *const prefixes[] = {TOKEN_PREFIX, REFRESH_PREFIX};
    size_t which = vk_span_starts(description, REFRESH_PREFIX) ? 1 : 0;

    if (!vk_span_starts(description, prefixes[which]))
        return false;
    struct vk_span name = vk_span_from(description, strlen(prefixes[which]));
    struct vk_span token = name, client = vk_span_cut(&token, '/');
    if (!vk_clients_is_name(client) ||
        (token.ptr != NULL && !vk_clients_is_name(token)))
        return false;
    memcpy(out->name, name.ptr, name.len);
    out->name[name.len] = '\0';
    out->is_refresh = which == 1;
    return true;
}

/* "type;uid;gid;perm;description", of which the last may hold anything. */
struct described {
    char text[TEXT_MAX];
    struct vk_span type, perm, description;
    int64_t uid;
};

static bool
describe(key_serial_t key, struct described *out)
{
    long len = keyctl_describe(key, out->text, sizeof out->text);

    if (len <= 0 || (size_t)len > sizeof out->text)
        return false;
    struct vk_span rest = {out->text, (size_t)len - 1};
    out->type = vk_span_cut(&rest, ';');
    if (!vk_span_number(vk_span_cut(&rest, ';'), UINT32_MAX, &out->uid))
        return false;
    vk_span_cut(&rest, ';');
    out->perm = vk_span_cut(&rest, ';');
    out->description = rest;
    return rest.ptr != NULL;
}

/*
 * The authorisation key of this upcall: the kernel starts us with a session
 * keyring that holds it and nothing else.  It is named by the key in hex.
 */
static bool
find_authority(key_serial_t key, key_serial_t *out)
{
    key_serial_t list[2];
    struct described authority;
    char hex[16];

    if (keyctl_read(KEY_SPEC_SESSION_KEYRING, (char *)list, sizeof list) !=
            (long)sizeof list[0] ||
        !describe(list[0], &authority))
        return false;
    snprintf(hex, sizeof hex, "%x", (unsigned int)key);
    *out = list[0];
    return vk_span_is(authority.type, ".request_key_auth") &&
           vk_span_is(authority.description, hex);
}

/*
 * A line of /proc/keys ends with the key's description, which users choose
 * and which may hold line breaks: a user can make lines of his own.  Ours
 * is there in any case, and so must be the only one.
 */
static bool
read_pid_of(const char *line, key_serial_t authority, key_serial_t key,
            int64_t *pid)
{
    char begin[16], middle[64];

    snprintf(begin, sizeof begin, "%08x ", (unsigned int)authority);
    snprintf(middle, sizeof middle,
             " .request_ key:%x pid:", (unsigned int)key);
    const char *found = strstr(line, middle);
    if (strncmp(line, begin, strlen(begin)) != 0 || found == NULL)
        return false;
    struct vk_span rest = vk_span_str(found + strlen(middle));
    return vk_span_number(vk_span_cut(&rest, ' '), INT32_MAX, pid);
}

static bool
find_pid(key_serial_t authority, key_serial_t key, pid_t *out)
{
    static char buffer[65536];
    FILE *keys = fopen("/proc/keys", "re");
    char *line = NULL;
    size_t size = 0, found = 0;
    int64_t pid = 0;

    if (keys == NULL)
        return false;
    setvbuf(keys, buffer, _IOFBF, sizeof buffer);
    while (getline(&line, &size, keys) > 0)
        found += read_pid_of(line, authority, key, &pid);
    free(line);
    fclose(keys);
    *out = (pid_t)pid;
    return found == 1 && pid > 0;
}

/* All four of its user ids are the key's. */
static bool
has_uid(pid_t pid, uid_t uid)
{
    char path[64], line[256];
    unsigned long id[4] = {0};
    bool same = false;

    snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
    FILE *status = fopen(path, "re");
    if (status == NULL)
        return false;
    while (!same && fgets(line, sizeof line, status) != NULL) {
        if (strncmp(line, "Uid:", 4) != 0)
            continue;
        char *at = line + 4;
        for (size_t i = 0; i < 4; i++)
            id[i] = strtoul(at, &at, 10);
        same = id[0] == uid && id[1] == uid && id[2] == uid && id[3] == uid;
        break;
    }
    fclose(status);
    return same;
}

/* root of a container is not root, and uid 1001 in there not our 1001. */
static bool
is_in_our_namespace(pid_t pid)
{
    char path[64];
    struct stat ours, theirs;

    snprintf(path, sizeof path, "/proc/%ld/ns/user", (long)pid);
    return stat("/proc/self/ns/user", &ours) == 0 &&
           stat(path, &theirs) == 0 && ours.st_dev == theirs.st_dev &&
           ours.st_ino == theirs.st_ino;
}

int
vk_requester_find(int32_t key, struct vk_requester *out)
{
    static struct described target;
    key_serial_t authority;

    *out = (struct vk_requester){.key = key, .uid = (uid_t)-1};
    if (!find_authority(key, &authority) || !describe(key, &target) ||
        !vk_span_is(target.type, "user"))
        return EPERM;
    out->uid = (uid_t)target.uid;
    if (!vk_requester_name(target.description, out))
        return EINVAL;
    /*
     * With the authority each line of /proc/keys would take the kernel a look
     * through the requester's keyrings.
     */
    if (!find_pid(authority, key, &out->pid) ||
        keyctl_assume_authority(key) < 0 || !has_uid(out->pid, out->uid) ||
        !is_in_our_namespace(out->pid))
        return EPERM;
    return 0;
}

int
vk_requester_own(const struct vk_requester *requester)
{
    static struct described target;
    struct vk_requester named;

    if (keyctl_chown(requester->key, 0, (gid_t)-1) != 0 ||
        keyctl_setperm(requester->key, HANDED_OUT) != 0 ||
        !describe(requester->key, &target))
        return EPERM;
    bool good = vk_span_is(target.type, "user") && target.uid == 0 &&
                vk_span_is(target.perm, HANDED_OUT_TEXT) &&
                vk_requester_name(target.description, &named) &&
                strcmp(named.name, requester->name) == 0;
    return good ? 0 : EPERM;
}

/* SPDX-License-Identifier: MIT */
#include "server/requester.h"

#include <errno.h>
#include <fcntl.h>
#include <keyutils.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/*
 * Possessor: view, read, search, link.  Owner, who is root: all but view, so
 * that what all users have does not make /proc/keys long, which each upcall
 * reads.
 */
#define HANDED_OUT                                                 \
    (KEY_POS_VIEW | KEY_POS_READ | KEY_POS_SEARCH | KEY_POS_LINK | \
     (KEY_USR_ALL & ~(unsigned int)KEY_USR_VIEW))
#define HANDED_OUT_TEXT "1b3e0000"

/* The longest description that the kernel takes, and what stands before. */
#define DESCRIPTION_MAX 4096
#define TEXT_MAX (DESCRIPTION_MAX + 64)
/*
 * A timeout is one of the wall clock's seconds, of which the first may be
 * short, and who asked is told ENOKEY if it is over before we have ended.
 */
#define LATE_NS 900000000L
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
    vk_format(hex, sizeof hex, "%x", (unsigned int)key);
    *out = list[0];
    return vk_span_is(authority.type, ".request_key_auth") &&
           vk_span_is(authority.description, hex);
}

/*
 * A line of /proc/keys ends with the key's description, which users choose
 * and which may hold line breaks: a user can make lines of his own.  Ours
 * is there in any case, and so must be the only one.
 */
struct wanted {
    struct vk_span begin, middle; /* of the line */
    size_t found;
    int64_t pid;
};

static void
look_at_line(struct wanted *wanted, struct vk_span line, const char *middle)
{
    size_t from = (size_t)(middle - line.ptr) + wanted->middle.len;
    struct vk_span rest = vk_span_from(line, from);

    if (vk_span_starts(line, wanted->begin.ptr) &&
        vk_span_number(vk_span_cut(&rest, ' '), INT32_MAX, &wanted->pid))
        wanted->found++;
}

/* Whole lines.  All but ours are only searched through: there may be many. */
static void
look_at_lines(struct wanted *wanted, struct vk_span text)
{
    const char *at;

    while (text.len > 0 && (at = memmem(text.ptr, text.len, wanted->middle.ptr,
                                        wanted->middle.len)) != NULL) {
        size_t before = (size_t)(at - text.ptr);
        const char *start = memrchr(text.ptr, '\n', before);
        if (start != NULL)
            text = vk_span_from(text, (size_t)(start + 1 - text.ptr));
        look_at_line(wanted, vk_span_cut(&text, '\n'), at);
    }
}

/* False: it cannot be read, or has a line that no key can make. */
static bool
read_keys(struct wanted *wanted)
{
    static char text[65536];
    int fd = open("/proc/keys", O_RDONLY | O_CLOEXEC);
    size_t len = 0;
    ssize_t got = -1;

    while (fd >= 0 && len < sizeof text &&
           (got = read(fd, text + len, sizeof text - len)) > 0) {
        len += (size_t)got;
        const char *last = memrchr(text, '\n', len);
        size_t whole = last != NULL ? (size_t)(last + 1 - text) : 0;
        look_at_lines(wanted, (struct vk_span){text, whole});
        len -= whole;
        memmove(text, text + whole, len);
    }
    if (fd >= 0)
        close(fd);
    return got == 0 && len == 0;
}

static bool
find_pid(key_serial_t authority, key_serial_t key, pid_t *out)
{
    char begin[16], middle[64];
    struct wanted wanted = {.found = 0};

    vk_format(begin, sizeof begin, "%08x ", (unsigned int)authority);
    vk_format(middle, sizeof middle,
              " .request_ key:%x pid:", (unsigned int)key);
    wanted.begin = vk_span_str(begin);
    wanted.middle = vk_span_str(middle);
    if (!read_keys(&wanted))
        return false;
    *out = (pid_t)wanted.pid;
    return wanted.found == 1 && wanted.pid > 0;
}

/* All four of its user ids are the key's. */
static bool
has_uid(pid_t pid, uid_t uid)
{
    char path[64], text[2048];
    int64_t id = -1;

    vk_format(path, sizeof path, "/proc/%ld/status", (long)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, text, sizeof text) : 0;
    if (fd >= 0)
        close(fd);
    struct vk_span rest = {text, len > 0 ? (size_t)len : 0};
    while (rest.len > 0 && !vk_span_starts(rest, "Uid:\t"))
        vk_span_cut(&rest, '\n');
    struct vk_span line = vk_span_cut(&rest, '\n');
    if (rest.ptr == NULL)
        return false;
    vk_span_cut(&line, '\t');
    for (size_t i = 0; i < 4; i++)
        if (!vk_span_number(vk_span_cut(&line, '\t'), UINT32_MAX, &id) ||
            (uid_t)id != uid)
            return false;
    return line.ptr == NULL;
}

/* root of a container is not root, and uid 1001 in there not our 1001. */
static bool
is_in_our_namespace(pid_t pid)
{
    char path[64];
    struct stat ours, theirs;

    vk_format(path, sizeof path, "/proc/%ld/ns/user", (long)pid);
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

int
vk_requester_let_go(void)
{
    return keyctl_assume_authority(0) >= 0 ? 0 : EPERM;
}

int
vk_requester_fill(const struct vk_requester *requester, struct vk_span content,
                  int64_t seconds, int32_t ring)
{
    sigset_t ends;

    sigemptyset(&ends);
    sigaddset(&ends, SIGUSR1);
    sigaddset(&ends, SIGTERM);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    return keyctl_set_timeout(requester->key, (unsigned int)seconds) == 0 &&
                   keyctl_assume_authority(requester->key) >= 0 &&
                   keyctl_instantiate(requester->key, content.ptr, content.len,
                                      ring) == 0
               ? 0
               : EPERM;
}

void
vk_requester_reject(int32_t key, unsigned int seconds, int error)
{
    struct timespec now = {0};

    clock_gettime(CLOCK_REALTIME, &now);
    if (now.tv_nsec > LATE_NS)
        seconds++;
    keyctl_assume_authority(key);
    keyctl_reject(key, seconds, (unsigned int)error, 0);
}

/* SPDX-License-Identifier: MIT */
#include "server/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "keyring/audit.h"

#define NOBODY_LOGGED_IN "4294967295"

static const char *journal = "/run/systemd/journal/socket";
static const char *logger = "/dev/log";

void
vk_audit_use(const char *other_journal, const char *other_logger)
{
    journal = other_journal != NULL ? other_journal : journal;
    logger = other_logger != NULL ? other_logger : logger;
}

/* A small file of a process; "" if there is none. */
static struct vk_span
read_of(pid_t pid, const char *name, char *out, size_t size)
{
    char path[64];

    vk_format(path, sizeof path, "/proc/%ld/%s", (long)pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, out, size) : 0;
    if (fd >= 0)
        close(fd);
    return (struct vk_span){out, len > 0 ? (size_t)len : 0};
}

/* "12:name=systemd:/a/b", "0::/a/b": the path, of those that systemd made. */
static struct vk_span
read_path(struct vk_span line)
{
    struct vk_span number = vk_span_cut(&line, ':');
    struct vk_span what = vk_span_cut(&line, ':');

    if (vk_span_is(what, "name=systemd") ||
        (what.len == 0 && vk_span_is(number, "0")))
        return line;
    return VK_SPAN("");
}

static bool
ends(struct vk_span word, const char *suffix)
{
    size_t len = strlen(suffix);

    return word.len > len &&
           vk_span_is(vk_span_from(word, word.len - len), suffix);
}

/*
 * The first part that is no slice.  What is below it is made by whom the unit
 * belongs to, and can have any name.
 */
static struct vk_span
unit_of(struct vk_span path)
{
    struct vk_span part = vk_span_cut(&path, '/');

    while (path.ptr != NULL && (part.len == 0 || ends(part, ".slice")))
        part = vk_span_cut(&path, '/');
    return ends(part, ".service") || ends(part, ".scope") ? part : VK_SPAN("");
}

struct vk_span
vk_audit_unit(struct vk_span cgroups)
{
    struct vk_span unit = VK_SPAN("");

    while (unit.len == 0 && cgroups.len > 0)
        unit = unit_of(read_path(vk_span_cut(&cgroups, '\n')));
    return unit;
}

/* A path that is cut is not one of another program: it has no end then. */
static void
copy(struct vk_span from, char *out, size_t size)
{
    size_t len = from.len < size ? from.len : size - 1;

    if (len > 0)
        memcpy(out, from.ptr, len);
    out[len] = '\0';
}

void
vk_audit_look(pid_t pid, struct vk_traces *out)
{
    char path[64], text[4096];
    struct vk_span login = read_of(pid, "loginuid", text, sizeof text);

    *out = (struct vk_traces){0};
    if (!vk_span_is(login, NOBODY_LOGGED_IN))
        copy(login, out->loginuid, sizeof out->loginuid);
    copy(vk_audit_unit(read_of(pid, "cgroup", text, sizeof text)), out->unit,
         sizeof out->unit);
    vk_format(path, sizeof path, "/proc/%ld/exe", (long)pid);
    ssize_t len = readlink(path, out->exe, sizeof out->exe - 1);
    out->exe[len > 0 ? len : 0] = '\0';
}

static bool
send_to(const char *path, struct vk_span text)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    copy(vk_span_str(path), to.sun_path, sizeof to.sun_path);
    ssize_t sent = fd >= 0 ? sendto(fd, text.ptr, text.len, MSG_NOSIGNAL,
                                    (const struct sockaddr *)&to, sizeof to)
                           : -1;
    if (fd >= 0)
        close(fd);
    return sent >= 0;
}

/*
 * Not by syslog(3), which waits for a logger that is slow: whoever asked
 * waits until we have ended
 */
static void
tell(const struct vk_audit *audit, int level)
{
    VK_STATIC_BUF(entry, VK_AUDIT_ENTRY_MAX);
    VK_STATIC_BUF(line, VK_AUDIT_LINE_MAX);

    vk_buf_cut(&entry, 0);
    vk_buf_cut(&line, 0);
    enum vk_err err = vk_audit_write_entry(audit, level, &entry);

    if (err == VK_OK && send_to(journal, vk_buf_span(&entry)))
        return;
    err = vk_buf_addf(&line,
                      "<%d>" VK_AUDIT_PROGRAM "[%ld]: ", LOG_AUTHPRIV | level,
                      (long)getpid());
    if (err == VK_OK)
        err = vk_audit_write(audit, &line);
    if (err == VK_OK)
        send_to(logger, vk_buf_span(&line));
}

static const char *
source_of(const struct vk_decision *decision)
{
    bool asked =
        decision->source != NULL && strcmp(decision->source, "fetch") == 0;

    if (decision->error == EBUSY)
        return "busy";
    return decision->error == 0 || asked ? decision->source : "refused";
}

void
vk_audit_tell(const struct vk_decision *decision)
{
    const struct vk_requester *who = decision->who;
    const char *outcome =
        decision->error == 0 ? "ok" : strerrorname_np(decision->error);
    char uid[16] = "", pid[16] = "";

    if (who->uid != (uid_t)-1)
        vk_format(uid, sizeof uid, "%lu", (unsigned long)who->uid);
    if (who->pid > 0)
        vk_format(pid, sizeof pid, "%ld", (long)who->pid);
    struct vk_audit audit = {{
        [VK_AUDIT_UID] = vk_span_str(uid),
        [VK_AUDIT_LOGINUID] = vk_span_str(decision->traces->loginuid),
        [VK_AUDIT_PID] = vk_span_str(pid),
        [VK_AUDIT_EXE] = vk_span_str(decision->traces->exe),
        [VK_AUDIT_UNIT] = vk_span_str(decision->traces->unit),
        [VK_AUDIT_NAME] = vk_span_str(who->name),
        [VK_AUDIT_OUTCOME] = vk_span_str(outcome != NULL ? outcome : "?"),
        [VK_AUDIT_SOURCE] = vk_span_str(source_of(decision)),
        [VK_AUDIT_HASH] = vk_span_str(decision->hash),
        [VK_AUDIT_WHY] = vk_span_str(decision->why),
    }};
    tell(&audit, decision->error == 0 ? LOG_INFO : LOG_NOTICE);
}

/* SPDX-License-Identifier: MIT */
/* systemd-socket: LoadCredential=ID:SOCKET of systemd.exec(5). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/cli.h"
#include "keyring/unit.h"

#define FIRST_PASSED_FD 3
#define FD_COUNT_MAX 1000

VK_STATIC_BUF(payload, VK_PAYLOAD_MAX);

/* Who asks for what. */
struct request {
    struct sockaddr_un address; /* what the others point into */
    struct vk_span unit, id;
    char name[sizeof(struct sockaddr_un)]; /* the ID as NAME or NAME/TOKEN */
};

static bool
variable_is(const char *name, int64_t *out)
{
    const char *text = getenv(name);

    return text != NULL && vk_span_number(vk_span_str(text), INT32_MAX, out);
}

/* sd_listen_fds(3), or standard input. */
static enum vk_err
find_connection(int *out)
{
    int64_t pid, count;

    *out = STDIN_FILENO;
    if (!variable_is("LISTEN_PID", &pid) || pid != getpid() ||
        !variable_is("LISTEN_FDS", &count) || count == 0)
        return VK_OK;
    if (count > 1)
        return vk_fail(VK_USAGE,
                       "systemd passed %d sockets; there must be"
                       " one, with Accept=yes",
                       (int)(count < FD_COUNT_MAX ? count : FD_COUNT_MAX));
    *out = FIRST_PASSED_FD;
    return VK_OK;
}

static enum vk_err
check_peer(int fd)
{
    struct ucred peer;
    socklen_t len = sizeof peer;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
        return vk_fail(VK_USAGE,
                       "there is no connection of systemd (%s);"
                       " valetkey-credentials.socket makes one",
                       strerror(errno));
    if (peer.uid == 0 || peer.uid == getauxval(AT_EUID))
        return VK_OK;
    return vk_fail(VK_REFUSED,
                   "refusing process %ld of user %lu: only a service"
                   " manager may ask",
                   (long)peer.pid, (unsigned long)peer.uid);
}

/* A slash cannot stand in an ID: "NAME@TOKEN" there. */
static void
read_id(struct request *out)
{
    bool is_first = true;

    for (size_t i = 0; i < out->id.len; i++) {
        bool is_slash = is_first && out->id.ptr[i] == '@';
        out->name[i] = is_slash ? '/' : out->id.ptr[i];
        is_first = is_first && !is_slash;
    }
    out->name[out->id.len] = '\0';
}

static enum vk_err
read_request(int fd, struct request *out)
{
    socklen_t len = sizeof out->address;
    size_t before = offsetof(struct sockaddr_un, sun_path);

    if (getpeername(fd, (struct sockaddr *)&out->address, &len) != 0)
        return vk_fail(VK_USAGE,
                       "there is no connection of systemd (%s);"
                       " valetkey-credentials.socket makes one, with"
                       " Accept=yes",
                       strerror(errno));
    struct vk_span path = {out->address.sun_path,
                           len > before ? (size_t)len - before : 0};
    if (len > sizeof out->address || out->address.sun_family != AF_UNIX ||
        !vk_unit_read_peer(path, &out->unit, &out->id))
        return vk_fail(VK_REFUSED,
                       "refusing a peer that names no unit and credential,"
                       " as LoadCredential= does");
    read_id(out);
    return VK_OK;
}

static enum vk_err
check_unit(const struct vk_profile *profile, struct vk_span unit)
{
    struct vk_values values = vk_profile_values(profile, VK_KEY_UNIT);
    struct vk_span allowed;

    while (vk_profile_next(&values, VK_KEY_UNIT, &allowed))
        if (vk_unit_allows(allowed, unit))
            return VK_OK;
    return vk_fail(VK_REFUSED,
                   "'%.*s' may not have the token of '%s'; 'unit = %.*s' in"
                   " clients.conf would allow it",
                   VK_ARG(unit), profile->name, VK_ARG(unit));
}

static enum vk_err
find(const struct request *request, struct vk_clients *clients,
     struct vk_profile *profile)
{
    enum vk_err err = vk_cli_open_warm(clients);

    if (err == VK_OK)
        err =
            vk_clients_for_name(clients, vk_span_str(request->name), profile);
    if (err == VK_NOCLIENT)
        return vk_fail(err,
                       "'%.*s' wants '%.*s': there is no client or token"
                       " '%s'",
                       VK_ARG(request->unit), VK_ARG(request->id),
                       request->name);
    return err == VK_OK ? check_unit(profile, request->unit) : err;
}

/* The manager reads to the end: what we start must not keep that from it. */
static enum vk_err
answer(int fd, struct vk_span token, const struct request *request)
{
    enum vk_err err = vk_span_write(token, fd);

    if (err != VK_OK)
        err = vk_fail(err, "cannot answer '%.*s': %s", VK_ARG(request->unit),
                      strerror(errno));
    shutdown(fd, SHUT_RDWR);
    return err;
}

static enum vk_err
serve(const struct vk_cli *cli, int fd)
{
    static struct request request;
    struct vk_clients clients;
    struct vk_profile profile;
    struct vk_record record;
    struct vk_wish wish = {0};
    enum vk_err err = vk_cli_wish(cli, VK_OPT_AT_LEAST, &wish);

    if (err == VK_OK)
        err = check_peer(fd);
    if (err == VK_OK)
        err = read_request(fd, &request);
    if (err == VK_OK)
        err = find(&request, &clients, &profile);
    if (err != VK_OK)
        return err;
    err = vk_ask(&clients, &profile, &wish, &payload, &record);
    if (err != VK_OK) {
        shutdown(fd, SHUT_RDWR);
        return vk_fail(err, "'%.*s' gets an empty credential '%.*s'",
                       VK_ARG(request.unit), VK_ARG(request.id));
    }
    err = answer(fd, record.token, &request);
    if (err == VK_OK)
        vk_ask_answered(&clients, &profile, &record);
    return err;
}

enum vk_err
vk_systemd_socket(const struct vk_cli *cli)
{
    int fd;
    enum vk_err err = find_connection(&fd);

    if (err != VK_OK)
        return err;
    /* A fetch goes on behind an answer; without us it would be ended. */
    prctl(PR_SET_CHILD_SUBREAPER, 1L, 0L, 0L, 0L);
    err = serve(cli, fd);
    vk_buf_clear(&payload);
    while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
        continue;
    return err;
}

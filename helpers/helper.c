/* SPDX-License-Identifier: MIT */
#include "helpers/helper.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "keyring/ask.h"
#include "keyring/cache.h"
#include "keyring/hold.h"

#define REQUEST_MAX 65536
#define OUT_MAX 65536

/* In the program's data: the warm path does without malloc. */
VK_STATIC_BUF(request, REQUEST_MAX);
VK_STATIC_BUF(out, OUT_MAX);
VK_STATIC_BUF(payload, VK_PAYLOAD_MAX);
static struct vk_clients clients;

/* What the answer was made of, for what is done after it is out. */
static struct vk_profile answered;
static struct vk_record record;

static enum vk_err
find(const struct vk_url *url, struct vk_profile *profile)
{
    enum vk_err err = VK_OK;

    if (clients.dir[0] == '\0')
        err = vk_clients_open(&clients);
    if (err != VK_OK)
        return err;
    return vk_clients_for_url(&clients, url, profile);
}

enum vk_err
vk_helper_get(const struct vk_url *url, struct vk_token *token)
{
    static const struct vk_wish wish;
    enum vk_err err = find(url, &answered);

    if (err == VK_OK)
        err = vk_ask(&clients, &answered, &wish, &payload, &record);
    if (err != VK_OK)
        return err;
    *token = (struct vk_token){
        .value = record.token,
        .username = vk_profile_get(&answered, VK_KEY_USERNAME),
        .expires = vk_clock_unix() + vk_record_left(&record, vk_clock_boot()),
    };
    return VK_OK;
}

enum vk_err
vk_helper_drop(const struct vk_url *url, struct vk_span value)
{
    struct vk_profile profile;
    struct vk_record have;
    enum vk_err err = find(url, &profile);

    if (err != VK_OK)
        return err;
    if (value.len > 0) {
        err = vk_cache_get(&profile, 0, &payload, &have);
        if (err != VK_OK || !vk_span_same(have.token, value))
            return VK_OK;
        vk_hold_dropped(&profile, vk_record_age(&have, vk_clock_boot()));
    }
    err = vk_cache_drop(profile.name);
    return err == VK_MISS ? VK_OK : err;
}

enum vk_err
vk_helper_each(void (*add)(void *arg, struct vk_span url,
                           struct vk_span username),
               void *arg)
{
    struct vk_clients_cursor cursor = {0};
    struct vk_profile profile;
    struct vk_span url;
    enum vk_err err = vk_clients_open(&clients);

    if (err == VK_NOCLIENT)
        return VK_OK;
    while (err == VK_OK &&
           vk_clients_next(&clients, &cursor, &profile, &err)) {
        struct vk_values values = vk_profile_values(&profile, VK_KEY_SERVES);
        while (err == VK_OK && vk_profile_next(&values, VK_KEY_SERVES, &url))
            add(arg, url, vk_profile_get(&profile, VK_KEY_USERNAME));
    }
    return err;
}

/* Is the request over, as far as it has come? */
static bool
has_blank_line(struct vk_span text)
{
    return (text.len == 1 && text.ptr[0] == '\n') ||
           (text.len >= 2 && memcmp(text.ptr + text.len - 2, "\n\n", 2) == 0);
}

static enum vk_err
read_request(enum vk_request_end end)
{
    for (;;) {
        if (request.len == request.max)
            return vk_fail(VK_TOOBIG, "the request is larger than %zu bytes",
                           request.max);
        ssize_t n = read(STDIN_FILENO, request.data + request.len,
                         request.max - request.len);
        if (n < 0 && errno != EINTR)
            return vk_fail(VK_IO, "cannot read the request: %s",
                           strerror(errno));
        if (n == 0)
            return VK_OK;
        if (n > 0)
            request.len += (size_t)n;
        if (end == VK_UNTIL_BLANK_LINE &&
            has_blank_line(vk_buf_span(&request)))
            return VK_OK;
    }
}

static const struct vk_verb *
find_verb(const char *name)
{
    for (const struct vk_verb *verb = vk_codec.verbs; verb->name; verb++)
        if (strcmp(verb->name, name) == 0)
            return verb;
    return NULL;
}

static enum vk_err
write_usage(int fd)
{
    enum vk_err err = vk_buf_addf(&out, "usage: %s ", vk_codec.program);

    for (const struct vk_verb *verb = vk_codec.verbs; verb->name; verb++)
        if (err == VK_OK)
            err = vk_buf_addf(&out, "%s%s", verb == vk_codec.verbs ? "" : "|",
                              verb->name);
    if (err == VK_OK)
        err = vk_buf_add_str(&out, "\nA credential helper of valetkey(1).\n");
    return err == VK_OK ? vk_span_write(vk_buf_span(&out), fd) : err;
}

static enum vk_err
write_version(void)
{
    enum vk_err err = vk_buf_addf(&out, "%s (valetkey) %s\n", vk_codec.program,
                                  PACKAGE_VERSION);

    return err == VK_OK ? vk_span_write(vk_buf_span(&out), STDOUT_FILENO)
                        : err;
}

static int
answer(struct vk_call *call, enum vk_err err)
{
    if (err != VK_OK)
        vk_codec.fail(call, err);
    if (vk_span_write(vk_buf_span(call->out), STDOUT_FILENO) != VK_OK) {
        vk_log("cannot write the answer: %s", strerror(errno));
        return 1;
    }
    return call->exit;
}

static int
run(const struct vk_verb *verb)
{
    struct vk_call call = {.verb = verb->name, .out = &out};
    enum vk_err err = VK_OK;

    if (verb->request != VK_NO_REQUEST)
        err = read_request(verb->request);
    call.request = vk_buf_span(&request);
    if (err == VK_OK)
        err = verb->run(&call);
    int status = answer(&call, err);
    vk_ask_answered(&clients, &answered, &record);
    vk_buf_clear(&request);
    vk_buf_clear(&payload);
    vk_buf_clear(&out);
    return status;
}

static int
tell(enum vk_err err)
{
    if (err == VK_OK)
        return 0;
    vk_log("cannot write to standard output: %s", strerror(errno));
    return 1;
}

/* What is no verb of the protocol. */
static int
other(const char *word)
{
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        return tell(write_usage(STDOUT_FILENO));
    if (strcmp(word, "--version") == 0 || strcmp(word, "-v") == 0)
        return tell(write_version());
    if (word[0] != '\0' && vk_codec.ignores_unknown_verbs)
        return 0;
    enum vk_err err = write_usage(STDERR_FILENO);
    (void)err;
    return 1;
}

int
main(int argc, char **argv)
{
    static const struct sigaction ignore = {.sa_handler = SIG_IGN};
    const char *word = argc == 2 ? argv[1] : "";

    vk_log_program(vk_codec.program);
    /* A client that closes early must not kill us before we have said why. */
    sigaction(SIGPIPE, &ignore, NULL);
    if (vk_file_refuse_setuid() != VK_OK)
        return 1;
    const struct vk_verb *verb = find_verb(word);
    return verb != NULL ? run(verb) : other(word);
}

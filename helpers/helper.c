/* SPDX-License-Identifier: MIT */
#include "helpers/helper.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/proc.h"

#define REQUEST_MAX 65536
#define OUT_MAX 65536

/* In the program's data: the warm path does without malloc. */
VK_STATIC_BUF(request, REQUEST_MAX);
VK_STATIC_BUF(out, OUT_MAX);

/* Is the request over, as far as it has come? */
static bool
has_blank_line(struct vk_span text)
{
    return (text.len == 1 && text.ptr[0] == '\n') ||
           (text.len >= 2 && memcmp(text.ptr + text.len - 2, "\n\n", 2) == 0);
}

/* Without its line break; all of it where there is none. */
static struct vk_span
first_line(void)
{
    struct vk_span text = vk_buf_span(&request);

    return vk_span_cut(&text, '\n');
}

static bool
is_complete(enum vk_request_end end)
{
    struct vk_span text = vk_buf_span(&request);

    switch (end) {
    case VK_UNTIL_BLANK_LINE: return has_blank_line(text);
    case VK_LINES: return first_line().len < text.len;
    case VK_UNTIL_EOF:
    case VK_NO_REQUEST: break;
    }
    return false;
}

static enum vk_err
read_request(enum vk_request_end end)
{
    while (!is_complete(end)) {
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
    }
    return VK_OK;
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

    if (err == VK_OK && vk_codec.usage != NULL)
        err = vk_buf_add_str(&out, vk_codec.usage);
    for (const struct vk_verb *verb = vk_codec.verbs;
         verb->name != NULL && vk_codec.usage == NULL; verb++)
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
write_out(struct vk_call *call)
{
    if (vk_span_write(vk_buf_span(&out), STDOUT_FILENO) == VK_OK)
        return call->exit;
    vk_log("cannot write the answer: %s", strerror(errno));
    return 1;
}

/* What was read beyond the line that was answered is the next request. */
static void
drop_request(size_t used)
{
    size_t rest = 0;

    /* memmove(3) would cost each helper the import. */
    while (used < request.len)
        request.data[rest++] = request.data[used++];
    vk_buf_cut(&request, rest);
}

/* One request, one answer. */
static int
serve(const struct vk_verb *verb, struct vk_call *call, enum vk_err err)
{
    call->request =
        verb->request == VK_LINES ? first_line() : vk_buf_span(&request);
    if (err == VK_OK)
        err = verb->run(call);
    if (err != VK_OK)
        vk_codec.fail(call, err);
    int status = write_out(call);
    vk_helper_answered();
    drop_request(call->request.len + 1);
    vk_buf_clear(&out);
    return status;
}

/*
 * As many as there are; an unfinished line is one, too.  After one that could
 * not be read nobody knows where the next begins.
 */
static int
serve_lines(const struct vk_verb *verb, struct vk_call *call)
{
    enum vk_err err = VK_OK;
    int status = 0;

    while (status == 0 && err == VK_OK) {
        err = read_request(VK_LINES);
        if (err == VK_OK && request.len == 0)
            break;
        status = serve(verb, call, err);
    }
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

static int
run(const struct vk_verb *verb, struct vk_call *call)
{
    enum vk_err err = VK_OK;

    call->verb = verb->name;
    call->out = &out;
    if (vk_codec.greeting != NULL && verb->request == VK_LINES &&
        tell(vk_span_write(vk_span_str(vk_codec.greeting), STDOUT_FILENO)) !=
            0)
        return 1;
    if (verb->request == VK_LINES)
        return serve_lines(verb, call);
    if (verb->request != VK_NO_REQUEST)
        err = read_request(verb->request);
    return serve(verb, call, err);
}

/* Is it for a person?  Then *status is what came of it. */
static bool
is_question(const char *word, int *status)
{
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        *status = tell(write_usage(STDOUT_FILENO));
    else if (strcmp(word, "--version") == 0 || strcmp(word, "-v") == 0)
        *status = tell(write_version());
    else
        return false;
    return true;
}

static int
refuse_usage(const char *word)
{
    if (word[0] != '\0' && vk_codec.ignores_unknown_verbs)
        return 0;
    enum vk_err err = write_usage(STDERR_FILENO);
    (void)err;
    return vk_codec.usage_exit != 0 ? vk_codec.usage_exit : 1;
}

int
main(int argc, char **argv)
{
    static const struct sigaction ignore = {.sa_handler = SIG_IGN};
    const char *word = argc == 2 ? argv[1] : "";
    struct vk_call call = {.verb = NULL};
    int status = 0;

    vk_log_program(vk_codec.program);
    /* A client that closes early must not kill us before we have said why. */
    sigaction(SIGPIPE, &ignore, NULL);
    if (vk_file_refuse_setuid() != VK_OK || vk_proc_hide() != VK_OK)
        return 1;
    if (is_question(word, &status))
        return status;
    if (vk_codec.arrange != NULL)
        word = vk_codec.arrange(argc, argv, &call);
    const struct vk_verb *verb = word != NULL ? find_verb(word) : NULL;
    return verb != NULL ? run(verb, &call)
                        : refuse_usage(word != NULL ? word : "");
}

/* SPDX-License-Identifier: MIT */
#include "cli/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/proc.h"
#include "cli/prompt.h"

static enum vk_err
from_stdin(struct vk_buf *secret)
{
    enum vk_err err = vk_buf_read(secret, STDIN_FILENO);

    if (err == VK_TOOBIG)
        return vk_fail(VK_USAGE, "the secret is longer than %d bytes",
                       VK_CLI_SECRET_MAX);
    if (err != VK_OK)
        return vk_fail(err, "cannot read standard input: %s", strerror(errno));
    /* What an editor or echo(1) puts behind it is not part of it. */
    struct vk_span text = vk_buf_span(secret);
    if (text.len > 0 && text.ptr[text.len - 1] == '\n')
        text.len--;
    if (text.len > 0 && text.ptr[text.len - 1] == '\r')
        text.len--;
    vk_buf_cut(secret, text.len);
    return VK_OK;
}

enum vk_err
vk_cli_read_secret(const struct vk_cli *cli, const char *client,
                   struct vk_buf *secret)
{
    char question[VK_NAME_MAX + 32];
    enum vk_err err;

    if (cli->option[VK_OPT_SECRET_STDIN] != NULL) {
        err = from_stdin(secret);
    } else {
        snprintf(question, sizeof question, "Client secret of '%s': ", client);
        err = vk_prompt(question, secret);
    }
    if (err == VK_OK && secret->len == 0)
        return vk_fail(VK_USAGE, "the secret is empty");
    for (size_t i = 0; err == VK_OK && i < secret->len; i++)
        if ((unsigned char)secret->data[i] < ' ' || secret->data[i] == 127)
            return vk_fail(VK_USAGE, "the secret has line breaks or other"
                                     " control characters in it");
    return err;
}

/* What valetkey-store's exit status stands for; it has said the rest. */
static enum vk_err
result(int status)
{
    static const enum vk_err errors[] = {VK_OK,       VK_INTERNAL, VK_USAGE,
                                         VK_NOCLIENT, VK_INTERNAL, VK_INTERNAL,
                                         VK_INTERNAL, VK_NOSTORE};

    return status < 8 ? errors[status] : VK_INTERNAL;
}

/* The program that changes the store. */
static const char *
store(void)
{
    return vk_clients_is_machine() ? "valetkey-vault" : "valetkey-store";
}

/*
 * A pipe with all of the secret in it, of which even the smallest pipe holds
 * as much as a secret may have: what has it is started once it is whole.
 */
static enum vk_err
fill_pipe(struct vk_span input, int *out)
{
    int ends[2] = {-1, -1};

    if (pipe2(ends, O_CLOEXEC) != 0)
        return vk_fail(VK_INTERNAL, "cannot make a pipe: %s", strerror(errno));
    for (size_t i = 0; i < 2; i++)
        ends[i] = vk_file_above_stderr(ends[i]);
    enum vk_err err =
        ends[0] < 0 ? VK_INTERNAL : vk_span_write(input, ends[1]);
    int saved = errno;
    if (ends[1] >= 0)
        close(ends[1]);
    if (err == VK_OK) {
        *out = ends[0];
        return err;
    }
    if (ends[0] >= 0)
        close(ends[0]);
    return vk_fail(VK_INTERNAL, "cannot write to a pipe: %s", strerror(saved));
}

static enum vk_err
run(const char *const argv[], const struct vk_span *input)
{
    int in = -1, status = 1;
    pid_t pid;
    enum vk_err err = input != NULL ? fill_pipe(*input, &in) : VK_OK;

    if (err != VK_OK)
        return err;
    const struct vk_proc_fd fds[] = {{in, STDIN_FILENO}, {-1, -1}};
    err = vk_proc_start(argv, fds, VK_ATTACHED, &pid);
    if (in >= 0)
        close(in);
    if (err != VK_OK)
        return err;
    err = vk_proc_wait(pid, 0, &status);
    if (err != VK_OK)
        return vk_fail(err, "%s was killed", store());
    return result(status);
}

static enum vk_err
run_verb(const char *verb, const struct vk_secret_of *of,
         const struct vk_span *input)
{
    const char *const argv[] = {store(),       verb,          of->client,
                                of->client_id, of->token_url, NULL};

    return run(argv, input);
}

enum vk_err
vk_cli_secret_has(const struct vk_secret_of *of)
{
    return run_verb("has", of, NULL);
}

enum vk_err
vk_cli_secret_put(const struct vk_secret_of *of, struct vk_span secret)
{
    return run_verb("put", of, &secret);
}

enum vk_err
vk_cli_secret_delete(const struct vk_secret_of *of)
{
    return run_verb("delete", of, NULL);
}

enum vk_err
vk_cli_secret_prune(const struct vk_secret_of *of)
{
    return run_verb("prune", of, NULL);
}

enum vk_err
vk_cli_secret_clear(const char *client)
{
    const char *const argv[] = {store(), "clear", client, NULL};

    return run(argv, NULL);
}

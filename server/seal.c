/* SPDX-License-Identifier: MIT */
#include "server/seal.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "base/proc.h"
#include "keyring/clients.h"

#define SYSTEMD_CREDS "/usr/bin/systemd-creds"
#define OPTION_MAX (VK_NAME_MAX + 16)

static bool
make_pipe(int ends[2])
{
    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    for (size_t i = 0; i < 2; i++)
        ends[i] = vk_file_above_stderr(ends[i]);
    return ends[0] >= 0 && ends[1] >= 0;
}

static enum vk_err
wait_for(pid_t pid)
{
    int status = 1;
    enum vk_err err = vk_proc_wait(pid, 0, &status);

    return err == VK_OK && status == 0 ? VK_OK : VK_NOSTORE;
}

/* All of the input fits into the pipe: no need to read and write at once. */
static enum vk_err
run(const char *const argv[], struct vk_span input, struct vk_buf *out)
{
    int in[2] = {-1, -1}, from[2] = {-1, -1};
    pid_t pid;
    enum vk_err err = make_pipe(in) && make_pipe(from) ? VK_OK : VK_INTERNAL;
    const struct vk_proc_fd fds[] = {
        {in[0], STDIN_FILENO}, {from[1], STDOUT_FILENO}, {-1, -1}};

    if (err == VK_OK)
        err = vk_span_write(input, in[1]);
    if (err == VK_OK)
        err = vk_proc_start(argv, fds, VK_DETACHED, &pid);
    for (size_t i = 0; i < 2; i++)
        if (in[i] >= 0)
            close(in[i]);
    if (from[1] >= 0)
        close(from[1]);
    if (err == VK_OK) {
        enum vk_err got = vk_buf_read(out, from[0]);
        err = wait_for(pid);
        err = err == VK_OK ? got : err;
    }
    if (from[0] >= 0)
        close(from[0]);
    return err;
}

static bool
has_tpm(void)
{
    static const char *const argv[] = {SYSTEMD_CREDS, "has-tpm2", "-q", NULL};
    VK_AUTO_BUF out = VK_BUF(4096);

    return run(argv, VK_SPAN(""), &out) == VK_OK;
}

enum vk_err
vk_seal(const char *name, struct vk_span plain, struct vk_buf *out)
{
    char option[OPTION_MAX];
    const char *argv[] = {SYSTEMD_CREDS, "encrypt", NULL, option,
                          "-",           "-",       NULL};

    if (access(SYSTEMD_CREDS, X_OK) != 0 || plain.len > VK_SEAL_PLAIN_MAX)
        return VK_NOSTORE;
    argv[2] = has_tpm() ? "--with-key=host+tpm2" : "--with-key=host";
    snprintf(option, sizeof option, "--name=%s", name);
    return run(argv, plain, out);
}

enum vk_err
vk_unseal(const char *name, struct vk_span sealed, struct vk_buf *out)
{
    char option[OPTION_MAX];
    const char *const argv[] = {SYSTEMD_CREDS, "decrypt", option,
                                "-",           "-",       NULL};

    snprintf(option, sizeof option, "--name=%s", name);
    return run(argv, sealed, out);
}

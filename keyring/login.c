/* SPDX-License-Identifier: MIT */
#include "keyring/login.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/proc.h"
#include "keyring/ask.h"

/*
 * What is written to ends[1] comes out of ends[0], and of ends[2] what is
 * written to ends[3].  Nobody else inherits them: vk_proc_start sees to it.
 * (pipe2 is of a later version of the C library than all else that a helper
 * imports, which would cost a warm get a thousand instructions.)
 */
static enum vk_err
make_pipes(int ends[4])
{
    if (pipe(ends) != 0)
        return vk_fail(VK_INTERNAL, "cannot make a pipe: %s", strerror(errno));
    if (pipe(ends + 2) != 0) {
        int saved = errno;
        close(ends[0]);
        close(ends[1]);
        return vk_fail(VK_INTERNAL, "cannot make a pipe: %s", strerror(saved));
    }
    for (size_t i = 0; i < 4; i++)
        ends[i] = vk_file_above_stderr(ends[i]);
    return VK_OK;
}

static enum vk_err
end_unexpectedly(void)
{
    return vk_fail(VK_INTERNAL, "valetkey-store ended unexpectedly");
}

/*
 * It reads all of its request before it answers, and ends by itself in
 * bounded time.  It must not take the first half of a request for all of it.
 */
static enum vk_err
talk(const char *verb, struct vk_span request, struct vk_buf *text,
     int *status)
{
    const char *const argv[] = {"valetkey-store", verb, NULL};
    int ends[4];
    pid_t pid;
    enum vk_err err = make_pipes(ends);

    if (err != VK_OK)
        return err;
    const struct vk_proc_fd fds[] = {
        {ends[0], STDIN_FILENO}, {ends[3], STDOUT_FILENO}, {-1, -1}};
    enum vk_err started = vk_proc_start(argv, fds, VK_ATTACHED, &pid);
    close(ends[0]);
    close(ends[3]);
    if (started == VK_OK && vk_span_write(request, ends[1]) != VK_OK)
        kill(pid, SIGKILL);
    close(ends[1]);
    if (started == VK_OK)
        err = vk_buf_read(text, ends[2]);
    close(ends[2]);
    if (started != VK_OK)
        return started;
    enum vk_err ended = vk_proc_wait(pid, 0, status);
    if (ended == VK_OK && *status == VK_PROC_NO_EXEC)
        return vk_fail(VK_INTERNAL, "cannot run 'valetkey-store'; is"
                                    " valetkey installed completely?");
    if (ended != VK_OK || err != VK_OK)
        return end_unexpectedly();
    return VK_OK;
}

enum vk_err
vk_login(const char *verb, struct vk_span request, struct vk_buf *out)
{
    VK_AUTO_BUF text = VK_BUF(VK_LOGIN_MAX);
    struct vk_span answer = VK_SPAN("");
    int status = 0;
    enum vk_err err = talk(verb, request, &text, &status);

    if (err == VK_OK)
        err =
            vk_ask_read_outcome("valetkey-store", vk_buf_span(&text), &answer);
    /* The answer may be cut off where it could not write more. */
    if (err == VK_OK && status != 0)
        err = end_unexpectedly();
    return err == VK_OK ? vk_buf_add(out, answer) : err;
}

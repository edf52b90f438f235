/* SPDX-License-Identifier: MIT */
#include "cli/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include "base/log.h"

enum key { CTRL_C = 3, CTRL_D = 4, BACKSPACE = 8, CTRL_U = 21, DELETE = 127 };

/* True: the line is complete, or *err says why not. */
static bool
take(char c, struct vk_buf *out, enum vk_err *err)
{
    switch (c) {
    case '\r':
    case '\n': return true;
    case CTRL_C: *err = VK_USAGE; return true;
    case CTRL_D: *err = out->len == 0 ? VK_USAGE : VK_OK; return true;
    case CTRL_U: vk_buf_cut(out, 0); return false;
    case BACKSPACE:
    case DELETE:
        vk_buf_cut(out, out->len > 0 ? out->len - 1 : 0);
        return false;
    default: *err = vk_buf_add_char(out, c); return *err != VK_OK;
    }
}

/* What was typed, as it is now: on the line that it stands in. */
static void
show(int tty, size_t before, const struct vk_buf *out)
{
    enum vk_err err = VK_OK;

    for (; err == VK_OK && before > out->len; before--)
        err = vk_span_write(VK_SPAN("\b \b"), tty);
    if (err == VK_OK && before < out->len)
        err = vk_span_write(vk_span_from(vk_buf_span(out), before), tty);
    (void)err;
}

static enum vk_err
read_line(int tty, bool shown, struct vk_buf *out)
{
    enum vk_err err = VK_OK;
    char c;

    for (;;) {
        ssize_t n = read(tty, &c, 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return VK_USAGE;
        size_t before = out->len;
        bool done = take(c, out, &err);
        vk_wipe(&c, 1);
        if (shown && !done)
            show(tty, before, out);
        if (done)
            return err;
    }
}

/*
 * Keys come one by one, Ctrl-C among them, so that the terminal is always
 * put back; signals that would end us meanwhile wait until it is.
 */
static enum vk_err
read_keys(int tty, bool shown, struct vk_buf *out)
{
    struct termios saved, hidden;
    sigset_t block, before;

    if (tcgetattr(tty, &saved) != 0)
        return VK_USAGE;
    hidden = saved;
    hidden.c_lflag &= ~(tcflag_t)(ECHO | ICANON | ISIG);
    sigemptyset(&block);
    sigaddset(&block, SIGTERM);
    sigaddset(&block, SIGHUP);
    sigaddset(&block, SIGTSTP);
    sigprocmask(SIG_BLOCK, &block, &before);
    enum vk_err err = VK_USAGE;
    if (tcsetattr(tty, TCSAFLUSH, &hidden) == 0)
        err = read_line(tty, shown, out);
    tcsetattr(tty, TCSAFLUSH, &saved);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return err;
}

static enum vk_err
ask(const char *question, const char *instead, bool shown, struct vk_buf *out)
{
    int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

    if (tty < 0)
        return vk_fail(VK_USAGE, "there is no terminal to ask on; use %s",
                       instead);
    enum vk_err err = vk_span_write(vk_span_str(question), tty);
    if (err == VK_OK)
        err = read_keys(tty, shown, out);
    enum vk_err newline = vk_span_write(VK_SPAN("\n"), tty);
    (void)newline;
    close(tty);
    if (err == VK_TOOBIG)
        return vk_fail(VK_USAGE, "that is too long");
    return err == VK_OK ? err : vk_fail(err, "nothing was entered");
}

enum vk_err
vk_prompt(const char *question, struct vk_buf *out)
{
    return ask(question, "--secret-stdin", false, out);
}

enum vk_err
vk_confirm(const char *question, const char *instead)
{
    VK_AUTO_BUF answer = VK_BUF(64);
    enum vk_err err = ask(question, instead, true, &answer);

    if (err != VK_OK)
        return err;
    struct vk_span word = vk_span_trim(vk_buf_span(&answer));
    if (vk_span_same_nocase(word, VK_SPAN("y")) ||
        vk_span_same_nocase(word, VK_SPAN("yes")))
        return VK_OK;
    return vk_fail(VK_USAGE, "nothing was changed: the answer was not 'y'");
}

/* SPDX-License-Identifier: MIT */
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

enum vk_err
vk_proc_path(const char *name, char out[VK_PATH_MAX])
{
    const char *dir = getenv("VALETKEY_LIBEXECDIR");

    if (name[0] == '/')
        return vk_file_join("", name + 1, out);
    return vk_file_join(dir != NULL && dir[0] == '/' ? dir : LIBEXECDIR, name,
                        out);
}

static const struct sigaction usual = {.sa_handler = SIG_DFL};

/*
 * In the child, before exec: only calls that are safe after fork(2).  Signals
 * become what a program expects, whatever we were started with.
 */
static void
become(const char *path, const char *const argv[],
       const struct vk_proc_fd *fds, enum vk_proc_how how, int null)
{
    static const int signals[] = {SIGPIPE, SIGCHLD, SIGALRM};
    static const sigset_t none;

    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        sigaction(signals[i], &usual, NULL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
        return;
    if (how != VK_ATTACHED && setsid() < 0)
        return;
    /* Nor may a closed one be taken by what the program opens. */
    if ((how != VK_ATTACHED || fcntl(STDERR_FILENO, F_GETFD) < 0) &&
        dup2(null, STDERR_FILENO) < 0)
        return;
    /* Whatever else our own parent left open is not passed on. */
    close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    for (; fds->from >= 0; fds++) {
        /* dup2 does not clear FD_CLOEXEC where both are the same. */
        int failed = fds->from == fds->to ? fcntl(fds->from, F_SETFD, 0)
                                          : dup2(fds->from, fds->to);
        if (failed < 0)
            return;
    }
    execv(path, (char *const *)(uintptr_t)argv);
}

enum vk_err
vk_proc_start(const char *const argv[], const struct vk_proc_fd *fds,
              enum vk_proc_how how, pid_t *out)
{
    char path[VK_PATH_MAX];
    enum vk_err err = vk_proc_path(argv[0], path);

    if (err != VK_OK)
        return err;
    int null = vk_file_above_stderr(open("/dev/null", O_RDWR | O_CLOEXEC));
    if (null < 0)
        return vk_fail(VK_INTERNAL, "cannot open /dev/null: %s",
                       strerror(errno));
    /* Where SIGCHLD is ignored the kernel takes our child's status away. */
    if (how != VK_ABANDONED)
        sigaction(SIGCHLD, &usual, NULL);
    pid_t pid = fork();
    if (pid == 0) {
        if (how == VK_ABANDONED && fork() != 0)
            _exit(0);
        become(path, argv, fds, how, null);
        vk_log("cannot run '%s': %s", path, strerror(errno));
        _exit(VK_PROC_NO_EXEC);
    }
    int saved = errno;
    close(null);
    if (pid < 0)
        return vk_fail(VK_INTERNAL, "cannot start '%s': %s", path,
                       strerror(saved));
    if (how == VK_ABANDONED) {
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            continue;
        pid = 0;
    }
    *out = pid;
    return VK_OK;
}

enum vk_err
vk_proc_wait(pid_t pid, int64_t deadline, int *status)
{
    int raw;
    pid_t got;

    do {
        got = waitpid(pid, &raw, 0);
        if (got < 0 && deadline > 0 && vk_clock_boot_ms() >= deadline)
            return VK_UNREACHABLE;
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return vk_fail(VK_INTERNAL, "cannot wait for a program: %s",
                       strerror(errno));
    if (!WIFEXITED(raw))
        return VK_INTERNAL;
    *status = WEXITSTATUS(raw);
    return VK_OK;
}

static enum vk_err protected(bool is_so) {
    return is_so ? VK_OK
                 : vk_fail(VK_INTERNAL, "cannot protect this process: %s",
                           strerror(errno));
}

enum vk_err
vk_proc_hide(void)
{
    return protected(prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L) == 0);
}

enum vk_err
vk_proc_harden(void)
{
    static const struct rlimit none = {0, 0};
    enum vk_err err = vk_proc_hide();

    if (err == VK_OK)
        err = protected(prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) == 0 &&
                        setrlimit(RLIMIT_CORE, &none) == 0);
    return err;
}

static void
interrupt(int signo)
{
    /* Nothing to do: it is enough that the system call returns. */
    (void)signo;
}

enum vk_err
vk_proc_alarm_at(int64_t boot_ms)
{
    struct sigaction action = {.sa_handler = interrupt};
    /* As sigaddset(3) makes it, without two symbols for ld.so to find. */
    static const sigset_t alarm = {{1UL << (SIGALRM - 1)}};
    int64_t left = boot_ms - vk_clock_boot_ms();

    if (left < 1)
        left = 1;
    /* It repeats: the first may come just before the call it is meant for. */
    struct itimerval timer = {
        .it_interval = {.tv_usec = 100000},
        .it_value = {left / 1000, left % 1000 * 1000},
    };
    /* Whoever started us may have blocked it. */
    sigprocmask(SIG_UNBLOCK, &alarm, NULL);
    if (sigaction(SIGALRM, &action, NULL) != 0 ||
        setitimer(ITIMER_REAL, &timer, NULL) != 0)
        return vk_fail(VK_INTERNAL, "cannot set a timer: %s", strerror(errno));
    return VK_OK;
}

void
vk_proc_alarm_off(void)
{
    static const struct itimerval off;

    setitimer(ITIMER_REAL, &off, NULL);
    sigaction(SIGALRM, &usual, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

static bool
is_listed(const struct vk_proc_fd *fds, int to)
{
    for (; fds->from >= 0; fds++)
        if (fds->to == to)
            return true;
    return false;
}

static int
add_actions(posix_spawn_file_actions_t *actions, const struct vk_proc_fd *fds)
{
    static const int standard[] = {STDIN_FILENO, STDOUT_FILENO};
    int failed = 0;

    for (size_t i = 0; i < 2; i++)
        if (!is_listed(fds, standard[i]))
            failed |= posix_spawn_file_actions_addopen(actions, standard[i],
                                                       "/dev/null", O_RDWR, 0);
    for (; fds->from >= 0; fds++)
        failed |=
            posix_spawn_file_actions_adddup2(actions, fds->from, fds->to);
    return failed;
}

/* Signals as a program expects them, whatever we were started with. */
static int
set_signals(posix_spawnattr_t *attr)
{
    sigset_t all, none;
    int failed = 0;

    sigemptyset(&none);
    sigemptyset(&all);
    sigaddset(&all, SIGPIPE);
    sigaddset(&all, SIGCHLD);
    sigaddset(&all, SIGALRM);
    failed |= posix_spawnattr_setsigdefault(attr, &all);
    failed |= posix_spawnattr_setsigmask(attr, &none);
    failed |= posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGDEF |
                                                 POSIX_SPAWN_SETSIGMASK);
    return failed;
}

static enum vk_err
program_path(const char *name, char out[VK_PATH_MAX])
{
    const char *dir = getenv("VALETKEY_LIBEXECDIR");

    return vk_file_join(dir != NULL && dir[0] == '/' ? dir : LIBEXECDIR, name,
                        out);
}

static int
spawn(const char *path, const char *const argv[], const struct vk_proc_fd *fds,
      pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;

    if (posix_spawn_file_actions_init(&actions) != 0)
        return ENOMEM;
    if (posix_spawnattr_init(&attr) != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return ENOMEM;
    }
    int failed = add_actions(&actions, fds) | set_signals(&attr);
    if (failed == 0)
        failed = posix_spawn(pid, path, &actions, &attr,
                             (char *const *)(uintptr_t)argv, environ);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

enum vk_err
vk_proc_start(const char *const argv[], const struct vk_proc_fd *fds,
              pid_t *out)
{
    char path[VK_PATH_MAX];
    enum vk_err err = program_path(argv[0], path);

    if (err != VK_OK)
        return err;
    /* A parent that ignores SIGCHLD would take our child's status away. */
    signal(SIGCHLD, SIG_DFL);
    int failed = spawn(path, argv, fds, out);
    if (failed != 0)
        return vk_fail(VK_INTERNAL, "cannot run '%s': %s", path,
                       strerror(failed));
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

enum vk_err
vk_proc_harden(void)
{
    static const struct rlimit none = {0, 0};

    if (prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L) != 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) != 0 ||
        setrlimit(RLIMIT_CORE, &none) != 0)
        return vk_fail(VK_INTERNAL, "cannot protect this process: %s",
                       strerror(errno));
    return VK_OK;
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
    int64_t left = boot_ms - vk_clock_boot_ms();

    if (left < 1)
        left = 1;
    /* It repeats: the first may come just before the call it is meant for. */
    struct itimerval timer = {
        .it_interval = {.tv_usec = 100000},
        .it_value = {left / 1000, left % 1000 * 1000},
    };
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
    signal(SIGALRM, SIG_DFL);
}

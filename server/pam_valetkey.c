/* SPDX-License-Identifier: MIT */
/*
 * pam_valetkey(8): at login, ask the kernel for the machine's tokens, so that
 * they are there when the user wants them; at the last logout, drop them.
 * A login must never fail or wait for this: everything slow happens in a
 * process of its own, with the ids of the user, and what goes wrong there is
 * no matter of the login.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <security/pam_ext.h>
#include <security/pam_modules.h>

#define NAMES_MAX 16
#define GROUPS_MAX 1024
#define WAIT_MAX_MS 5000
#define COUNT_TRIES 20
#define COUNT_PAUSE_NS 10000000L
#define PREFETCH LIBEXECDIR "/valetkey-prefetch"
#ifndef SESSIONS_DIR
#define SESSIONS_DIR "/run/valetkey-sessions"
#endif
/* Where the program finds them. */
#define END_FD 3
#define SESSIONS_FD 4
#define SESSIONS_OPTION "--sessions-fd=4"
#define EXPORT __attribute__((visibility("default")))

struct wishes {
    const char *names[NAMES_MAX + 1]; /* ended by NULL */
    size_t count;
    int wait_ms;
    bool purges, debugs;
    char text[1024]; /* what the names point into */
};

struct person {
    struct passwd pw;
    char text[16384];
    gid_t groups[GROUPS_MAX];
    int count;
};

static void
add_names(pam_handle_t *pam, struct wishes *wishes, const char *list)
{
    char *rest = wishes->text, *name;

    if (strlen(list) >= sizeof wishes->text) {
        pam_syslog(pam, LOG_ERR, "prefetch= is too long");
        return;
    }
    memcpy(wishes->text, list, strlen(list) + 1);
    wishes->count = 0;
    while ((name = strsep(&rest, ",")) != NULL) {
        /* An option of ours must not become one of the program's. */
        if (name[0] == '\0' || name[0] == '-')
            continue;
        if (wishes->count == NAMES_MAX) {
            pam_syslog(pam, LOG_ERR, "prefetch= names more than %d tokens",
                       NAMES_MAX);
            return;
        }
        wishes->names[wishes->count++] = name;
        wishes->names[wishes->count] = NULL;
    }
}

static int
milliseconds(const char *text)
{
    char *end;
    long number = strtol(text, &end, 10);

    if (end == text || *end != '\0' || number < 0)
        return 0;
    return number < WAIT_MAX_MS ? (int)number : WAIT_MAX_MS;
}

static void
read_options(pam_handle_t *pam, int argc, const char **argv,
             struct wishes *wishes)
{
    memset(wishes, 0, sizeof *wishes);
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "prefetch=", 9) == 0)
            add_names(pam, wishes, argv[i] + 9);
        else if (strncmp(argv[i], "wait=", 5) == 0)
            wishes->wait_ms = milliseconds(argv[i] + 5);
        else if (strcmp(argv[i], "purge=last") == 0)
            wishes->purges = true;
        else if (strcmp(argv[i], "debug") == 0)
            wishes->debugs = true;
        else
            pam_syslog(pam, LOG_ERR, "there is no option '%s'", argv[i]);
    }
}

/*
 * Who logs in.  Everything that may allocate or ask a directory service is
 * done here: after fork(2) in a program with threads it could hang.
 */
static bool
find_person(pam_handle_t *pam, struct person *person)
{
    const void *name = NULL;
    struct passwd *found = NULL;

    /* Not pam_get_user(3): that may ask. */
    if (pam_get_item(pam, PAM_USER, &name) != PAM_SUCCESS || name == NULL)
        return false;
    if (getpwnam_r(name, &person->pw, person->text, sizeof person->text,
                   &found) != 0 ||
        found == NULL)
        return false;
    person->count = GROUPS_MAX;
    return getgrouplist(person->pw.pw_name, person->pw.pw_gid, person->groups,
                        &person->count) >= 0;
}

static void
reset_signals(void)
{
    static const struct sigaction usual = {.sa_handler = SIG_DFL};
    sigset_t none;

    for (int i = 1; i < NSIG; i++)
        sigaction(i, &usual, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/*
 * Standard streams to nowhere; of the rest only those stay that the program
 * is to have: the end of the pipe that the login waits for, and the number of
 * sessions.  -1: there is none.
 */
static bool
close_files(const int keep[2])
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC), high[2];

    if (null < 0)
        return false;
    /* Out of the way first: they may be one of these numbers. */
    for (int i = 0; i < 2; i++)
        high[i] = keep[i] >= 0 ? fcntl(keep[i], F_DUPFD, 10) : -1;
    for (int fd = 0; fd < 3; fd++)
        if (dup2(null, fd) < 0)
            return false;
    for (int i = 0; i < 2; i++)
        if (high[i] >= 0 ? dup2(high[i], END_FD + i) < 0
                         : close(END_FD + i) < 0 && errno != EBADF)
            return false;
    return close_range(SESSIONS_FD + 1, ~0U, 0) == 0;
}

static bool
become(const struct person *person)
{
    if (geteuid() == 0 &&
        setgroups((size_t)person->count, person->groups) != 0)
        return false;
    return setresgid(person->pw.pw_gid, person->pw.pw_gid,
                     person->pw.pw_gid) == 0 &&
           setresuid(person->pw.pw_uid, person->pw.pw_uid,
                     person->pw.pw_uid) == 0;
}

/* In a child of the login: only what is async-signal-safe. */
static _Noreturn void
go(const struct person *person, const char *const *argv, const int keep[2])
{
    static const char *const environment[] = {"PATH=/usr/bin:/bin", NULL};

    reset_signals();
    umask(077);
    if (!close_files(keep) || chdir("/") != 0 || setsid() < 0)
        _exit(1);
    /* The login waits for this one only, which no user can stop. */
    if (fork() == 0 && become(person))
        execve(argv[0], (char *const *)(void *)argv,
               (char *const *)(void *)environment);
    _exit(0);
}

static void
wait_for_child(pid_t pid)
{
    int status;

    /* An application that ignores SIGCHLD has no child to wait for. */
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
}

static long long
now_ms(void)
{
    struct timespec now = {0};

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/*
 * Nothing but the end of the pipe comes; or the time is up, however often
 * the application is interrupted meanwhile.
 */
static void
wait_for_end(int fd, int wait_ms)
{
    struct pollfd end = {.fd = fd, .events = POLLIN};
    long long until = now_ms() + wait_ms, left = wait_ms;

    while (left > 0 && poll(&end, 1, (int)left) < 0 && errno == EINTR)
        left = until - now_ms();
}

/*
 * Run the program as the user, and wait at most wait_ms for it.  sessions:
 * -1, or a file that it may read.
 */
static bool
start(const struct person *person, const char *const *argv, int sessions,
      int wait_ms)
{
    static const struct sigaction usual = {.sa_handler = SIG_DFL};
    struct sigaction before;
    int ends[2] = {-1, -1};

    if (wait_ms > 0 && pipe2(ends, O_CLOEXEC) != 0)
        return false;
    sigaction(SIGCHLD, &usual, &before);
    pid_t pid = fork();
    if (pid == 0)
        go(person, argv, (const int[]){ends[1], sessions});
    if (wait_ms > 0)
        close(ends[1]);
    if (pid > 0)
        wait_for_child(pid);
    sigaction(SIGCHLD, &before, NULL);
    if (pid > 0 && wait_ms > 0)
        wait_for_end(ends[0], wait_ms);
    if (wait_ms > 0)
        close(ends[0]);
    return pid > 0;
}

/*
 * Whoever holds it has three system calls to go; but a set-user-ID program
 * can be stopped by the one who started it, in the middle of them.
 */
static bool
lock(int fd)
{
    static const struct timespec pause = {.tv_nsec = COUNT_PAUSE_NS};

    for (int i = 0; i < COUNT_TRIES; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return true;
        nanosleep(&pause, NULL);
    }
    return false;
}

/* A file about the user, in a directory that only root can reach. */
static int
open_file(uid_t uid, const char *suffix, int flags)
{
    char path[64];

    snprintf(path, sizeof path, SESSIONS_DIR "/%lu%s", (unsigned long)uid,
             suffix);
    return open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static int
change_count(int fd, int change)
{
    char text[16] = "";

    if (fd < 0 || read(fd, text, sizeof text - 1) < 0)
        return -1;
    int count = (int)strtol(text, NULL, 10) + change;
    count = count > 0 ? count : 0;
    int len = snprintf(text, sizeof text, "%-10d\n", count);
    return pwrite(fd, text, (size_t)len, 0) == len ? count : -1;
}

/*
 * How many sessions the user has, after the change; -1: not known.  The lock
 * is a file of its own, for the number is shown to a process of the user's,
 * and whoever can read a file can lock it.
 */
static int
count_session(uid_t uid, int change)
{
    int count = -1;

    if (mkdir(SESSIONS_DIR, 0700) != 0 && errno != EEXIST)
        return -1;
    int guard = open_file(uid, ".lock", O_RDWR | O_CREAT);
    if (guard < 0)
        return -1;
    if (lock(guard)) {
        int fd = open_file(uid, "", O_RDWR | O_CREAT);
        count = change_count(fd, change);
        if (fd >= 0)
            close(fd);
    }
    close(guard);
    return count;
}

static void
prefetch(pam_handle_t *pam, const struct wishes *wishes,
         const struct person *person)
{
    const char *argv[NAMES_MAX + 3] = {PREFETCH};
    size_t count = 1;
    /* The last logout may come before the tokens do. */
    int sessions =
        wishes->purges ? open_file(person->pw.pw_uid, "", O_RDONLY) : -1;

    if (sessions >= 0)
        argv[count++] = SESSIONS_OPTION;
    memcpy(argv + count, wishes->names, sizeof wishes->names);
    if (!start(person, argv, sessions, wishes->wait_ms))
        pam_syslog(pam, LOG_ERR, "cannot start '%s'", PREFETCH);
    else if (wishes->debugs)
        pam_syslog(pam, LOG_DEBUG, "prefetching %zu token(s) for '%s'",
                   wishes->count, person->pw.pw_name);
    if (sessions >= 0)
        close(sessions);
}

EXPORT int
pam_sm_open_session(pam_handle_t *pam, int flags, int argc, const char **argv)
{
    struct wishes wishes;
    struct person *person = calloc(1, sizeof *person);

    (void)flags;
    read_options(pam, argc, argv, &wishes);
    if (person != NULL && find_person(pam, person)) {
        if (wishes.purges)
            count_session(person->pw.pw_uid, 1);
        if (wishes.count > 0)
            prefetch(pam, &wishes, person);
    }
    free(person);
    return PAM_IGNORE;
}

EXPORT int
pam_sm_close_session(pam_handle_t *pam, int flags, int argc, const char **argv)
{
    static const char *const purge[] = {PREFETCH, "--purge", NULL};
    struct wishes wishes;
    struct person *person = calloc(1, sizeof *person);

    (void)flags;
    read_options(pam, argc, argv, &wishes);
    if (wishes.purges && person != NULL && find_person(pam, person) &&
        count_session(person->pw.pw_uid, -1) == 0 &&
        !start(person, purge, -1, 0))
        pam_syslog(pam, LOG_ERR, "cannot start '%s'", PREFETCH);
    free(person);
    return PAM_IGNORE;
}

/* Tokens belong to the session; credentials of other kinds are not ours. */
EXPORT int
pam_sm_setcred(pam_handle_t *pam, int flags, int argc, const char **argv)
{
    (void)pam;
    (void)flags;
    (void)argc;
    (void)argv;
    return PAM_IGNORE;
}

EXPORT int
pam_sm_authenticate(pam_handle_t *pam, int flags, int argc, const char **argv)
{
    return pam_sm_setcred(pam, flags, argc, argv);
}

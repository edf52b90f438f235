/* SPDX-License-Identifier: MIT */
/*
 * For LD_PRELOAD: one library call of one program fails, or it is killed
 * there.
 *
 *     FAULT_PROGRAM  whose calls count, by the name of its file
 *     FAULT_AT       the number of the call, from 1; 0: none
 *     FAULT_HOW      once; from (it and all that follow); kill
 *     FAULT_LOG      a file that gets a line for each call
 *
 * Only calls that our own code makes count, and json-c's for memory.  Programs
 * that wipe memory (oauth/wipe.c) ask for it for all libraries; where there is
 * none GLib ends itself.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <keyutils.h>
#include <link.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

struct range {
    uintptr_t from, to;
};

static struct range ours, json;
static bool is_ready, kills, goes_on;
static unsigned long at, calls;
static int log_fd = -1;

static struct range
text_of(const struct dl_phdr_info *info)
{
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type == PT_LOAD && (part->p_flags & PF_X) != 0)
            return (struct range){info->dlpi_addr + part->p_vaddr,
                                  info->dlpi_addr + part->p_vaddr +
                                      part->p_memsz};
    }
    return (struct range){0, 0};
}

static int
look(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size;
    (void)arg;
    if (info->dlpi_name[0] == '\0')
        ours = ours.to == 0 ? text_of(info) : ours;
    else if (strstr(info->dlpi_name, "libjson-c") != NULL)
        json = text_of(info);
    return 0;
}

static bool
is_meant(void)
{
    const char *name = getenv("FAULT_PROGRAM");
    char path[4096];
    long len = syscall(SYS_readlink, "/proc/self/exe", path, sizeof path - 1);

    if (name == NULL || len <= 0)
        return false;
    path[len] = '\0';
    return strcmp(strrchr(path, '/') + 1, name) == 0;
}

static void watch_crashes(void);

__attribute__((constructor)) static void
begin(void)
{
    const char *how = getenv("FAULT_HOW"), *number = getenv("FAULT_AT");
    const char *log = getenv("FAULT_LOG");

    if (!is_meant())
        return;
    dl_iterate_phdr(look, NULL);
    at = number != NULL ? strtoul(number, NULL, 10) : 0;
    kills = how != NULL && strcmp(how, "kill") == 0;
    goes_on = how != NULL && strcmp(how, "from") == 0;
    if (log != NULL) {
        int fd = (int)syscall(SYS_openat, AT_FDCWD, log,
                              O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
        /* Out of the way of programs that count on a number. */
        log_fd = (int)syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 200);
        syscall(SYS_close, fd);
        watch_crashes();
    }
    is_ready = true;
}

static bool
is_in(struct range range, const void *address)
{
    return (uintptr_t)address >= range.from && (uintptr_t)address < range.to;
}

/* The ones that are bugs; GLib's own end is SIGTRAP. */
static void
note_crash(int signo)
{
    syscall(SYS_write, log_fd, "crash\n", (size_t)6);
    signal(signo, SIG_DFL);
    raise(signo);
}

static void
watch_crashes(void)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};

    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        signal(signals[i], note_crash);
}

/* Is it this call's turn? */
static bool
fails(const char *name, const void *caller, bool is_memory)
{
    char line[80];

    if (!is_ready ||
        (!is_in(ours, caller) && !(is_memory && is_in(json, caller))))
        return false;
    calls++;
    bool now = at != 0 && (calls == at || (goes_on && calls > at));
    if (log_fd >= 0) {
        int len = snprintf(line, sizeof line, "%lu %s%s\n", calls, name,
                           now ? " fails" : "");
        syscall(SYS_write, log_fd, line, (size_t)len);
    }
    if (now && kills)
        syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
    return now;
}

#define CALLER __builtin_return_address(0)
#define REAL(name)                 \
    static __typeof__(name) *real; \
    if (real == NULL)              \
    *(void **)&real = dlsym(RTLD_NEXT, #name)
#define FAULT(type, name, params, args, failure, error) \
    type name params                                    \
    {                                                   \
        REAL(name);                                     \
        if (fails(#name, CALLER, false)) {              \
            errno = error;                              \
            return failure;                             \
        }                                               \
        return real args;                               \
    }

/* dlsym(3) needs memory itself. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

void *
malloc(size_t size)
{
    if (!fails("malloc", CALLER, true))
        return __libc_malloc(size);
    errno = ENOMEM;
    return NULL;
}

void *
calloc(size_t count, size_t size)
{
    if (!fails("calloc", CALLER, true))
        return __libc_calloc(count, size);
    errno = ENOMEM;
    return NULL;
}

void *
realloc(void *old, size_t size)
{
    if (!fails("realloc", CALLER, true))
        return __libc_realloc(old, size);
    errno = ENOMEM;
    return NULL;
}

/* The third argument of those that may have one. */
#define TAKE(type, last)            \
    va_list list;                   \
    va_start(list, last);           \
    type more = va_arg(list, type); \
    va_end(list)

int
open(const char *path, int flags, ...)
{
    TAKE(mode_t, flags);
    REAL(open);
    if (!fails("open", CALLER, false))
        return real(path, flags, more);
    errno = EMFILE;
    return -1;
}

int
openat(int dir, const char *path, int flags, ...)
{
    TAKE(mode_t, flags);
    REAL(openat);
    if (!fails("openat", CALLER, false))
        return real(dir, path, flags, more);
    errno = EMFILE;
    return -1;
}

int
fcntl(int fd, int command, ...)
{
    TAKE(long, command);
    REAL(fcntl);
    if (!fails("fcntl", CALLER, false))
        return real(fd, command, more);
    errno = EMFILE;
    return -1;
}

int
prctl(int option, ...)
{
    va_list list;
    unsigned long arg[4];

    va_start(list, option);
    for (size_t i = 0; i < 4; i++)
        arg[i] = va_arg(list, unsigned long);
    va_end(list);
    if (!fails("prctl", CALLER, false))
        return (int)syscall(SYS_prctl, option, arg[0], arg[1], arg[2], arg[3]);
    errno = EPERM;
    return -1;
}

/* Half of what was there, and then an error, as a full disk has it. */
ssize_t
write(int fd, const void *data, size_t size)
{
    REAL(write);
    if (!fails("write", CALLER, false))
        return real(fd, data, size);
    if (size > 1)
        size = (size_t)real(fd, data, size / 2);
    errno = ENOSPC;
    return -1;
}

/* It has ended, but somebody else was told. */
pid_t
waitpid(pid_t pid, int *status, int options)
{
    REAL(waitpid);
    bool is_lost = fails("waitpid", CALLER, false);
    pid_t got = real(pid, status, options);

    if (!is_lost)
        return got;
    errno = ECHILD;
    return -1;
}

/* What a child does before it is another program has numbers of its own. */
pid_t
fork(void)
{
    REAL(fork);
    if (fails("fork", CALLER, false)) {
        errno = EAGAIN;
        return -1;
    }
    pid_t pid = real();
    if (pid == 0)
        calls += 1000;
    return pid;
}

FAULT(ssize_t, read, (int fd, void *data, size_t size), (fd, data, size), -1,
      EIO)
FAULT(ssize_t, pwrite, (int fd, const void *data, size_t size, off_t where),
      (fd, data, size, where), -1, ENOSPC)
FAULT(off_t, lseek, (int fd, off_t where, int how), (fd, where, how), -1,
      EINVAL)
FAULT(int, fsync, (int fd), (fd), -1, EIO)
FAULT(int, fstat, (int fd, struct stat *out), (fd, out), -1, EIO)
FAULT(int, stat, (const char *path, struct stat *out), (path, out), -1, EACCES)
FAULT(int, lstat, (const char *path, struct stat *out), (path, out), -1,
      EACCES)
FAULT(int, rename, (const char *from, const char *to), (from, to), -1, EIO)
FAULT(int, unlink, (const char *path), (path), -1, EACCES)
FAULT(int, symlink, (const char *to, const char *path), (to, path), -1, ENOSPC)
FAULT(ssize_t, readlink, (const char *path, char *out, size_t size),
      (path, out, size), -1, EIO)
FAULT(int, mkdir, (const char *path, mode_t mode), (path, mode), -1, ENOSPC)
FAULT(int, mkostemp, (char *path, int flags), (path, flags), -1, ENOSPC)
FAULT(int, chmod, (const char *path, mode_t mode), (path, mode), -1, EPERM)
FAULT(int, fchmod, (int fd, mode_t mode), (fd, mode), -1, EPERM)
FAULT(int, fchown, (int fd, uid_t uid, gid_t gid), (fd, uid, gid), -1, EPERM)
FAULT(int, flock, (int fd, int how), (fd, how), -1, ENOLCK)
FAULT(void *, mmap,
      (void *where, size_t size, int prot, int flags, int fd, off_t offset),
      (where, size, prot, flags, fd, offset), MAP_FAILED, ENOMEM)
FAULT(int, memfd_create, (const char *name, unsigned int flags), (name, flags),
      -1, EMFILE)
FAULT(int, pipe, (int ends[2]), (ends), -1, EMFILE)
FAULT(int, pipe2, (int ends[2], int flags), (ends, flags), -1, EMFILE)
FAULT(int, dup2, (int from, int to), (from, to), -1, EMFILE)
FAULT(int, execv, (const char *path, char *const argv[]), (path, argv), -1,
      ENOMEM)
FAULT(int, execvp, (const char *path, char *const argv[]), (path, argv), -1,
      ENOMEM)
FAULT(pid_t, setsid, (void), (), -1, EPERM)
FAULT(int, sigaction,
      (int signo, const struct sigaction *new, struct sigaction *old),
      (signo, new, old), -1, EINVAL)
FAULT(int, setitimer,
      (__itimer_which_t which, const struct itimerval *new,
       struct itimerval *old),
      (which, new, old), -1, EINVAL)
FAULT(int, setrlimit, (__rlimit_resource_t what, const struct rlimit *limit),
      (what, limit), -1, EPERM)
FAULT(ssize_t, getrandom, (void *out, size_t size, unsigned int flags),
      (out, size, flags), -1, ENOSYS)

FAULT(long, keyctl_search,
      (key_serial_t ring, const char *type, const char *description,
       key_serial_t to),
      (ring, type, description, to), -1, EACCES)
FAULT(long, keyctl_describe, (key_serial_t id, char *out, size_t size),
      (id, out, size), -1, EACCES)
FAULT(long, keyctl_read, (key_serial_t id, char *out, size_t size),
      (id, out, size), -1, EKEYREVOKED)
FAULT(long, keyctl_update, (key_serial_t id, const void *data, size_t size),
      (id, data, size), -1, EDQUOT)
FAULT(long, keyctl_link, (key_serial_t id, key_serial_t ring), (id, ring), -1,
      EDQUOT)
FAULT(long, keyctl_unlink, (key_serial_t id, key_serial_t ring), (id, ring),
      -1, EACCES)
FAULT(long, keyctl_invalidate, (key_serial_t id), (id), -1, EACCES)
FAULT(long, keyctl_setperm, (key_serial_t id, key_perm_t perm), (id, perm), -1,
      EACCES)
FAULT(long, keyctl_set_timeout, (key_serial_t id, unsigned int seconds),
      (id, seconds), -1, EACCES)
FAULT(key_serial_t, keyctl_get_keyring_ID, (key_serial_t id, int create),
      (id, create), -1, ENOKEY)
FAULT(key_serial_t, add_key,
      (const char *type, const char *description, const void *data,
       size_t size, key_serial_t ring),
      (type, description, data, size, ring), -1, EDQUOT)
FAULT(key_serial_t, request_key,
      (const char *type, const char *description, const char *info,
       key_serial_t ring),
      (type, description, info, ring), -1, ENOKEY)

/* The libraries that only valetkey-fetch has, as they are declared there. */
void *curl_easy_init(void);
int curl_easy_perform(void *curl);
int curl_global_init(long flags);
void *curl_slist_append(void *list, const char *line);
char *curl_easy_escape(void *curl, const char *text, int len);
int RAND_bytes(unsigned char *out, int size);
unsigned char *HMAC(const void *md, const void *key, int key_size,
                    const unsigned char *data, size_t size, unsigned char *out,
                    unsigned int *out_size);
void *json_tokener_new_ex(int depth);

FAULT(void *, curl_easy_init, (void), (), NULL, ENOMEM)
/* CURLE_RECV_ERROR, CURLE_FAILED_INIT */
FAULT(int, curl_easy_perform, (void *curl), (curl), 56, ECONNRESET)
FAULT(int, curl_global_init, (long flags), (flags), 2, ENOMEM)
FAULT(void *, curl_slist_append, (void *list, const char *line), (list, line),
      NULL, ENOMEM)
FAULT(char *, curl_easy_escape, (void *curl, const char *text, int len),
      (curl, text, len), NULL, ENOMEM)
FAULT(int, RAND_bytes, (unsigned char *out, int size), (out, size), 0, EIO)
FAULT(unsigned char *, HMAC,
      (const void *md, const void *key, int key_size,
       const unsigned char *data, size_t size, unsigned char *out,
       unsigned int *out_size),
      (md, key, key_size, data, size, out, out_size), NULL, ENOMEM)
FAULT(void *, json_tokener_new_ex, (int depth), (depth), NULL, ENOMEM)

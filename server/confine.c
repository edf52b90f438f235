/* SPDX-License-Identifier: MIT */
#include "server/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <keyutils.h>
#include <linux/audit.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <pwd.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"

#define ACCOUNT "_valetkey"
#define FALLBACK "nobody"
#define MEMORY_MAX ((rlim_t)1 << 30)
#define SECONDS_MAX 20
#define FILES_MAX 64

static const struct {
    int what;
    rlim_t limit;
} limits[] = {
    {RLIMIT_CORE, 0},          {RLIMIT_FSIZE, 0},
    {RLIMIT_CPU, SECONDS_MAX}, {RLIMIT_NOFILE, FILES_MAX},
    {RLIMIT_DATA, MEMORY_MAX}, {RLIMIT_MEMLOCK, 0},
};

static bool
limit(void)
{
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        struct rlimit both = {limits[i].limit, limits[i].limit};
        if (setrlimit((__rlimit_resource_t)limits[i].what, &both) != 0)
            return false;
    }
    return true;
}

/* The upcall's authority, and whatever root's session leads to, stay here. */
static bool
leave_keyrings(void)
{
    return keyctl_assume_authority(0) >= 0 &&
           keyctl_join_session_keyring(NULL) >= 0;
}

static bool
is_nobody_else(uid_t uid, gid_t gid)
{
    uid_t r, e, s;
    gid_t rg, eg, sg;

    return getresuid(&r, &e, &s) == 0 && getresgid(&rg, &eg, &sg) == 0 &&
           r == uid && e == uid && s == uid && rg == gid && eg == gid &&
           sg == gid && getgroups(0, NULL) == 0 && setuid(0) != 0;
}

static bool
drop(const struct passwd *account)
{
    return setgroups(0, NULL) == 0 &&
           setresgid(account->pw_gid, account->pw_gid, account->pw_gid) == 0 &&
           setresuid(account->pw_uid, account->pw_uid, account->pw_uid) == 0 &&
           is_nobody_else(account->pw_uid, account->pw_gid) &&
           prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) == 0 &&
           prctl(PR_SET_PDEATHSIG, (long)SIGKILL, 0L, 0L, 0L) == 0;
}

static void
become(const struct passwd *account, const char *const argv[], int self,
       int in, int out, pid_t parent)
{
    static const char *const environment[] = {"PATH=/usr/bin:/bin",
                                              "LC_ALL=C.UTF-8", NULL};

    if (!leave_keyrings() || chdir("/") != 0 || !limit() || !drop(account) ||
        getppid() != parent || dup2(in, STDIN_FILENO) < 0 ||
        dup2(out, STDOUT_FILENO) < 0)
        return;
    close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    fexecve(self, (char *const *)(uintptr_t)argv,
            (char *const *)(uintptr_t)environment);
}

enum vk_err
vk_confine_start(const char *const argv[], int in, int out, pid_t *pid)
{
    const struct passwd *account = getpwnam(ACCOUNT);
    pid_t parent = getpid();

    if (account == NULL)
        account = getpwnam(FALLBACK);
    if (account == NULL || account->pw_uid == 0 || account->pw_gid == 0)
        return vk_fail(VK_INTERNAL, "there is neither a user '" ACCOUNT
                                    "' nor '" FALLBACK "'");
    /* Opened by root: the account may not reach where it is. */
    int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (self < 0)
        return vk_fail(VK_INTERNAL, "cannot open /proc/self/exe: %s",
                       strerror(errno));
    *pid = fork();
    if (*pid == 0) {
        become(account, argv, self, in, out, parent);
        vk_log("cannot become '%s': %s", account->pw_name, strerror(errno));
        _exit(1);
    }
    int saved = errno;
    close(self);
    if (*pid < 0)
        return vk_fail(VK_INTERNAL, "cannot fork: %s", strerror(saved));
    return VK_OK;
}

/* Nothing can be written, made, removed or run; reading stays as it is. */
static void
forbid_files(void)
{
    struct landlock_ruleset_attr rules = {
        .handled_access_fs =
            LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
            LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
            LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |
            LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
            LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
            LANDLOCK_ACCESS_FS_MAKE_SYM};
    long fd = syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0);

    /* An old kernel, or one that was started without it. */
    if (fd < 0)
        return;
    syscall(SYS_landlock_restrict_self, (int)fd, 0);
    close((int)fd);
}

/*
 * What no exchange of a few kilobytes over TLS needs, and what an attack on
 * the libraries that do it would like to have.
 */
static const unsigned int forbidden[] = {
    SYS_execve,
    SYS_execveat,
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_add_key,
    SYS_request_key,
    SYS_keyctl,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_userfaultfd,
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_unshare,
    SYS_setns,
    SYS_init_module,
    SYS_finit_module,
    SYS_kexec_load,
    SYS_io_uring_setup,
    SYS_kill,
    SYS_tkill,
    SYS_pidfd_open,
    SYS_memfd_create,
};

#define FORBIDDEN (sizeof forbidden / sizeof forbidden[0])
#define HEAD 4

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#define FIRST_FOREIGN 0x40000000U /* x32: the same calls by other numbers */
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#define FIRST_FOREIGN 0xffffffffU
#endif

static void
forbid_calls(void)
{
#ifdef ARCH
    struct sock_filter filter[HEAD + 1 + 2 * FORBIDDEN + 1] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                 offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    };
    size_t at = HEAD;

    /* 0 instructions on for a foreign one: into the first refusal. */
    filter[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K,
                                                FIRST_FOREIGN, 1, 0);
    for (size_t i = 0; i < FORBIDDEN; i++) {
        filter[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
                                                    forbidden[i], 0, 1);
        filter[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
                                                    SECCOMP_RET_ERRNO | EPERM);
    }
    filter[at++] =
        (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {(unsigned short)at, filter};
    /* Without it, it is a process without any rights all the same. */
    prctl(PR_SET_SECCOMP, (long)SECCOMP_MODE_FILTER, &program, 0L, 0L);
#endif
}

enum vk_err
vk_confine_self(void)
{
    if (geteuid() == 0 || getegid() == 0 ||
        prctl(PR_GET_NO_NEW_PRIVS, 0L, 0L, 0L, 0L) != 1)
        return vk_fail(VK_INTERNAL, "the exchange is not confined");
    forbid_files();
    forbid_calls();
    return VK_OK;
}

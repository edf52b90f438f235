/* SPDX-License-Identifier: MIT */
#include "tests/unit/support.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <keyutils.h>
#include <linux/landlock.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "server/confine.h"

#define SOMEBODY 65534
#define X32 0x40000000L

/* What vk_confine_start() does before, as far as it is asked for here. */
static bool
drop(void)
{
    return (geteuid() != 0 ||
            (setgroups(0, NULL) == 0 &&
             setresgid(SOMEBODY, SOMEBODY, SOMEBODY) == 0 &&
             setresuid(SOMEBODY, SOMEBODY, SOMEBODY) == 0)) &&
           prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) == 0;
}

static bool
confine(void)
{
    return drop() && vk_confine_self() == VK_OK;
}

static bool
is_refused(long result, int error)
{
    return result == -1 && errno == error;
}

static int
goes_on_with_rights(void)
{
    return vk_confine_self() == VK_INTERNAL ? 0 : 1;
}

static int
runs_a_program(void)
{
    char *argv[] = {(char[]){"true"}, NULL};

    if (!confine())
        return 2;
    return is_refused(execve("/bin/true", argv, argv + 1), EPERM) ? 0 : 1;
}

static int
touches_a_key(void)
{
    if (!confine())
        return 2;
    if (!is_refused(add_key("user", "x", "x", 1, KEY_SPEC_PROCESS_KEYRING),
                    EPERM))
        return 3;
    if (!is_refused(request_key("user", "x", NULL, 0), EPERM))
        return 4;
    return is_refused(keyctl_get_keyring_ID(KEY_SPEC_USER_KEYRING, 0), EPERM)
               ? 0
               : 1;
}

static int
reaches_other_processes(void)
{
    long parent = getppid();

    if (!confine())
        return 2;
    if (!is_refused(syscall(SYS_kill, parent, 0), EPERM) ||
        !is_refused(syscall(SYS_ptrace, PTRACE_SEIZE, parent, 0, 0), EPERM))
        return 3;
    if (!is_refused(syscall(SYS_process_vm_readv, getpid(), 0, 0, 0, 0, 0),
                    EPERM) ||
        !is_refused(syscall(SYS_pidfd_open, getpid(), 0), EPERM))
        return 4;
    return is_refused(syscall(SYS_unshare, 0), EPERM) &&
                   is_refused(syscall(SYS_memfd_create, "x", 0), EPERM)
               ? 0
               : 1;
}

/* An allowed call, by the number that another system has for it. */
static int
calls_by_another_number(void)
{
    if (!confine())
        return 2;
    return is_refused(syscall(X32 | SYS_getpid), EPERM) ? 0 : 1;
}

static bool
writes(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static int
changes_files(void)
{
    const char *old = vk_test_path("old"), *new = vk_test_path("new");
    int fd;

    if (!drop() || !writes(old))
        return 2;
    if (vk_confine_self() != VK_OK)
        return 3;
    if (writes(old) || errno != EACCES || writes(new) || errno != EACCES)
        return 4;
    if (!is_refused(mkdir(new, 0700), EACCES) ||
        !is_refused(symlink("x", new), EACCES) ||
        !is_refused(unlink(old), EACCES))
        return 5;
    fd = open(old, O_RDONLY | O_CLOEXEC);
    return fd >= 0 && close(fd) == 0 ? 0 : 1;
}

static void
needs_a_process_without_rights(void **state)
{
    (void)state;
    assert_int_equal(vk_test_child(goes_on_with_rights), 0);
}

static void
runs_no_program(void **state)
{
    (void)state;
    assert_int_equal(vk_test_child(runs_a_program), 0);
}

static void
touches_no_key(void **state)
{
    (void)state;
    assert_int_equal(vk_test_child(touches_a_key), 0);
}

static void
reaches_no_other_process(void **state)
{
    (void)state;
    assert_int_equal(vk_test_child(reaches_other_processes), 0);
}

static void
knows_no_other_numbers(void **state)
{
    (void)state;
#if defined(__x86_64__)
    assert_int_equal(vk_test_child(calls_by_another_number), 0);
#else
    skip();
#endif
}

static void
changes_no_file(void **state)
{
    (void)state;
    if (syscall(SYS_landlock_create_ruleset, NULL, 0,
                LANDLOCK_CREATE_RULESET_VERSION) < 1) {
        print_message("the kernel has no Landlock\n");
        skip();
    }
    assert_int_equal(chmod(vk_test_dir, 0777), 0);
    assert_int_equal(vk_test_child(changes_files), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(needs_a_process_without_rights),
        cmocka_unit_test(runs_no_program),
        cmocka_unit_test(touches_no_key),
        cmocka_unit_test(reaches_no_other_process),
        cmocka_unit_test(knows_no_other_numbers),
        cmocka_unit_test_setup_teardown(changes_no_file, vk_test_enter,
                                        vk_test_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "tests/unit/support.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "keyring/turn.h"

#define LONG_MS 60000
#define SHORT_MS 20

static struct vk_clients clients;

static int
enter(void **state)
{
    clients = (struct vk_clients){.text = VK_SPAN("")};
    if (vk_test_enter(state) != 0)
        return -1;
    memcpy(clients.dir, vk_test_dir, strlen(vk_test_dir) + 1);
    return 0;
}

static enum vk_err
take(const char *name, int64_t ms, int *fd)
{
    return vk_turn_take(&clients, name, vk_clock_boot_ms() + ms, fd);
}

/*
 * A process that has the turn of name.  It ends its turn when *release is
 * closed, or when it is killed.
 */
static pid_t
hold(const char *name, int *release)
{
    int ready[2], end[2];
    char byte;

    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(end), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int fd;
        close(end[1]);
        if (take(name, LONG_MS, &fd) != VK_OK || write(ready[1], "x", 1) != 1)
            _exit(1);
        _exit(read(end[0], &byte, 1) == 0 ? 0 : 1);
    }
    close(ready[1]);
    close(end[0]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    *release = end[1];
    return pid;
}

static void
wait_for(pid_t pid)
{
    int status;

    assert_int_equal(waitpid(pid, &status, 0), pid);
}

static void
gives_one_turn_at_a_time(void **state)
{
    int release, fd = -1, other = -1;
    pid_t holder = hold("prod", &release);

    (void)state;
    assert_int_equal(take("prod", SHORT_MS, &fd), VK_HELD);
    assert_said("no token for 'prod' in time");
    assert_false(vk_turn_try(&clients, "prod", &fd));
    assert_int_equal(fd, -1);
    close(release);
    wait_for(holder);
    assert_true(vk_turn_try(&clients, "prod", &fd));
    assert_false(vk_turn_try(&clients, "prod", &other));
    assert_int_equal(take("prod", SHORT_MS, &other), VK_HELD);
    close(fd);
    assert_int_equal(take("prod", LONG_MS, &fd), VK_OK);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    close(fd);
}

static int
wait_for_turn(void)
{
    int fd;

    return (int)take("prod", LONG_MS, &fd);
}

static void
passes_the_turn_on_when_it_ends(void **state)
{
    int release;
    pid_t holder = hold("prod", &release);

    (void)state;
    pid_t waiter = fork();
    assert_true(waiter >= 0);
    if (waiter == 0) {
        close(release);
        _exit(wait_for_turn());
    }
    /* Whether it waits already or not, it gets its turn. */
    close(release);
    wait_for(holder);
    int status;
    assert_int_equal(waitpid(waiter, &status, 0), waiter);
    assert_int_equal(status, 0);
}

static void
is_free_at_once_when_its_holder_is_killed(void **state)
{
    int release, fd;
    pid_t holder = hold("prod", &release);

    (void)state;
    assert_int_equal(kill(holder, SIGKILL), 0);
    wait_for(holder);
    /* No deadline is left: it must be free, not become free. */
    assert_int_equal(take("prod", 0, &fd), VK_OK);
    close(fd);
    close(release);
}

static void
gives_each_token_its_own_turn(void **state)
{
    int release, other, token;
    pid_t holder = hold("prod", &release);

    (void)state;
    assert_true(vk_turn_try(&clients, "other", &other));
    assert_true(vk_turn_try(&clients, "prod/operate", &token));
    close(other);
    close(token);
    close(release);
    wait_for(holder);
    assert_int_equal(vk_test_count("XDG_RUNTIME_DIR/valetkey"), 3);
    assert_int_equal(vk_test_count("XDG_CACHE_HOME"), 0);
}

/* The turn is taken, and file is what is locked. */
static void
assert_locked_in(const char *file)
{
    int fd, probe;

    assert_int_equal(take("prod", LONG_MS, &fd), VK_OK);
    probe = open(vk_test_path(file), O_RDONLY | O_CLOEXEC);
    assert_true(probe >= 0);
    assert_int_equal(flock(probe, LOCK_EX | LOCK_NB), -1);
    close(fd);
    assert_int_equal(flock(probe, LOCK_EX | LOCK_NB), 0);
    close(probe);
}

static void
falls_back_from_place_to_place(void **state)
{
    (void)state;
    vk_test_write("file", "", 0600);
    assert_locked_in("XDG_RUNTIME_DIR/valetkey/prod.lock");

    setenv("XDG_RUNTIME_DIR", vk_test_path("file"), 1);
    assert_locked_in("XDG_CACHE_HOME/valetkey/prod.lock");

    /* Others could write there: that is no place. */
    assert_int_equal(chmod(vk_test_path("XDG_CACHE_HOME/valetkey"), 0777), 0);
    assert_locked_in("clients.conf");

    unsetenv("XDG_CACHE_HOME");
    assert_locked_in(".cache/valetkey/prod.lock");
}

static void
says_that_there_is_no_place_for_a_lock(void **state)
{
    int fd = -1;

    (void)state;
    vk_test_write("file", "", 0600);
    setenv("XDG_RUNTIME_DIR", vk_test_path("file"), 1);
    setenv("XDG_CACHE_HOME", vk_test_path("file"), 1);
    memcpy(clients.dir + strlen(clients.dir), "/file", 6);
    assert_int_equal(take("prod", LONG_MS, &fd), VK_IO);
    assert_said("cannot make a lock for 'prod'");
    assert_false(vk_turn_try(&clients, "prod", &fd));
    assert_int_equal(fd, -1);
}

static void
says_nothing_where_it_gets_its_turn(void **state)
{
    int fd;

    (void)state;
    vk_test_write("file", "", 0600);
    setenv("XDG_RUNTIME_DIR", vk_test_path("file"), 1);
    unsetenv("XDG_CACHE_HOME");
    unsetenv("HOME");
    vk_fail(VK_OK, "%s", "before");
    assert_int_equal(take("prod", LONG_MS, &fd), VK_OK);
    close(fd);
    assert_string_equal(vk_log_last(), "before");
}

#define TURN_TEST(test) \
    cmocka_unit_test_setup_teardown(test, enter, vk_test_leave)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TURN_TEST(gives_one_turn_at_a_time),
        TURN_TEST(passes_the_turn_on_when_it_ends),
        TURN_TEST(is_free_at_once_when_its_holder_is_killed),
        TURN_TEST(gives_each_token_its_own_turn),
        TURN_TEST(falls_back_from_place_to_place),
        TURN_TEST(says_that_there_is_no_place_for_a_lock),
        TURN_TEST(says_nothing_where_it_gets_its_turn),
    };

    vk_log_keep();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* What is written and made: base/file.c. */
#include "tests/unit/support.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"

static mode_t
mode_of(const char *name)
{
    struct stat st;

    assert_int_equal(lstat(vk_test_path(name), &st), 0);
    return st.st_mode & 07777;
}

static int
is_regular(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

static void
replaces_a_file_whole(void **state)
{
    struct vk_span before;
    mode_t mask = umask(0);

    (void)state;
    assert_int_equal(mkdir(vk_test_path("d"), 0700), 0);
    assert_int_equal(vk_file_replace(vk_test_path("d"), "f", VK_SPAN("one")),
                     VK_OK);
    assert_string_equal(vk_test_read("d/f"), "one");
    assert_int_equal(mode_of("d/f"), 0600);
    assert_int_equal(chmod(vk_test_path("d/f"), 0644), 0);
    assert_int_equal(vk_file_map(vk_test_path("d"), "f", 10, &before), VK_OK);

    assert_int_equal(vk_file_replace(vk_test_path("d"), "f", VK_SPAN("")),
                     VK_OK);
    umask(mask);
    assert_string_equal(vk_test_read("d/f"), "");
    assert_int_equal(mode_of("d/f"), 0600);
    assert_int_equal(vk_test_count("d"), 1);
    /* Who reads the old file goes on reading it. */
    assert_span(before, "one");
    vk_file_unmap(before);
}

static void
replaces_a_link_and_not_what_it_leads_to(void **state)
{
    (void)state;
    vk_test_write("target", "kept", 0600);
    assert_int_equal(symlink("target", vk_test_path("link")), 0);
    assert_int_equal(vk_file_replace(vk_test_dir, "link", VK_SPAN("new")),
                     VK_OK);
    assert_string_equal(vk_test_read("target"), "kept");
    assert_string_equal(vk_test_read("link"), "new");
}

#define BIG 30000
#define ROUNDS 100

static int
write_in_turns(void)
{
    static char text[BIG];

    for (int i = 0; i < ROUNDS; i++) {
        size_t len = i % 2 == 0 ? BIG : BIG / 2;
        memset(text, i % 2 == 0 ? 'a' : 'b', len);
        if (vk_file_replace(vk_test_dir, "f", (struct vk_span){text, len}) !=
            VK_OK)
            return 1;
    }
    return 0;
}

static void
shows_a_reader_the_old_or_the_new_at_any_moment(void **state)
{
    int status;

    (void)state;
    vk_test_write("f", "a", 0600);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(write_in_turns());
    bool torn = false;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        const char *text = vk_test_read("f");
        size_t len = strlen(text);
        torn |= strspn(text, len == BIG / 2 ? "b" : "a") != len ||
                (len != BIG && len != BIG / 2 && len != 1);
    }
    assert_int_equal(status, 0);
    assert_false(torn);
    assert_string_equal(vk_test_read("f") + BIG / 2 - 1, "b");
}

static int
replace_without_room(void)
{
    static const struct rlimit small = {10, 10};

    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &small) != 0)
        return 99;
    return (int)vk_file_replace(vk_test_path("d"), "f",
                                VK_SPAN("more than ten bytes"));
}

static void
leaves_the_old_file_where_it_cannot_write(void **state)
{
    (void)state;
    assert_int_equal(mkdir(vk_test_path("d"), 0700), 0);
    vk_test_write("d/f", "old", 0600);
    assert_int_equal(vk_test_child(replace_without_room), VK_IO);
    assert_string_equal(vk_test_read("d/f"), "old");
    assert_int_equal(vk_test_count("d"), 1);

    /* The rename fails. */
    assert_int_equal(mkdir(vk_test_path("d/dir"), 0700), 0);
    assert_int_equal(vk_file_replace(vk_test_path("d"), "dir", VK_SPAN("x")),
                     VK_IO);
    assert_said("/d/dir'");
    assert_said("it is unchanged");
    assert_int_equal(vk_test_count("d"), 2);
    assert_int_equal(vk_file_replace(vk_test_path("none"), "f", VK_SPAN("x")),
                     VK_IO);
    assert_said("cannot write in '");
}

static void
makes_directories_for_their_owner_only(void **state)
{
    mode_t mask = umask(0);

    (void)state;
    assert_int_equal(vk_file_make_dir(vk_test_path("a/b/c")), VK_OK);
    umask(mask);
    assert_int_equal(mode_of("a"), 0700);
    assert_int_equal(mode_of("a/b"), 0700);
    assert_int_equal(mode_of("a/b/c"), 0700);
    assert_int_equal(vk_file_make_dir(vk_test_path("a/b/c")), VK_OK);
    assert_int_equal(chmod(vk_test_path("a/b/c"), 0770), 0);
    assert_int_equal(vk_file_make_dir(vk_test_path("a/b/c")), VK_CONFIG);
    assert_said("can be written by others");
}

static void
makes_no_directory_where_a_file_stands(void **state)
{
    (void)state;
    vk_test_write("f", "x", 0600);
    assert_int_equal(vk_file_make_dir(vk_test_path("f/d")), VK_IO);
    assert_said("cannot make '");
    assert_int_not_equal(vk_file_make_dir(vk_test_path("f")), VK_OK);
}

static void
makes_a_lock_and_what_it_stands_in(void **state)
{
    int fd = -1, again = -1;

    (void)state;
    assert_int_equal(vk_file_open_lock(vk_test_path("d"), "l", &fd), VK_OK);
    assert_int_equal(mode_of("d"), 0700);
    assert_int_equal(mode_of("d/l"), 0600);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_int_equal(vk_file_open_lock(vk_test_path("d"), "l", &again), VK_OK);
    close(fd);
    close(again);
    /* Not what leads to it. */
    fd = -1;
    assert_int_equal(vk_file_open_lock(vk_test_path("e/d"), "l", &fd), VK_IO);
    assert_int_equal(fd, -1);
}

static int
lock_fifo(void)
{
    int fd;

    return (int)vk_file_open_lock(vk_test_dir, "fifo", &fd);
}

static void
refuses_in_silence_what_is_no_place_for_a_lock(void **state)
{
    int fd = -1;

    (void)state;
    vk_fail(VK_OK, "%s", "before");
    vk_test_write("f", "", 0600);
    vk_test_write("open", "", 0666);
    assert_int_equal(symlink("f", vk_test_path("link")), 0);
    assert_int_equal(mkdir(vk_test_path("open-dir"), 0700), 0);
    assert_int_equal(chmod(vk_test_path("open-dir"), 0777), 0);
    assert_int_equal(vk_file_open_lock(vk_test_dir, "open", &fd), VK_IO);
    assert_int_equal(vk_file_open_lock(vk_test_dir, "link", &fd), VK_IO);
    assert_int_equal(vk_file_open_lock(vk_test_path("open-dir"), "l", &fd),
                     VK_IO);
    assert_int_equal(vk_file_open_lock(vk_test_path("f"), "l", &fd), VK_IO);
    assert_int_equal(vk_test_count("open-dir"), 0);
    assert_int_equal(fd, -1);
    assert_string_equal(vk_log_last(), "before");
}

static void
does_not_wait_for_a_fifo_in_the_place_of_a_lock(void **state)
{
    (void)state;
    assert_int_equal(mkfifo(vk_test_path("fifo"), 0600), 0);
    assert_int_equal(vk_test_child(lock_fifo), VK_IO);
}

/* A file as fd 1 would get what is printed. */
static int
work_without_standard_fds(void)
{
    struct vk_span text;
    int fd;

    close(STDIN_FILENO);
    close(STDOUT_FILENO);
    close(STDERR_FILENO);
    if (vk_file_open_lock(vk_test_dir, "lock", &fd) != VK_OK ||
        fd <= STDERR_FILENO || fcntl(fd, F_GETFD) != FD_CLOEXEC)
        return 1;
    if (vk_file_replace(vk_test_dir, "f", VK_SPAN("new")) != VK_OK ||
        vk_file_map(vk_test_dir, "f", 10, &text) != VK_OK ||
        !vk_span_is(text, "new"))
        return 2;
    return is_regular(0) || is_regular(1) || is_regular(2) ? 3 : 0;
}

static void
keeps_out_of_the_way_of_standard_output(void **state)
{
    (void)state;
    assert_int_equal(vk_test_child(work_without_standard_fds), 0);
    assert_string_equal(vk_test_read("f"), "new");
}

#define FILE_TEST(test) \
    cmocka_unit_test_setup_teardown(test, vk_test_enter, vk_test_leave)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(replaces_a_file_whole),
        FILE_TEST(replaces_a_link_and_not_what_it_leads_to),
        FILE_TEST(shows_a_reader_the_old_or_the_new_at_any_moment),
        FILE_TEST(leaves_the_old_file_where_it_cannot_write),
        FILE_TEST(makes_directories_for_their_owner_only),
        FILE_TEST(makes_no_directory_where_a_file_stands),
        FILE_TEST(makes_a_lock_and_what_it_stands_in),
        FILE_TEST(refuses_in_silence_what_is_no_place_for_a_lock),
        FILE_TEST(does_not_wait_for_a_fifo_in_the_place_of_a_lock),
        FILE_TEST(keeps_out_of_the_way_of_standard_output),
    };

    vk_log_keep();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Whose file it is that gets an owner and a mode: cli/setup_file.c. */
#include "tests/unit/support.h"

#include <unistd.h>

#include "cli/setup_file.c"

/* As a file of that mode was, before it is replaced. */
static struct vk_setup_file
file_of_mode(mode_t mode)
{
    return (struct vk_setup_file){
        .path = "f",
        .is_there = true,
        .st = {.st_mode = S_IFREG | mode,
               .st_uid = geteuid(),
               .st_gid = getegid()},
    };
}

static mode_t
mode_of(const char *name)
{
    struct stat st;

    assert_int_equal(stat(vk_test_path(name), &st), 0);
    return st.st_mode & 07777;
}

static void
a_new_file_gets_the_mode_of_the_old_one(void **state)
{
    struct vk_setup_file file = file_of_mode(0640);

    (void)state;
    vk_test_write("new", "x", 0600);
    assert_int_equal(dress(&file, vk_test_path("new")), VK_OK);
    assert_int_equal(mode_of("new"), 0640);
}

/* Whoever owns the directory can put anything there, while root works. */
static void
what_took_the_place_of_the_new_file_gets_nothing(void **state)
{
    struct vk_setup_file file = file_of_mode(0666);

    (void)state;
    vk_test_write("victim", "x", 0600);
    assert_int_equal(
        symlink(vk_test_path("victim"), vk_test_path("by-symlink")), 0);
    assert_int_equal(dress(&file, vk_test_path("by-symlink")), VK_IO);
    assert_int_equal(mode_of("victim"), 0600);
    assert_int_equal(link(vk_test_path("victim"), vk_test_path("by-link")), 0);
    assert_int_equal(dress(&file, vk_test_path("by-link")), VK_IO);
    assert_int_equal(mode_of("victim"), 0600);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_new_file_gets_the_mode_of_the_old_one, vk_test_enter,
            vk_test_leave),
        cmocka_unit_test_setup_teardown(
            what_took_the_place_of_the_new_file_gets_nothing, vk_test_enter,
            vk_test_leave),
    };

    vk_log_keep();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* What is read and where: base/file.c.  test_replace.c has the writing. */
#include "tests/unit/support.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

#define LIMIT 4096

static enum vk_err
map(const char *name, struct vk_span *out)
{
    return vk_file_map(vk_test_dir, name, LIMIT, out);
}

static void
assert_refused(const char *name, const char *why)
{
    struct vk_span out = {NULL, 99};

    assert_int_equal(map(name, &out), VK_CONFIG);
    assert_int_equal(out.len, 99);
    assert_said(why);
    assert_said(vk_test_path(name));
}

static void
maps_what_a_file_holds(void **state)
{
    struct vk_span text;

    (void)state;
    vk_test_write("f", "a\nb", 0600);
    assert_int_equal(map("f", &text), VK_OK);
    assert_span(text, "a\nb");
    vk_file_unmap(text);
    vk_test_write("f", "", 0600);
    assert_int_equal(map("f", &text), VK_OK);
    assert_int_equal(text.len, 0);
    assert_non_null(text.ptr);
    vk_file_unmap(text);
}

static void
refuses_one_byte_past_the_limit(void **state)
{
    struct vk_span text;

    (void)state;
    vk_test_write("f", "", 0600);
    assert_int_equal(truncate(vk_test_path("f"), LIMIT), 0);
    assert_int_equal(map("f", &text), VK_OK);
    assert_int_equal(text.len, LIMIT);
    vk_file_unmap(text);
    assert_int_equal(truncate(vk_test_path("f"), LIMIT + 1), 0);
    assert_refused("f", "larger than 4096 bytes");
    /* Its size alone is enough: nobody waits for a terabyte. */
    assert_int_equal(truncate(vk_test_path("f"), (off_t)1 << 40), 0);
    assert_refused("f", "larger than 4096 bytes");
}

static void
is_silent_about_what_does_not_exist(void **state)
{
    struct vk_span text;

    (void)state;
    vk_fail(VK_OK, "%s", "before");
    assert_int_equal(map("none", &text), VK_NOCLIENT);
    assert_int_equal(vk_file_map(vk_test_path("none"), "f", LIMIT, &text),
                     VK_NOCLIENT);
    assert_string_equal(vk_log_last(), "before");
}

static void
refuses_links(void **state)
{
    (void)state;
    vk_test_write("f", "x", 0600);
    assert_int_equal(symlink("f", vk_test_path("link")), 0);
    assert_refused("link", "is a symbolic link");
    assert_int_equal(symlink("none", vk_test_path("dangling")), 0);
    assert_refused("dangling", "is a symbolic link");
}

static int
map_fifo(void)
{
    struct vk_span text;

    return (int)map("fifo", &text);
}

static void
refuses_what_is_no_regular_file_without_waiting(void **state)
{
    (void)state;
    assert_int_equal(mkdir(vk_test_path("d"), 0700), 0);
    assert_refused("d", "is not a regular file");
    assert_int_equal(mkfifo(vk_test_path("fifo"), 0600), 0);
    assert_int_equal(vk_test_child(map_fifo), VK_CONFIG);
    assert_refused("fifo", "is not a regular file");
}

static void
refuses_what_others_can_write(void **state)
{
    static const struct {
        mode_t file, dir;
        bool good;
    } table[] = {
        {0600, 0700, true},   {0644, 0755, true},  {0400, 0500, true},
        {0620, 0700, false},  {0602, 0700, false}, {0666, 0700, false},
        {0600, 0720, false},  {0600, 0702, false}, {0600, 0777, false},
        {0600, 01777, false},
    };

    (void)state;
    vk_test_write("f", "x", 0600);
    for (size_t i = 0; i < LENGTH(table); i++) {
        struct vk_span text;
        assert_int_equal(chmod(vk_test_path("f"), table[i].file), 0);
        assert_int_equal(chmod(vk_test_dir, table[i].dir), 0);
        enum vk_err err = map("f", &text);
        if ((err == VK_OK) != table[i].good)
            fail_msg("file %o in %o: %d", table[i].file, table[i].dir, err);
        if (err == VK_OK)
            vk_file_unmap(text);
        else
            assert_said("can be written by others; run 'chmod go-w' on it");
    }
}

static void
refuses_what_belongs_to_another_user(void **state)
{
    struct vk_span text;

    (void)state;
    if (geteuid() != 0) {
        print_message("# skipped: only root can give files away\n");
        skip();
    }
    vk_test_write("f", "x", 0600);
    assert_int_equal(chown(vk_test_path("f"), 65534, 0), 0);
    assert_refused("f", "belongs to another user");
    vk_test_write("g", "x", 0600);
    assert_int_equal(chown(vk_test_dir, 65534, 0), 0);
    assert_int_equal(map("g", &text), VK_CONFIG);
    assert_said("belongs to another user");
    assert_int_equal(chown(vk_test_dir, 0, 0), 0);
}

static void
joins_paths_up_to_the_limit(void **state)
{
    char name[VK_PATH_MAX + 1], out[VK_PATH_MAX] = "untouched";

    (void)state;
    memset(name, 'n', sizeof name);
    name[VK_PATH_MAX - 2] = '\0';
    assert_int_equal(vk_file_join("d", name, out), VK_CONFIG);
    assert_string_equal(out, "untouched");
    assert_said("the path 'd/nnn");
    name[VK_PATH_MAX - 3] = '\0';
    assert_int_equal(vk_file_join("d", name, out), VK_OK);
    assert_int_equal(strlen(out), VK_PATH_MAX - 1);
    assert_memory_equal(out, "d/nnn", 5);
    assert_int_equal(vk_file_join("/a", "b", out), VK_OK);
    assert_int_equal(vk_file_join(out, "c", out), VK_OK);
    assert_string_equal(out, "/a/b/c");
}

static void
set(const char *name, const char *value)
{
    if (value != NULL)
        setenv(name, value, 1);
    else
        unsetenv(name);
}

static void
takes_absolute_directories_only(void **state)
{
    static const struct {
        const char *variable, *home, *dir;
    } table[] = {
        {"/c", "/h", "/c/valetkey"},
        {"/c", NULL, "/c/valetkey"},
        {NULL, "/h", "/h/.config/valetkey"},
        {"", "/h", "/h/.config/valetkey"},
        {"c", "/h", "/h/.config/valetkey"},
        {"./c", "/h", "/h/.config/valetkey"},
        {NULL, NULL, NULL},
        {NULL, "", NULL},
        {"c", "h", NULL},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(table); i++) {
        char out[VK_PATH_MAX];
        set("VK_TEST_HOME", table[i].variable);
        set("HOME", table[i].home);
        enum vk_err err = vk_file_user_dir("VK_TEST_HOME", ".config", out);
        assert_int_equal(err, table[i].dir != NULL ? VK_OK : VK_CONFIG);
        if (table[i].dir != NULL)
            assert_string_equal(out, table[i].dir);
    }
    unsetenv("VK_TEST_HOME");
}

static void
runs_where_nobody_lent_it_rights(void **state)
{
    (void)state;
    assert_int_equal(vk_file_refuse_setuid(), VK_OK);
}

#define FILE_TEST(test) \
    cmocka_unit_test_setup_teardown(test, vk_test_enter, vk_test_leave)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(maps_what_a_file_holds),
        FILE_TEST(refuses_one_byte_past_the_limit),
        FILE_TEST(is_silent_about_what_does_not_exist),
        FILE_TEST(refuses_links),
        FILE_TEST(refuses_what_is_no_regular_file_without_waiting),
        FILE_TEST(refuses_what_others_can_write),
        FILE_TEST(refuses_what_belongs_to_another_user),
        FILE_TEST(joins_paths_up_to_the_limit),
        FILE_TEST(takes_absolute_directories_only),
        FILE_TEST(runs_where_nobody_lent_it_rights),
    };

    vk_log_keep();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "tests/unit/support.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/edit.h"

#define DIR "XDG_CONFIG_HOME/valetkey"
#define CONF DIR "/clients.conf"
#define BODY "token-url = https://t.com\nclient-id = i\n"
#define CR_BODY "token-url = https://t.com\r\nclient-id = i\r\n"
#define NEW "[client a]\ntoken-url = https://new.com\nclient-id = i\n"

static void
write_conf(const char *text)
{
    assert_int_equal(vk_file_make_dir(vk_test_path(DIR)), VK_OK);
    vk_test_write(CONF, text, 0600);
}

/* before, with the sections of name replaced (removed: ""), is after. */
static void
assert_edit(const char *before, const char *name, const char *sections,
            const char *after)
{
    struct vk_edit edit;

    write_conf(before);
    assert_int_equal(vk_edit_begin(&edit), VK_OK);
    assert_int_equal(vk_edit_put(&edit, name, EDGE(sections)), VK_OK);
    if (vk_edit_save(&edit) != VK_OK)
        fail_msg("%s", vk_log_last());
    vk_edit_end(&edit);
    assert_string_equal(vk_test_read(CONF), after);
}

static void
replaces_a_section_where_it_stands(void **state)
{
    (void)state;
    assert_edit("# top\n\n[client a]\n" BODY "\n# about b\n[client b]\n" BODY,
                "a", NEW, "# top\n\n" NEW "\n# about b\n[client b]\n" BODY);
    assert_edit("[client b]\n" BODY "\n[client a]\n" BODY, "a", NEW,
                "[client b]\n" BODY "\n" NEW);
    /* No final newline. */
    assert_edit("[client b]\n" BODY "\n[client a]\n"
                "token-url = https://t.com\nclient-id = i",
                "a", NEW, "[client b]\n" BODY "\n" NEW);
    assert_edit("[client a]\n" BODY "\n# the end", "a", NEW,
                NEW "\n# the end");
}

static void
changes_nothing_by_the_same_section(void **state)
{
    static const char text[] = "  # top\n; x\n\n\n" NEW "\n# b\n\n\n#\t \n"
                               "  [client b]\n\n" BODY "\n\n\n# end\n\n";

    (void)state;
    assert_edit(text, "a", NEW, text);
}

static void
replaces_a_client_with_all_its_tokens(void **state)
{
    (void)state;
    assert_edit("[client a]\n" BODY "\n[token a/x]\nscope = 1\n\n"
                "[client ab]\n" BODY "\n[token ab/a]\nscope = 2\n\n"
                "# far away\n[token a/y]\nscope = 3\n",
                "a", NEW "\n[token a/z]\nscope = 4\n",
                NEW "\n[token a/z]\nscope = 4\n\n"
                    "[client ab]\n" BODY "\n[token ab/a]\nscope = 2\n\n"
                    "# far away\n");
}

static void
replaces_one_token_alone(void **state)
{
    static const char client[] = "[client a]\n" BODY "\n";

    (void)state;
    assert_edit("[client a]\n" BODY "\n[token a/x]\nscope = 1\n\n"
                "[token a/xy]\nscope = 2\n",
                "a/x", "[token a/x]\nscope = 3\n",
                "[client a]\n" BODY "\n[token a/x]\nscope = 3\n\n"
                "[token a/xy]\nscope = 2\n");
    assert_edit(client, "a/new", "[token a/new]\n",
                "[client a]\n" BODY "\n[token a/new]\n");
}

static void
adds_at_the_end_behind_a_blank_line(void **state)
{
    (void)state;
    assert_edit("", "a", NEW, NEW);
    assert_edit("# c", "a", NEW, "# c\n\n" NEW);
    assert_edit("# c\n", "a", NEW, "# c\n\n" NEW);
    assert_edit("# c\n\n", "a", NEW, "# c\n\n" NEW);
    assert_edit(
        "[client b]\ntoken-url = https://t.com\nclient-id = i", "a", NEW,
        "[client b]\ntoken-url = https://t.com\nclient-id = i\n\n" NEW);
    assert_edit("[client b]\r\n" CR_BODY, "a", NEW,
                "[client b]\r\n" CR_BODY "\n" NEW);
}

static void
removes_a_client_and_keeps_what_is_written_round_it(void **state)
{
    (void)state;
    assert_edit("# about a\n[client a]\n# inside\n" BODY "# behind\n\n"
                "[client b]\n" BODY "\n[token a/x]\n",
                "a", "", "# about a\n# behind\n\n[client b]\n" BODY "\n");
    assert_edit("[client a]\n" BODY, "a", "", "");
    assert_edit("[client b]\n" BODY, "a", "", "[client b]\n" BODY);
    assert_edit("[client a]\n" BODY "\n[token a/x]\n\n[token a/y]\n", "a/x",
                "", "[client a]\n" BODY "\n[token a/y]\n");
}

static void
takes_the_blanks_before_a_header_with_it(void **state)
{
    (void)state;
    assert_edit("  [client a]\n" BODY "# kept\n", "a", "", "# kept\n");
    assert_edit("[client b]\n" BODY "\n\t[client a]\n" BODY, "a", "",
                "[client b]\n" BODY "\n");
}

static void
keeps_line_ends_of_windows_where_it_changes_nothing(void **state)
{
    static const char before[] = "# top\r\n\r\n[client a]\r\n" CR_BODY;
    static const char after[] = "# b\r\n[client b]\r\n" CR_BODY "\r\n; end";
    char text[512];
    struct vk_edit edit;

    (void)state;
    memcpy(text, before, sizeof before - 1);
    memcpy(text + sizeof before - 1, after, sizeof after);
    write_conf(text);
    assert_int_equal(vk_edit_begin(&edit), VK_OK);
    assert_int_equal(vk_edit_put(&edit, "a", VK_SPAN(NEW)), VK_OK);
    assert_int_equal(vk_edit_save(&edit), VK_OK);
    vk_edit_end(&edit);
    const char *got = vk_test_read(CONF);
    assert_int_equal(strncmp(got, "# top\r\n\r\n" NEW, 9 + sizeof NEW - 1), 0);
    assert_string_equal(got + strlen(got) - (sizeof after - 1), after);
}

static void
makes_the_file_and_its_directory(void **state)
{
    struct vk_edit edit;
    struct stat st;

    (void)state;
    assert_int_equal(vk_edit_begin(&edit), VK_OK);
    assert_int_equal(vk_edit_put(&edit, "a", VK_SPAN(NEW)), VK_OK);
    assert_int_equal(vk_test_count(DIR), 1); /* its lock */
    assert_int_equal(vk_edit_save(&edit), VK_OK);
    vk_edit_end(&edit);
    assert_string_equal(vk_test_read(CONF), NEW);
    assert_int_equal(vk_test_count(DIR), 2);
    assert_int_equal(stat(vk_test_path(CONF), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(stat(vk_test_path(DIR), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
}

static void
never_saves_what_the_check_refuses(void **state)
{
    static const char text[] = "[client b]\n" BODY "serves = a.com\n";
    struct vk_edit edit;

    (void)state;
    write_conf(text);
    assert_int_equal(vk_edit_begin(&edit), VK_OK);
    assert_int_equal(vk_edit_put(&edit, "a", VK_SPAN(NEW "serves = a.com\n")),
                     VK_OK);
    assert_int_equal(vk_edit_check(&edit), VK_CONFIG);
    assert_int_equal(vk_edit_save(&edit), VK_CONFIG);
    assert_said("'a.com' is served twice: by 'b' and by 'a'");
    /* The next change starts from this one. */
    assert_int_equal(vk_edit_remove(&edit, "b"), VK_OK);
    assert_int_equal(vk_edit_check(&edit), VK_OK);
    vk_edit_end(&edit);
    assert_string_equal(vk_test_read(CONF), text);
}

static void
does_not_begin_on_a_file_that_is_wrong(void **state)
{
    struct vk_edit edit;

    (void)state;
    write_conf("[client a]\nnonsense = 1\n");
    assert_int_equal(vk_edit_begin(&edit), VK_CONFIG);
    assert_said("clients.conf:2: unknown key 'nonsense'");
    vk_edit_end(&edit);
    write_conf(NEW);
    assert_int_equal(chmod(vk_test_path(CONF), 0666), 0);
    assert_int_equal(vk_edit_begin(&edit), VK_CONFIG);
    assert_said("can be written by others");
    vk_edit_end(&edit);
}

static void
locks_out_others_from_begin_to_end(void **state)
{
    struct vk_edit edit;
    int dir = -1;

    (void)state;
    write_conf(NEW);
    assert_int_equal(vk_file_open_lock(vk_test_path(DIR), ".lock", &dir),
                     VK_OK);
    assert_int_equal(vk_edit_begin(&edit), VK_OK);
    assert_int_equal(flock(dir, LOCK_EX | LOCK_NB), -1);
    assert_int_equal(vk_edit_remove(&edit, "a"), VK_OK);
    assert_int_equal(vk_edit_save(&edit), VK_OK);
    assert_int_equal(flock(dir, LOCK_EX | LOCK_NB), -1);
    vk_edit_end(&edit);
    assert_int_equal(flock(dir, LOCK_EX | LOCK_NB), 0);
    close(dir);
}

static void
refuses_one_byte_past_the_limit(void **state)
{
    static const char head[] = "[client b]\n" BODY "\n";
    size_t room = VK_CLIENTS_MAX - (sizeof head - 1);
    char *much = malloc(room + 1);
    struct vk_edit edit;

    (void)state;
    assert_non_null(much);
    memset(much, '#', room + 1);
    write_conf(head);
    assert_int_equal(vk_edit_begin(&edit), VK_OK);
    assert_int_equal(vk_edit_put(&edit, "a", (struct vk_span){much, room + 1}),
                     VK_TOOBIG);
    assert_said("clients.conf would be too large");
    assert_span(vk_buf_span(&edit.text), head);
    assert_int_equal(vk_edit_put(&edit, "a", (struct vk_span){much, room}),
                     VK_OK);
    assert_int_equal(edit.text.len, VK_CLIENTS_MAX);
    vk_edit_end(&edit);
    free(much);
}

#define EDIT_TEST(test) \
    cmocka_unit_test_setup_teardown(test, vk_test_enter, vk_test_leave)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        EDIT_TEST(replaces_a_section_where_it_stands),
        EDIT_TEST(changes_nothing_by_the_same_section),
        EDIT_TEST(replaces_a_client_with_all_its_tokens),
        EDIT_TEST(replaces_one_token_alone),
        EDIT_TEST(adds_at_the_end_behind_a_blank_line),
        EDIT_TEST(removes_a_client_and_keeps_what_is_written_round_it),
        EDIT_TEST(takes_the_blanks_before_a_header_with_it),
        EDIT_TEST(keeps_line_ends_of_windows_where_it_changes_nothing),
        EDIT_TEST(makes_the_file_and_its_directory),
        EDIT_TEST(never_saves_what_the_check_refuses),
        EDIT_TEST(does_not_begin_on_a_file_that_is_wrong),
        EDIT_TEST(locks_out_others_from_begin_to_end),
        EDIT_TEST(refuses_one_byte_past_the_limit),
    };

    vk_log_keep();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

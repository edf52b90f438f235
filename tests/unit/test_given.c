/* SPDX-License-Identifier: MIT */
#include "tests/unit/support.h"

#include <keyutils.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keyring/cache.h"
#include "keyring/given.h"

#define BEFORE " S 1 4711 4711 0 -1 4194304 96 0 0 0 0 0 0 0 20 0 1 0 "
#define BETWEEN " 3133440 362 18446744073709551615 1 1 "
#define AFTER " 0 0 0 0\n"
#define STAT(name, start, stack) \
    "4711 (" name ")" BEFORE start BETWEEN stack AFTER

static uint64_t
caller(const char *stat, const char *want)
{
    return vk_given_caller(EDGE(stat), EDGE(want));
}

static void
knows_a_process_again(void **state)
{
    uint64_t first = caller(STAT("kubectl", "900", "1234"), "");

    (void)state;
    assert_true(first != 0);
    assert_true(first < (uint64_t)1 << 48);
    assert_true(first == caller(STAT("kubectl", "900", "1234"), ""));
    /* What changes while it runs does not count. */
    assert_true(first == caller("4711 (kubectl) R 77 4711 4711 9 -1 0 9 9 0 "
                                "0 7 7 0 0 20 0 9 0 900 99 98 1 1 1 1234 5 6",
                                ""));
}

static void
tells_processes_apart(void **state)
{
    uint64_t first = caller(STAT("kubectl", "900", "1234"), "");

    (void)state;
    /* Another process, by the same number; another program in it. */
    assert_true(first != caller(STAT("kubectl", "901", "1234"), ""));
    assert_true(first != caller(STAT("kubectl", "900", "1235"), ""));
    assert_true(first != caller(STAT("kubectl.1.32", "900", "1234"), ""));
    assert_true(first != caller("1" STAT("kubectl", "900", "1234"), ""));
    assert_true(first != caller(STAT("kubectl", "900", "1234"), "https://a"));
    assert_true(caller(STAT("kubectl", "900", "1234"), "https://b") !=
                caller(STAT("kubectl", "900", "1234"), "https://a"));
    /* Without the right to look into it the rest still counts. */
    assert_true(caller(STAT("kubectl", "900", "0"), "") !=
                caller(STAT("kubectl", "901", "0"), ""));
}

static void
a_name_can_be_anything(void **state)
{
    (void)state;
    assert_true(caller(STAT(") S 1 (", "900", "1234"), "") != 0);
    assert_true(caller(STAT(") S 1 (", "900", "1234"), "") !=
                caller(STAT(") S 1 (", "900", "1235"), ""));
}

static void
does_not_guess(void **state)
{
    const char *whole = STAT("kubectl", "900", "1234");
    size_t stack = (size_t)(strstr(whole, "1234") - whole);

    (void)state;
    assert_true(caller("", "") == 0);
    assert_true(vk_given_caller((struct vk_span){NULL, 0}, EDGE("")) == 0);
    for (size_t len = 0; len <= stack + 4; len++)
        assert_true(vk_given_caller(vk_test_edge(whole, len), EDGE("")) == 0);
    assert_true(vk_given_caller(vk_test_edge(whole, stack + 5), EDGE("")) !=
                0);
}

static bool
enter_at(const char *note, uint64_t who, int64_t id, int64_t now, bool fresh,
         const char *expected)
{
    VK_AUTO_BUF out = VK_BUF(VK_GIVEN_MAX);
    struct vk_given given = {who, id, now, fresh};
    bool again = vk_given_enter(EDGE(note), &given, &out);

    assert_span(vk_buf_span(&out), expected);
    return again;
}

#define A "0000000000aa"
#define B "0000000000bb"

static void
the_first_call_is_entered(void **state)
{
    (void)state;
    assert_false(enter_at("", 0xaa, 90146, 500, false, "90146 " A));
    assert_false(
        enter_at("90146 " A, 0xbb, 90146, 500, false, "90146 " B " " A));
}

static void
the_second_call_is_noticed_once(void **state)
{
    (void)state;
    assert_true(enter_at("90146 " B " " A, 0xaa, 90146, 500, false,
                         "90146 " A ":500 " B));
    assert_false(enter_at("90146 " A ":500 " B, 0xaa, 90146, 500, false, ""));
    assert_false(enter_at("90146 " A ":500 " B, 0xaa, 90146, 799, false, ""));
    assert_true(enter_at("90146 " A ":500 " B, 0xaa, 90146, 800, false,
                         "90146 " A ":800 " B));
    /* A time that is yet to come is none. */
    assert_true(enter_at("90146 " A ":500 " B, 0xaa, 90146, 499, false,
                         "90146 " A ":499 " B));
}

static void
another_token_is_another_matter(void **state)
{
    (void)state;
    assert_false(
        enter_at("90146 " A " " B, 0xaa, 90147, 500, false, "90147 " A));
    /* One that was asked for is not asked for at once again. */
    assert_false(enter_at("90146 " A ":500 " B, 0xaa, 90147, 500, true,
                          "90147 " A ":500"));
    assert_false(enter_at("90147 " A ":500", 0xaa, 90147, 501, false, ""));
}

static void
what_makes_no_sense_is_left_out(void **state)
{
    (void)state;
    assert_false(enter_at("x", 0xaa, 1, 5, false, "1 " A));
    assert_false(enter_at("  ", 0xaa, 1, 5, false, "1 " A));
    assert_false(enter_at("1 ", 0xaa, 1, 5, false, "1 " A));
    assert_false(enter_at("-1 " A, 0xaa, 1, 5, false, "1 " A));
    assert_false(enter_at("1 short " B, 0xaa, 1, 5, false, "1 " A " " B));
    assert_false(enter_at("1 0123456789012345678901234567890123456789a " B,
                          0xaa, 1, 5, false, "1 " A " " B));
    assert_true(enter_at("1 " A ":x", 0xaa, 1, 5, false, "1 " A ":5"));
    assert_true(
        enter_at("1 " A " " A ":3 " B, 0xaa, 1, 5, false, "1 " A ":5 " B));
}

/* Each with the time at which it asked, which is as long as a note gets. */
static void
keeps_the_latest_callers_within_its_limit(void **state)
{
    VK_AUTO_BUF one = VK_BUF(VK_GIVEN_MAX);
    VK_AUTO_BUF two = VK_BUF(VK_GIVEN_MAX);
    struct vk_buf *note = &one, *next = &two;

    (void)state;
    for (uint64_t i = 0; i < 50; i++) {
        struct vk_given given = {0xffffffff0000 + i, 99999999999, 99999999900,
                                 true};
        vk_buf_cut(next, 0);
        assert_false(vk_given_enter(vk_buf_span(note), &given, next));
        struct vk_buf *swap = note;
        note = next;
        next = swap;
    }
    size_t entries = 0;
    for (size_t i = 0; i < note->len; i++)
        entries += note->data[i] == ' ';
    assert_int_equal(entries, VK_GIVEN_CALLERS);
    assert_true(note->len < VK_GIVEN_MAX);
    struct vk_given last = {0xffffffff0000 + 49, 99999999999,
                            99999999999 + 300, false};
    vk_buf_cut(next, 0);
    assert_true(vk_given_enter(vk_buf_span(note), &last, next));
    last.caller = 0xffffffff0000 + 17;
    vk_buf_cut(next, 0);
    assert_false(vk_given_enter(vk_buf_span(note), &last, next));
}

static bool
again(int64_t id, const char *want)
{
    return vk_given_again(vk_test_key_name(), id, 100, vk_span_str(want));
}

static key_serial_t
find_note(void)
{
    char description[VK_FULL_NAME_MAX + 32];

    snprintf(description, sizeof description, "valetkey.given:%s",
             vk_test_key_name());
    return (key_serial_t)keyctl_search(KEY_SPEC_USER_KEYRING, "user",
                                       description, 0);
}

static void
notices_the_second_call_of_its_parent(void **state)
{
    (void)state;
    vk_test_needs_keyring();
    assert_false(again(77, ""));
    assert_true(again(77, ""));
    assert_false(again(77, ""));
    assert_false(again(77, "https://other.example"));
    assert_false(again(78, ""));
    assert_true(again(78, ""));
    vk_given_instead(vk_test_key_name(), 79, 100, VK_SPAN(""));
    assert_false(again(79, ""));
}

static void
writes_in_the_place_of_the_old_note(void **state)
{
    (void)state;
    vk_test_needs_keyring();
    assert_false(again(77, ""));
    key_serial_t note = find_note();
    assert_true(note > 0);
    assert_false(again(77, "https://other.example"));
    assert_int_equal(find_note(), note);
    /* Too long to be ours. */
    char text[VK_GIVEN_MAX + 1];
    memset(text, '7', sizeof text);
    assert_int_equal(keyctl_update(note, text, sizeof text), 0);
    assert_false(again(77, ""));
    assert_true(find_note() > 0);
    assert_true(again(77, ""));
}

static int
ask_as_a_child(void)
{
    return again(77, "") ? 1 : 0;
}

/* Whose parent is this process, which it is not the same as. */
static void
knows_whose_child_it_is(void **state)
{
    (void)state;
    vk_test_needs_keyring();
    assert_false(again(77, ""));
    assert_int_equal(vk_test_child(ask_as_a_child), 0);
    assert_int_equal(vk_test_child(ask_as_a_child), 1);
    assert_int_equal(vk_test_child(ask_as_a_child), 0);
    assert_true(again(77, ""));
}

static void
a_token_that_ends_now_is_not_noted(void **state)
{
    (void)state;
    vk_test_needs_keyring();
    assert_false(vk_given_again(vk_test_key_name(), 77, 0, VK_SPAN("")));
    assert_true(find_note() < 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_a_process_again),
        cmocka_unit_test(tells_processes_apart),
        cmocka_unit_test(a_name_can_be_anything),
        cmocka_unit_test(does_not_guess),
        cmocka_unit_test(the_first_call_is_entered),
        cmocka_unit_test(the_second_call_is_noticed_once),
        cmocka_unit_test(another_token_is_another_matter),
        cmocka_unit_test(what_makes_no_sense_is_left_out),
        cmocka_unit_test(keeps_the_latest_callers_within_its_limit),
        cmocka_unit_test_teardown(notices_the_second_call_of_its_parent,
                                  vk_test_forget),
        cmocka_unit_test_teardown(writes_in_the_place_of_the_old_note,
                                  vk_test_forget),
        cmocka_unit_test_teardown(knows_whose_child_it_is, vk_test_forget),
        cmocka_unit_test_teardown(a_token_that_ends_now_is_not_noted,
                                  vk_test_forget),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "tests/unit/support.h"

#include <string.h>

#include "base/log.h"

#define SHOWN_MAX 200

static void
assert_clean(const char *text, size_t len, const char *expected)
{
    assert_string_equal(vk_log_clean(vk_test_edge(text, len)), expected);
}

/* A text of `count` times `part`, then end. */
static struct vk_span
repeat(const char *part, size_t count, const char *end)
{
    static char text[4096];
    struct vk_buf buf = {.data = text, .cap = sizeof text, .fixed = true};

    for (size_t i = 0; i < count; i++)
        assert_int_equal(vk_buf_add_str(&buf, part), VK_OK);
    assert_int_equal(vk_buf_add_str(&buf, end), VK_OK);
    return vk_test_edge(buf.data, buf.len);
}

static void
shows_plain_text_as_it_is(void **state)
{
    (void)state;
    assert_clean("", 0, "");
    assert_string_equal(vk_log_clean((struct vk_span){NULL, 0}), "");
    assert_clean(" ~%s\\x1b", 8, " ~%s\\x1b");
    assert_clean("\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x91", 9,
                 "\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x91");
}

static void
shows_control_characters_by_number(void **state)
{
    (void)state;
    assert_clean("a\nb\r\t", 5, "a\\x0ab\\x0d\\x09");
    assert_clean("\0\x1b[31m\x7f", 7, "\\x00\\x1b[31m\\x7f");
    assert_clean("\x1f ", 2, "\\x1f ");
    /* C1, in the two bytes of UTF-8: CSI and the last; then U+00A0. */
    assert_clean("\xc2\x9b\xc2\x9f", 4, "\\xc2\\x9b\\xc2\\x9f");
    assert_clean("\xc2\xa0", 2, "\xc2\xa0");
}

static void
shows_bytes_that_are_no_utf8_by_number(void **state)
{
    (void)state;
    assert_clean("a\x9b"
                 "b",
                 3, "a\\x9bb");
    assert_clean("\xff\xfe", 2, "\\xff\\xfe");
    assert_clean("\xe2\x82", 2, "\\xe2\\x82");
    assert_clean("\xc0\x9b", 2, "\\xc0\\x9b");
}

static void
cuts_after_200_bytes(void **state)
{
    (void)state;
    for (size_t len = SHOWN_MAX - 1; len <= SHOWN_MAX + 2; len++) {
        const char *shown = vk_log_clean(repeat("a", len, ""));
        if (len <= SHOWN_MAX) {
            assert_int_equal(strlen(shown), len);
        } else {
            assert_int_equal(strspn(shown, "a"), SHOWN_MAX);
            assert_string_equal(shown + SHOWN_MAX, "...");
        }
    }
}

static void
never_cuts_inside_a_character_or_an_escape(void **state)
{
    (void)state;
    for (size_t before = SHOWN_MAX - 5; before <= SHOWN_MAX; before++) {
        const char *shown = vk_log_clean(repeat("a", before, "\xe2\x82\xac"));
        size_t rest = SHOWN_MAX - before;
        assert_string_equal(shown + before,
                            rest >= 3 ? "\xe2\x82\xac" : "...");
        shown = vk_log_clean(repeat("a", before, "\x1b"));
        assert_string_equal(shown + before, rest >= 4 ? "\\x1b" : "...");
    }
}

static void
cleans_and_cuts_what_a_message_quotes(void **state)
{
    const char *last;

    (void)state;
    assert_int_equal(vk_fail(VK_HELD, "no '%s', %d", "a\033[1m\n", 7),
                     VK_HELD);
    assert_string_equal(vk_log_last(), "no 'a\\x1b[1m\\x0a', 7");
    vk_fail(VK_IO, "%.*s", 2000, repeat("\001", 2000, "").ptr);
    last = vk_log_last();
    assert_true(strlen(last) < 1000);
    assert_string_equal(last + strlen(last) - 7, "\\x01...");
    vk_fail(VK_IO, "%s", "short");
    vk_log("%s", "by the way\r");
    assert_string_equal(vk_log_last(), "short");
    assert_string_equal(vk_log_note(), "by the way\\x0d");
}

static void
quotes_at_most_200_bytes_of_a_span(void **state)
{
    (void)state;
    vk_fail(VK_IO, "'%.*s'", VK_ARG(repeat("a", 300, "")));
    assert_int_equal(strlen(vk_log_last()), SHOWN_MAX + 2);
    vk_fail(VK_IO, "'%.*s'", VK_ARG(((struct vk_span){NULL, 0})));
    assert_string_equal(vk_log_last(), "''");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_plain_text_as_it_is),
        cmocka_unit_test(shows_control_characters_by_number),
        cmocka_unit_test(shows_bytes_that_are_no_utf8_by_number),
        cmocka_unit_test(cuts_after_200_bytes),
        cmocka_unit_test(never_cuts_inside_a_character_or_an_escape),
        cmocka_unit_test(cleans_and_cuts_what_a_message_quotes),
        cmocka_unit_test(quotes_at_most_200_bytes_of_a_span),
    };

    vk_log_keep();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

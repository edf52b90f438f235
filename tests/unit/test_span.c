/* SPDX-License-Identifier: MIT */
#include "tests/unit/support.h"

#include <string.h>

static void
compares_spans(void **state)
{
    struct vk_span none = {NULL, 0};

    (void)state;
    assert_true(vk_span_is(EDGE("abc"), "abc"));
    assert_false(vk_span_is(EDGE("abc"), "ab"));
    assert_false(vk_span_is(EDGE("ab"), "abc"));
    assert_false(vk_span_is(EDGE("abc"), "abC"));
    assert_true(vk_span_is(none, ""));
    assert_true(vk_span_same(none, EDGE("")));
    assert_true(vk_span_same_nocase(EDGE("aZ@["), EDGE("Az@[")));
    /* Only letters: '@' is not '`', nor '[' '{'. */
    assert_false(vk_span_same_nocase(EDGE("@"), EDGE("`")));
    assert_false(vk_span_same_nocase(EDGE("["), EDGE("{")));
    assert_false(vk_span_same_nocase(EDGE("a"), EDGE("ab")));
    assert_true(vk_span_starts(EDGE("abc"), "abc"));
    assert_true(vk_span_starts(EDGE("abc"), ""));
    assert_false(vk_span_starts(EDGE("ab"), "abc"));
}

static void
cuts_at_the_first_separator(void **state)
{
    struct vk_span rest = EDGE("a=b=");

    (void)state;
    assert_span(vk_span_cut(&rest, '='), "a");
    assert_span(rest, "b=");
    assert_span(vk_span_cut(&rest, '='), "b");
    /* Nothing follows, which is not the same as no separator. */
    assert_non_null(rest.ptr);
    assert_int_equal(rest.len, 0);
    assert_span(vk_span_cut(&rest, '='), "");
    assert_null(rest.ptr);
    assert_span(vk_span_cut(&rest, '='), "");
}

static void
trims_blanks_and_skips_within_bounds(void **state)
{
    (void)state;
    assert_span(vk_span_trim(EDGE(" \t\r a b \r\t ")), "a b");
    assert_span(vk_span_trim(EDGE(" \t\r")), "");
    assert_span(vk_span_trim(EDGE("\v")), "\v");
    assert_span(vk_span_trim((struct vk_span){NULL, 0}), "");
    assert_span(vk_span_from(EDGE("abc"), 0), "abc");
    assert_span(vk_span_from(EDGE("abc"), 3), "");
    assert_span(vk_span_from(EDGE("abc"), 4), "");
    assert_span(vk_span_from(EDGE("abc"), SIZE_MAX), "");
    assert_null(vk_span_from((struct vk_span){NULL, 0}, 1).ptr);
}

static void
reads_numbers_up_to_the_limit(void **state)
{
    static const struct {
        const char *text;
        int64_t max, number; /* -1: refused */
    } table[] = {
        {"0", 0, 0},
        {"1", 0, -1},
        {"3", 3, 3},
        {"4", 3, -1},
        {"9", 3, -1},
        {"10", 10, 10},
        {"11", 10, -1},
        {"65535", 65535, 65535},
        {"65536", 65535, -1},
        {"000065535", 65535, 65535},
        {"9223372036854775807", INT64_MAX, INT64_MAX},
        {"9223372036854775808", INT64_MAX, -1},
        {"99999999999999999999", INT64_MAX, -1},
        {"", 9, -1},
        {"-1", 9, -1},
        {"+1", 9, -1},
        {" 1", 9, -1},
        {"1 ", 9, -1},
        {"1a", 9, -1},
        {"0x1", 9, -1},
        {":", 99, -1},
        {"/", 99, -1},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(table); i++) {
        int64_t number = -1;
        bool ok = vk_span_number(EDGE(table[i].text), table[i].max, &number);
        if (ok != (table[i].number >= 0) || number != table[i].number)
            fail_msg("'%s', at most %lld: %lld", table[i].text,
                     (long long)table[i].max, (long long)number);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares_spans),
        cmocka_unit_test(cuts_at_the_first_separator),
        cmocka_unit_test(trims_blanks_and_skips_within_bounds),
        cmocka_unit_test(reads_numbers_up_to_the_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

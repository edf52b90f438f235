/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/parse.h"

#define DEPTH_MAX 15

static bool
parses(struct vk_span text)
{
    struct json_object *object;

    if (!vk_parse_object(text, &object))
        return false;
    json_object_put(object);
    return true;
}

/* What vk_parse_seconds makes of the member "n" of this object. */
static int64_t
seconds(struct vk_span text)
{
    struct json_object *object;

    assert_true(vk_parse_object(text, &object));
    int64_t number = vk_parse_seconds(json_object_object_get(object, "n"));
    json_object_put(object);
    return number;
}

static void
reads_one_object_with_white_space_round_it(void **state)
{
    (void)state;
    assert_true(parses(VK_SPAN("{}")));
    assert_true(parses(VK_SPAN(" \t\r\n{\"a\" : [1, {}] } \t\r\n")));
}

static void
reads_no_further_than_the_span(void **state)
{
    struct vk_span text = VK_SPAN("{}{}");

    (void)state;
    text.len = 2;
    assert_true(parses(text));
    text.len = 1;
    assert_false(parses(text));
}

static void
refuses_what_is_no_object(void **state)
{
    static const char *const texts[] = {
        "[]",
        "null",
        "1",
        "\"{}\"",
        "true",
        "",
        " ",
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\" 1}",
        "{\"a\":1 2}",
        "{\"a\":01}",
        "{\"a\":+1}",
        "{\"a\":.5}",
        "{\"a\":1e}",
        "{\"a\":True}",
        "{\"a\":\"",
        "{\"a\":\"\\q\"}",
        "{\"a\":1/**/}",
        "access_token=abc&expires_in=1",
        "<html></html>",
        "\xef\xbb\xbf{}",
    };

    (void)state;
    assert_false(parses((struct vk_span){NULL, 0}));
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_false(parses(vk_span_str(texts[i])));
}

static void
refuses_anything_behind_the_object(void **state)
{
    (void)state;
    assert_false(parses(VK_SPAN("{}x")));
    assert_false(parses(VK_SPAN("{} {}")));
    assert_false(parses(VK_SPAN("{}\n,")));
    assert_false(parses(VK_SPAN("{}\v")));
    assert_false(parses(VK_SPAN("{}\0")));
    assert_false(parses(VK_SPAN("{}\0{}")));
    assert_false(parses(VK_SPAN("\0{}")));
    assert_false(parses(VK_SPAN("{\0}")));
}

static void
refuses_bytes_that_are_not_utf8(void **state)
{
    (void)state;
    assert_true(parses(VK_SPAN("{\"a\":\"\xc3\xa4\xf0\x9f\x94\x91\"}")));
    assert_false(parses(VK_SPAN("{\"a\":\"\xff\"}")));
    assert_false(parses(VK_SPAN("{\"a\":\"\xc3\"}")));
    assert_false(parses(VK_SPAN("{\"\xe4\":1}")));
    assert_false(parses(VK_SPAN("{}\xff")));
}

/* depth objects, or arrays in an object, one in the other. */
static bool
parses_nested(const char *open, const char *close, size_t depth)
{
    VK_AUTO_BUF text = VK_BUF(4096);

    assert_int_equal(vk_buf_add_str(&text, "{\"a\":"), VK_OK);
    for (size_t i = 1; i < depth; i++)
        assert_int_equal(vk_buf_add_str(&text, open), VK_OK);
    assert_int_equal(vk_buf_add_str(&text, "1"), VK_OK);
    for (size_t i = 1; i < depth; i++)
        assert_int_equal(vk_buf_add_str(&text, close), VK_OK);
    assert_int_equal(vk_buf_add_str(&text, "}"), VK_OK);
    return parses(vk_buf_span(&text));
}

static void
refuses_one_level_of_nesting_too_many(void **state)
{
    (void)state;
    assert_true(parses_nested("{\"a\":", "}", DEPTH_MAX));
    assert_false(parses_nested("{\"a\":", "}", DEPTH_MAX + 1));
    assert_true(parses_nested("[", "]", DEPTH_MAX));
    assert_false(parses_nested("[", "]", DEPTH_MAX + 1));
    assert_false(parses_nested("[", "]", 1000));
}

static void
takes_the_last_of_two_members_of_one_name(void **state)
{
    (void)state;
    assert_int_equal(seconds(VK_SPAN("{\"n\":1,\"n\":2}")), 2);
    assert_int_equal(seconds(VK_SPAN("{\"n\":1,\"n\":null}")), -1);
    assert_int_equal(seconds(VK_SPAN("{\"n\":1,\"\\u006e\":3}")), 3);
}

static void
reads_numbers_and_strings_that_hold_one(void **state)
{
    (void)state;
    assert_int_equal(seconds(VK_SPAN("{\"n\":3600}")), 3600);
    assert_int_equal(seconds(VK_SPAN("{\"n\":\"3600\"}")), 3600);
    assert_int_equal(seconds(VK_SPAN("{\"n\":3600.5}")), 3600);
    assert_int_equal(seconds(VK_SPAN("{\"n\":\"3600.5\"}")), 3600);
    assert_int_equal(seconds(VK_SPAN("{\"n\":1}")), 1);
    assert_int_equal(seconds(VK_SPAN("{\"n\":1.0}")), 1);
    assert_int_equal(seconds(VK_SPAN("{\"n\":3.6e3}")), 3600);
    assert_int_equal(seconds(VK_SPAN("{\"n\":1e12}")), 1000000000000);
    assert_int_equal(seconds(VK_SPAN("{\"n\":\"1e12\"}")), 1000000000000);
}

static void
tells_none_from_something_else(void **state)
{
    (void)state;
    assert_int_equal(seconds(VK_SPAN("{}")), -1);
    assert_int_equal(seconds(VK_SPAN("{\"N\":1}")), -1);
    assert_int_equal(seconds(VK_SPAN("{\"n\":null}")), -1);
}

static void
refuses_what_is_no_number_above_zero(void **state)
{
    static const char *const values[] = {
        "0",       "-1",       "-5",      "0.9",     "-0",
        "-1e300",  "\"0\"",    "\"-5\"",  "\"\"",    "\" \"",
        "\"abc\"", "\"1h\"",   "\"1 \"",  "\"1,5\"", "true",
        "false",   "[]",       "[3600]",  "{}",      "{\"n\":1}",
        "NaN",     "Infinity", "\"inf\"", "\"nan\"", "1e400",
    };

    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        VK_AUTO_BUF text = VK_BUF(64);
        assert_int_equal(vk_buf_addf(&text, "{\"n\":%s}", values[i]), VK_OK);
        assert_true(seconds(vk_buf_span(&text)) == INT64_MIN);
    }
}

static void
refuses_a_number_with_more_behind_a_nul(void **state)
{
    (void)state;
    assert_true(seconds(VK_SPAN("{\"n\":\"3600\\u0000\"}")) == INT64_MIN);
    assert_true(seconds(VK_SPAN("{\"n\":\"3600\\u0000x\"}")) == INT64_MIN);
}

/* strtod knows more forms than a server that means seconds. */
static void
refuses_a_number_that_is_not_decimal(void **state)
{
    (void)state;
    assert_true(seconds(VK_SPAN("{\"n\":\"0xe10\"}")) == INT64_MIN);
}

static void
keeps_huge_numbers_within_bounds(void **state)
{
    static const char *const values[] = {
        "9223372036854775807",
        "18446744073709551615",
        "99999999999999999999999",
        "1e300",
        "\"1e300\"",
        "\"99999999999999999999\"",
    };

    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        VK_AUTO_BUF text = VK_BUF(64);
        assert_int_equal(vk_buf_addf(&text, "{\"n\":%s}", values[i]), VK_OK);
        assert_int_equal(seconds(vk_buf_span(&text)), 9000000000000000);
    }
}

static void
finds_string_members_and_no_others(void **state)
{
    struct vk_span out = VK_SPAN("before");
    struct json_object *object;

    (void)state;
    assert_true(vk_parse_object(VK_SPAN("{\"a\":\"x\\u0000\\n\",\"b\":\"\","
                                        "\"n\":1,\"o\":{},\"z\":null}"),
                                &object));
    assert_false(vk_parse_string(object, "missing", &out));
    assert_false(vk_parse_string(object, "A", &out));
    assert_false(vk_parse_string(object, "n", &out));
    assert_false(vk_parse_string(object, "o", &out));
    assert_false(vk_parse_string(object, "z", &out));
    assert_true(vk_span_is(out, "before"));
    assert_true(vk_parse_string(object, "b", &out));
    assert_int_equal(out.len, 0);
    assert_true(vk_parse_string(object, "a", &out));
    assert_int_equal(out.len, 3);
    assert_memory_equal(out.ptr, "x\0\n", 3);
    json_object_put(object);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_one_object_with_white_space_round_it),
        cmocka_unit_test(reads_no_further_than_the_span),
        cmocka_unit_test(refuses_what_is_no_object),
        cmocka_unit_test(refuses_anything_behind_the_object),
        cmocka_unit_test(refuses_bytes_that_are_not_utf8),
        cmocka_unit_test(refuses_one_level_of_nesting_too_many),
        cmocka_unit_test(takes_the_last_of_two_members_of_one_name),
        cmocka_unit_test(reads_numbers_and_strings_that_hold_one),
        cmocka_unit_test(tells_none_from_something_else),
        cmocka_unit_test(refuses_what_is_no_number_above_zero),
        cmocka_unit_test(refuses_a_number_with_more_behind_a_nul),
        cmocka_unit_test(refuses_a_number_that_is_not_decimal),
        cmocka_unit_test(keeps_huge_numbers_within_bounds),
        cmocka_unit_test(finds_string_members_and_no_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

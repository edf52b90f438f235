/* SPDX-License-Identifier: MIT */
#include "tests/unit/support.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"

static void
assert_string(const char *text, size_t len, const char *expected)
{
    VK_AUTO_BUF out = VK_BUF(4096);
    struct vk_json json = VK_JSON(&out);

    vk_json_str(&json, NULL, vk_test_edge(text, len));
    assert_int_equal(vk_json_end(&json), VK_OK);
    assert_span(vk_buf_span(&out), expected);
}

static void
writes_objects_and_arrays_in_each_other(void **state)
{
    VK_AUTO_BUF out = VK_BUF(4096);
    struct vk_json json = VK_JSON(&out);

    (void)state;
    vk_json_open(&json, NULL, '{');
    vk_json_str(&json, "s", VK_SPAN("v"));
    vk_json_open(&json, "list", '[');
    vk_json_number(&json, NULL, 0);
    vk_json_open(&json, NULL, '{');
    vk_json_close(&json, '}');
    vk_json_open(&json, NULL, '[');
    vk_json_close(&json, ']');
    vk_json_str(&json, NULL, VK_SPAN(""));
    vk_json_close(&json, ']');
    vk_json_pair(&json, VK_SPAN("k"), VK_SPAN("v"));
    vk_json_open(&json, "o", '{');
    vk_json_bool(&json, "t", true);
    vk_json_bool(&json, "f", false);
    vk_json_close(&json, '}');
    vk_json_null(&json, "n");
    vk_json_close(&json, '}');
    assert_int_equal(vk_json_end(&json), VK_OK);
    assert_span(vk_buf_span(&out), "{\"s\":\"v\",\"list\":[0,{},[],\"\"],"
                                   "\"k\":\"v\",\"o\":{\"t\":true,\"f\":false"
                                   "},\"n\":null}");
}

static void
writes_numbers_at_their_limits(void **state)
{
    VK_AUTO_BUF out = VK_BUF(4096);
    struct vk_json json = VK_JSON(&out);

    (void)state;
    vk_json_open(&json, NULL, '[');
    vk_json_number(&json, NULL, INT64_MIN);
    vk_json_number(&json, NULL, -1);
    vk_json_number(&json, NULL, INT64_MAX);
    vk_json_close(&json, ']');
    assert_int_equal(vk_json_end(&json), VK_OK);
    assert_span(vk_buf_span(&out),
                "[-9223372036854775808,-1,9223372036854775807]");
}

static void
escapes_what_json_does_not_take_as_it_is(void **state)
{
    (void)state;
    for (int byte = 0; byte < 128; byte++) {
        char text[] = {'a', (char)byte, 'b'};
        char expected[16];
        if (byte == '"' || byte == '\\')
            snprintf(expected, sizeof expected, "\"a\\%cb\"", byte);
        else if (byte < 0x20 || byte == 0x7f)
            snprintf(expected, sizeof expected, "\"a\\u%04xb\"",
                     (unsigned int)byte);
        else
            snprintf(expected, sizeof expected, "\"a%cb\"", byte);
        assert_string(text, sizeof text, expected);
    }
    assert_string("\n", 1, "\"\\u000a\"");
    assert_string("\"\"\\", 3, "\"\\\"\\\"\\\\\"");
    assert_string("", 0, "\"\"");
}

static void
keeps_utf8_and_replaces_what_is_none(void **state)
{
    (void)state;
    assert_string("\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x91", 9,
                  "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x91\"");
    assert_string("a\xff"
                  "b",
                  3, "\"a\\ufffdb\"");
    assert_string("\x80\x80", 2, "\"\\ufffd\\ufffd\"");
    assert_string("\xc3", 1, "\"\\ufffd\"");
    assert_string("\xe2\x82", 2, "\"\\ufffd\\ufffd\"");
    assert_string("\xc0\xaf", 2, "\"\\ufffd\\ufffd\"");
    /* A surrogate and a character past the last one. */
    assert_string("\xed\xa0\x80", 3, "\"\\ufffd\\ufffd\\ufffd\"");
    assert_string("\xf4\x90\x80\x80", 4, "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
}

static void
escapes_keys_too(void **state)
{
    VK_AUTO_BUF out = VK_BUF(4096);
    struct vk_json json = VK_JSON(&out);

    (void)state;
    vk_json_open(&json, NULL, '{');
    vk_json_str(&json, "a\"b", VK_SPAN("v"));
    vk_json_pair(&json, VK_SPAN("\n\xff\0"), VK_SPAN("v"));
    vk_json_close(&json, '}');
    assert_int_equal(vk_json_end(&json), VK_OK);
    assert_span(vk_buf_span(&out),
                "{\"a\\\"b\":\"v\",\"\\u000a\\ufffd\\u0000\":\"v\"}");
}

static void
assert_time(int64_t unix_time, const char *expected)
{
    VK_AUTO_BUF out = VK_BUF(64);
    struct vk_json json = VK_JSON(&out);

    vk_json_time(&json, NULL, unix_time);
    assert_int_equal(vk_json_end(&json), VK_OK);
    assert_span(vk_buf_span(&out), expected);
}

static void
writes_times_without_a_fraction(void **state)
{
    (void)state;
    assert_time(0, "\"1970-01-01T00:00:00Z\"");
    assert_time(86399, "\"1970-01-01T23:59:59Z\"");
    assert_time(951782400, "\"2000-02-29T00:00:00Z\"");
    assert_time(1795230000, "\"2026-11-21T03:00:00Z\"");
    assert_time(4107542399, "\"2100-02-28T23:59:59Z\"");
    assert_time(4107542400, "\"2100-03-01T00:00:00Z\"");
    assert_time(253402300799, "\"9999-12-31T23:59:59Z\"");
}

static void
keeps_times_within_four_digits_of_a_year(void **state)
{
    (void)state;
    assert_time(-1, "\"1970-01-01T00:00:00Z\"");
    assert_time(INT64_MIN, "\"1970-01-01T00:00:00Z\"");
    assert_time(253402300800, "\"9999-12-31T23:59:59Z\"");
    assert_time(INT64_MAX, "\"9999-12-31T23:59:59Z\"");
}

/* A day more than the calendar repeats itself after, each at another hour. */
static void
agrees_with_gmtime_on_every_day(void **state)
{
    char expected[64];
    struct tm tm;

    (void)state;
    for (time_t day = 0; day <= 146097; day++) {
        time_t at = day * 86400 + day * 7919 % 86400;
        assert_non_null(gmtime_r(&at, &tm));
        strftime(expected, sizeof expected, "\"%Y-%m-%dT%H:%M:%SZ\"", &tm);
        assert_time(at, expected);
    }
}

static enum vk_err
write_all(struct vk_json *json)
{
    vk_json_open(json, NULL, '{');
    vk_json_str(json, "key", VK_SPAN("a\"b\xff"));
    vk_json_number(json, "n", 12);
    vk_json_null(json, "z");
    vk_json_close(json, '}');
    return vk_json_end(json);
}

static void
fails_at_every_limit_but_the_one_that_fits(void **state)
{
    static const char whole[] =
        "{\"key\":\"a\\\"b\\ufffd\",\"n\":12,\"z\":null}";

    (void)state;
    for (size_t max = 0; max < sizeof whole - 1; max++) {
        VK_AUTO_BUF out = VK_BUF(max);
        struct vk_json json = VK_JSON(&out);
        assert_int_equal(write_all(&json), VK_TOOBIG);
        /* The error sticks, however small what follows may be. */
        vk_json_close(&json, '}');
        assert_int_equal(vk_json_end(&json), VK_TOOBIG);
    }
    VK_AUTO_BUF out = VK_BUF(sizeof whole - 1);
    struct vk_json json = VK_JSON(&out);
    assert_int_equal(write_all(&json), VK_OK);
    assert_span(vk_buf_span(&out), whole);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_objects_and_arrays_in_each_other),
        cmocka_unit_test(writes_numbers_at_their_limits),
        cmocka_unit_test(escapes_what_json_does_not_take_as_it_is),
        cmocka_unit_test(keeps_utf8_and_replaces_what_is_none),
        cmocka_unit_test(escapes_keys_too),
        cmocka_unit_test(writes_times_without_a_fraction),
        cmocka_unit_test(keeps_times_within_four_digits_of_a_year),
        cmocka_unit_test(agrees_with_gmtime_on_every_day),
        cmocka_unit_test(fails_at_every_limit_but_the_one_that_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

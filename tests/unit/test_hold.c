/* SPDX-License-Identifier: MIT */
#include "tests/unit/support.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "keyring/hold.h"

#define TIME_MAX (INT64_MAX / 4)

static struct vk_hold
sample(void)
{
    return (struct vk_hold){
        .until = 5000,
        .at = 4000,
        .failures = 3,
        .err = VK_UNREACHABLE,
        .secret = VK_SPAN("-"),
        .message = VK_SPAN("no answer from 'a.com': timed out"),
    };
}

static void
writes_what_it_reads(void **state)
{
    VK_AUTO_BUF text = VK_BUF(VK_HOLD_MAX);
    struct vk_hold hold = sample(), back;

    (void)state;
    assert_int_equal(vk_hold_write(&hold, &text), VK_OK);
    assert_span(vk_buf_span(&text), "5000 4000 3 unreachable - no answer from"
                                    " 'a.com': timed out");
    assert_int_equal(vk_hold_read(vk_test_edge(text.data, text.len), &back),
                     VK_OK);
    assert_int_equal(back.until, 5000);
    assert_int_equal(back.at, 4000);
    assert_int_equal(back.failures, 3);
    assert_int_equal(back.err, VK_UNREACHABLE);
    assert_span(back.secret, "-");
    assert_span(back.message, "no answer from 'a.com': timed out");
}

static void
keeps_every_error_and_empty_words(void **state)
{
    (void)state;
    for (enum vk_err err = VK_OK; err < VK_ERRS; err++) {
        VK_AUTO_BUF text = VK_BUF(VK_HOLD_MAX);
        struct vk_hold hold = {.err = err, .secret = VK_SPAN("")}, back;
        assert_int_equal(vk_hold_write(&hold, &text), VK_OK);
        assert_int_equal(vk_hold_read(vk_buf_span(&text), &back), VK_OK);
        assert_int_equal(back.err, err);
        assert_span(back.secret, "");
        assert_span(back.message, "");
    }
}

static void
fits_its_limit_at_the_longest(void **state)
{
    static char text[4096];
    VK_AUTO_BUF out = VK_BUF(VK_HOLD_MAX);
    struct vk_hold hold = sample(), back;

    (void)state;
    memset(text, 'm', sizeof text);
    hold.until = hold.at = hold.failures = TIME_MAX;
    hold.secret = vk_test_edge(text, 64);
    hold.message = vk_test_edge(text, sizeof text);
    assert_int_equal(vk_hold_write(&hold, &out), VK_OK);
    assert_int_equal(vk_hold_read(vk_buf_span(&out), &back), VK_OK);
    assert_int_equal(back.until, TIME_MAX);
    assert_int_equal(back.at, TIME_MAX);
    assert_int_equal(back.failures, TIME_MAX);
    assert_int_equal(back.secret.len, 64);
    assert_true(back.message.len >= 500);
}

static void
refuses_what_is_no_note(void **state)
{
    static const char *const texts[] = {
        "",
        " ",
        "1",
        "1 2 3",
        "1 2 3 held",
        "1 2 3 held -",
        "x 2 3 held - m",
        "1 x 3 held - m",
        "1 2 x held - m",
        "-1 2 3 held - m",
        "1 2  held - m",
        "2305843009213693952 2 3 held - m",
        "1 2305843009213693952 3 held - m",
        "1 2 3 a-word-of-more-than-31-characters - m"};
    struct vk_hold hold = {.until = 77};

    (void)state;
    for (size_t i = 0; i < LENGTH(texts); i++)
        if (vk_hold_read(EDGE(texts[i]), &hold) != VK_BADREPLY)
            fail_msg("'%s' is taken for a note", texts[i]);
    assert_int_equal(vk_hold_read((struct vk_span){NULL, 0}, &hold),
                     VK_BADREPLY);
    assert_int_equal(hold.until, 77);
    assert_int_equal(vk_hold_read(EDGE("1 2 3 no-such-error - m"), &hold),
                     VK_OK);
    assert_int_equal(hold.err, VK_INTERNAL);
}

static void
endpoint_of(enum vk_key key, const char *url, char out[VK_HOLD_NAME_MAX + 1])
{
    struct vk_profile profile = {0};

    profile.key[key] = (struct vk_opt){EDGE(url), true};
    vk_hold_endpoint(&profile, out);
}

static void
names_an_endpoint_by_host_and_port(void **state)
{
    static const struct {
        const char *url, *name;
    } table[] = {
        {"https://Login.Example/oauth/token", "login.example:443"},
        {"https://a.com:8443/t", "a.com:8443"},
        {"http://localhost/t", "localhost:80"},
        {"HTTP://127.0.0.1", "127.0.0.1:80"},
        {"http://[::1]:5/t", "[::1]:5"},
    };
    char out[VK_HOLD_NAME_MAX + 1];

    (void)state;
    for (size_t i = 0; i < LENGTH(table); i++) {
        endpoint_of(VK_KEY_TOKEN_URL, table[i].url, out);
        assert_string_equal(out, table[i].name);
        endpoint_of(VK_KEY_ISSUER, table[i].url, out);
        assert_string_equal(out, table[i].name);
    }
}

/* Tokens have no colon in their names: the two kinds of hold never meet. */
static void
names_a_long_endpoint_within_the_limit(void **state)
{
    char url[300], out[VK_HOLD_NAME_MAX + 1];

    (void)state;
    for (int host = VK_HOLD_NAME_MAX - 6; host < 250; host++) {
        snprintf(url, sizeof url, "https://%0*d/t", host, 0);
        memset(out, 'x', sizeof out);
        endpoint_of(VK_KEY_TOKEN_URL, url, out);
        assert_non_null(memchr(out, '\0', sizeof out));
        assert_non_null(strchr(out, ':'));
    }
}

static void
tells_how_long_it_holds(void **state)
{
    struct vk_hold hold = sample();
    int64_t now = vk_clock_boot_ms();

    (void)state;
    hold.at = now - 1000;
    hold.until = now + 1000000;
    assert_int_equal(vk_hold_fail("a", &hold, now), VK_HELD);
    assert_said("held back until ");
    assert_said(": no answer from 'a.com': timed out");
    /* Who waited with it gets what the fetch itself got. */
    assert_int_equal(vk_hold_fail("a", &hold, now - 1000), VK_UNREACHABLE);
    assert_string_equal(vk_log_last(),
                        "no token for 'a': no answer from 'a.com': timed"
                        " out");
    hold.err = VK_REFUSED;
    assert_int_equal(vk_hold_fail("a", &hold, now), VK_REFUSED);
}

static void
doubles_a_backoff_up_to_its_limit(void **state)
{
    static const struct {
        int64_t first, most, failures, value;
    } table[] = {
        {5, 300, 0, 5},     {5, 300, 1, 5},   {5, 300, 2, 10},
        {5, 300, 3, 20},    {5, 300, 6, 160}, {5, 300, 7, 300},
        {1, 60, 7, 60},     {1, 64, 7, 64},   {5, 300, INT64_MAX, 300},
        {400, 300, 1, 300},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(table); i++)
        assert_int_equal(
            vk_hold_backoff(table[i].first, table[i].most, table[i].failures),
            table[i].value);
}

static void
holds_a_token_that_is_refused_as_soon_as_it_is_made(void **state)
{
    struct vk_hold hold = {.until = 77}, next;

    (void)state;
    assert_false(vk_hold_after_drop(NULL, 60, 1000, &hold));
    assert_int_equal(hold.until, 77);
    assert_true(vk_hold_after_drop(NULL, 59, 1000, &hold));
    assert_int_equal(hold.at, 1000);
    assert_int_equal(hold.until, 6000);
    assert_int_equal(hold.failures, 1);
    assert_int_equal(hold.err, VK_HELD);

    int64_t wait = 5000;
    for (int i = 0; i < 10; i++) {
        wait = wait * 2 < 300000 ? wait * 2 : 300000;
        assert_true(vk_hold_after_drop(&hold, 0, hold.until, &next));
        assert_int_equal(next.until - next.at, wait);
        hold = next;
    }
    /* Long after, it is the first again. */
    assert_true(vk_hold_after_drop(&hold, 0, hold.until + 300000, &next));
    assert_int_equal(next.until - next.at, 5000);
}

static void
counts_a_refused_token_once_however_many_report_it(void **state)
{
    struct vk_hold hold = {.until = 77}, next = {.until = 77};

    (void)state;
    assert_true(vk_hold_after_drop(NULL, 3, 10000, &hold));
    assert_false(vk_hold_after_drop(&hold, 3, 10001, &next));
    assert_false(vk_hold_after_drop(&hold, 5, 12999, &next));
    assert_false(vk_hold_after_drop(&hold, 58, 65500, &next));
    assert_int_equal(next.until, 77);
    /* A new one, as early as the hold allows. */
    assert_true(vk_hold_after_drop(&hold, 0, 15000, &next));
    assert_int_equal(next.failures, 2);
    /* One that was new at the first report. */
    assert_true(vk_hold_after_drop(NULL, 0, 10000, &hold));
    assert_false(vk_hold_after_drop(&hold, 0, 10900, &next));
    assert_false(vk_hold_after_drop(&hold, 1, 11900, &next));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_what_it_reads),
        cmocka_unit_test(keeps_every_error_and_empty_words),
        cmocka_unit_test(fits_its_limit_at_the_longest),
        cmocka_unit_test(refuses_what_is_no_note),
        cmocka_unit_test(names_an_endpoint_by_host_and_port),
        cmocka_unit_test(names_a_long_endpoint_within_the_limit),
        cmocka_unit_test(tells_how_long_it_holds),
        cmocka_unit_test(doubles_a_backoff_up_to_its_limit),
        cmocka_unit_test(holds_a_token_that_is_refused_as_soon_as_it_is_made),
        cmocka_unit_test(counts_a_refused_token_once_however_many_report_it),
    };

    vk_log_keep();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "tests/unit/support.h"

#include <stdio.h>
#include <string.h>

#include "server/report.h"

#define MOST 86400

static struct vk_report report;

static enum vk_err
read_text(const char *text)
{
    return vk_report_read(vk_span_str(text), MOST, &report);
}

static void
takes_a_token(void **state)
{
    (void)state;
    assert_int_equal(read_text("ok\n3600 -1 0\nabc.def\n"), VK_OK);
    assert_int_equal(report.err, VK_OK);
    assert_int_equal(report.life, 3600);
    assert_span(report.token, "abc.def");
    assert_int_equal(read_text("ok\n86400 -1 0\nabc\n"), VK_OK);
}

static void
takes_a_failure(void **state)
{
    (void)state;
    assert_int_equal(read_text("refused\n0 -1 1\n\nno token for 'a': x"),
                     VK_OK);
    assert_int_equal(report.err, VK_REFUSED);
    assert_true(report.is_forbidden);
    assert_span(report.message, "no token for 'a': x");
    assert_int_equal(read_text("held\n0 30 0\n\nno"), VK_OK);
    assert_int_equal(report.retry_after, 30);
    assert_false(report.is_forbidden);
}

static void
reads_what_it_writes(void **state)
{
    const struct vk_report reports[] = {
        {VK_OK, 60, -1, false, VK_SPAN("t"), VK_SPAN("")},
        {VK_HELD, 0, 7, false, VK_SPAN(""), VK_SPAN("line\nline")},
        {VK_REFUSED, 0, -1, true, VK_SPAN(""), VK_SPAN("")},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(reports); i++) {
        VK_AUTO_BUF out = VK_BUF(VK_REPORT_MAX);
        assert_int_equal(vk_report_write(&reports[i], &out), VK_OK);
        assert_int_equal(vk_report_read(vk_buf_span(&out), MOST, &report),
                         VK_OK);
        assert_int_equal(report.err, reports[i].err);
        assert_int_equal(report.life, reports[i].life);
        assert_int_equal(report.retry_after, reports[i].retry_after);
        assert_true(vk_span_same(report.token, reports[i].token));
        assert_true(vk_span_same(report.message, reports[i].message));
    }
}

static void
refuses_what_no_honest_process_says(void **state)
{
    static const char *const wrong[] = {
        "",
        "ok",
        "ok\n3600 -1 0\n",
        "ok\n3600 -1 0\nabc",
        "ok\n86401 -1 0\nabc\n",
        "ok\n0 -1 0\nabc\n",
        "ok\n-5 -1 0\nabc\n",
        "ok\n99999999999999999999 -1 0\nabc\n",
        "ok\n3600 -1 0\n\n",
        "ok\n3600 -1 0\na b\n",
        "ok\n3600 -1 0\na\tb\n",
        "ok\n3600 -1 0\nabc\nmore",
        "ok\n3600 -1 2\nabc\n",
        "ok\n3600 -1\nabc\n",
        "ok\n3600 -2 0\nabc\n",
        "ok\n3600 99999999999 0\nabc\n",
        "OK\n3600 -1 0\nabc\n",
        "unheard-of\n0 -1 0\n\nx",
        "\n0 -1 0\n\nx",
        "refused\n3600 -1 0\n\nx",
        "refused\n0 -1 0\nabc\nx",
        "a-name-longer-than-any-that-there-is\n0 -1 0\n\nx",
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(wrong); i++)
        if (read_text(wrong[i]) != VK_BADREPLY)
            fail_msg("taken: %s", wrong[i]);
}

static void
refuses_a_token_or_a_message_past_the_limit(void **state)
{
    VK_AUTO_BUF text = VK_BUF((size_t)2 * VK_TOKEN_MAX);

    (void)state;
    for (size_t most = VK_TOKEN_MAX; most <= VK_TOKEN_MAX + 1; most++) {
        vk_buf_cut(&text, 0);
        assert_int_equal(vk_buf_add_str(&text, "ok\n60 -1 0\n"), VK_OK);
        for (size_t i = 0; i < most; i++)
            assert_int_equal(vk_buf_add_char(&text, 'x'), VK_OK);
        assert_int_equal(vk_buf_add_char(&text, '\n'), VK_OK);
        assert_int_equal(vk_report_read(vk_buf_span(&text), MOST, &report),
                         most == VK_TOKEN_MAX ? VK_OK : VK_BADREPLY);
    }
    vk_buf_cut(&text, 0);
    assert_int_equal(vk_buf_add_str(&text, "held\n0 -1 0\n\n"), VK_OK);
    for (size_t i = 0; i < 1001; i++)
        assert_int_equal(vk_buf_add_char(&text, 'x'), VK_OK);
    assert_int_equal(vk_report_read(vk_buf_span(&text), MOST, &report),
                     VK_BADREPLY);
}

static void
takes_only_what_a_probe_says(void **state)
{
    static const char *const good[] = {
        "endpoint ok \n", "endpoint ok \nclock -3\n",
        "endpoint unreachable cannot connect\n"};
    static const char *const wrong[] = {"",
                                        "\n",
                                        "endpoint",
                                        "endpoint ok",
                                        "clock 3\n",
                                        "endpoint ok \nclock 3\n\n",
                                        "endpoint ok \nendpoint ok \n",
                                        "endpoint ok \nclock 3\nclock 3\n",
                                        "endpoint \x1b[2J\n",
                                        "endpoint ok\r\n",
                                        "endpoint \x7f\n",
                                        "secret ok \n"};
    VK_AUTO_BUF text = VK_BUF(VK_REPORT_MAX);

    (void)state;
    for (size_t i = 0; i < LENGTH(good); i++)
        assert_true(vk_report_is_probe(EDGE(good[i])));
    for (size_t i = 0; i < LENGTH(wrong); i++)
        if (vk_report_is_probe(EDGE(wrong[i])))
            fail_msg("taken: %s", wrong[i]);
    assert_int_equal(vk_buf_add_str(&text, "endpoint "), VK_OK);
    while (text.len < 1000)
        assert_int_equal(vk_buf_add_char(&text, 'x'), VK_OK);
    assert_int_equal(vk_buf_add_char(&text, '\n'), VK_OK);
    assert_true(vk_report_is_probe(vk_buf_span(&text)));
    text.data[1000] = 'x';
    assert_int_equal(vk_buf_add_char(&text, '\n'), VK_OK);
    assert_false(vk_report_is_probe(vk_buf_span(&text)));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_a_token),
        cmocka_unit_test(takes_a_failure),
        cmocka_unit_test(reads_what_it_writes),
        cmocka_unit_test(refuses_what_no_honest_process_says),
        cmocka_unit_test(refuses_a_token_or_a_message_past_the_limit),
        cmocka_unit_test(takes_only_what_a_probe_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

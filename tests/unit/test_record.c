/* SPDX-License-Identifier: MIT */
#include "tests/unit/support.h"

#include <string.h>

#include "keyring/record.h"

#define REST                                                   \
    "type: Bearer\nexpires: 1795230000\nrefresh: 1795208400\n" \
    "boot-expires: 86400\nlife: 43200\nconfig: 9f3c\n"
#define RECORD "eyJhbGciOi.J9\n" REST

static enum vk_err
read_text(const char *text, struct vk_record *out)
{
    return vk_record_read(EDGE(text), out);
}

static void
writes_what_it_reads(void **state)
{
    VK_AUTO_BUF out = VK_BUF(VK_RECORD_MAX);
    struct vk_record record = {0};

    (void)state;
    assert_int_equal(read_text(RECORD, &record), VK_OK);
    assert_span(record.token, "eyJhbGciOi.J9");
    assert_span(record.type, "Bearer");
    assert_span(record.config, "9f3c");
    assert_int_equal(record.expires, 1795230000);
    assert_int_equal(record.refresh, 1795208400);
    assert_int_equal(record.boot_expires, 86400);
    assert_int_equal(record.life, 43200);
    assert_int_equal(vk_buf_add_str(&out, "before|"), VK_OK);
    assert_int_equal(vk_record_write(&record, &out), VK_OK);
    assert_span(vk_buf_span(&out), "before|" RECORD);
}

static void
has_a_hash_where_there_is_one(void **state)
{
    VK_AUTO_BUF out = VK_BUF(VK_RECORD_MAX);
    struct vk_record record = {0};

    (void)state;
    assert_int_equal(read_text(RECORD "hash: 3f9a1c22b4d0\n", &record), VK_OK);
    assert_span(record.hash, "3f9a1c22b4d0");
    assert_int_equal(vk_record_write(&record, &out), VK_OK);
    assert_span(vk_buf_span(&out), RECORD "hash: 3f9a1c22b4d0\n");
    assert_int_equal(read_text(RECORD, &record), VK_OK);
    assert_int_equal(record.hash.len, 0);
}

static void
reads_lines_in_any_order_and_ignores_unknown_ones(void **state)
{
    struct vk_record record;

    (void)state;
    assert_int_equal(read_text("t\nconfig:9f3c\n\nnew: x y\nno colon\n"
                               "life:  43200 \r\nboot-expires: 1\n"
                               "refresh: 2\nexpires: 0003\ntype:Bearer",
                               &record),
                     VK_OK);
    assert_span(record.token, "t");
    assert_span(record.config, "9f3c");
    assert_span(record.type, "Bearer");
    assert_int_equal(record.life, 43200);
    assert_int_equal(record.expires, 3);
}

static void
refuses_what_is_no_record(void **state)
{
    static const char *const texts[] = {
        "",
        "\n" REST,
        "to ken\n" REST,
        "t\r\n" REST,
        "t\x7f\n" REST,
        "t\xc3\xa9\n" REST,
        "t\n",
        "t",
        REST,
        /* a line is missing */
        "t\nexpires: 1\nrefresh: 1\nboot-expires: 1\nlife: 1\nconfig: c\n",
        "t\ntype: b\nrefresh: 1\nboot-expires: 1\nlife: 1\nconfig: c\n",
        "t\ntype: b\nexpires: 1\nboot-expires: 1\nlife: 1\nconfig: c\n",
        "t\ntype: b\nexpires: 1\nrefresh: 1\nlife: 1\nconfig: c\n",
        "t\ntype: b\nexpires: 1\nrefresh: 1\nboot-expires: 1\nconfig: c\n",
        "t\ntype: b\nexpires: 1\nrefresh: 1\nboot-expires: 1\nlife: 1\n",
        /* a value is none */
        RECORD "life: -1\n",
        RECORD "life: \n",
        RECORD "life\n",
        RECORD "life: 1x\n",
        RECORD "expires: 9223372036854775808\n",
        RECORD "refresh: 1 2\n",
        RECORD "boot-expires: 0x1\n",
        RECORD "type: \n",
        RECORD "type: a b\n",
        RECORD "config: \x01\n",
        RECORD "config\n",
    };
    struct vk_record record = {.life = 77};

    (void)state;
    for (size_t i = 0; i < LENGTH(texts); i++)
        if (read_text(texts[i], &record) != VK_BADREPLY)
            fail_msg("number %zu is taken for a record", i);
    assert_int_equal(vk_record_read(vk_test_edge("t\0\n" REST, 3), &record),
                     VK_BADREPLY);
    assert_int_equal(vk_record_read((struct vk_span){NULL, 0}, &record),
                     VK_BADREPLY);
    assert_int_equal(record.life, 77);
}

static void
takes_tokens_up_to_the_limit(void **state)
{
    static char text[VK_TOKEN_MAX + 2 + sizeof REST];
    struct vk_record record;

    (void)state;
    memset(text, '~', VK_TOKEN_MAX + 1);
    assert_false(vk_record_is_token(vk_test_edge(text, 0)));
    assert_true(vk_record_is_token(vk_test_edge(text, 1)));
    assert_true(vk_record_is_token(vk_test_edge(text, VK_TOKEN_MAX)));
    assert_false(vk_record_is_token(vk_test_edge(text, VK_TOKEN_MAX + 1)));

    memcpy(text + VK_TOKEN_MAX, "\n" REST, sizeof REST + 1);
    assert_int_equal(read_text(text, &record), VK_OK);
    assert_int_equal(record.token.len, VK_TOKEN_MAX);
    assert_true(strlen(text) <= VK_RECORD_MAX);
    memmove(text + 1, text, strlen(text));
    assert_int_equal(read_text(text, &record), VK_BADREPLY);
}

static void
takes_printable_ascii_without_blanks_only(void **state)
{
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        char text[] = {'a', (char)byte, 'b'};
        assert_int_equal(vk_record_is_token(vk_test_edge(text, 3)),
                         byte > 0x20 && byte < 0x7f);
    }
}

static void
leaves_the_buffer_as_it_was_where_it_does_not_fit(void **state)
{
    struct vk_record record;

    (void)state;
    assert_int_equal(read_text(RECORD, &record), VK_OK);
    for (size_t max = 1; max < sizeof RECORD; max++) {
        VK_AUTO_BUF out = VK_BUF(max);
        assert_int_equal(vk_buf_add_char(&out, '|'), VK_OK);
        assert_int_equal(vk_record_write(&record, &out), VK_TOOBIG);
        assert_span(vk_buf_span(&out), "|");
    }
    VK_AUTO_BUF out = VK_BUF(sizeof RECORD);
    assert_int_equal(vk_buf_add_char(&out, '|'), VK_OK);
    assert_int_equal(vk_record_write(&record, &out), VK_OK);
}

static void
keeps_a_fifth_of_a_life_back_but_a_minute_at_most(void **state)
{
    static const struct {
        int64_t life, margin;
    } table[] = {{0, 0},    {4, 0},    {5, 1},      {299, 59},
                 {300, 60}, {301, 60}, {86400, 60}, {INT64_MAX, 60}};

    (void)state;
    for (size_t i = 0; i < LENGTH(table); i++)
        assert_int_equal(vk_record_margin(table[i].life), table[i].margin);
}

static void
counts_down_on_the_boot_clock(void **state)
{
    struct vk_record record = {
        .expires = 5000, .refresh = 4750, .boot_expires = 2000, .life = 1000};

    (void)state;
    assert_int_equal(vk_record_left(&record, 1000), 940);
    assert_int_equal(vk_record_left(&record, 1940), 0);
    assert_int_equal(vk_record_left(&record, 1941), -1);
    assert_int_equal(vk_record_age(&record, 1000), 0);
    assert_int_equal(vk_record_age(&record, 2001), 1001);
    assert_int_equal(vk_record_refresh_in(&record, 1000), 750);
    assert_int_equal(vk_record_refresh_in(&record, 1750), 0);
    assert_int_equal(vk_record_refresh_in(&record, 1751), -1);
}

static void
survives_times_that_cannot_be(void **state)
{
    static const char *const texts[] = {
        "t\ntype: b\nconfig: c\nexpires: 0\nrefresh: 9223372036854775807\n"
        "boot-expires: 9223372036854775807\nlife: 1\n",
        "t\ntype: b\nconfig: c\nexpires: 9223372036854775807\nrefresh: 0\n"
        "boot-expires: 0\nlife: 9223372036854775807\n"};
    struct vk_record record;

    (void)state;
    for (size_t i = 0; i < LENGTH(texts); i++) {
        /* Refused, or counted without running over. */
        if (read_text(texts[i], &record) != VK_OK)
            continue;
        assert_int_equal(vk_record_refresh_in(&record, 100) > 0, i == 0);
        assert_int_equal(vk_record_left(&record, 100) > 0, i == 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_what_it_reads),
        cmocka_unit_test(has_a_hash_where_there_is_one),
        cmocka_unit_test(reads_lines_in_any_order_and_ignores_unknown_ones),
        cmocka_unit_test(refuses_what_is_no_record),
        cmocka_unit_test(takes_tokens_up_to_the_limit),
        cmocka_unit_test(takes_printable_ascii_without_blanks_only),
        cmocka_unit_test(leaves_the_buffer_as_it_was_where_it_does_not_fit),
        cmocka_unit_test(keeps_a_fifth_of_a_life_back_but_a_minute_at_most),
        cmocka_unit_test(counts_down_on_the_boot_clock),
        cmocka_unit_test(survives_times_that_cannot_be),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

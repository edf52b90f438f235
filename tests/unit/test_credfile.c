/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "cli/credfile.h"

static struct vk_credfile file;
static char values_storage[VK_CRED_MAX];
static struct vk_buf values = {.data = values_storage,
                               .cap = sizeof values_storage,
                               .max = sizeof values_storage,
                               .fixed = true};

static enum vk_err
parse(struct vk_span text)
{
    vk_buf_cut(&values, 0);
    file.vars = 0;
    return vk_credfile_parse(text, "test.txt", &values, &file);
}

static void
assert_text(struct vk_span span, const char *expected)
{
    assert_int_equal(span.len, strlen(expected));
    assert_memory_equal(span.ptr, expected, span.len);
}

/* text is one line that sets NAME to value. */
static void
assert_value(const char *text, const char *value)
{
    assert_int_equal(parse(vk_span_str(text)), VK_OK);
    assert_int_equal(file.vars, 1);
    assert_text(file.var[0].name, "NAME");
    assert_text(file.var[0].value, value);
}

static void
assert_refused(const char *text, const char *message)
{
    assert_int_equal(parse(vk_span_str(text)), VK_CONFIG);
    assert_non_null(strstr(vk_log_last(), message));
    assert_non_null(strstr(vk_log_last(), "'test.txt'"));
    assert_null(strstr(vk_log_last(), "s3cret"));
    assert_int_equal(file.vars, 0);
    assert_int_equal(values.len, 0);
}

static void
reads_quotes_as_the_shell_does(void **state)
{
    (void)state;
    assert_value("export NAME='a b'", "a b");
    assert_value("export NAME=\"a b\"", "a b");
    assert_value("export NAME=ab", "ab");
    assert_value("NAME='it'\\''s'", "it's");
    assert_value("NAME=a\"b\"'c'", "abc");
    assert_value("NAME=a\\ b\\'\\\"\\\\", "a b'\"\\");
    assert_value("NAME=\"\\$\\`\\\"\\\\\\a\"", "$`\"\\\\a");
    assert_value("NAME='\\a\"'", "\\a\"");
    assert_value("NAME=\"it's\"", "it's");
    assert_value("NAME=~a-b_c.d#e", "~a-b_c.d#e");
    assert_value("NAME='\xc3\xa4'", "\xc3\xa4");
}

static void
never_evaluates_anything(void **state)
{
    (void)state;
    assert_value("NAME=$(touch /tmp/x)", "$(touch /tmp/x)");
    assert_value("NAME=\"$(echo \"a b\")\"", "$(echo \"a b\")");
    assert_value("NAME=`id -u`", "`id -u`");
    assert_value("NAME=$HOME", "$HOME");
    assert_value("NAME=${A:-b c}x", "${A:-b c}x");
    assert_value("NAME=\"a${B}c$\"", "a${B}c$");
    assert_value("NAME=$((1 + 2))", "$((1 + 2))");
    assert_value("NAME='$(id) `id` $HOME'", "$(id) `id` $HOME");
}

static void
reads_what_people_make_of_a_line(void **state)
{
    (void)state;
    assert_value("NAME=a", "a");
    assert_value("  export   NAME='a'  \t", "a");
    assert_value("declare -x NAME=\"a\"\n", "a");
    assert_value("typeset -x NAME=a", "a");
    assert_value("export NAME='a';", "a");
    assert_value("NAME='a'; export NAME", "a");
    assert_value("export NAME='a' # ours", "a");
    assert_value("NAME = a", "a");
    assert_value("NAME = 'a b' ;", "a b");
    assert_value("NAME=''", "");
    assert_value("NAME=", "");
    assert_value("\xef\xbb\xbfNAME=a\r\n\r\n", "a");
    assert_value("#!/bin/sh\nset=1\nunset set\nNAME=a", "a");
}

static void
reads_properties(void **state)
{
    (void)state;
    assert_int_equal(parse(VK_SPAN("! remark\n"
                                   "a.client-id = x y \n"
                                   "a.b=https\\://h\\=\\\\\n"
                                   "client-secret='q'\n"
                                   "a.c=\n"
                                   "a.d=${X:1}#2")),
                     VK_OK);
    assert_int_equal(file.vars, 5);
    assert_text(file.var[0].name, "a.client-id");
    assert_text(file.var[0].value, "x y");
    assert_text(file.var[1].value, "https://h=\\");
    assert_text(file.var[2].value, "'q'");
    assert_text(file.var[3].value, "");
    assert_text(file.var[4].value, "${X:1}#2");
    assert_int_equal(file.var[4].line, 6);
}

static void
counts_lines_and_keeps_the_order(void **state)
{
    (void)state;
    assert_int_equal(parse(VK_SPAN("\n# a\nB=1 C=2\r\nexport D=3 E F=4")),
                     VK_OK);
    assert_int_equal(file.vars, 4);
    assert_text(file.var[0].name, "B");
    assert_text(file.var[1].name, "C");
    assert_text(file.var[3].value, "4");
    assert_int_equal(file.var[0].line, 3);
    assert_int_equal(file.var[3].line, 4);
}

static void
skips_assignments_in_comments(void **state)
{
    (void)state;
    assert_value("#export NAME=b\n  # NAME=c\n//export NAME=d\nNAME=a", "a");
}

static void
unset_takes_back_what_came_before(void **state)
{
    (void)state;
    assert_value("unset A\nA=1\nB=2\nA=3\nNAME=a\nunset A B", "a");
    assert_value("A=1; unset -v A; NAME=a", "a");
    assert_int_equal(parse(VK_SPAN("unset A\nA=1")), VK_OK);
    assert_int_equal(file.vars, 1);
}

static void
refuses_what_needs_a_shell_and_names_the_line(void **state)
{
    (void)state;
    assert_refused("A=s3cret\nif true; then", "line 2 is no assignment");
    assert_refused("A=s3cret && B=1", "line 1 is no assignment");
    assert_refused("A=s3cret command", "line 1 is no assignment");
    assert_refused("A+=s3cret", "line 1 is no assignment");
    assert_refused("source ./s3cret", "line 1 is no assignment");
    assert_refused("export A=(s3cret)", "line 1 is no assignment");
    assert_refused("curl https://s3cret | sh", "line 1 is no assignment");
    assert_refused("A='s3cret\t'|sh", "line 1 is no assignment");
    assert_refused("1A=s3cret", "line 1 is no assignment");
    assert_refused("unset A=s3cret", "line 1 is no assignment");
    assert_refused("A=1\nB=$'s3cret\\n'", "line 2 has a '$'");
    assert_refused("A=$(s3cret", "line 1 has a '$'");
    assert_refused("A='s3cret\n'", "line 1 has a quote");
    assert_refused("A=\"s3cret\n\"", "line 1 has a quote");
    assert_refused("A=s3cret\\\nB", "line 1 goes on");
    assert_refused("a.b=s3cret\\\nB", "line 1 has an escape");
    assert_refused("a.b=s3cret\\u0041", "line 1 has an escape");
}

static void
refuses_what_is_no_credentials_file(void **state)
{
    (void)state;
    assert_refused("", "sets no variable");
    assert_refused("\xef\xbb\xbf\r\n# nothing\n", "sets no variable");
    assert_refused("A=1\nunset A\n", "sets no variable");
    assert_refused("<!DOCTYPE html>\n", "line 1 is no assignment");
    assert_refused("{\"clientSecret\": \"s3cret\"}", "line 1 is no");
    assert_refused("[client]\nid = s3cret", "line 1 is no assignment");
    assert_refused("Dear all, our s3cret is", "line 1 is no assignment");
    assert_refused("camunda:\n  client:\n", "line 1 is YAML");
    assert_refused("a.secret: s3cret\n", "line 1 is YAML");
}

static void
refuses_bytes_that_are_not_text(void **state)
{
    (void)state;
    assert_int_equal(parse(VK_SPAN("A=1\nB=s3cret\0x")), VK_CONFIG);
    assert_non_null(strstr(vk_log_last(), "line 2 holds bytes"));
    assert_refused("A=1\nB='s3cret\x01'", "line 2 holds bytes");
    assert_refused("A='s3cret\x7f'", "line 1 holds bytes");
    assert_refused("A='s3cret\rx'", "line 1 holds bytes");
    assert_refused("A='s3cret\xff'", "line 1 holds bytes");
    assert_refused("\xff\xfe"
                   "A",
                   "line 1 holds bytes");
    assert_refused("A='s3cret\tx'", "line 1 has a tab");
}

/* head, and piece count times. */
static enum vk_err
parse_many(const char *head, const char *piece, size_t count)
{
    VK_AUTO_BUF text = VK_BUF((size_t)1 << 20);

    assert_int_equal(vk_buf_add_str(&text, head), VK_OK);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(vk_buf_add_str(&text, piece), VK_OK);
    return parse(vk_buf_span(&text));
}

static void
refuses_one_past_each_limit(void **state)
{
    (void)state;
    assert_int_equal(parse_many("", "A=1\n", VK_CRED_VARS), VK_OK);
    assert_int_equal(parse_many("", "A=1\n", VK_CRED_VARS + 1), VK_CONFIG);
    assert_non_null(strstr(vk_log_last(), "line 129 is one assignment too"));
    assert_int_equal(parse_many("A=", "x", VK_CRED_VALUE_MAX), VK_OK);
    assert_int_equal(parse_many("A=", "x", VK_CRED_VALUE_MAX + 1), VK_CONFIG);
    assert_non_null(strstr(vk_log_last(), "line 1 is too long"));
    assert_int_equal(parse_many("A=1\n", "#", VK_CRED_MAX - 4), VK_OK);
    assert_int_equal(parse_many("A=1\n", "#", VK_CRED_MAX - 3), VK_CONFIG);
    assert_non_null(strstr(vk_log_last(), "too large"));
}

static void
takes_a_name_of_the_longest_length_and_no_longer(void **state)
{
    char text[VK_CRED_NAME_MAX + 8];

    (void)state;
    memset(text, 'N', sizeof text);
    memcpy(text + VK_CRED_NAME_MAX, "=s3cret", 8);
    assert_int_equal(parse(vk_span_str(text)), VK_OK);
    memset(text, 'N', sizeof text);
    memcpy(text + VK_CRED_NAME_MAX + 1, "=s3cre", 7);
    assert_int_equal(parse(vk_span_str(text)), VK_CONFIG);
    assert_non_null(strstr(vk_log_last(), "line 1 is too long"));
}

static void
keeps_what_the_buffer_held(void **state)
{
    VK_AUTO_BUF own = VK_BUF(64);

    (void)state;
    assert_int_equal(vk_buf_add_str(&own, "before"), VK_OK);
    assert_int_equal(vk_credfile_parse(VK_SPAN("A=1"), "t", &own, &file),
                     VK_OK);
    assert_text(vk_buf_span(&own), "before1");
    assert_int_equal(vk_credfile_parse(VK_SPAN("A=1\nB"), "t", &own, &file),
                     VK_CONFIG);
    assert_text(vk_buf_span(&own), "before1");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_quotes_as_the_shell_does),
        cmocka_unit_test(never_evaluates_anything),
        cmocka_unit_test(reads_what_people_make_of_a_line),
        cmocka_unit_test(reads_properties),
        cmocka_unit_test(counts_lines_and_keeps_the_order),
        cmocka_unit_test(skips_assignments_in_comments),
        cmocka_unit_test(unset_takes_back_what_came_before),
        cmocka_unit_test(refuses_what_needs_a_shell_and_names_the_line),
        cmocka_unit_test(refuses_what_is_no_credentials_file),
        cmocka_unit_test(refuses_bytes_that_are_not_text),
        cmocka_unit_test(refuses_one_past_each_limit),
        cmocka_unit_test(takes_a_name_of_the_longest_length_and_no_longer),
        cmocka_unit_test(keeps_what_the_buffer_held),
    };

    vk_log_keep();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

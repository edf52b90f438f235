/* SPDX-License-Identifier: MIT */
#include "tests/unit/support.h"

#include <stdio.h>
#include <string.h>

#include "base/challenge.h"

/* The schemes of text, each with a semicolon behind it. */
static void
assert_schemes(struct vk_span text, const char *expected)
{
    char found[256] = "";
    struct vk_span scheme;

    while (vk_challenge_next(&text, &scheme)) {
        size_t len = strlen(found);
        snprintf(found + len, sizeof found - len, "%.*s;", (int)scheme.len,
                 scheme.ptr);
    }
    assert_string_equal(found, expected);
    assert_int_equal(text.len, 0);
}

struct row {
    const char *text, *schemes;
};

static void
assert_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_schemes(EDGE(rows[i].text), rows[i].schemes);
}

#define ASSERT_ROWS(rows) assert_rows(rows, LENGTH(rows))

static void
finds_the_one_scheme_of_a_challenge(void **state)
{
    static const struct row rows[] = {
        {"Basic", "Basic;"},
        {"Basic realm=\"a\"", "Basic;"},
        {"Basic\trealm=a", "Basic;"},
        {"  Basic  ", "Basic;"},
        {"Bearer realm=\"a\", error=\"invalid_token\"", "Bearer;"},
        {"Negotiate YWJj==", "Negotiate;"},
        {"X-!#$%&'*+.^_`|~9 a", "X-!#$%&'*+.^_`|~9;"},
    };

    (void)state;
    ASSERT_ROWS(rows);
}

static void
finds_every_challenge_of_a_line(void **state)
{
    static const struct row rows[] = {
        {"Basic realm=x, Bearer", "Basic;Bearer;"},
        {"Basic,Bearer", "Basic;Bearer;"},
        {"Basic realm=x,Bearer realm=y,Digest nonce=z",
         "Basic;Bearer;Digest;"},
        {"Newauth realm=\"apps\", type=1, title=\"Login to \\\"apps\\\"\","
         " Basic realm=\"simple\"",
         "Newauth;Basic;"},
        {"Negotiate YWJj==, Bearer", "Negotiate;Bearer;"},
        {", ,\t, Basic realm=x, ,Bearer,", "Basic;Bearer;"},
    };

    (void)state;
    ASSERT_ROWS(rows);
}

static void
takes_nothing_in_a_quoted_string_for_a_scheme(void **state)
{
    static const struct row rows[] = {
        {"Basic realm=\"a, Bearer\"", "Basic;"},
        {"Basic realm=\"a\\\", Bearer\"", "Basic;"},
        {"Basic realm=\"a\\\\\", Bearer", "Basic;Bearer;"},
        {"Basic realm=\"\", Bearer", "Basic;Bearer;"},
        {"Basic realm=\"a, Bearer", "Basic;"},
        {"Basic realm=\"a, Bearer\\", "Basic;"},
        {"\"Bearer\", Basic", "Basic;"},
    };

    (void)state;
    ASSERT_ROWS(rows);
}

static void
takes_no_parameter_for_a_scheme(void **state)
{
    static const struct row rows[] = {
        {"Basic realm=x, Bearer=1", "Basic;"},
        {"Basic realm=x, Bearer = 1", "Basic;"},
        {"Basic realm=x, Bearer\t=\"1\", Digest", "Basic;Digest;"},
        {"Bearer=1", ""},
    };

    (void)state;
    ASSERT_ROWS(rows);
}

static void
finds_nothing_where_nothing_is_said(void **state)
{
    static const struct row rows[] = {
        {"", ""},
        {" ", ""},
        {",,", ""},
        {"a/b c", ""},
        {"B\xc3\xa4r c", ""},
        {"(Basic) x", ""},
    };

    (void)state;
    ASSERT_ROWS(rows);
    assert_schemes((struct vk_span){NULL, 0}, "");
    assert_schemes(VK_SPAN("Basic\0x, Bearer"), "Bearer;");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_one_scheme_of_a_challenge),
        cmocka_unit_test(finds_every_challenge_of_a_line),
        cmocka_unit_test(takes_nothing_in_a_quoted_string_for_a_scheme),
        cmocka_unit_test(takes_no_parameter_for_a_scheme),
        cmocka_unit_test(finds_nothing_where_nothing_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

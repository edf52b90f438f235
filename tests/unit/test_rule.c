/* SPDX-License-Identifier: MIT */
#include "tests/unit/support.h"

#include <string.h>

#include "cli/rule.h"

/* As request-key 1.6 prints it. */
#define HEAD                                              \
    "Key descriptor: \"user;0;0;3f010000;valetkey:a\"\n"  \
    "Key type: user\nKey desc: valetkey:a\nCALLOUT: ''\n" \
    "__ SCAN /etc/request-key.d __\n__ read valetkey.conf __\n"
#define MATCH                                                           \
    "valetkey.conf:4: Line matches '/l/valetkey-upcall %k' (0,0,1,0)\n" \
    "valetkey.conf:4: Prefer command (0,0,1,0)\n"
#define RUN                                                        \
    "execute_program('','/l/valetkey-upcall %k')\nargv[1]: '%k'\n" \
    "Run /l/valetkey-upcall\n- argv[0] = \"valetkey-upcall\"\n"

static struct vk_rule
read_text(const char *text)
{
    struct vk_rule rule;

    vk_rule_read(EDGE(text), &rule);
    return rule;
}

static void
finds_the_rule_and_its_program(void **state)
{
    (void)state;
    struct vk_rule rule = read_text(HEAD MATCH RUN);
    char file[64];

    assert_false(rule.is_wrong);
    assert_span(rule.place, "valetkey.conf:4");
    assert_span(rule.program, "/l/valetkey-upcall");
    vk_rule_file(&rule, file, sizeof file);
    assert_string_equal(file, "/etc/request-key.d/valetkey.conf");
}

static void
takes_the_rule_that_is_preferred_last(void **state)
{
    (void)state;
    struct vk_rule rule =
        read_text(HEAD MATCH "/etc/request-key.conf:40: Line matches 'x'\n"
                             "/etc/request-key.conf:41: Prefer command\n"
                             "/etc/request-key.conf:50: Line matches 'y'\n"
                             "Run /bin/false");
    char file[64];

    assert_span(rule.place, "/etc/request-key.conf:41");
    assert_span(rule.program, "/bin/false");
    vk_rule_file(&rule, file, sizeof file);
    assert_string_equal(file, "/etc/request-key.conf");
}

static void
finds_no_rule(void **state)
{
    (void)state;
    assert_span(read_text(HEAD ": No matching action\n").program, "");
    assert_span(read_text("").program, "");
    assert_span(read_text("\n\n:\n::\n1:2\nRun").program, "");
}

static void
finds_the_rule_that_stops_all(void **state)
{
    (void)state;
    struct vk_rule rule = read_text(HEAD MATCH "b.conf:1: Syntax error\n");

    assert_true(rule.is_wrong);
    assert_span(rule.place, "b.conf:1");
    assert_span(rule.program, "");
    assert_true(read_text("b.conf:7: Line too long\n").is_wrong);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_rule_and_its_program),
        cmocka_unit_test(takes_the_rule_that_is_preferred_last),
        cmocka_unit_test(finds_no_rule),
        cmocka_unit_test(finds_the_rule_that_stops_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

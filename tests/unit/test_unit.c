/* SPDX-License-Identifier: MIT */
#include "tests/unit/support.h"

#include <stdio.h>
#include <string.h>

#include "keyring/unit.h"

static void
knows_the_names_of_units(void **state)
{
    static const char *const names[] = {
        "a.service",         "a@.service",    "a@b.service",   "a@b.c.service",
        "a.socket",          "home-me.mount", "dev-sda1.swap", "A_b-9.service",
        "a:b\\x2dc.service", "a.b.service",   "a@b@c.service", "-.mount",
        "a@.service.swap",
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(names); i++)
        if (!vk_unit_is_name(EDGE(names[i])))
            fail_msg("'%s' is one", names[i]);
}

static void
refuses_what_is_no_name(void **state)
{
    static const char *const names[] = {
        "",
        ".",
        "a",
        "service",
        ".service",
        "a.",
        "a.timer",
        "a.services",
        "a.Service",
        "@.service",
        "@a.service",
        "a b.service",
        "a/b.service",
        "a*.service",
        "a.service ",
        "a,b.service",
        "\xc3\xa4.service",
        "a\n.service",
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(names); i++)
        if (vk_unit_is_name(EDGE(names[i])))
            fail_msg("'%s' is none", names[i]);
    assert_false(vk_unit_is_name((struct vk_span){NULL, 0}));
    assert_false(vk_unit_is_name(vk_test_edge("a\0.service", 10)));
}

static void
takes_255_bytes_and_no_more(void **state)
{
    char name[300];

    (void)state;
    memset(name, 'a', sizeof name);
    memcpy(name + 247, ".service", 8);
    assert_true(vk_unit_is_name(vk_test_edge(name, 255)));
    memset(name, 'a', 256);
    memcpy(name + 248, ".service", 8);
    assert_false(vk_unit_is_name(vk_test_edge(name, 256)));
}

static void
allows_a_unit_and_all_instances_of_a_template(void **state)
{
    static const struct {
        const char *allowed, *unit;
        bool right;
    } table[] = {
        {"a.service", "a.service", true},
        {"a.service", "b.service", false},
        {"a.service", "a.socket", false},
        {"a.service", "aa.service", false},
        {"a.service", "A.service", false},
        {"a.service", "a@.service", false},
        {"a.service", "a@b.service", false},
        {"a@.service", "a@.service", true},
        {"a@.service", "a@b.service", true},
        {"a@.service", "a@b.c.service", true},
        {"a@.service", "a@b@c.service", true},
        {"a@.service", "a@b.socket", false},
        {"a@.service", "a.service", false},
        {"a@.service", "aa@b.service", false},
        {"a@.service", "a@b.service.swap", false},
        {"a@b.service", "a@b.service", true},
        {"a@b.service", "a@.service", false},
        {"a@b.service", "a@bb.service", false},
        {"a@b.service", "a@c.service", false},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(table); i++)
        if (vk_unit_allows(EDGE(table[i].allowed), EDGE(table[i].unit)) !=
            table[i].right)
            fail_msg("'%s', '%s'", table[i].allowed, table[i].unit);
}

#define PEER(text) vk_test_edge((text), sizeof(text) - 1)

static void
reads_who_asks_for_what(void **state)
{
    struct vk_span unit, id;

    (void)state;
    assert_true(vk_unit_read_peer(PEER("\0"
                                       "1f2e/unit/a@b.service/prod@more"),
                                  &unit, &id));
    assert_span(unit, "a@b.service");
    assert_span(id, "prod@more");
}

static void
refuses_another_form_of_address(void **state)
{
    static const struct {
        const char *text;
        size_t len;
    } table[] = {
#define ROW(text) {text, sizeof(text) - 1}
        ROW(""),
        ROW("\0"),
        ROW("/run/unit/a.service/x"),
        ROW("1f/unit/a.service/x"),
        ROW("\0/unit/a.service/x"),
        ROW("\0x/unit/a.service"),
        ROW("\0x/unit/a.service/"),
        ROW("\0x/unit//x"),
        ROW("\0x/unit/a/x"),
        ROW("\0x/unit/a.service/x/y"),
        ROW("\0x/Unit/a.service/x"),
        ROW("\0x/units/a.service/x"),
        ROW("\0x/y/unit/a.service/x"),
        ROW("\0x\0unit/a.service/x"),
    };
    struct vk_span unit = VK_SPAN("?"), id = VK_SPAN("?");

    (void)state;
    for (size_t i = 0; i < LENGTH(table); i++)
        if (vk_unit_read_peer(vk_test_edge(table[i].text, table[i].len), &unit,
                              &id))
            fail_msg("row %zu", i);
    assert_span(unit, "?");
    assert_span(id, "?");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_the_names_of_units),
        cmocka_unit_test(refuses_what_is_no_name),
        cmocka_unit_test(takes_255_bytes_and_no_more),
        cmocka_unit_test(allows_a_unit_and_all_instances_of_a_template),
        cmocka_unit_test(reads_who_asks_for_what),
        cmocka_unit_test(refuses_another_form_of_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "tests/unit/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"

#define CLIENT(name) \
    "[client " name "]\ntoken-url = https://a.com/t\nclient-id = id\n"
#define USERS CLIENT("prod") "serves = a.com/x\n" CLIENT("mine")
#define MACHINES                                                        \
    CLIENT("prod")                                                      \
    "serves = a.com, b.com\nallow = root\n[token prod/operate]\n"       \
    "allow = @ops, #1001\nallow = alice@ad.example\n" CLIENT(           \
        "ci") "store = system\nallow = @wheel\n[token ci/x]\nserves = " \
              "a.com/x/y\n"

static struct vk_clients clients;
static struct vk_profile profile;

static void
write_users(const char *text)
{
    mkdir(vk_test_path("XDG_CONFIG_HOME/valetkey"), 0700);
    vk_test_write("XDG_CONFIG_HOME/valetkey/clients.conf", text, 0600);
}

static void
write_machines(const char *text)
{
    mkdir(vk_test_path("etc"), 0755);
    vk_test_write("etc/clients.conf", text, 0644);
}

static enum vk_err
by_name(const char *name)
{
    return vk_clients_for_name(&clients, vk_span_str(name), &profile);
}

static void
assert_url(const char *text, const char *name, enum vk_origin origin)
{
    struct vk_url url;

    assert_true(vk_url_parse(vk_span_str(text), &url));
    assert_int_equal(vk_clients_for_url(&clients, &url, &profile), VK_OK);
    assert_string_equal(profile.name, name);
    assert_int_equal(profile.origin, origin);
}

static void
looks_into_the_users_file_first(void **state)
{
    (void)state;
    write_users(USERS);
    write_machines(MACHINES);
    assert_int_equal(vk_clients_open(&clients), VK_OK);
    assert_int_equal(by_name("prod"), VK_OK);
    assert_int_equal(profile.origin, VK_DIRECT);
    assert_false(profile.key[VK_KEY_ALLOW].set);
    assert_int_equal(by_name("mine"), VK_OK);
    assert_int_equal(by_name("ci"), VK_OK);
    assert_int_equal(profile.origin, VK_BROKER);
    assert_int_equal(by_name("none"), VK_NOCLIENT);
}

static void
takes_the_users_client_even_where_the_machines_serves_more_exactly(
    void **state)
{
    (void)state;
    assert_url("https://a.com/x/y/z", "prod", VK_DIRECT);
    assert_url("https://b.com/", "prod", VK_BROKER);
    assert_url("https://a.com/z", "prod", VK_BROKER);
}

static void
assert_allows(const char *name, const char *const expected[])
{
    struct vk_span value;

    assert_int_equal(by_name(name), VK_OK);
    struct vk_values values = vk_profile_values(&profile, VK_KEY_ALLOW);
    for (; *expected != NULL; expected++) {
        assert_true(vk_profile_next(&values, VK_KEY_ALLOW, &value));
        assert_span(value, *expected);
    }
    assert_false(vk_profile_next(&values, VK_KEY_ALLOW, &value));
}

static void
lets_a_token_inherit_who_is_allowed_or_name_others(void **state)
{
    (void)state;
    assert_allows("ci", (const char *[]){"@wheel", NULL});
    assert_allows("ci/x", (const char *[]){"@wheel", NULL});
    assert_allows("prod/operate",
                  (const char *[]){"@ops", "#1001", "alice@ad.example", NULL});
}

static void
lists_both_but_not_what_the_users_own_hides(void **state)
{
    static const char *const names[] = {"prod", "mine", "prod/operate", "ci",
                                        "ci/x"};
    struct vk_clients_cursor cursor = {0};
    enum vk_err err = VK_OK;

    (void)state;
    for (size_t i = 0; i < LENGTH(names); i++) {
        assert_true(vk_clients_next(&clients, &cursor, &profile, &err));
        assert_int_equal(err, VK_OK);
        assert_string_equal(profile.name, names[i]);
        assert_int_equal(profile.origin, i < 2 ? VK_DIRECT : VK_BROKER);
    }
    assert_false(vk_clients_next(&clients, &cursor, &profile, &err));
}

static void
needs_no_file_of_the_user(void **state)
{
    (void)state;
    assert_int_equal(
        remove(vk_test_path("XDG_CONFIG_HOME/valetkey/clients.conf")), 0);
    assert_int_equal(vk_clients_open(&clients), VK_OK);
    assert_int_equal(by_name("prod"), VK_OK);
    assert_int_equal(profile.origin, VK_BROKER);
    assert_int_equal(vk_clients_open_own(&clients), VK_NOCLIENT);
}

static void
needs_no_home(void **state)
{
    (void)state;
    assert_int_equal(unsetenv("HOME"), 0);
    assert_int_equal(unsetenv("XDG_CONFIG_HOME"), 0);
    assert_int_equal(vk_clients_open(&clients), VK_OK);
    assert_int_equal(by_name("ci"), VK_OK);
    assert_int_equal(setenv("HOME", vk_test_dir, 1), 0);
    assert_int_equal(
        setenv("XDG_CONFIG_HOME", vk_test_path("XDG_CONFIG_HOME"), 1), 0);
}

static void
does_not_mend_a_users_broken_client_with_the_machines(void **state)
{
    (void)state;
    write_users("[client prod]\nclient-id = id\n");
    assert_int_equal(vk_clients_open(&clients), VK_OK);
    assert_int_equal(by_name("prod"), VK_CONFIG);
}

static void
refuses_what_belongs_into_the_other_file(void **state)
{
    static const struct {
        const char *users, *said;
    } cases[] = {
        {CLIENT("a") "allow = root\n", "belongs in the machine's"},
        {CLIENT("a") "store = system\n", "must be secret-service"},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        write_users(cases[i].users);
        assert_int_equal(vk_clients_open(&clients), VK_OK);
        assert_int_equal(by_name("a"), VK_CONFIG);
        assert_said(cases[i].said);
    }
    write_machines(CLIENT("m") "store = secret-service\n");
    assert_int_equal(vk_clients_open(&clients), VK_OK);
    assert_int_equal(by_name("m"), VK_CONFIG);
    assert_said("must be system in this file");
}

static void
refuses_what_is_no_account(void **state)
{
    static const char *const wrong[] = {"",     "@",   "#",          "#-1",
                                        "#12a", "a b", "a,,b",       "@@",
                                        "a:b",  "a#b", "#4294967295"};
    char text[256];

    (void)state;
    for (size_t i = 0; i < LENGTH(wrong); i++) {
        snprintf(text, sizeof text, CLIENT("m") "allow = %s\n", wrong[i]);
        write_machines(text);
        assert_int_equal(vk_clients_open(&clients), VK_OK);
        assert_int_equal(by_name("m"), VK_CONFIG);
        assert_said("must name users, @groups or #uids");
    }
}

/* The last one: it cannot be undone in this process. */
static void
knows_only_the_machines_when_told_to(void **state)
{
    static char other[VK_PATH_MAX];
    char dir[VK_PATH_MAX];

    (void)state;
    write_users(USERS);
    mkdir(vk_test_path("other"), 0755);
    snprintf(other, sizeof other, "%s", vk_test_path("other"));
    vk_test_write("other/clients.conf", CLIENT("there"), 0644);
    vk_clients_use_machine(other);
    assert_int_equal(vk_clients_open_own(&clients), VK_OK);
    assert_int_equal(by_name("mine"), VK_NOCLIENT);
    assert_int_equal(by_name("there"), VK_OK);
    assert_int_equal(profile.origin, VK_BROKER);
    assert_int_equal(vk_clients_own_dir(dir), VK_OK);
    assert_string_equal(dir, vk_test_path("other"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(looks_into_the_users_file_first),
        cmocka_unit_test(
            takes_the_users_client_even_where_the_machines_serves_more_exactly),
        cmocka_unit_test(lets_a_token_inherit_who_is_allowed_or_name_others),
        cmocka_unit_test(lists_both_but_not_what_the_users_own_hides),
        cmocka_unit_test(needs_no_file_of_the_user),
        cmocka_unit_test(needs_no_home),
        cmocka_unit_test(
            does_not_mend_a_users_broken_client_with_the_machines),
        cmocka_unit_test(refuses_what_belongs_into_the_other_file),
        cmocka_unit_test(refuses_what_is_no_account),
        cmocka_unit_test(knows_only_the_machines_when_told_to),
    };

    vk_log_keep();
    return cmocka_run_group_tests(tests, vk_test_enter, vk_test_leave);
}

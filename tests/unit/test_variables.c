/* SPDX-License-Identifier: MIT */
/* cli/variables.c and cli/target.c */
#include "tests/unit/support.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cli/variables.h"

VK_STATIC_BUF(out, 4096);

static int
empty(void **state)
{
    (void)state;
    vk_log_keep();
    vk_buf_clear(&out);
    return 0;
}

/* The variables as lines. */
static const char *
lines(void)
{
    static char text[4097];

    for (size_t i = 0; i < out.len; i++)
        text[i] = out.data[i] == '\0' ? '\n' : out.data[i];
    text[out.len] = '\0';
    return text;
}

static enum vk_err
add(const char *name, const char *value)
{
    return vk_variables_add(&out, EDGE(name), EDGE(value));
}

static void
knows_the_names_of_variables(void **state)
{
    static const struct {
        const char *name;
        bool right;
    } table[] = {
        {"A", true},         {"_", true},    {"a_9", true},  {"", false},
        {"9", false},        {"A-B", false}, {"A=B", false}, {"A B", false},
        {"\xc3\xa4", false}, {"A.B", false}, {"A\n", false},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(table); i++)
        if (vk_variables_is_name(EDGE(table[i].name)) != table[i].right)
            fail_msg("'%s'", table[i].name);
}

static void
keeps_them_as_execve_wants_them(void **state)
{
    (void)state;
    assert_int_equal(add("A", "one"), VK_OK);
    assert_int_equal(add("B", "=t=w=o="), VK_OK);
    assert_int_equal(add("AB", ""), VK_OK);
    assert_string_equal(lines(), "A=one\nB==t=w=o=\nAB=\n");
}

static void
takes_one_value_for_a_name(void **state)
{
    (void)state;
    assert_int_equal(add("A", "one"), VK_OK);
    assert_int_equal(add("A", "one"), VK_OK);
    assert_int_equal(add("A", "two"), VK_USAGE);
    assert_said("the variable 'A' cannot hold two tokens");
    assert_string_equal(lines(), "A=one\n");
}

static void
takes_no_byte_more_than_there_is_room(void **state)
{
    static char value[4096];

    (void)state;
    memset(value, 'v', sizeof value - 1);
    assert_int_equal(add("A", value), VK_TOOBIG);
    assert_int_equal(out.len, 0);
    value[4096 - 3] = '\0';
    assert_int_equal(add("A", value), VK_OK);
    assert_int_equal(out.len, 4096);
    assert_int_equal(add("B", ""), VK_TOOBIG);
    assert_int_equal(out.len, 4096);
}

static void
exports_in_place_of_what_was_there(void **state)
{
    extern char **environ;
    static char one[] = "VK_TEST=one", two[] = "VK_TEST=two",
                other[] = "VK_OTHER=3";
    static char *twice[] = {one, other, two, NULL};
    char **before = environ;

    (void)state;
    environ = twice;
    assert_int_equal(add("VK_TEST", "new"), VK_OK);
    assert_int_equal(vk_variables_export(&out), VK_OK);
    assert_string_equal(environ[0], "VK_OTHER=3");
    assert_string_equal(environ[1], "VK_TEST=new");
    assert_null(environ[2]);
    environ = before;
}

#define SECTION(serves)                     \
    "[client a]\ntoken-url = https://i/t\n" \
    "client-id = c\n" serves

static enum vk_err
add_target(const char *name, const char *section)
{
    struct vk_clients clients = vk_test_clients(section);
    struct vk_profile profile;
    const struct vk_target *target;

    assert_int_equal(vk_clients_for_name(&clients, VK_SPAN("a"), &profile),
                     VK_OK);
    assert_int_equal(vk_target_find(vk_span_str(name), &target), VK_OK);
    return vk_target_add(target, &profile, VK_SPAN("t"), &out);
}

static void
tells_each_program_in_its_own_way(void **state)
{
    static const struct {
        const char *target, *serves, *lines;
    } table[] = {
        {"camunda-sdk", "",
         "CAMUNDA_OAUTH_TOKEN=t\n"
         "CAMUNDA_AUTH_STRATEGY=BEARER\n"},
        {"maven", "serves = a.com\n", "MAVEN_TOKEN=t\n"},
        {"npm", "", "NPM_TOKEN=t\n"},
        {"npm", "serves = https://a.com, *.a.com\nserves = b-c.com:81/d/e/\n",
         "NPM_TOKEN=t\nnpm_config_//a.com/:_authToken=t\n"
         "npm_config_//b-c.com:81/d/e/:_authToken=t\n"},
        {"npm", "serves = https://localhost, http://localhost\n",
         "NPM_TOKEN=t\nnpm_config_//localhost/:_authToken=t\n"},
        {"npm", "serves = a.com/x=y, a.com/x//\n",
         "NPM_TOKEN=t\nnpm_config_//a.com/x/:_authToken=t\n"},
        {"terraform",
         "serves = *.a.com, a.com/x, app.my-host.com\n"
         "serves = http://localhost:8080, [::1], b.com:8443/\n",
         "TF_TOKEN_app_my__host_com=t\nTF_TOKEN_b_com:8443=t\n"},
    };

    for (size_t i = 0; i < LENGTH(table); i++) {
        char section[512] = SECTION("");
        size_t len = strlen(section);
        memcpy(section + len, table[i].serves, strlen(table[i].serves) + 1);
        empty(state);
        assert_int_equal(add_target(table[i].target, section), VK_OK);
        assert_string_equal(lines(), table[i].lines);
    }
}

static void
wants_a_host_for_terraform(void **state)
{
    static const char *const sections[] = {
        SECTION(""),
        SECTION("serves = *.a.com\n"),
        SECTION("serves = a.com/x\n"),
        SECTION("serves = http://localhost:8080\n"),
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(sections); i++) {
        assert_int_equal(add_target("terraform", sections[i]), VK_CONFIG);
        assert_said("'a' serves no host as a whole");
        assert_int_equal(out.len, 0);
    }
}

static void
names_the_programs_that_it_knows(void **state)
{
    const struct vk_target *target;

    (void)state;
    assert_int_equal(vk_target_find(VK_SPAN("nmp"), &target), VK_USAGE);
    assert_said("'--for nmp' is not known; it must be " VK_TARGETS);
    assert_int_equal(vk_target_find(VK_SPAN(""), &target), VK_USAGE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_the_names_of_variables),
        cmocka_unit_test_setup(keeps_them_as_execve_wants_them, empty),
        cmocka_unit_test_setup(takes_one_value_for_a_name, empty),
        cmocka_unit_test_setup(takes_no_byte_more_than_there_is_room, empty),
        cmocka_unit_test_setup(exports_in_place_of_what_was_there, empty),
        cmocka_unit_test_setup(tells_each_program_in_its_own_way, empty),
        cmocka_unit_test_setup(wants_a_host_for_terraform, empty),
        cmocka_unit_test_setup(names_the_programs_that_it_knows, empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

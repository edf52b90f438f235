/* SPDX-License-Identifier: MIT */
#include "tests/unit/support.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "keyring/policy.h"
#include "server/requester.h"

#define NOBODY_HAS_IT 4000000001U

static bool
allows(const char *allow, uid_t uid)
{
    char text[1024];
    struct vk_profile profile;

    snprintf(text, sizeof text,
             "[client a]\ntoken-url = https://a.com/t\nclient-id = id\n%s%s\n",
             allow[0] != '\0' ? "allow = " : "", allow);
    struct vk_clients clients = vk_test_clients(text);
    clients.origin = VK_BROKER;
    assert_int_equal(vk_clients_for_name(&clients, VK_SPAN("a"), &profile),
                     VK_OK);
    return vk_policy_allows(&profile, uid);
}

static void
allows_nobody_who_is_not_named(void **state)
{
    (void)state;
    assert_false(allows("", 0));
    assert_false(allows("", NOBODY_HAS_IT));
    assert_false(allows("no-such-user, @no-such-group, #1", 0));
}

static void
allows_by_name_number_and_group(void **state)
{
    const struct passwd *root = getpwuid(0);
    const struct group *group = root != NULL ? getgrgid(root->pw_gid) : NULL;
    char text[256];

    (void)state;
    if (root == NULL || group == NULL)
        return;
    assert_true(allows(root->pw_name, 0));
    assert_true(allows("#0", 0));
    assert_true(allows("#1,#2 , #0", 0));
    snprintf(text, sizeof text, "no-such-user, @%s", group->gr_name);
    assert_true(allows(text, 0));
    assert_false(allows(text, NOBODY_HAS_IT));
    assert_false(allows(root->pw_name, NOBODY_HAS_IT));
}

static void
allows_a_number_without_an_entry_only_by_number(void **state)
{
    (void)state;
    assert_true(allows("#4000000001", NOBODY_HAS_IT));
    assert_false(allows("#400000000", NOBODY_HAS_IT));
    assert_false(allows("@root, root, @users", NOBODY_HAS_IT));
}

static void
knows_users_and_groups_and_any_number(void **state)
{
    (void)state;
    assert_true(vk_policy_is_known(EDGE("root")));
    assert_true(vk_policy_is_known(EDGE("@root")));
    assert_true(vk_policy_is_known(EDGE("#4000000001")));
    assert_false(vk_policy_is_known(EDGE("vk-no-such-user")));
    assert_false(vk_policy_is_known(EDGE("@vk-no-such-group")));
    assert_false(vk_policy_is_known(EDGE("@")));
    assert_false(vk_policy_is_known(VK_SPAN("")));
}

static void
takes_only_names_that_can_be_configured(void **state)
{
    static const char *const good[] = {"valetkey:a", "valetkey:a/b",
                                       "valetkey.refresh:a-1._/z"};
    static const char *const wrong[] = {
        "valetkey:",          "valetkey:A",       "valetkey",
        "valetkey:../a",      "valetkey:a/",      "valetkey:/a",
        "valetkey:a/b/c",     "valetkey:a\nb",    "valetkey:$(id)",
        "valetkey:a;b",       "valetkey:a b",     "valetkey:%k",
        "valetkey.hold:a",    "valetkey.refresh", "valetkey.refresh:",
        "xvaletkey:a",        "valetkey:a\x1b[",  "valetkey: a",
        "valetkey.refresh:/", "valetkey:.a",      "valetkey:a\\"};
    struct vk_requester who;

    (void)state;
    for (size_t i = 0; i < LENGTH(good); i++)
        assert_true(vk_requester_name(vk_span_str(good[i]), &who));
    assert_true(who.is_refresh);
    assert_string_equal(who.name, "a-1._/z");
    for (size_t i = 0; i < LENGTH(wrong); i++)
        if (vk_requester_name(vk_span_str(wrong[i]), &who))
            fail_msg("taken: %s", wrong[i]);
    assert_false(
        vk_requester_name((struct vk_span){"valetkey:a\0b", 12}, &who));
}

static void
takes_names_up_to_the_limit(void **state)
{
    char text[300] = "valetkey:";
    struct vk_requester who;
    size_t at = 9;

    (void)state;
    for (size_t i = 0; i < VK_NAME_MAX; i++)
        text[at++] = 'x';
    text[at++] = '/';
    for (size_t i = 0; i < VK_NAME_MAX; i++)
        text[at++] = 'y';
    assert_true(vk_requester_name((struct vk_span){text, at}, &who));
    assert_int_equal(vk_span_str(who.name).len, VK_FULL_NAME_MAX);
    text[at++] = 'y';
    assert_false(vk_requester_name((struct vk_span){text, at}, &who));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allows_nobody_who_is_not_named),
        cmocka_unit_test(allows_by_name_number_and_group),
        cmocka_unit_test(allows_a_number_without_an_entry_only_by_number),
        cmocka_unit_test(knows_users_and_groups_and_any_number),
        cmocka_unit_test(takes_only_names_that_can_be_configured),
        cmocka_unit_test(takes_names_up_to_the_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "tests/unit/support.h"

#include "cli/pamstack.h"

#define OURS "session optional pam_valetkey.so prefetch=prod\n"
#define KEYINIT "session optional pam_keyinit.so force revoke\n"

static enum vk_pam_order
order_of(const char *text)
{
    vk_test_write("service", text, 0644);
    return vk_pam_order(vk_test_dir, "service");
}

static void
finds_who_comes_first(void **state)
{
    (void)state;
    assert_int_equal(order_of(KEYINIT OURS), VK_PAM_GOOD);
    assert_int_equal(order_of(OURS KEYINIT), VK_PAM_TOO_EARLY);
    assert_int_equal(order_of(OURS), VK_PAM_NO_KEYINIT);
    assert_int_equal(order_of(KEYINIT), VK_PAM_NONE);
    assert_int_equal(order_of(""), VK_PAM_NONE);
    assert_int_equal(vk_pam_order(vk_test_dir, "none"), VK_PAM_NONE);
}

static void
reads_lines_as_pam_does(void **state)
{
    (void)state;
    assert_int_equal(order_of("-session\t[success=1 default=ignore]\t"
                              "/lib/security/pam_keyinit.so revoke\n" OURS),
                     VK_PAM_GOOD);
    assert_int_equal(
        order_of("# " KEYINIT "session required x.so #" KEYINIT OURS),
        VK_PAM_NO_KEYINIT);
    assert_int_equal(order_of("auth optional pam_keyinit.so\n" OURS),
                     VK_PAM_NO_KEYINIT);
    assert_int_equal(order_of("session [x\nsession\n \n@include\n" OURS),
                     VK_PAM_NO_KEYINIT);
    assert_int_equal(order_of("session optional my_pam_valetkey.so\n"),
                     VK_PAM_NONE);
}

static void
follows_what_is_included(void **state)
{
    (void)state;
    vk_test_write("common", OURS, 0644);
    assert_int_equal(order_of(KEYINIT "@include common\n"), VK_PAM_GOOD);
    assert_int_equal(order_of("@include common\n" KEYINIT), VK_PAM_TOO_EARLY);
    assert_int_equal(order_of(KEYINIT "session include common\n"),
                     VK_PAM_GOOD);
    assert_int_equal(order_of(KEYINIT "session substack common\n"),
                     VK_PAM_GOOD);
    assert_int_equal(order_of("auth include common\n"), VK_PAM_NONE);
}

static void
ends_where_files_include_each_other(void **state)
{
    (void)state;
    assert_int_equal(order_of("@include service\n" OURS), VK_PAM_NO_KEYINIT);
    assert_int_equal(order_of("@include ../service\n@include /etc/passwd\n"),
                     VK_PAM_NONE);
}

#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, vk_test_enter, vk_test_leave)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(finds_who_comes_first),
        TEST(reads_lines_as_pam_does),
        TEST(follows_what_is_included),
        TEST(ends_where_files_include_each_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

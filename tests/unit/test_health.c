/* SPDX-License-Identifier: MIT */
#include "tests/unit/support.h"

#include "keyring/health.h"

static struct vk_health
read_line(struct vk_span line)
{
    struct vk_health health = {.keys = -1};

    if (!vk_health_read_quota(line, 1000, &health))
        assert_int_equal(health.keys, -1);
    return health;
}

static void
reads_the_users_own_line(void **state)
{
    (void)state;
    struct vk_health health =
        read_line(VK_SPAN(" 1000:    12 11/11 9/200 731/20000"));

    assert_int_equal(health.keys, 9);
    assert_int_equal(health.max_keys, 200);
    assert_int_equal(health.bytes, 731);
    assert_int_equal(health.max_bytes, 20000);
}

static void
leaves_lines_of_others(void **state)
{
    (void)state;
    assert_int_equal(
        read_line(VK_SPAN("    0:    12 11/11 9/200 731/20000")).keys, -1);
    assert_int_equal(
        read_line(VK_SPAN("10000:    12 11/11 9/200 731/20000")).keys, -1);
}

static void
leaves_what_it_does_not_understand(void **state)
{
    (void)state;
    assert_int_equal(read_line(VK_SPAN("")).keys, -1);
    assert_int_equal(read_line(VK_SPAN("1000:")).keys, -1);
    assert_int_equal(read_line(VK_SPAN("1000: 12 11/11 9 731/20000")).keys,
                     -1);
    assert_int_equal(read_line(VK_SPAN("1000: 12 11/11 9/200 x/20000")).keys,
                     -1);
    assert_int_equal(read_line(VK_SPAN("1000 12 11/11 9/200 7/20000")).keys,
                     -1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_users_own_line),
        cmocka_unit_test(leaves_lines_of_others),
        cmocka_unit_test(leaves_what_it_does_not_understand),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "oauth/governor.h"

#define NOW ((int64_t)1000000)

static struct vk_hold
after(const struct vk_hold *previous, enum vk_err err, int64_t retry_after,
      int64_t now)
{
    struct vk_failure failure = {.err = err, .retry_after = retry_after};

    return vk_governor_after(previous, &failure, now, 0);
}

/* The holds of failures that each come as soon as the one before allows. */
static void
assert_row(enum vk_err err, const int64_t *seconds, size_t count)
{
    struct vk_hold hold = {0}, *previous = NULL;
    int64_t now = NOW;

    for (size_t i = 0; i < count; i++) {
        hold = after(previous, err, -1, now);
        assert_int_equal(hold.until - now, seconds[i] * 1000);
        assert_int_equal(hold.failures, i + 1);
        previous = &hold;
        now = hold.until;
    }
}

static void
backs_off_from_one_second_to_sixty(void **state)
{
    static const int64_t seconds[] = {1, 2, 4, 8, 16, 32, 60, 60, 60};

    (void)state;
    assert_row(VK_UNREACHABLE, seconds, 9);
    assert_row(VK_BADREPLY, seconds, 9);
    assert_row(VK_REQUEST, seconds, 9);
}

static void
backs_off_from_five_seconds_where_asked_to_wait(void **state)
{
    static const int64_t seconds[] = {5, 10, 20, 40, 80, 160, 300, 300};

    (void)state;
    assert_row(VK_HELD, seconds, 8);
}

static void
probes_a_refused_secret_after_5_10_20_40_60_60_minutes(void **state)
{
    static const int64_t seconds[] = {300, 600, 1200, 2400, 3600, 3600, 3600};

    (void)state;
    assert_row(VK_REFUSED, seconds, 7);
}

static void
holds_nothing_back_where_nothing_was_sent(void **state)
{
    static const int64_t seconds[] = {0, 0, 0};

    (void)state;
    assert_row(VK_LOCKED, seconds, 3);
    assert_row(VK_NOSTORE, seconds, 3);
    assert_row(VK_NOSECRET, seconds, 3);
    assert_false(vk_governor_was_sent(VK_LOCKED));
    assert_true(vk_governor_was_sent(VK_UNREACHABLE));
    assert_true(vk_governor_was_sent(VK_REFUSED));
}

static void
obeys_retry_after_to_the_second(void **state)
{
    struct vk_failure failure = {.err = VK_HELD, .retry_after = 7};
    struct vk_hold hold = vk_governor_after(NULL, &failure, NOW, 65535);

    (void)state;
    assert_int_equal(hold.until, NOW + 7000);
    assert_int_equal(after(&hold, VK_HELD, 9, hold.until).until,
                     hold.until + 9000);
}

static void
takes_retry_after_of_nothing_for_a_second_and_of_years_for_a_day(void **state)
{
    (void)state;
    assert_int_equal(after(NULL, VK_HELD, 0, NOW).until, NOW + 1000);
    assert_int_equal(after(NULL, VK_HELD, 2000000000, NOW).until,
                     NOW + (int64_t)86400 * 1000);
}

static void
spreads_the_wait_by_a_tenth_at_most_and_nothing_else(void **state)
{
    static const enum vk_err steady[] = {VK_UNREACHABLE, VK_REFUSED,
                                         VK_REQUEST};
    struct vk_failure failure = {.err = VK_HELD, .retry_after = -1};

    (void)state;
    for (unsigned int random = 0; random < 65536; random += 5) {
        int64_t ms =
            vk_governor_after(NULL, &failure, NOW, random).until - NOW;
        assert_in_range(ms, 5000, 5500);
    }
    assert_int_not_equal(vk_governor_after(NULL, &failure, NOW, 65535).until,
                         NOW + 5000);
    for (size_t i = 0; i < 3; i++) {
        failure.err = steady[i];
        assert_int_equal(vk_governor_after(NULL, &failure, NOW, 65535).until,
                         after(NULL, steady[i], -1, NOW).until);
    }
}

static void
begins_anew_after_another_kind_of_failure_or_a_long_rest(void **state)
{
    struct vk_hold first = after(NULL, VK_UNREACHABLE, -1, NOW);
    struct vk_hold second = after(&first, VK_UNREACHABLE, -1, first.until);
    int64_t rest = second.until + (int64_t)600 * 1000;

    (void)state;
    assert_int_equal(second.failures, 2);
    assert_int_equal(after(&second, VK_HELD, -1, NOW).failures, 1);
    assert_int_equal(after(&second, VK_UNREACHABLE, -1, rest - 1).failures, 3);
    assert_int_equal(after(&second, VK_UNREACHABLE, -1, rest).failures, 1);
}

static void
never_forgets_how_often_a_secret_was_refused(void **state)
{
    struct vk_hold first = after(NULL, VK_REFUSED, -1, NOW);
    int64_t next_week = NOW + (int64_t)7 * 86400 * 1000;

    (void)state;
    assert_int_equal(after(&first, VK_REFUSED, -1, next_week).failures, 2);
}

static void
gives_places_in_the_queue_one_pace_apart(void **state)
{
    int64_t next = 0, now = NOW;

    (void)state;
    assert_true(VK_PACE_MS >= 1100);
    for (int i = 0; i < 5; i++) {
        int64_t slot = vk_governor_slot(next, now);
        assert_int_equal(slot, NOW + (int64_t)i * VK_PACE_MS);
        next = slot + VK_PACE_MS;
    }
    assert_int_equal(vk_governor_slot(next, next + 5), next + 5);
}

static void
renews_at_three_quarters_of_a_life_or_a_hundredth_before(void **state)
{
    (void)state;
    for (int64_t life = 1; life <= 86400; life += 37)
        for (unsigned int random = 0; random < 65536; random += 4099) {
            int64_t at = vk_governor_refresh_after(life, random);
            assert_true(at <= life * 75 / 100);
            assert_true(at >= life * 74 / 100 - 1);
        }
    assert_int_equal(vk_governor_refresh_after(300, 0), 225);
    assert_int_equal(vk_governor_refresh_after(300, 65535), 223);
}

/* Rule 7, which is in keyring/hold.c: the helpers apply it. */
static void
holds_5_10_20_seconds_after_new_tokens_that_are_refused(void **state)
{
    static const int64_t seconds[] = {5,   10,  20,  40,  80,
                                      160, 300, 300, 300, 300};
    struct vk_hold hold, *previous = NULL;
    int64_t now = NOW;

    (void)state;
    for (size_t i = 0; i < 10; i++) {
        assert_true(vk_hold_after_drop(previous, 3, now, &hold));
        assert_int_equal(hold.until - now, seconds[i] * 1000);
        previous = &hold;
        now = hold.until;
    }
}

static void
lets_an_older_token_be_refused_without_a_hold(void **state)
{
    struct vk_hold hold;

    (void)state;
    assert_true(vk_hold_after_drop(NULL, 59, NOW, &hold));
    assert_false(vk_hold_after_drop(NULL, 60, NOW, &hold));
    assert_false(vk_hold_after_drop(&hold, 86400, NOW, &hold));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(backs_off_from_one_second_to_sixty),
        cmocka_unit_test(backs_off_from_five_seconds_where_asked_to_wait),
        cmocka_unit_test(
            probes_a_refused_secret_after_5_10_20_40_60_60_minutes),
        cmocka_unit_test(holds_nothing_back_where_nothing_was_sent),
        cmocka_unit_test(obeys_retry_after_to_the_second),
        cmocka_unit_test(
            takes_retry_after_of_nothing_for_a_second_and_of_years_for_a_day),
        cmocka_unit_test(spreads_the_wait_by_a_tenth_at_most_and_nothing_else),
        cmocka_unit_test(
            begins_anew_after_another_kind_of_failure_or_a_long_rest),
        cmocka_unit_test(never_forgets_how_often_a_secret_was_refused),
        cmocka_unit_test(gives_places_in_the_queue_one_pace_apart),
        cmocka_unit_test(
            renews_at_three_quarters_of_a_life_or_a_hundredth_before),
        cmocka_unit_test(
            holds_5_10_20_seconds_after_new_tokens_that_are_refused),
        cmocka_unit_test(lets_an_older_token_be_refused_without_a_hold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

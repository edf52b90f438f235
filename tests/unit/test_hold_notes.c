/* SPDX-License-Identifier: MIT */
/* keyring/hold.c: which notes stand in the way of a fetch. */
#include "tests/unit/support.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "keyring/cache.h"
#include "keyring/hold.h"

static struct vk_profile profile;
static struct vk_hold found;
static struct vk_buf text = VK_BUF(VK_RECORD_MAX);
static char endpoint[VK_HOLD_NAME_MAX + 1];
static int64_t now;

/* All names hold that of the test's keys. */
static int
enter(void **state)
{
    static char url[128];

    (void)state;
    snprintf(url, sizeof url, "https://%s.example/t", vk_test_key_name());
    profile = (struct vk_profile){.client = vk_span_str(vk_test_key_name())};
    profile.key[VK_KEY_TOKEN_URL] = (struct vk_opt){vk_span_str(url), true};
    snprintf(profile.name, sizeof profile.name, "%s/x", vk_test_key_name());
    vk_hold_endpoint(&profile, endpoint);
    now = vk_clock_boot_ms();
    return 0;
}

static void
put(const char *kind, const char *name, enum vk_err err, int64_t at,
    int64_t until)
{
    struct vk_hold hold = {.until = until,
                           .at = at,
                           .err = err,
                           .secret = VK_SPAN("-"),
                           .message = VK_SPAN("why")};

    assert_int_equal(vk_hold_put(kind, name, &hold), VK_OK);
}

static enum vk_err
find(int64_t since)
{
    return vk_hold_find(&profile, since, &text, &found);
}

static void
finds_nothing_where_nothing_is(void **state)
{
    (void)state;
    vk_test_needs_keyring();
    assert_int_equal(find(0), VK_MISS);
    assert_int_equal(vk_hold_last(&profile, &text, &found), VK_MISS);
    vk_hold_drop(&profile, true);
}

static void
holds_an_endpoint_and_a_token_until_the_time_is_over(void **state)
{
    const char *const names[] = {endpoint, profile.name};

    (void)state;
    vk_test_needs_keyring();
    for (size_t i = 0; i < LENGTH(names); i++) {
        put("hold", names[i], VK_UNREACHABLE, now - 9, now + 1000000);
        assert_int_equal(find(now), VK_OK);
        assert_span(found.message, "why");
        put("hold", names[i], VK_UNREACHABLE, now - 9, now - 1);
        assert_int_equal(find(now), VK_MISS);
        /* Over, but for who has waited for that very fetch. */
        assert_int_equal(find(now - 9), VK_OK);
        assert_int_equal(find(now - 8), VK_MISS);
        assert_int_equal(vk_hold_last(&profile, &text, &found), VK_OK);
        vk_hold_drop(&profile, true);
    }
}

static void
leaves_a_quarantine_to_the_fetcher(void **state)
{
    (void)state;
    vk_test_needs_keyring();
    put("bad", vk_test_key_name(), VK_REFUSED, now - 9, now + 1000000);
    assert_int_equal(find(now - 9), VK_OK);
    assert_int_equal(found.err, VK_REFUSED);
    assert_int_equal(find(now - 8), VK_MISS);
    assert_int_equal(vk_hold_last(&profile, &text, &found), VK_OK);
    assert_int_equal(found.err, VK_REFUSED);
}

static void
says_the_most_particular_first(void **state)
{
    (void)state;
    vk_test_needs_keyring();
    put("hold", endpoint, VK_HELD, now, now + 1000000);
    put("bad", vk_test_key_name(), VK_REFUSED, now, now + 1000000);
    assert_int_equal(find(now), VK_OK);
    assert_int_equal(found.err, VK_REFUSED);
    assert_int_equal(find(now + 1), VK_OK);
    assert_int_equal(found.err, VK_HELD);
}

static void
holds_the_token_that_was_dropped_and_no_other(void **state)
{
    (void)state;
    vk_test_needs_keyring();
    vk_hold_dropped(&profile, 60);
    assert_int_equal(find(0), VK_MISS);
    vk_hold_dropped(&profile, 59);
    assert_int_equal(find(now), VK_OK);
    assert_int_equal(found.err, VK_HELD);
    assert_int_equal(found.until - found.at, 5000);
    /* Another process was refused with the same token. */
    vk_hold_dropped(&profile, 59);
    assert_int_equal(find(now), VK_OK);
    assert_int_equal(found.until - found.at, 5000);
    /* The next token, once the hold is over. */
    found.at -= 6000;
    found.until -= 6000;
    assert_int_equal(vk_hold_put("drop", profile.name, &found), VK_OK);
    assert_int_equal(find(now), VK_MISS);
    vk_hold_dropped(&profile, 0);
    assert_int_equal(find(now), VK_OK);
    assert_int_equal(found.until - found.at, 10000);
    snprintf(profile.name, sizeof profile.name, "%s", vk_test_key_name());
    assert_int_equal(find(now), VK_MISS);
}

static void
forgets_all_that_concerns_a_token(void **state)
{
    (void)state;
    vk_test_needs_keyring();
    put("hold", endpoint, VK_HELD, now, now + 1000000);
    put("hold", profile.name, VK_HELD, now, now + 1000000);
    put("bad", vk_test_key_name(), VK_REFUSED, now, now + 1000000);
    vk_hold_dropped(&profile, 0);
    assert_int_equal(vk_test_keys(), 4);
    vk_hold_drop(&profile, true);
    assert_int_equal(find(0), VK_MISS);
    assert_int_equal(vk_test_keys(), 0);
}

static void
passes_over_a_note_that_is_none(void **state)
{
    (void)state;
    vk_test_needs_keyring();
    assert_int_equal(vk_cache_note_put("hold", endpoint, VK_SPAN("x y"), 100),
                     VK_OK);
    assert_int_equal(find(0), VK_MISS);
    put("hold", profile.name, VK_HELD, now, now + 1000000);
    assert_int_equal(find(now), VK_OK);
}

#define HOLD_TEST(test) \
    cmocka_unit_test_setup_teardown(test, enter, vk_test_forget)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        HOLD_TEST(finds_nothing_where_nothing_is),
        HOLD_TEST(holds_an_endpoint_and_a_token_until_the_time_is_over),
        HOLD_TEST(leaves_a_quarantine_to_the_fetcher),
        HOLD_TEST(says_the_most_particular_first),
        HOLD_TEST(holds_the_token_that_was_dropped_and_no_other),
        HOLD_TEST(forgets_all_that_concerns_a_token),
        HOLD_TEST(passes_over_a_note_that_is_none),
    };

    vk_log_keep();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    vk_buf_clear(&text);
    return failed;
}

/* SPDX-License-Identifier: MIT */
/* On the real kernel keyring; test_cache_faults.c has what can go wrong. */
#include "tests/unit/support.h"

#include <keyutils.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "keyring/cache.h"

/* Linked with --wrap=clock_gettime: the boot clock stands at now. */
int __real_clock_gettime(clockid_t clock, struct timespec *out);
int __wrap_clock_gettime(clockid_t clock, struct timespec *out);

#define NOW 100000

int
__wrap_clock_gettime(clockid_t clock, struct timespec *out)
{
    if (clock != CLOCK_BOOTTIME)
        return __real_clock_gettime(clock, out);
    *out = (struct timespec){NOW, 999999999};
    return 0;
}

static struct vk_profile profile;
static struct vk_record record;

static int
enter(void **state)
{
    (void)state;
    profile = (struct vk_profile){.fingerprint = "0123456789abcdef"};
    snprintf(profile.name, sizeof profile.name, "%s", vk_test_key_name());
    record = (struct vk_record){
        .token = VK_SPAN("eyJhbGciOi.J9"),
        .type = VK_SPAN("Bearer"),
        .config = vk_span_str(profile.fingerprint),
        .expires = 5000,
        .refresh = 4000,
        .boot_expires = NOW + 1000,
        .life = 1000, /* so its margin is 60 */
    };
    return 0;
}

static void
put(void)
{
    VK_AUTO_BUF text = VK_BUF(VK_RECORD_MAX);

    assert_int_equal(vk_record_write(&record, &text), VK_OK);
    assert_int_equal(vk_cache_put(&profile, vk_buf_span(&text), 940), VK_OK);
}

static enum vk_err
get(int64_t min_validity, struct vk_buf *payload, struct vk_record *out)
{
    vk_buf_cut(payload, 0);
    return vk_cache_get(&profile, min_validity, payload, out);
}

static void
assert_hit(int64_t min_validity)
{
    VK_AUTO_BUF payload = VK_BUF(VK_RECORD_MAX);
    struct vk_record got;

    assert_int_equal(get(min_validity, &payload, &got), VK_OK);
    assert_true(vk_span_same(got.token, record.token));
    assert_int_equal(got.boot_expires, record.boot_expires);
    assert_true(got.key > 0);
}

static void
assert_miss(int64_t min_validity)
{
    VK_AUTO_BUF payload = VK_BUF(VK_RECORD_MAX);
    struct vk_record got = {.life = 77};

    assert_int_equal(get(min_validity, &payload, &got), VK_MISS);
    assert_int_equal(got.life, 77);
    assert_int_equal(payload.len, 0);
}

static key_serial_t
find_key(void)
{
    char description[VK_FULL_NAME_MAX + 16];

    snprintf(description, sizeof description, "valetkey:%s", profile.name);
    return (key_serial_t)keyctl_search(KEY_SPEC_USER_KEYRING, "user",
                                       description, 0);
}

static void
gives_back_what_was_put(void **state)
{
    char text[256], expected[256];

    (void)state;
    vk_test_needs_keyring();
    assert_miss(0);
    put();
    assert_hit(0);
    assert_int_equal(vk_test_keys(), 1);
    assert_true(keyctl_describe(find_key(), text, sizeof text) > 0);
    snprintf(expected, sizeof expected, "user;%u;%u;3f0b0000;valetkey:%s",
             geteuid(), getegid(), profile.name);
    assert_string_equal(text, expected);
    assert_int_equal(keyctl_search(KEY_SPEC_PROCESS_KEYRING, "user",
                                   strstr(text, "valetkey:"), 0),
                     -1);
}

static void
keeps_only_what_was_put_last(void **state)
{
    (void)state;
    vk_test_needs_keyring();
    put();
    record.token = VK_SPAN("another");
    put();
    assert_hit(0);
    assert_int_equal(vk_test_keys(), 1);
}

static void
gives_only_what_is_good_for_as_long_as_it_must_be(void **state)
{
    (void)state;
    vk_test_needs_keyring();
    put();
    assert_hit(939);
    assert_miss(940);
    assert_miss(INT64_MAX);
    record.boot_expires = NOW + 61;
    put();
    assert_hit(0);
    record.boot_expires = NOW + 60;
    put();
    assert_miss(0);
    record.boot_expires = NOW - 1000;
    put();
    assert_miss(0);
}

static void
misses_what_another_configuration_made(void **state)
{
    (void)state;
    vk_test_needs_keyring();
    put();
    profile.fingerprint[15] = '0';
    assert_miss(0);
    profile.fingerprint[15] = 'f';
    assert_hit(0);
    record.config = VK_SPAN("0123456789abcde");
    put();
    assert_miss(0);
}

static void
misses_what_is_no_record(void **state)
{
    static const char *const texts[] = {"token", "token\n", "to ken\nlife: 1",
                                        "\177ELF"};

    (void)state;
    vk_test_needs_keyring();
    for (size_t i = 0; i < LENGTH(texts); i++) {
        assert_int_equal(vk_cache_put(&profile, EDGE(texts[i]), 100), VK_OK);
        assert_miss(0);
    }
}

static void
holds_the_longest_token_and_no_longer_one(void **state)
{
    static char token[VK_TOKEN_MAX + 512];

    (void)state;
    vk_test_needs_keyring();
    if (geteuid() != 0) {
        print_message("# skipped: the quota of a user is too small\n");
        skip();
    }
    memset(token, 't', sizeof token);
    record.token = (struct vk_span){token, VK_TOKEN_MAX};
    put();
    assert_hit(0);
    assert_int_equal(
        vk_cache_put(&profile, (struct vk_span){token, VK_RECORD_MAX}, 100),
        VK_OK);
    assert_miss(0);
    char much[VK_RECORD_MAX + 1] = "";
    assert_int_equal(
        vk_cache_put(&profile, (struct vk_span){much, sizeof much}, 100),
        VK_OK);
    assert_miss(0);
}

static void
forgets_what_is_dropped_and_nothing_else(void **state)
{
    (void)state;
    vk_test_needs_keyring();
    put();
    snprintf(profile.name, sizeof profile.name, "%s/x", vk_test_key_name());
    put();
    assert_int_equal(vk_cache_drop(profile.name), VK_OK);
    assert_miss(0);
    assert_int_equal(vk_cache_drop(profile.name), VK_MISS);
    snprintf(profile.name, sizeof profile.name, "%s", vk_test_key_name());
    assert_hit(0);
    assert_int_equal(vk_cache_drop(profile.name), VK_OK);
    assert_int_equal(vk_test_keys(), 0);
}

static void
takes_no_key_of_another_owner(void **state)
{
    (void)state;
    vk_test_needs_keyring();
    if (geteuid() != 0) {
        print_message("# skipped: only root can give keys away\n");
        skip();
    }
    put();
    assert_int_equal(keyctl_chown(find_key(), 65534, (gid_t)-1), 0);
    assert_miss(0);
    assert_int_equal(vk_cache_drop(profile.name), VK_MISS);
    assert_int_equal(vk_test_keys(), 1);
    put();
    assert_hit(0);
    assert_int_equal(vk_test_keys(), 1);
}

#define CACHE_TEST(test) \
    cmocka_unit_test_setup_teardown(test, enter, vk_test_forget)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CACHE_TEST(gives_back_what_was_put),
        CACHE_TEST(keeps_only_what_was_put_last),
        CACHE_TEST(gives_only_what_is_good_for_as_long_as_it_must_be),
        CACHE_TEST(misses_what_another_configuration_made),
        CACHE_TEST(misses_what_is_no_record),
        CACHE_TEST(holds_the_longest_token_and_no_longer_one),
        CACHE_TEST(forgets_what_is_dropped_and_nothing_else),
        CACHE_TEST(takes_no_key_of_another_owner),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

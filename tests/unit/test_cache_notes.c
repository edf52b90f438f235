/* SPDX-License-Identifier: MIT */
/* keyring/cache.c on the real kernel keyring, by its notes. */
#include "tests/unit/support.h"

#include <keyutils.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "keyring/cache.h"

static enum vk_err
put(const char *text, int64_t seconds)
{
    return vk_cache_note_put("hold", vk_test_key_name(), vk_span_str(text),
                             seconds);
}

static enum vk_err
get(const char *kind, struct vk_buf *out)
{
    vk_buf_cut(out, 0);
    return vk_cache_note_get(kind, vk_test_key_name(), out);
}

static void
assert_has(const char *kind, const char *text)
{
    VK_AUTO_BUF out = VK_BUF(VK_RECORD_MAX);

    assert_int_equal(get(kind, &out), VK_OK);
    assert_span(vk_buf_span(&out), text);
}

static key_serial_t
find_key(void)
{
    char description[VK_FULL_NAME_MAX + 16];

    snprintf(description, sizeof description, "valetkey.hold:%s",
             vk_test_key_name());
    return (key_serial_t)keyctl_search(KEY_SPEC_USER_KEYRING, "user",
                                       description, 0);
}

static void
keeps_notes_apart_by_kind_and_name(void **state)
{
    VK_AUTO_BUF text = VK_BUF(VK_RECORD_MAX);
    const char *name = vk_test_key_name();

    (void)state;
    vk_test_needs_keyring();
    assert_false(vk_cache_note_is("hold", name));
    assert_int_equal(vk_cache_note_put("hold", name, VK_SPAN("1"), 100),
                     VK_OK);
    assert_int_equal(vk_cache_note_put("bad", name, VK_SPAN("2"), 100), VK_OK);
    assert_true(vk_cache_note_is("hold", name));
    assert_has("hold", "1");
    assert_has("bad", "2");
    assert_int_equal(get("no", &text), VK_MISS);
    assert_int_equal(vk_cache_note_drop("hold", name), VK_OK);
    assert_int_equal(vk_cache_note_drop("hold", name), VK_MISS);
    assert_false(vk_cache_note_is("hold", name));
    assert_true(vk_cache_note_is("bad", name));
}

static void
refuses_one_byte_past_the_limit_of_a_name(void **state)
{
    VK_AUTO_BUF text = VK_BUF(VK_RECORD_MAX);
    char name[146];

    (void)state;
    vk_test_needs_keyring();
    memset(name, 'n', sizeof name);
    memcpy(name, vk_test_key_name(), strlen(vk_test_key_name()));
    name[145] = '\0';
    assert_int_equal(vk_cache_note_put("hold", name, VK_SPAN("x"), 9),
                     VK_TOOBIG);
    assert_int_equal(vk_cache_note_get("hold", name, &text), VK_TOOBIG);
    assert_int_equal(vk_cache_note_drop("hold", name), VK_TOOBIG);
    assert_false(vk_cache_note_is("hold", name));
    name[144] = '\0';
    assert_int_equal(vk_cache_note_put("hold", name, VK_SPAN("x"), 9), VK_OK);
    assert_int_equal(vk_cache_note_get("hold", name, &text), VK_OK);
    assert_int_equal(vk_cache_note_drop("hold", name), VK_OK);
}

static void
ends_when_its_time_is_over(void **state)
{
    static const struct timespec pause = {0, 50000000};
    VK_AUTO_BUF out = VK_BUF(VK_RECORD_MAX);
    int tries = 0;

    (void)state;
    vk_test_needs_keyring();
    assert_int_equal(put("x", 1), VK_OK);
    while (get("hold", &out) == VK_OK && tries++ < 200)
        nanosleep(&pause, NULL);
    assert_int_equal(get("hold", &out), VK_MISS);
    assert_int_equal(vk_cache_note_drop("hold", vk_test_key_name()), VK_MISS);
    assert_int_equal(put("again", 100), VK_OK);
    assert_has("hold", "again");
}

/* As another program may have made it: readable by possession only. */
static int
read_without_a_way_to_the_user_keyring(void)
{
    VK_AUTO_BUF out = VK_BUF(VK_RECORD_MAX);

    if (keyctl_join_session_keyring(NULL) < 0)
        return 1;
    return get("hold", &out) == VK_OK && vk_span_is(vk_buf_span(&out), "x")
               ? 0
               : 2;
}

static int
read_in_a_revoked_session(void)
{
    VK_AUTO_BUF out = VK_BUF(VK_RECORD_MAX);

    if (keyctl_join_session_keyring(NULL) < 0 ||
        keyctl_revoke(KEY_SPEC_SESSION_KEYRING) != 0)
        return 1;
    return get("hold", &out) == VK_OK && vk_span_is(vk_buf_span(&out), "x")
               ? 0
               : 2;
}

static void
reads_from_any_session(void **state)
{
    static const key_perm_t perms[] = {KEY_POS_ALL | KEY_USR_VIEW |
                                           KEY_USR_READ | KEY_USR_SEARCH,
                                       KEY_POS_ALL | KEY_USR_VIEW};

    (void)state;
    vk_test_needs_keyring();
    for (size_t i = 0; i < LENGTH(perms); i++) {
        assert_int_equal(put("x", 1000), VK_OK);
        assert_int_equal(keyctl_setperm(find_key(), perms[i]), 0);
        assert_int_equal(vk_test_child(read_without_a_way_to_the_user_keyring),
                         0);
        assert_int_equal(vk_test_child(read_in_a_revoked_session), 0);
    }
}

#define CACHE_TEST(test) cmocka_unit_test_teardown(test, vk_test_forget)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CACHE_TEST(keeps_notes_apart_by_kind_and_name),
        CACHE_TEST(refuses_one_byte_past_the_limit_of_a_name),
        CACHE_TEST(ends_when_its_time_is_over),
        CACHE_TEST(reads_from_any_session),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

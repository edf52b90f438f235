/* SPDX-License-Identifier: MIT */
/*
 * keyring/cache.c where the keyring is full, or not there, or changes in
 * between, and the order of its steps.  Linked with --wrap for the calls
 * below: all but the faults goes to the real kernel.
 */
#include "tests/unit/support.h"

#include <errno.h>
#include <keyutils.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "keyring/cache.h"

key_serial_t __real_add_key(const char *type, const char *description,
                            const void *payload, size_t len,
                            key_serial_t ring);
key_serial_t __wrap_add_key(const char *type, const char *description,
                            const void *payload, size_t len,
                            key_serial_t ring);
long __real_keyctl_link(key_serial_t key, key_serial_t ring);
long __wrap_keyctl_link(key_serial_t key, key_serial_t ring);
long __real_keyctl_read(key_serial_t key, char *out, size_t len);
long __wrap_keyctl_read(key_serial_t key, char *out, size_t len);
long __real_keyctl_search(key_serial_t ring, const char *type,
                          const char *description, key_serial_t to);
long __wrap_keyctl_search(key_serial_t ring, const char *type,
                          const char *description, key_serial_t to);

/* What is to fail with which errno; 0: nothing.  Reads fail `reads` times. */
static struct {
    int add, link, read, search, reads;
} fault;
/* How a key looked when it was linked to the user keyring. */
static char expiry_when_linked[16], perm_when_linked[16];

/* The columns of a key in /proc/keys. */
static bool
look_up(key_serial_t key, char expiry[16], char perm[16])
{
    FILE *file = fopen("/proc/keys", "re");
    unsigned int serial;
    char line[512];
    bool found = false;

    if (file == NULL)
        return false;
    while (!found && fgets(line, sizeof line, file) != NULL) {
        struct vk_span rest = vk_span_str(line), word[5];
        for (size_t i = 0; i < 5; i++) {
            while (vk_span_starts(rest, " "))
                rest = vk_span_from(rest, 1);
            word[i] = vk_span_cut(&rest, ' ');
        }
        char want[16];
        serial = (unsigned int)key;
        snprintf(want, sizeof want, "%08x", serial);
        found = vk_span_is(word[0], want);
        snprintf(expiry, 16, "%.*s", (int)word[3].len, word[3].ptr);
        snprintf(perm, 16, "%.*s", (int)word[4].len, word[4].ptr);
    }
    fclose(file);
    return found;
}

key_serial_t
__wrap_add_key(const char *type, const char *description, const void *payload,
               size_t len, key_serial_t ring)
{
    errno = fault.add;
    return fault.add != 0
               ? -1
               : __real_add_key(type, description, payload, len, ring);
}

long
__wrap_keyctl_link(key_serial_t key, key_serial_t ring)
{
    if (ring == KEY_SPEC_USER_KEYRING)
        look_up(key, expiry_when_linked, perm_when_linked);
    errno = fault.link;
    return fault.link != 0 ? -1 : __real_keyctl_link(key, ring);
}

long
__wrap_keyctl_read(key_serial_t key, char *out, size_t len)
{
    if (fault.reads <= 0)
        return __real_keyctl_read(key, out, len);
    fault.reads--;
    errno = fault.read;
    return -1;
}

long
__wrap_keyctl_search(key_serial_t ring, const char *type,
                     const char *description, key_serial_t to)
{
    errno = fault.search;
    return fault.search != 0
               ? -1
               : __real_keyctl_search(ring, type, description, to);
}

static int
enter(void **state)
{
    (void)state;
    memset(&fault, 0, sizeof fault);
    expiry_when_linked[0] = perm_when_linked[0] = '\0';
    return 0;
}

static int
leave(void **state)
{
    enter(state);
    return vk_test_forget(state);
}

static enum vk_err
put(const char *text, int64_t seconds)
{
    return vk_cache_note_put("hold", vk_test_key_name(), vk_span_str(text),
                             seconds);
}

static enum vk_err
get(struct vk_buf *out)
{
    vk_buf_cut(out, 0);
    return vk_cache_note_get("hold", vk_test_key_name(), out);
}

static void
assert_has(const char *text)
{
    VK_AUTO_BUF out = VK_BUF(VK_RECORD_MAX);

    assert_int_equal(get(&out), VK_OK);
    assert_span(vk_buf_span(&out), text);
}

static key_serial_t
find_in(key_serial_t ring)
{
    char description[VK_FULL_NAME_MAX + 16];

    snprintf(description, sizeof description, "valetkey.hold:%s",
             vk_test_key_name());
    return (key_serial_t)__real_keyctl_search(ring, "user", description, 0);
}

static void
shows_no_key_without_its_timeout(void **state)
{
    (void)state;
    vk_test_needs_keyring();
    for (int i = 0; i < 2; i++) {
        expiry_when_linked[0] = '\0';
        assert_int_equal(put("x", 4000), VK_OK);
        assert_string_not_equal(expiry_when_linked, "");
        assert_string_not_equal(expiry_when_linked, "perm");
        assert_string_equal(perm_when_linked, "3f0b0000");
    }
}

static void
keeps_no_key_for_ever(void **state)
{
    static const int64_t seconds[] = {
        INT64_MIN, -1, 0, 1, UINT32_MAX, (int64_t)UINT32_MAX + 1, INT64_MAX};

    (void)state;
    vk_test_needs_keyring();
    for (size_t i = 0; i < LENGTH(seconds); i++) {
        expiry_when_linked[0] = '\0';
        assert_int_equal(put("x", seconds[i]), VK_OK);
        assert_string_not_equal(expiry_when_linked, "perm");
        /* Nor has it ended by then, however much too long it was. */
        assert_string_not_equal(expiry_when_linked, "expd");
    }
    assert_has("x");
}

static void
changes_the_old_key_where_there_is_no_room_for_two(void **state)
{
    char expiry[16], perm[16];

    (void)state;
    vk_test_needs_keyring();
    assert_int_equal(put("old", 100), VK_OK);
    fault.add = EDQUOT;
    assert_int_equal(put("new", 4000), VK_OK);
    assert_has("new");
    assert_int_equal(vk_test_keys(), 1);
    assert_true(look_up(find_in(KEY_SPEC_USER_KEYRING), expiry, perm));
    assert_string_not_equal(expiry, "perm");
    fault.add = 0;
    fault.link = EDQUOT;
    assert_int_equal(put("newer", 4000), VK_OK);
    assert_has("newer");
}

static void
says_why_it_cannot_cache(void **state)
{
    (void)state;
    vk_test_needs_keyring();
    fault.add = EDQUOT;
    assert_int_equal(put("x", 100), VK_NOKEYRING);
    assert_int_equal(errno, EDQUOT);
    fault.add = ENOSYS;
    assert_int_equal(put("x", 100), VK_NOKEYRING);
    assert_int_equal(errno, ENOSYS);
    fault.add = 0;
    fault.link = EDQUOT;
    assert_int_equal(put("x", 100), VK_NOKEYRING);
    assert_int_equal(errno, EDQUOT);
    /* Nothing half done is left, neither here nor there. */
    assert_int_equal(find_in(KEY_SPEC_PROCESS_KEYRING), -1);
    assert_int_equal(vk_test_keys(), 0);
    assert_non_null(strstr(vk_cache_trouble(EDQUOT), "full"));
    assert_non_null(strstr(vk_cache_trouble(ENOSYS), "not available"));
    assert_string_equal(vk_cache_trouble(EIO), strerror(EIO));
}

static void
tells_no_key_from_no_keyring(void **state)
{
    static const int gone[] = {ENOKEY, EKEYEXPIRED, EKEYREVOKED, EKEYREJECTED};
    static const int away[] = {ENOSYS, EPERM, EACCES};
    VK_AUTO_BUF out = VK_BUF(VK_RECORD_MAX);

    (void)state;
    for (size_t i = 0; i < LENGTH(gone); i++) {
        fault.search = gone[i];
        assert_int_equal(get(&out), VK_MISS);
    }
    for (size_t i = 0; i < LENGTH(away); i++) {
        fault.search = away[i];
        assert_int_equal(get(&out), VK_NOKEYRING);
        assert_int_equal(errno, away[i]);
        assert_int_equal(vk_cache_note_drop("hold", vk_test_key_name()),
                         VK_NOKEYRING);
    }
}

static void
looks_again_when_a_key_is_replaced_in_between(void **state)
{
    VK_AUTO_BUF out = VK_BUF(VK_RECORD_MAX);

    (void)state;
    vk_test_needs_keyring();
    assert_int_equal(put("x", 100), VK_OK);
    fault.read = EKEYREVOKED;
    fault.reads = 2;
    assert_has("x");
    /* But not for ever. */
    fault.reads = 100;
    assert_int_equal(get(&out), VK_MISS);
    assert_true(fault.reads > 90);
}

#define CACHE_TEST(test) cmocka_unit_test_setup_teardown(test, enter, leave)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CACHE_TEST(shows_no_key_without_its_timeout),
        CACHE_TEST(keeps_no_key_for_ever),
        CACHE_TEST(changes_the_old_key_where_there_is_no_room_for_two),
        CACHE_TEST(says_why_it_cannot_cache),
        CACHE_TEST(tells_no_key_from_no_keyring),
        CACHE_TEST(looks_again_when_a_key_is_replaced_in_between),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

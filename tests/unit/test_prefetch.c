/* SPDX-License-Identifier: MIT */
#include "tests/unit/support.h"

#include <string.h>

int prefetch_main(int argc, char **argv);
#define main prefetch_main
#include "server/prefetch.c"
#undef main

static int refusals, requests, error;

key_serial_t
request_key(const char *type, const char *description, const char *callout,
            key_serial_t dest)
{
    assert_string_equal(type, "user");
    assert_string_equal(description, "valetkey:prod");
    assert_string_equal(callout, "");
    assert_int_equal(dest, KEY_SPEC_USER_KEYRING);
    requests++;
    if (requests > refusals)
        return 1;
    errno = error;
    return -1;
}

key_serial_t
keyctl_join_session_keyring(const char *name)
{
    assert_null(name);
    return 2;
}

long
keyctl_link(key_serial_t key, key_serial_t ring)
{
    assert_int_equal(key, KEY_SPEC_USER_KEYRING);
    assert_int_equal(ring, KEY_SPEC_SESSION_KEYRING);
    return 0;
}

static int
run(int count, int errnum)
{
    char *argv[] = {(char *)(uintptr_t) "valetkey-prefetch",
                    (char *)(uintptr_t) "prod", NULL};

    refusals = count;
    error = errnum;
    requests = 0;
    assert_int_equal(prefetch_main(2, argv), 0);
    return requests;
}

static void
asks_again_while_a_dropped_key_is_in_the_way(void **state)
{
    (void)state;
    assert_int_equal(run(0, 0), 1);
    assert_int_equal(run(2, EKEYREVOKED), 3);
    assert_int_equal(run(1000, EKEYREVOKED), TRIES);
}

static void
takes_other_answers_as_they_are(void **state)
{
    (void)state;
    assert_int_equal(run(1, ENOKEY), 1);
    assert_int_equal(run(1, EACCES), 1);
    assert_int_equal(run(1, ETIMEDOUT), 1);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_again_while_a_dropped_key_is_in_the_way),
        cmocka_unit_test(takes_other_answers_as_they_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

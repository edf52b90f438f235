/* SPDX-License-Identifier: MIT */
/*
 * The codec alone: a command line in, an answer out.  What the shared part
 * would do (helpers/helper.c) is played by a fake that notes what it was
 * asked; vk_helper_name is the one that counts, so it is played well.
 */
#include "helpers/valetkey-npm.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct vk_buf out = VK_BUF(65536);
static enum vk_err outcome;
static char asked[8192];

enum vk_err
vk_helper_name(struct vk_span text, char name[VK_FULL_NAME_MAX + 1])
{
    struct vk_span token = text;
    struct vk_span client = vk_span_cut(&token, '@');

    if (!vk_clients_is_name(client) ||
        (token.ptr != NULL && !vk_clients_is_name(token)))
        return VK_NOCLIENT;
    snprintf(name, VK_FULL_NAME_MAX + 1, "%.*s%s%.*s", (int)client.len,
             client.ptr, token.ptr != NULL ? "/" : "", (int)token.len,
             token.ptr != NULL ? token.ptr : "");
    return VK_OK;
}

enum vk_err
vk_helper_get_named(const char *name, const struct vk_wish *wish,
                    struct vk_token *token)
{
    assert_null(wish);
    snprintf(asked, sizeof asked, "%s", name);
    if (outcome == VK_OK)
        *token = (struct vk_token){.value = VK_SPAN("t0ken")};
    return outcome;
}

/* As helper.c does it; -1: wrong usage. */
static int
run(char *called, char *first, char *second)
{
    char *argv[] = {called, first, second, NULL};
    int argc = called == NULL ? 0 : first == NULL ? 1 : second == NULL ? 2 : 3;
    struct vk_call call = {.out = &out};

    asked[0] = '\0';
    vk_buf_clear(&out);
    const char *verb = vk_codec.arrange(argc, argv, &call);
    if (verb == NULL)
        return -1;
    assert_string_equal(verb, vk_codec.verbs[0].name);
    call.verb = verb;
    enum vk_err err = vk_codec.verbs[0].run(&call);
    if (err != VK_OK)
        (vk_codec.fail)(&call, err);
    return call.exit;
}

static void
assert_answer(const char *name)
{
    assert_string_equal(asked, name);
    assert_string_equal(vk_buf_str(&out), "Bearer t0ken\n");
}

static int
succeed(void **state)
{
    (void)state;
    vk_log_keep();
    outcome = VK_OK;
    return 0;
}

static void
the_name_of_the_link_says_which_token(void **state)
{
    static char *const rows[][2] = {
        {"valetkey-npm-prod", "prod"},
        {"/home/me/.local/lib/valetkey-npm-prod", "prod"},
        {"./valetkey-npm-prod@npm", "prod/npm"},
        {"/a b/valetkey-npm-x/valetkey-npm-a-b.c_d@e-f", "a-b.c_d/e-f"},
        {"valetkey-npm-valetkey-npm-a", "valetkey-npm-a"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(run(rows[i][0], NULL, NULL), 0);
        assert_answer(rows[i][1]);
    }
}

static void
a_person_can_name_it(void **state)
{
    (void)state;
    assert_int_equal(run("/usr/bin/valetkey-npm", "prod", NULL), 0);
    assert_answer("prod");
    assert_int_equal(run("valetkey-npm", "prod@npm", NULL), 0);
    assert_answer("prod/npm");
    assert_int_equal(run("valetkey-npm", "prod/npm", NULL), 0);
    assert_answer("prod/npm");
    assert_int_equal(run("another-name", "prod", NULL), 0);
    assert_answer("prod");
}

static void
without_a_name_it_says_how(void **state)
{
    (void)state;
    assert_int_equal(run("valetkey-npm", NULL, NULL), -1);
    assert_int_equal(run("/x-valetkey-npm-prod/valetkey-npm", NULL, NULL), -1);
    assert_int_equal(run("valetkey-npmx", NULL, NULL), -1);
    assert_int_equal(run("", NULL, NULL), -1);
    assert_int_equal(run(NULL, NULL, NULL), -1);
    assert_non_null(strstr(vk_codec.usage, "valetkey-npm-NAME"));
}

static void
two_names_are_one_too_many(void **state)
{
    (void)state;
    assert_int_equal(run("valetkey-npm-prod", "other", NULL), -1);
    assert_int_equal(run("valetkey-npm", "prod", "other"), -1);
}

/* It comes as it is to where it is looked for, and is not found. */
static void
what_is_no_name_is_not_found(void **state)
{
    char name[5001];

    (void)state;
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    outcome = VK_NOCLIENT;
    assert_int_equal(run("valetkey-npm-", NULL, NULL), 1);
    assert_string_equal(asked, "");
    assert_int_equal(run("valetkey-npm", "Prod!\xff", NULL), 1);
    assert_string_equal(asked, "Prod!\xff");
    assert_int_equal(run("valetkey-npm", "a@b@c", NULL), 1);
    assert_string_equal(asked, "a@b@c");
    assert_int_equal(run("valetkey-npm", name, NULL), 1);
    assert_string_equal(asked, name);
    assert_string_equal(vk_buf_str(&out), "");
}

/* pnpm takes what was printed for the token if the status is 0. */
static void
a_failure_prints_nothing(void **state)
{
    static const enum vk_err errs[] = {VK_REFUSED, VK_HELD, VK_UNREACHABLE,
                                       VK_CONFIG, VK_LOCKED};

    (void)state;
    for (size_t i = 0; i < sizeof errs / sizeof errs[0]; i++) {
        outcome = errs[i];
        assert_int_equal(run("valetkey-npm-prod", NULL, NULL), 1);
        assert_string_equal(vk_buf_str(&out), "");
        assert_string_equal(vk_log_note(), vk_err_text(errs[i]));
    }
}

static void
standard_input_is_not_read(void **state)
{
    (void)state;
    assert_int_equal(vk_codec.verbs[0].request, VK_NO_REQUEST);
    assert_null(vk_codec.verbs[1].name);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_name_of_the_link_says_which_token, succeed),
        cmocka_unit_test_setup(a_person_can_name_it, succeed),
        cmocka_unit_test_setup(without_a_name_it_says_how, succeed),
        cmocka_unit_test_setup(two_names_are_one_too_many, succeed),
        cmocka_unit_test_setup(what_is_no_name_is_not_found, succeed),
        cmocka_unit_test_setup(a_failure_prints_nothing, succeed),
        cmocka_unit_test_setup(standard_input_is_not_read, succeed),
    };

    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    vk_buf_clear(&out);
    return failed;
}

/* SPDX-License-Identifier: MIT */
/*
 * The codec alone: a command line in, an answer out.  What the shared part
 * would do (helpers/helper.c) is played by fakes that note what they were
 * asked.
 */
#include "base/buf.h"

/* A helper runs once and keeps its buffers; here each call has its own. */
#undef VK_STATIC_BUF
#define VK_STATIC_BUF(name, size) VK_AUTO_BUF name = VK_BUF(size)

#include "helpers/terraform-credentials-valetkey.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TOKEN "t0ken"
#define ANSWER "{\"token\":\"" TOKEN "\"}\n"

static struct vk_buf out = VK_BUF(65536);

/* What the fakes come to, and what they were asked. */
static enum vk_err outcome;
static char asked[512];
static int64_t prefers;
static int gets, drops;

static void
note_url(const struct vk_url *url)
{
    snprintf(asked, sizeof asked, "%.*s %.*s %u %.*s", (int)url->scheme.len,
             url->scheme.ptr, (int)url->host.len, url->host.ptr, url->port,
             (int)url->path.len, url->path.ptr);
}

enum vk_err
vk_helper_get(const struct vk_url *url, const struct vk_wish *wish,
              struct vk_token *token)
{
    gets++;
    note_url(url);
    prefers = wish->prefers;
    assert_int_equal(wish->min_validity, 0);
    if (outcome == VK_OK)
        *token = (struct vk_token){.value = VK_SPAN(TOKEN)};
    return outcome;
}

enum vk_err
vk_helper_drop(const struct vk_url *url, struct vk_span value)
{
    drops++;
    note_url(url);
    assert_int_equal(value.len, 0);
    return outcome;
}

enum vk_err
vk_helper_each(void (*add)(void *arg, struct vk_span url,
                           struct vk_span username),
               void *arg)
{
    if (outcome != VK_OK)
        return outcome;
    add(arg, VK_SPAN("not a url"), VK_SPAN("u"));
    add(arg, VK_SPAN("https://tf.example.com"), VK_SPAN("u"));
    add(arg, VK_SPAN("https://org.example.com/path"), VK_SPAN("u"));
    return VK_OK;
}

/* As helper.c does it; -1: wrong usage. */
static int
run(char *verb, char *host)
{
    char *argv[] = {"terraform-credentials-valetkey", verb, host, NULL};
    struct vk_call call = {.out = &out};
    const char *name = vk_codec.arrange(3, argv, &call);

    gets = drops = 0;
    prefers = 0;
    asked[0] = '\0';
    vk_buf_clear(&out);
    for (const struct vk_verb *row = vk_codec.verbs; row->name != NULL; row++)
        if (strcmp(row->name, name) == 0) {
            assert_int_equal(row->request, VK_NO_REQUEST);
            call.verb = row->name;
            enum vk_err err = row->run(&call);
            if (err != VK_OK)
                (vk_codec.fail)(&call, err);
            return call.exit;
        }
    return -1;
}

static void
assert_out(const char *expected)
{
    assert_string_equal(vk_buf_str(&out), expected);
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
hands_out_the_token_of_the_host(void **state)
{
    static char *const rows[][2] = {
        {"tf.example.com", "https tf.example.com 0 /"},
        {"tf.example.com:8443", "https tf.example.com 8443 /"},
        {"xn--mnchen-3ya.example.com", "https xn--mnchen-3ya.example.com 0 /"},
        {"127.0.0.1:7301", "https 127.0.0.1 7301 /"},
        {"[::1]:7301", "https [::1] 7301 /"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(run("get", rows[i][0]), 0);
        assert_out(ANSWER);
        assert_string_equal(asked, rows[i][1]);
    }
}

/* terraform keeps it until it ends. */
static void
prefers_a_token_that_lasts_for_a_run(void **state)
{
    (void)state;
    assert_int_equal(run("get", "tf.example.com"), 0);
    assert_int_equal(prefers, 900);
}

static void
says_none_for_a_host_that_nobody_serves(void **state)
{
    (void)state;
    outcome = VK_NOCLIENT;
    assert_int_equal(run("get", "registry.example.org"), 0);
    assert_out("{}\n");
    assert_int_equal(gets, 1);
}

/* What stands there must not become another host, or a path. */
static void
says_none_for_what_is_no_host(void **state)
{
    static char *const hosts[] = {
        "",
        ":443",
        "tf.example.com/x",
        "me@tf.example.com",
        "tf.example.com?x",
        "tf.example.com#x",
        "tf.example.com\\@evil.example",
        "https://tf.example.com",
        "tf.example.com\n",
        "tf.example.com:0",
        "tf.example.com:65536",
        "m\xc3\xbcnchen.example.com",
        "\xff",
        "*.example.com ",
    };

    (void)state;
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        assert_int_equal(run("get", hosts[i]), 0);
        assert_out("{}\n");
        assert_int_equal(gets, 0);
    }
}

static void
says_none_for_a_host_that_is_too_long(void **state)
{
    char host[70001];

    (void)state;
    memset(host, 'a', sizeof host - 1);
    host[sizeof host - 1] = '\0';
    assert_int_equal(run("get", host), 0);
    assert_out("{}\n");
    assert_int_equal(gets, 0);
}

static void
a_failure_is_told_on_stderr_and_by_the_status(void **state)
{
    static const enum vk_err errs[] = {VK_REFUSED, VK_HELD,   VK_UNREACHABLE,
                                       VK_CONFIG,  VK_LOCKED, VK_NOSECRET};

    (void)state;
    for (size_t i = 0; i < sizeof errs / sizeof errs[0]; i++) {
        outcome = errs[i];
        assert_int_equal(run("get", "tf.example.com"), 1);
        assert_out("");
        assert_string_equal(vk_log_note(), vk_err_text(errs[i]));
    }
}

static void
store_refuses_a_host_that_is_served(void **state)
{
    (void)state;
    assert_int_equal(run("store", "tf.example.com"), 1);
    assert_out("");
    assert_string_equal(vk_log_last(),
                        "cannot store a token for 'tf.example.com': valetkey"
                        " makes the tokens of this host; no login is needed");
    assert_int_equal(gets + drops, 0);
}

static void
store_refuses_any_other_host_too(void **state)
{
    static char *const hosts[] = {"org.example.com", "evil.example",
                                  "tf.example.com/x", ""};

    (void)state;
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        assert_int_equal(run("store", hosts[i]), 1);
        assert_out("");
        assert_non_null(strstr(vk_log_last(), "no client serves this host"));
    }
    outcome = VK_CONFIG;
    assert_int_equal(run("store", "tf.example.com"), 1);
}

static void
forget_drops_the_token(void **state)
{
    (void)state;
    assert_int_equal(run("forget", "tf.example.com:8443"), 0);
    assert_out("");
    assert_int_equal(drops, 1);
    assert_string_equal(asked, "https tf.example.com 8443 /");
}

static void
forget_succeeds_where_there_is_nothing(void **state)
{
    (void)state;
    assert_int_equal(run("forget", "tf.example.com/x"), 0);
    assert_int_equal(drops, 0);
    outcome = VK_NOCLIENT;
    assert_int_equal(run("forget", "evil.example"), 0);
    assert_out("");
    outcome = VK_NOKEYRING;
    assert_int_equal(run("forget", "tf.example.com"), 1);
    assert_out("");
}

static void
the_command_line_is_a_verb_and_a_host(void **state)
{
    char *argv[] = {"x", "get", "a.example", "b.example", NULL};
    struct vk_call call = {.out = &out};

    (void)state;
    assert_null(vk_codec.arrange(1, argv, &call));
    assert_null(vk_codec.arrange(2, argv, &call));
    assert_null(vk_codec.arrange(4, argv, &call));
    assert_string_equal(vk_codec.arrange(3, argv, &call), "get");
    assert_string_equal(call.operand[0], "a.example");
    assert_int_equal(run("list", "a.example"), -1);
    assert_false(vk_codec.ignores_unknown_verbs);
    assert_int_equal(vk_codec.usage_exit, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(hands_out_the_token_of_the_host, succeed),
        cmocka_unit_test_setup(prefers_a_token_that_lasts_for_a_run, succeed),
        cmocka_unit_test_setup(says_none_for_a_host_that_nobody_serves,
                               succeed),
        cmocka_unit_test_setup(says_none_for_what_is_no_host, succeed),
        cmocka_unit_test_setup(says_none_for_a_host_that_is_too_long, succeed),
        cmocka_unit_test_setup(a_failure_is_told_on_stderr_and_by_the_status,
                               succeed),
        cmocka_unit_test_setup(store_refuses_a_host_that_is_served, succeed),
        cmocka_unit_test_setup(store_refuses_any_other_host_too, succeed),
        cmocka_unit_test_setup(forget_drops_the_token, succeed),
        cmocka_unit_test_setup(forget_succeeds_where_there_is_nothing,
                               succeed),
        cmocka_unit_test_setup(the_command_line_is_a_verb_and_a_host, succeed),
    };

    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    vk_buf_clear(&out);
    return failed;
}

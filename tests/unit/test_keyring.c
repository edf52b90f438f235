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

#include "helpers/valetkey-keyring.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define URL "https://pypi.example.com/simple/"
#define ASKED "https pypi.example.com 0 /simple/"
#define WRONG_USAGE (-1)
#define WORDS 12

static struct vk_buf out = VK_BUF(65536);

/* What the fakes come to, and what they were asked. */
static enum vk_err outcome;
static char asked[512];
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
    assert_null(wish);
    gets++;
    note_url(url);
    if (outcome == VK_OK)
        *token = (struct vk_token){.value = VK_SPAN("t0ken"),
                                   .username = VK_SPAN("oauth2accesstoken")};
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

/* As helper.c does it. */
static int
run(char **words)
{
    char *argv[WORDS + 2] = {"keyring"};
    struct vk_call call = {.out = &out};
    int argc = 1;

    while (words[argc - 1] != NULL) {
        argv[argc] = words[argc - 1];
        argc++;
    }
    gets = drops = 0;
    asked[0] = '\0';
    vk_buf_clear(&out);
    const char *name = vk_codec.arrange(argc, argv, &call);
    for (const struct vk_verb *verb = vk_codec.verbs;
         name != NULL && verb->name != NULL; verb++) {
        if (strcmp(verb->name, name) != 0)
            continue;
        assert_int_equal(verb->request, VK_NO_REQUEST);
        call.verb = name;
        enum vk_err err = verb->run(&call);
        if (err != VK_OK)
            (vk_codec.fail)(&call, err);
        return call.exit;
    }
    return WRONG_USAGE;
}

#define RUN(...) run((char *[]){__VA_ARGS__, NULL})
#define ASSERT_OUT(expected, ...)                        \
    do {                                                 \
        assert_int_equal(RUN(__VA_ARGS__), 0);           \
        assert_string_equal(vk_buf_str(&out), expected); \
    } while (0)
#define ASSERT_NONE(...)                           \
    do {                                           \
        assert_int_equal(RUN(__VA_ARGS__), 1);     \
        assert_string_equal(vk_buf_str(&out), ""); \
    } while (0)

static int
succeed(void **state)
{
    (void)state;
    vk_log_keep();
    outcome = VK_OK;
    return 0;
}

static void
a_password_is_a_line(void **state)
{
    (void)state;
    ASSERT_OUT("t0ken\n", "get", URL, "me");
    assert_string_equal(asked, ASKED);
    ASSERT_OUT("t0ken\n", "--mode", "password", "get", URL, "me");
    ASSERT_OUT("t0ken\n", "get", URL, "");
    ASSERT_OUT("{\"password\":\"t0ken\"}\n", "--output=json", "get", URL,
               "me");
}

static void
creds_are_a_user_name_and_a_password(void **state)
{
    (void)state;
    ASSERT_OUT("oauth2accesstoken\nt0ken\n", "get", URL, "--mode", "creds");
    ASSERT_OUT("me\nt0ken\n", "get", URL, "me", "--mode", "creds");
    ASSERT_OUT("{\"username\":\"oauth2accesstoken\",\"password\":\"t0ken\"}\n",
               "--mode=creds", "--output=json", "get", URL);
    ASSERT_OUT("{\"username\":\"m\\\"e\",\"password\":\"t0ken\"}\n",
               "--mode=creds", "--output=json", "get", URL, "m\"e");
}

static void
options_stand_anywhere(void **state)
{
    static char *const rows[][8] = {
        {"--mode", "creds", "get", URL, "u"},
        {"--mode=creds", "get", URL, "u"},
        {"get", "--mode", "creds", URL, "u"},
        {"get", URL, "--mode=creds", "u"},
        {"get", URL, "u", "--output", "plain", "--mode", "creds"},
        {"--mode", "password", "get", URL, "u", "--mode", "creds"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(run((char **)rows[i]), 0);
        assert_string_equal(vk_buf_str(&out), "u\nt0ken\n");
        assert_string_equal(asked, ASKED);
    }
}

static void
wrong_usage_is_what_argparse_refuses(void **state)
{
    static char *const rows[][8] = {
        {NULL},
        {"get"},
        {"get", URL},
        {"get", "--mode", "creds"},
        {"get", URL, "u", "more"},
        {"set", URL},
        {"del", URL},
        {"frob", URL, "u"},
        {"--mode", "creds"},
        {"get", URL, "u", "--mode"},
        {"get", URL, "u", "--mode="},
        {"get", URL, "u", "--mode", "Creds"},
        {"get", URL, "u", "--output", "creds"},
        {"get", URL, "u", "--modes=creds"},
        {"get", URL, "u", "--"},
        {"-b", "null", "get", URL, "u"},
        {"-p", "/x", "get", URL, "u"},
        {"get", "--list-backends", "u"},
        {"diagnose", URL},
        {"--list-backends", URL},
        {""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(run((char **)rows[i]), WRONG_USAGE);
        assert_int_equal(gets + drops, 0);
    }
    assert_int_equal(vk_codec.usage_exit, 2);
}

static void
user_information_is_no_part_of_the_url(void **state)
{
    static char *const rows[][2] = {
        {"https://me@pypi.example.com/simple/", ASKED},
        {"https://me:pa%40ss@pypi.example.com/simple/", ASKED},
        {"https://@pypi.example.com/simple/", ASKED},
        {"https://pypi.example.com/a@b", "https pypi.example.com 0 /a@b"},
        {"https://pypi.example.com?a@b", "https pypi.example.com 0 "},
        {"https://me@[::1]:81/x", "https [::1] 81 /x"},
        {"me@127.0.0.1:7401", " 127.0.0.1 7401 "},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ASSERT_OUT("t0ken\n", "get", rows[i][0], "u");
        assert_string_equal(asked, rows[i][1]);
    }
}

/* Where programs differ on which host it is, it is nobody's. */
static void
doubtful_user_information_is_served_by_nobody(void **state)
{
    static char *const urls[] = {
        "https://evil.example\\@pypi.example.com/simple/",
        "https://evil.example@me@pypi.example.com/simple/",
        "https://evil.example[@pypi.example.com/simple/",
        "https://m\xc3\xa4@pypi.example.com/simple/",
        "https://a b@pypi.example.com/simple/",
        "https://pypi.example.com\\simple",
        "https://pypi.example.com/\n",
        "https://",
        "https:///simple",
        "",
        "\xff\xfe",
        "a@b",
        "system",
    };

    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        ASSERT_NONE("get", urls[i], "u");
        assert_int_equal(gets, 0);
    }
}

/* It may be that of an http index: the token would go out in the clear. */
static void
a_host_without_a_scheme_is_served_on_loopback_only(void **state)
{
    (void)state;
    ASSERT_NONE("get", "pypi.example.com", "u");
    ASSERT_NONE("get", "pypi.example.com:443", "u");
    ASSERT_NONE("get", "127.0.0.1.example.com", "u");
    assert_int_equal(gets, 0);
    ASSERT_OUT("t0ken\n", "get", "localhost:8080", "u");
    ASSERT_OUT("t0ken\n", "get", "127.0.0.1:7401", "u");
    ASSERT_OUT("t0ken\n", "get", "[::1]", "u");
}

static void
a_url_that_is_too_long_is_served_by_nobody(void **state)
{
    char url[70001] = URL;

    (void)state;
    memset(url + strlen(URL), 'a', sizeof url - 1 - strlen(URL));
    ASSERT_NONE("get", url, "u");
    assert_int_equal(gets, 0);
}

static void
a_user_name_of_two_lines_is_nobody(void **state)
{
    (void)state;
    ASSERT_NONE("--mode", "creds", "get", URL, "a\nb");
    ASSERT_NONE("get", URL, "a\rb");
    ASSERT_NONE("get", URL, "a\x7f");
    assert_int_equal(gets, 0);
}

static void
none_is_status_1_and_silence(void **state)
{
    (void)state;
    outcome = VK_NOCLIENT;
    ASSERT_NONE("get", URL, "u");
    assert_string_equal(vk_log_last(), "");
    assert_string_equal(vk_log_note(), "");
}

static void
a_failure_is_status_1_and_a_reason(void **state)
{
    (void)state;
    outcome = VK_UNREACHABLE;
    ASSERT_NONE("--mode", "creds", "get", URL, "u");
    assert_string_equal(vk_log_note(), vk_err_text(VK_UNREACHABLE));
}

static void
nothing_is_stored(void **state)
{
    (void)state;
    ASSERT_NONE("set", URL, "u");
    assert_string_equal(vk_log_last(),
                        "cannot store a password: valetkey makes tokens and"
                        " stores none; see 'valetkey add --serves'");
    ASSERT_NONE("--disable");
    assert_int_equal(gets + drops, 0);
}

static void
del_drops_the_token(void **state)
{
    (void)state;
    ASSERT_OUT("", "del", "https://me@pypi.example.com/simple/", "u");
    assert_string_equal(asked, ASKED);
    assert_int_equal(drops, 1);
    outcome = VK_NOCLIENT;
    ASSERT_NONE("del", URL, "u");
    assert_string_equal(vk_log_last(), "no client serves this URL");
}

static void
says_what_it_is(void **state)
{
    (void)state;
    ASSERT_OUT("valetkey\n", "--list-backends");
    assert_int_equal(RUN("diagnose"), 0);
    assert_non_null(strstr(vk_buf_str(&out), "valetkey " PACKAGE_VERSION));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        /* The first, as nothing has been logged yet. */
        cmocka_unit_test_setup(none_is_status_1_and_silence, succeed),
        cmocka_unit_test_setup(a_failure_is_status_1_and_a_reason, succeed),
        cmocka_unit_test_setup(a_password_is_a_line, succeed),
        cmocka_unit_test_setup(creds_are_a_user_name_and_a_password, succeed),
        cmocka_unit_test_setup(options_stand_anywhere, succeed),
        cmocka_unit_test_setup(wrong_usage_is_what_argparse_refuses, succeed),
        cmocka_unit_test_setup(user_information_is_no_part_of_the_url,
                               succeed),
        cmocka_unit_test_setup(doubtful_user_information_is_served_by_nobody,
                               succeed),
        cmocka_unit_test_setup(
            a_host_without_a_scheme_is_served_on_loopback_only, succeed),
        cmocka_unit_test_setup(a_url_that_is_too_long_is_served_by_nobody,
                               succeed),
        cmocka_unit_test_setup(a_user_name_of_two_lines_is_nobody, succeed),
        cmocka_unit_test_setup(nothing_is_stored, succeed),
        cmocka_unit_test_setup(del_drops_the_token, succeed),
        cmocka_unit_test_setup(says_what_it_is, succeed),
    };

    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    vk_buf_clear(&out);
    return failed;
}

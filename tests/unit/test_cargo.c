/* SPDX-License-Identifier: MIT */
/*
 * The codec alone: a line in, a line out.  What the shared part would do
 * (helpers/helper.c) is played by fakes that note what they were asked.
 */
#include "helpers/cargo-credential-valetkey.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define INDEX "sparse+https://crates.example/index/"
#define REGISTRY "\"registry\":{\"index-url\":\"" INDEX "\",\"name\":\"vk\"}"
#define GET(more) "{\"v\":1," REGISTRY ",\"kind\":\"get\"" more "}"
#define OK(header)                                     \
    "{\"Ok\":{\"kind\":\"get\",\"token\":\"" header    \
    "\",\"cache\":\"expires\",\"expiration\":17952300" \
    "00,\"operation_independent\":true}}\n"
#define ERR(text) "{\"Err\":{\"kind\":\"other\",\"message\":\"" text "\"}}\n"
#define REFUSAL(kind) "{\"Err\":{\"kind\":\"" kind "\"}}\n"

VK_STATIC_BUF(out, 65536);

/* What the fakes come to and hand out, and what they were asked. */
static enum vk_err outcome;
static struct vk_span value;
static char asked_for[512];
static int gets;
static int64_t preferred;

static enum vk_err
come_to(const struct vk_wish *wish, struct vk_token *token)
{
    gets++;
    preferred = wish->prefers;
    assert_int_equal(wish->min_validity, 0);
    if (outcome == VK_OK)
        *token = (struct vk_token){.value = value, .expires = 1795230000};
    else if (outcome != VK_NOCLIENT)
        return vk_fail(outcome, "it is \"out\"");
    return outcome;
}

enum vk_err
vk_helper_get(const struct vk_url *url, const struct vk_wish *wish,
              struct vk_token *token)
{
    snprintf(asked_for, sizeof asked_for, "%.*s %.*s %u %.*s",
             (int)url->scheme.len, url->scheme.ptr, (int)url->host.len,
             url->host.ptr, url->port, (int)url->path.len, url->path.ptr);
    return come_to(wish, token);
}

enum vk_err
vk_helper_get_named(const char *name, const struct vk_wish *wish,
                    struct vk_token *token)
{
    snprintf(asked_for, sizeof asked_for, "named %s", name);
    enum vk_err err = come_to(wish, token);
    return err == VK_NOCLIENT ? vk_fail(err, "there is no '%s'", name) : err;
}

/* Here outcome is that of the look at clients.conf. */
enum vk_err
vk_helper_serves(const struct vk_url *url)
{
    snprintf(asked_for, sizeof asked_for, "served %.*s", (int)url->host.len,
             url->host.ptr);
    return outcome == VK_CONFIG ? vk_fail(outcome, "it is \"out\"") : outcome;
}

/* As helper.c does it: the answer is in out, the result is the exit status. */
static int
run(const struct vk_verb *verb, struct vk_span request)
{
    struct vk_call call = {.verb = verb->name, .request = request};

    call.out = &out;
    gets = 0;
    asked_for[0] = '\0';
    vk_buf_clear(&out);
    enum vk_err err = verb->run(&call);
    if (err != VK_OK)
        (vk_codec.fail)(&call, err);
    return call.exit;
}

static void
assert_span_answer(struct vk_span line, const char *expected)
{
    assert_int_equal(run(&verbs[0], line), 0);
    assert_string_equal(vk_buf_str(&out), expected);
}

static void
assert_answer(const char *line, const char *expected)
{
    assert_span_answer(vk_span_str(line), expected);
}

/* Refused before anybody was asked for a token. */
static void
assert_refused(const char *line, const char *message)
{
    char expected[512];

    snprintf(expected, sizeof expected, ERR("%s"), message);
    assert_answer(line, expected);
    assert_int_equal(gets, 0);
}

/* What the command line comes to: a verb, or NULL. */
static const char *
arrange_words(const char *const words[8])
{
    struct vk_call call = {.verb = NULL};
    char *argv[9] = {NULL};
    int argc = 0;

    for (; words[argc] != NULL; argc++)
        argv[argc] = (char *)(uintptr_t)words[argc];
    return (vk_codec.arrange)(argc, argv, &call);
}

#define ARRANGE(...) arrange_words((const char *[8]){"x", __VA_ARGS__})

static void
assert_printed(const char *expected)
{
    assert_int_equal(run(&verbs[1], VK_SPAN("")), 0);
    assert_string_equal(vk_buf_str(&out), expected);
}

/* Each test starts with a token and nothing that was said. */
static int
succeed(void **state)
{
    (void)state;
    outcome = VK_OK;
    value = VK_SPAN("t0ken");
    unsetenv("CARGO_REGISTRY_INDEX_URL");
    vk_log_keep();
    /* vk_log_last has no way to forget but this. */
    return vk_fail(VK_OK, "%s", "") == VK_OK ? 0 : 1;
}

static void
answers_every_operation_with_the_same_token(void **state)
{
    static const char *const operations[] = {
        GET(",\"operation\":\"read\""),
        GET(",\"operation\":\"publish\",\"name\":\"a\",\"vers\":\"1.0.0\","
            "\"cksum\":\"x\""),
        GET(",\"operation\":\"yank\",\"name\":\"a\",\"vers\":\"1.0.0\""),
        GET(",\"operation\":\"unyank\",\"name\":\"a\",\"vers\":\"1.0.0\""),
        GET(",\"operation\":\"owners\",\"name\":\"a\""),
        GET(",\"operation\":\"to be invented\",\"more\":[{\"x\":null}]"),
        GET(""),
    };

    (void)state;
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        assert_answer(operations[i], OK("Bearer t0ken"));
        assert_string_equal(asked_for, "https crates.example 0 /index/");
        assert_int_equal(gets, 1);
    }
}

/* cargo does not keep a token that has less than a minute left. */
static void
prefers_a_token_that_cargo_will_keep(void **state)
{
    (void)state;
    assert_answer(GET(""), OK("Bearer t0ken"));
    assert_in_range(preferred, 61, 300);
}

static void
asks_for_the_url_behind_the_kind_of_index(void **state)
{
    static const char *const rows[][2] = {
        {"https://a.example/i", "https a.example 0 /i"},
        {"sparse+https://a.example:8443/i/", "https a.example 8443 /i/"},
        {"registry+https://a.example/i.git", "https a.example 0 /i.git"},
        {"sparse+http://127.0.0.1:81/", "http 127.0.0.1 81 /"},
        {"ssh://a.example/i", "ssh a.example 0 /i"},
        {"https://github.com/rust-lang/crates.io-index2",
         "https github.com 0 /rust-lang/crates.io-index2"},
    };
    char line[512];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(line, sizeof line,
                 "{\"kind\":\"get\",\"v\":1,\"registry\":{\"headers\":[\"x\"]"
                 ",\"index-url\":\"%s\"}}",
                 rows[i][0]);
        assert_answer(line, OK("Bearer t0ken"));
        assert_string_equal(asked_for, rows[i][1]);
    }
}

static void
leaves_other_registries_to_other_providers(void **state)
{
    (void)state;
    outcome = VK_NOCLIENT;
    assert_answer(GET(""), REFUSAL("not-found"));
    assert_int_equal(gets, 1);
}

/* And nobody is asked, since nobody can serve it. */
static void
leaves_what_is_no_url_to_other_providers(void **state)
{
    static const char *const indexes[] = {
        "", "crates.example", "sparse+", "https://", "https://me@a.example/",
        "https://a b/", "https://a.example:0/",
        /* What cargo calls crates.io, though it sends the token there. */
        "https://github.com/rust-lang/crates.io-index",
        "registry+https://github.com/rust-lang/crates.io-index"};
    char line[512];

    (void)state;
    for (size_t i = 0; i < sizeof indexes / sizeof indexes[0]; i++) {
        snprintf(line, sizeof line,
                 "{\"v\":1,\"kind\":\"get\",\"registry\":{\"index-url\":"
                 "\"%s\"}}",
                 indexes[i]);
        assert_answer(line, REFUSAL("not-found"));
        assert_int_equal(gets, 0);
    }
}

static void
the_form_of_the_header_can_be_chosen(void **state)
{
    (void)state;
    assert_answer(GET(",\"args\":[]"), OK("Bearer t0ken"));
    assert_answer(GET(",\"args\":null"), OK("Bearer t0ken"));
    assert_answer(GET(",\"args\":[\"--no-scheme\"]"), OK("t0ken"));
    assert_answer(GET(",\"args\":[\"--scheme=Token\"]"), OK("Token t0ken"));
    assert_answer(GET(",\"args\":[\"--scheme=x-Y.1_z\"]"),
                  OK("x-Y.1_z t0ken"));
}

static void
a_token_can_be_named(void **state)
{
    (void)state;
    assert_answer(GET(",\"args\":[\"prod\"]"), OK("Bearer t0ken"));
    assert_string_equal(asked_for, "named prod");
    assert_int_equal(preferred, PREFERS);
    assert_answer(GET(",\"args\":[\"--no-scheme\",\"prod/crates\"]"),
                  OK("t0ken"));
    assert_string_equal(asked_for, "named prod/crates");
}

/* The user wants that one; another provider would only hide the mistake. */
static void
a_name_that_is_not_there_is_an_error(void **state)
{
    (void)state;
    outcome = VK_NOCLIENT;
    assert_answer(GET(",\"args\":[\"prod\"]"), ERR("there is no 'prod'"));
}

static void
a_name_does_not_open_plain_http(void **state)
{
    static const char *const indexes[] = {"sparse+http://a.example/",
                                          "http://a.example/",
                                          "ssh://a.example/",
                                          "file:///a",
                                          "a.example",
                                          "http://127.0.0.1.a.example/"};
    char line[512], message[128];

    (void)state;
    for (size_t i = 0; i < sizeof indexes / sizeof indexes[0]; i++) {
        snprintf(line, sizeof line,
                 "{\"v\":1,\"kind\":\"get\",\"registry\":{\"index-url\":"
                 "\"%s\"},\"args\":[\"prod\"]}",
                 indexes[i]);
        snprintf(message, sizeof message,
                 "no token goes to '%s', which is no https URL", indexes[i]);
        assert_refused(line, message);
    }
}

static void
shows_no_index_with_a_login(void **state)
{
    static const char url[] = "sparse+https://me:pass@a.example/";

    (void)state;
    assert_refused("{\"v\":1,\"kind\":\"get\",\"registry\":{\"index-url\":"
                   "\"sparse+https://me:pass@a.example/\"},"
                   "\"args\":[\"prod\"]}",
                   "no token goes to 'a URL with a login in it', which is no"
                   " https URL");
    assert_string_equal(ARRANGE(url), "print");
    assert_int_equal(run(&verbs[1], VK_SPAN("")), 1);
    assert_string_equal(vk_log_last(),
                        "no client serves 'a URL with a login in it';"
                        " 'valetkey list' shows what is served");
}

/* What did not fit is not in the answer to the next line. */
static void
a_prefix_that_is_too_long_spoils_no_other_answer(void **state)
{
    static char line[HEADER_MAX + 512], word[HEADER_MAX];

    (void)state;
    memset(word, 'x', sizeof word - 1);
    snprintf(line, sizeof line, GET(",\"args\":[\"--scheme=%s\"]"), word);
    assert_int_equal(run(&verbs[0], vk_span_str(line)), 0);
    assert_non_null(strstr(vk_buf_str(&out), "\"Err\""));
    assert_answer(GET(""), OK("Bearer t0ken"));
}

static void
refuses_arguments_that_it_does_not_know(void **state)
{
    static const char *const words[] = {"--raw",
                                        "-s",
                                        "",
                                        "--scheme",
                                        "--scheme=",
                                        "--scheme=a b",
                                        "--no-scheme=1",
                                        "https://other.example/"};
    char line[512], message[256];

    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        snprintf(line, sizeof line, GET(",\"args\":[\"%s\",\"prod\",\"x\"]"),
                 words[i]);
        /* A URL is the first name here, and there can be one. */
        snprintf(message, sizeof message,
                 "wrong argument '%s'; there are --scheme=WORD, --no-scheme"
                 " and the name of a token",
                 i == 7 ? "prod" : words[i]);
        assert_refused(line, message);
    }
    assert_refused(GET(",\"args\":[1]"), "the request's args are no words");
    assert_refused(GET(",\"args\":[null]"), "the request's args are no words");
    assert_refused(GET(",\"args\":[\"prod\\u0000x\"]"),
                   "the request's args are no words");
    assert_refused(GET(",\"args\":\"prod\""),
                   "the request's args are no list");
    assert_refused(GET(",\"args\":{}"), "the request's args are no list");
}

static void
keeps_no_logins(void **state)
{
    static const char *const kinds[] = {"login", "logout", "Get", "", "get "};
    char line[512];

    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        snprintf(line, sizeof line,
                 "{\"v\":1," REGISTRY ",\"kind\":\"%s\",\"token\":\"x\"}",
                 kinds[i]);
        assert_answer(line, REFUSAL("operation-not-supported"));
        assert_int_equal(gets, 0);
    }
    assert_answer("{\"v\":1," REGISTRY "}",
                  REFUSAL("operation-not-supported"));
    assert_answer("{\"v\":1," REGISTRY ",\"kind\":1}",
                  REFUSAL("operation-not-supported"));
}

/* cargo asks the next provider then. */
static void
leaves_logins_elsewhere_to_others(void **state)
{
    static const char crates_io[] =
        "{\"v\":1,\"registry\":{\"index-url\":\"https://github.com/rust-lang/"
        "crates.io-index\"},\"kind\":\"login\",\"token\":\"x\"}";
    static const char login[] =
        "{\"v\":1," REGISTRY ",\"kind\":\"login\",\"args\":[]}";
    static const char named[] =
        "{\"v\":1," REGISTRY ",\"kind\":\"login\",\"args\":[\"prod\"]}";

    (void)state;
    assert_answer(crates_io, REFUSAL("url-not-supported"));
    assert_string_equal(asked_for, "");
    assert_answer(login, REFUSAL("operation-not-supported"));
    assert_string_equal(asked_for, "served crates.example");
    outcome = VK_NOCLIENT;
    assert_answer(login, REFUSAL("url-not-supported"));
    /* What is named for a registry is meant for it. */
    assert_answer(named, REFUSAL("operation-not-supported"));
    outcome = VK_CONFIG;
    assert_answer(login, ERR("it is \\\"out\\\""));
    assert_int_equal(gets, 0);
}

static void
speaks_one_version_only(void **state)
{
    static const char *const versions[] = {
        "0",  "2",    "-1",    "\"1\"", "[1]",       "1.0",
        "{}", "true", "1e400", "null",  "4294967297"};
    char line[512];

    (void)state;
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        snprintf(line, sizeof line, "{\"v\":%s," REGISTRY ",\"kind\":\"get\"}",
                 versions[i]);
        assert_refused(line, "the request is not of version 1 of cargo's"
                             " protocol; no other is known");
    }
    assert_refused("{" REGISTRY ",\"kind\":\"get\"}",
                   "the request is not of version 1 of cargo's protocol; no"
                   " other is known");
}

static void
refuses_what_is_no_request(void **state)
{
    static const char *const lines[] = {"",
                                        " ",
                                        "x",
                                        "[]",
                                        "\"get\"",
                                        "{",
                                        GET("") "x",
                                        GET("") GET(""),
                                        "{\"v\":1,}",
                                        "\xff",
                                        "{\"v\":1,\"kind\":\"\xff\"}",
                                        "null",
                                        "1"};

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        assert_refused(lines[i], "the request is no JSON object");
    assert_span_answer(VK_SPAN("\0{}"), ERR("the request is no JSON object"));
    assert_refused("{\"v\":1,\"kind\":\"get\"}",
                   "the request names no registry");
    assert_refused("{\"v\":1,\"kind\":\"get\",\"registry\":[]}",
                   "the request names no registry");
    assert_refused("{\"v\":1,\"kind\":\"get\",\"registry\":"
                   "{\"index-url\":1}}",
                   "the request names no registry");
    assert_refused("{\"v\":1,\"kind\":\"get\",\"registry\":{\"index-url\":"
                   "\"https://crates.example\\u0000.evil.example\"}}",
                   "the request names no registry");
}

static void
of_two_members_with_one_name_the_last_counts(void **state)
{
    (void)state;
    assert_answer(GET(",\"kind\":\"logout\""),
                  REFUSAL("operation-not-supported"));
    assert_answer(GET(",\"registry\":{\"index-url\":\"https://b.example\"}"),
                  OK("Bearer t0ken"));
    assert_string_equal(asked_for, "https b.example 0 ");
}

/* cargo shows the message, and would not look at it with another status. */
static void
says_why_there_is_no_token(void **state)
{
    static const enum vk_err errs[] = {
        VK_REFUSED, VK_HELD,   VK_UNREACHABLE, VK_BADREPLY, VK_REQUEST,
        VK_LOCKED,  VK_CONFIG, VK_NOSECRET,    VK_NOKEYRING};

    (void)state;
    for (size_t i = 0; i < sizeof errs / sizeof errs[0]; i++) {
        outcome = errs[i];
        assert_answer(GET(""), ERR("it is \\\"out\\\""));
    }
}

static void
says_nothing_of_what_it_had_when_it_fails(void **state)
{
    struct vk_call call = {.verb = "answer", .out = &out};

    (void)state;
    vk_buf_clear(&out);
    assert_int_equal(vk_buf_add_str(&out, "{\"Ok\":t0ken"), VK_OK);
    (vk_codec.fail)(&call, VK_NOMEM);
    assert_string_equal(vk_buf_str(&out), ERR("out of memory"));
    assert_int_equal(call.exit, 0);
}

static void
takes_the_longest_token_there_is(void **state)
{
    static char longest[16384];

    (void)state;
    memset(longest, '"', sizeof longest);
    value = (struct vk_span){longest, sizeof longest};
    assert_int_equal(run(&verbs[0], VK_SPAN(GET(""))), 0);
    assert_int_equal(out.len, strlen(OK("Bearer ")) + 2 * sizeof longest);
}

static void
prints_one_line_for_token_from_stdout(void **state)
{
    (void)state;
    assert_string_equal(ARRANGE(INDEX), "print");
    assert_printed("Bearer t0ken\n");
    assert_string_equal(asked_for, "https crates.example 0 /index/");
    assert_int_equal(preferred, PREFERS);
    assert_string_equal(ARRANGE("--scheme=Token", "prod", INDEX), "print");
    assert_printed("Token t0ken\n");
    assert_string_equal(asked_for, "named prod");
    assert_string_equal(ARRANGE(INDEX, "--no-scheme"), "print");
    assert_printed("t0ken\n");
}

static void
reads_the_index_from_the_environment(void **state)
{
    (void)state;
    setenv("CARGO_REGISTRY_INDEX_URL", "https://env.example/i", 1);
    assert_string_equal(ARRANGE(), "print");
    assert_printed("Bearer t0ken\n");
    assert_string_equal(asked_for, "https env.example 0 /i");
    assert_string_equal(ARRANGE(INDEX), "print");
    assert_printed("Bearer t0ken\n");
    assert_string_equal(asked_for, "https crates.example 0 /index/");
}

static void
prints_nothing_where_there_is_no_token(void **state)
{
    static const enum vk_err errs[] = {VK_NOCLIENT, VK_REFUSED, VK_CONFIG};

    (void)state;
    assert_string_equal(ARRANGE(INDEX), "print");
    for (size_t i = 0; i < sizeof errs / sizeof errs[0]; i++) {
        outcome = errs[i];
        assert_int_equal(run(&verbs[1], VK_SPAN("")), 1);
        assert_int_equal(out.len, 0);
        assert_string_not_equal(vk_log_last(), "");
    }
    assert_string_equal(ARRANGE("prod", "http://a.example/"), "print");
    outcome = VK_OK;
    assert_int_equal(run(&verbs[1], VK_SPAN("")), 1);
    assert_int_equal(out.len + (size_t)gets, 0);
}

static void
refuses_wrong_command_lines(void **state)
{
    (void)state;
    assert_null(ARRANGE());
    assert_null(ARRANGE("prod"));
    assert_null(ARRANGE("answer"));
    assert_null(ARRANGE("print"));
    assert_null(ARRANGE("--raw", INDEX));
    assert_null(ARRANGE("a", "b", INDEX));
    assert_null(ARRANGE(INDEX, "--cargo-plugin"));
    assert_null(ARRANGE("--cargo-plugin", INDEX));
}

static void
greets_and_then_reads_lines(void **state)
{
    (void)state;
    assert_string_equal(ARRANGE("--cargo-plugin"), "answer");
    assert_string_equal(verbs[0].name, "answer");
    assert_int_equal(verbs[0].request, VK_LINES);
    assert_string_equal(verbs[1].name, "print");
    assert_int_equal(verbs[1].request, VK_NO_REQUEST);
    assert_null(verbs[2].name);
    assert_string_equal(vk_codec.greeting, "{\"v\":[1]}\n");
    assert_string_equal(vk_codec.program, "cargo-credential-valetkey");
    assert_false(vk_codec.ignores_unknown_verbs);
}

#define TEST(name) cmocka_unit_test_setup(name, succeed)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answers_every_operation_with_the_same_token),
        TEST(prefers_a_token_that_cargo_will_keep),
        TEST(asks_for_the_url_behind_the_kind_of_index),
        TEST(leaves_other_registries_to_other_providers),
        TEST(leaves_what_is_no_url_to_other_providers),
        TEST(the_form_of_the_header_can_be_chosen),
        TEST(a_token_can_be_named),
        TEST(a_name_that_is_not_there_is_an_error),
        TEST(a_name_does_not_open_plain_http),
        TEST(shows_no_index_with_a_login),
        TEST(a_prefix_that_is_too_long_spoils_no_other_answer),
        TEST(refuses_arguments_that_it_does_not_know),
        TEST(keeps_no_logins),
        TEST(leaves_logins_elsewhere_to_others),
        TEST(speaks_one_version_only),
        TEST(refuses_what_is_no_request),
        TEST(of_two_members_with_one_name_the_last_counts),
        TEST(says_why_there_is_no_token),
        TEST(says_nothing_of_what_it_had_when_it_fails),
        TEST(takes_the_longest_token_there_is),
        TEST(prints_one_line_for_token_from_stdout),
        TEST(reads_the_index_from_the_environment),
        TEST(prints_nothing_where_there_is_no_token),
        TEST(refuses_wrong_command_lines),
        TEST(greets_and_then_reads_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

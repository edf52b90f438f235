/* SPDX-License-Identifier: MIT */
/*
 * The codec alone: a request in, an answer out.  What the shared part would
 * do (helpers/helper.c) is played by fakes that note what they were asked.
 */
#include "helpers/valetkey-bazel.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ANSWER                                          \
    "{\"headers\":{\"Authorization\":[\"Bearer t0ken\"" \
    "]},\"expires\":\"2026-11-21T03:00:00Z\"}\n"

VK_STATIC_BUF(out, 65536);

/* What the fakes come to and hand out, and what they were asked. */
static enum vk_err outcome;
static struct vk_span value;
static char asked[512];
static int gets;
static int64_t timeout_ms;

enum vk_err
vk_helper_get(const struct vk_url *url, const struct vk_wish *wish,
              struct vk_token *token)
{
    gets++;
    timeout_ms = wish->timeout_ms;
    snprintf(asked, sizeof asked, "%.*s %.*s %u %.*s", (int)url->scheme.len,
             url->scheme.ptr, (int)url->host.len, url->host.ptr, url->port,
             (int)url->path.len, url->path.ptr);
    if (outcome == VK_OK)
        *token = (struct vk_token){.value = value, .expires = 1795230000};
    return outcome;
}

/* As helper.c does it: the answer is in out, the result is the exit status. */
static int
run_span(struct vk_span request)
{
    struct vk_call call = {.verb = "get", .request = request, .out = &out};

    gets = 0;
    asked[0] = '\0';
    vk_buf_clear(&out);
    enum vk_err err = get(&call);
    if (err != VK_OK)
        (vk_codec.fail)(&call, err);
    return call.exit;
}

static void
assert_answer(const char *request, const char *expected)
{
    assert_int_equal(run_span(vk_span_str(request)), 0);
    assert_string_equal(vk_buf_str(&out), expected);
}

/* Refused before anybody was asked for a token. */
static void
assert_refused(struct vk_span request, const char *message)
{
    assert_int_equal(run_span(request), 1);
    assert_int_equal(out.len + (size_t)gets, 0);
    assert_string_equal(vk_log_last(), message);
}

static int
succeed(void **state)
{
    (void)state;
    outcome = VK_OK;
    value = VK_SPAN("t0ken");
    vk_log_keep();
    return 0;
}

static void
answers_with_a_header_and_its_end(void **state)
{
    (void)state;
    assert_answer("{\"uri\":\"https://cache.example/ac/0?x#y\"}", ANSWER);
    assert_string_equal(asked, "https cache.example 0 /ac/0");
    assert_answer("{\"uri\":\"grpcs://re.example:8980/pkg.Service/Method\"}\n",
                  ANSWER);
    assert_string_equal(asked, "grpcs re.example 8980 /pkg.Service/Method");
    assert_answer(" {\"more\":[{}],\"uri\":\"http://127.0.0.1:1/\"} ", ANSWER);
    assert_string_equal(asked, "http 127.0.0.1 1 /");
}

/* After ten seconds Bazel does not listen any more. */
static void
leaves_bazel_time_to_hear_the_reason(void **state)
{
    (void)state;
    assert_answer("{\"uri\":\"https://cache.example\"}", ANSWER);
    assert_in_range(timeout_ms, 1000, 9000);
}

static void
has_no_header_for_what_no_client_serves(void **state)
{
    (void)state;
    outcome = VK_NOCLIENT;
    assert_answer("{\"uri\":\"https://cache.example/\"}", "{}\n");
    assert_int_equal(gets, 1);
}

static void
has_no_header_for_what_is_no_url(void **state)
{
    static const char *const uris[] = {
        "",
        "cache.example",
        "cache.example/x",
        "https://",
        "unix:/run/x",
        "https://me@cache.example/",
        "https://a b/",
        "://cache.example/",
        "https://cache.example\\u0000.evil.example/"};
    char request[128];

    (void)state;
    for (size_t i = 0; i < sizeof uris / sizeof uris[0]; i++) {
        snprintf(request, sizeof request, "{\"uri\":\"%s\"}", uris[i]);
        assert_answer(request, "{}\n");
        assert_int_equal(gets, 0);
    }
}

static void
refuses_what_is_no_request(void **state)
{
    static const char *const texts[] = {"",
                                        "\n",
                                        "x",
                                        "[]",
                                        "\"uri\"",
                                        "{",
                                        "{\"uri\":\"https://a.example\"",
                                        "{\"uri\":\"https://a.example\"}{}",
                                        "{\"uri\":\"\xff\"}",
                                        "null"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_refused(vk_span_str(texts[i]), "the request is no JSON object");
    assert_refused(VK_SPAN("\0{}"), "the request is no JSON object");
    assert_refused(VK_SPAN("{}"), "the request names no uri");
    assert_refused(VK_SPAN("{\"url\":\"https://a.example\"}"),
                   "the request names no uri");
    assert_refused(VK_SPAN("{\"uri\":null}"), "the request names no uri");
    assert_refused(VK_SPAN("{\"uri\":[\"https://a.example\"]}"),
                   "the request names no uri");
}

static void
of_two_members_with_one_name_the_last_counts(void **state)
{
    (void)state;
    assert_answer("{\"uri\":\"https://a.example\",\"uri\":"
                  "\"https://b.example\"}",
                  ANSWER);
    assert_string_equal(asked, "https b.example 0 ");
}

static void
prints_nothing_when_it_fails(void **state)
{
    static const enum vk_err errs[] = {VK_REFUSED, VK_HELD, VK_UNREACHABLE,
                                       VK_LOCKED, VK_CONFIG};

    (void)state;
    for (size_t i = 0; i < sizeof errs / sizeof errs[0]; i++) {
        outcome = errs[i];
        assert_int_equal(
            run_span(VK_SPAN("{\"uri\":\"https://cache.example\"}")), 1);
        assert_int_equal(out.len, 0);
    }
}

static void
says_nothing_of_what_it_had_when_it_fails(void **state)
{
    struct vk_call call = {.verb = "get", .out = &out};

    (void)state;
    vk_buf_clear(&out);
    assert_int_equal(vk_buf_add_str(&out, "{\"headers\":t0ken"), VK_OK);
    (vk_codec.fail)(&call, VK_NOMEM);
    assert_int_equal(out.len, 0);
    assert_int_equal(call.exit, 1);
}

/* Bazel reads only after the helper has ended. */
static void
the_longest_answer_fits_into_a_pipe(void **state)
{
    static char longest[16384];

    (void)state;
    memset(longest, '"', sizeof longest);
    value = (struct vk_span){longest, sizeof longest};
    assert_int_equal(run_span(VK_SPAN("{\"uri\":\"https://a.example\"}")), 0);
    assert_int_equal(out.len,
                     strlen(ANSWER) - strlen("t0ken") + 2 * sizeof longest);
    assert_true(out.len < 60000);
}

static void
more_arguments_do_not_matter(void **state)
{
    static char *argv[] = {(char *)(uintptr_t) "valetkey-bazel",
                           (char *)(uintptr_t) "get",
                           (char *)(uintptr_t) "--more"};
    struct vk_call call = {.verb = NULL};

    (void)state;
    assert_null((vk_codec.arrange)(1, argv, &call));
    assert_string_equal((vk_codec.arrange)(2, argv, &call), "get");
    assert_string_equal((vk_codec.arrange)(3, argv, &call), "get");
    assert_string_equal(verbs[0].name, "get");
    assert_int_equal(verbs[0].request, VK_UNTIL_EOF);
    assert_null(verbs[1].name);
    assert_false(vk_codec.ignores_unknown_verbs);
    assert_string_equal(vk_codec.program, "valetkey-bazel");
}

#define TEST(name) cmocka_unit_test_setup(name, succeed)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answers_with_a_header_and_its_end),
        TEST(leaves_bazel_time_to_hear_the_reason),
        TEST(has_no_header_for_what_no_client_serves),
        TEST(has_no_header_for_what_is_no_url),
        TEST(refuses_what_is_no_request),
        TEST(of_two_members_with_one_name_the_last_counts),
        TEST(prints_nothing_when_it_fails),
        TEST(says_nothing_of_what_it_had_when_it_fails),
        TEST(the_longest_answer_fits_into_a_pipe),
        TEST(more_arguments_do_not_matter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * The codec alone: a request in, an answer out.  What the shared part would
 * do (helpers/helper.c) is played by fakes that note what they were asked.
 */
#include "base/buf.h"

/* A helper runs once and keeps its buffers; here each call has its own. */
#undef VK_STATIC_BUF
#define VK_STATIC_BUF(name, size) VK_AUTO_BUF name = VK_BUF(size)

#include "helpers/valetkey-kubelet.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define API "credentialprovider.kubelet.k8s.io/"
#define HEAD(version)                          \
    "{\"kind\":\"CredentialProviderRequest\"," \
    "\"apiVersion\":\"" API version "\""
#define ASK(image) HEAD("v1") ",\"image\":\"" image "\"}"
#define ANSWER(version, type, seconds, auth)               \
    "{\"kind\":\"CredentialProviderResponse\","            \
    "\"apiVersion\":\"" API version "\",\"cacheKeyType\":" \
    "\"" type "\",\"cacheDuration\":\"" seconds "s\",\"auth\":" auth "}\n"
#define LOGIN(key) \
    "{\"" key "\":{\"username\":\"user\",\"password\":\"t0ken\"}}"

static struct vk_buf out = VK_BUF(65536);

/* What the fakes come to, and what they were asked. */
static enum vk_err outcome;
static bool paths;
static char asked[512];
static int gets;

enum vk_err
vk_helper_get(const struct vk_url *url, const struct vk_wish *wish,
              struct vk_token *token)
{
    assert_int_equal(wish->prefers, 60);
    assert_int_equal(wish->refused, 0);
    gets++;
    snprintf(asked, sizeof asked, "%.*s|%.*s %u %.*s", (int)url->scheme.len,
             url->scheme.ptr, (int)url->host.len, url->host.ptr, url->port,
             (int)url->path.len, url->path.ptr);
    if (outcome == VK_OK)
        *token = (struct vk_token){.value = VK_SPAN("t0ken"),
                                   .username = VK_SPAN("user"),
                                   .left = 240};
    return outcome;
}

bool
vk_helper_has_paths(const struct vk_url *url)
{
    assert_true(url->host.len > 0);
    return paths;
}

/* As helper.c does it: the answer is in out, the result is the exit status. */
static int
run(struct vk_span request, const char *option, const char *value)
{
    char *argv[] = {(char *)(uintptr_t) "valetkey-kubelet",
                    (char *)(uintptr_t)option, (char *)(uintptr_t)value, NULL};
    struct vk_call call = {.request = request, .out = &out};
    int argc = option == NULL ? 1 : value == NULL ? 2 : 3;

    gets = 0;
    asked[0] = '\0';
    vk_buf_clear(&out);
    call.verb = vk_codec.arrange(argc, argv, &call);
    if (call.verb == NULL)
        return -1;
    assert_string_equal(call.verb, verbs[0].name);
    assert_int_equal(verbs[0].request, VK_UNTIL_EOF);
    enum vk_err err = verbs[0].run(&call);
    if (err != VK_OK)
        (vk_codec.fail)(&call, err);
    return call.exit;
}

static void
assert_out(const char *expected)
{
    assert_string_equal(vk_buf_str(&out), expected);
}

static void
assert_answer(const char *request, const char *expected)
{
    assert_int_equal(run(vk_span_str(request), NULL, NULL), 0);
    assert_out(expected);
}

static void
assert_asks(const char *request, const char *expected)
{
    assert_int_equal(run(vk_span_str(request), NULL, NULL), 0);
    assert_string_equal(asked, expected);
}

static void
assert_refused(const char *request, const char *said)
{
    assert_int_equal(run(vk_span_str(request), NULL, NULL), 1);
    assert_out("");
    assert_int_equal(gets, 0);
    assert_string_equal(vk_log_last(), said);
}

static int
succeed(void **state)
{
    (void)state;
    outcome = VK_OK;
    paths = false;
    return 0;
}

static void
answers_with_a_login_for_the_registry(void **state)
{
    (void)state;
    assert_answer(ASK("r.example/team/app"),
                  ANSWER("v1", "Registry", "240", LOGIN("r.example")));
    assert_answer(
        HEAD("v1beta1") ",\"image\":\"r.example:5000/app:v1\"}",
        ANSWER("v1beta1", "Registry", "240", LOGIN("r.example:5000")));
    assert_answer(HEAD("v1") ",\"image\":\"r.example/app\",\"new\":[1],"
                             "\"serviceAccountToken\":\"x\"}\n",
                  ANSWER("v1", "Registry", "240", LOGIN("r.example")));
}

static void
looks_for_the_image_without_tag_and_digest(void **state)
{
    (void)state;
    assert_asks(ASK("r.example/a/b"), "|r.example 0 /a/b");
    assert_asks(ASK("r.example/a/b:v1.2-x"), "|r.example 0 /a/b");
    assert_asks(ASK("r.example/a/b@sha256:0123"), "|r.example 0 /a/b");
    assert_asks(ASK("r.example:5000/a/b:v1@sha256:0123"),
                "|r.example 5000 /a/b");
    assert_asks(ASK("localhost/a:v1"), "|localhost 0 /a");
    assert_asks(ASK("localhost:5000/a"), "|localhost 5000 /a");
    assert_asks(ASK("[::1]:5000/a:v1"), "|[::1] 5000 /a");
}

static void
images_without_a_registry_are_docker_hubs(void **state)
{
    (void)state;
    assert_asks(ASK("nginx"), "|docker.io 0 /library/nginx");
    assert_asks(ASK("nginx:1.27@sha256:0123"), "|docker.io 0 /library/nginx");
    assert_asks(ASK("team/app:v1"), "|docker.io 0 /team/app");
    assert_asks(ASK("a/b/c"), "|docker.io 0 /a/b/c");
    assert_asks(ASK("docker.io/nginx"), "|docker.io 0 /library/nginx");
    assert_asks(ASK("index.docker.io/library/nginx"),
                "|docker.io 0 /library/nginx");
    assert_answer(ASK("nginx"),
                  ANSWER("v1", "Registry", "240", LOGIN("docker.io")));
    /* The kubelet compares with what it asked for. */
    assert_answer(ASK("index.docker.io/library/nginx"),
                  ANSWER("v1", "Registry", "240", LOGIN("index.docker.io")));
}

static void
keeps_an_answer_as_it_is_told_to(void **state)
{
    struct vk_span request = vk_span_str(ASK("r.example/a/b:v1"));

    (void)state;
    assert_int_equal(run(request, "--cache-key-type", "Global"), 0);
    assert_out(ANSWER("v1", "Global", "240", LOGIN("r.example")));
    assert_int_equal(run(request, "--cache-key-type=Registry", NULL), 0);
    assert_out(ANSWER("v1", "Registry", "240", LOGIN("r.example")));
    assert_int_equal(run(request, "--cache-key-type", "Image"), 0);
    assert_out(ANSWER("v1", "Image", "240", LOGIN("r.example/a/b")));
}

static void
is_good_for_one_image_where_paths_have_tokens_of_their_own(void **state)
{
    struct vk_span request = vk_span_str(ASK("r.example/a/b:v1"));

    (void)state;
    paths = true;
    assert_answer(ASK("r.example/a/b:v1"),
                  ANSWER("v1", "Image", "240", LOGIN("r.example/a/b")));
    assert_int_equal(run(request, "--cache-key-type", "Global"), 0);
    assert_out(ANSWER("v1", "Image", "240", LOGIN("r.example/a/b")));
    assert_answer(ASK("nginx:1"),
                  ANSWER("v1", "Image", "240", LOGIN("docker.io/nginx")));
}

static void
an_image_that_nobody_serves_has_no_login(void **state)
{
    (void)state;
    outcome = VK_NOCLIENT;
    assert_answer(ASK("r.example/a"), ANSWER("v1", "Registry", "0", "null"));
    assert_int_equal(gets, 1);
}

static void
what_is_no_image_has_no_login(void **state)
{
    static const char *const requests[] = {
        ASK("https://r.example/a"),
        ASK("https:/r.example"),
        ASK("/a"),
        ASK("r.example//a"),
        ASK("r.example/a?b"),
        ASK("r.example/ "),
        ASK("me@r.example/\\u0000"),
        ASK("r.example/*"),
        ASK("*.a.b/c"),
        ASK("r.example:0/a"),
        ASK("r.example:99999/a"),
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(requests); i++) {
        assert_answer(requests[i], ANSWER("v1", "Registry", "0", "null"));
        assert_int_equal(gets, 0);
    }
}

static void
refuses_what_is_no_request(void **state)
{
#define KNOWN " is not known; " API "v1 and v1beta1 are"
    (void)state;
    assert_refused("", "the request is not a JSON object");
    assert_refused("[]", "the request is not a JSON object");
    assert_refused(ASK("a") "x", "the request is not a JSON object");
    assert_refused("{}", "the request is not a CredentialProviderRequest");
    assert_refused("{\"kind\":\"CredentialProviderRequest\"}",
                   "the request has no apiVersion");
    assert_refused(HEAD("v1alpha1") ",\"image\":\"a\"}",
                   "the apiVersion '" API "v1alpha1'" KNOWN);
    assert_refused(HEAD("v2") ",\"image\":\"a\"}",
                   "the apiVersion '" API "v2'" KNOWN);
    assert_refused(HEAD("v1") "}", "the request names no image");
    assert_refused(HEAD("v1") ",\"image\":null}",
                   "the request names no image");
    assert_refused(ASK(""), "the request names no image");
}

static void
refuses_other_command_lines(void **state)
{
    struct vk_span request = vk_span_str(ASK("r.example/a"));

    (void)state;
    assert_int_equal(run(request, "--cache-key-type", NULL), -1);
    assert_int_equal(run(request, "get", NULL), -1);
    assert_int_equal(run(request, "--cache-key-type=image", NULL), 1);
    assert_out("");
    assert_string_equal(
        vk_log_last(),
        "--cache-key-type must be Image, Registry or Global, not 'image'");
}

static void
fails_where_there_is_no_token(void **state)
{
    (void)state;
    outcome = VK_REFUSED;
    assert_int_equal(run(vk_span_str(ASK("r.example/a")), NULL, NULL), 1);
    assert_out("");
}

static void
takes_an_image_as_long_as_a_url_can_be(void **state)
{
    char request[5000];

    (void)state;
    snprintf(request, sizeof request,
             HEAD("v1") ",\"image\":\"docker.io/%02000d\"}", 0);
    assert_int_equal(run(vk_span_str(request), NULL, NULL), 0);
    assert_int_equal(gets, 1);
    snprintf(request, sizeof request,
             HEAD("v1") ",\"image\":\"docker.io/%04000d\"}", 0);
    assert_answer(request, ANSWER("v1", "Registry", "0", "null"));
    assert_int_equal(gets, 0);
}

int
main(void)
{
#define TEST(function) cmocka_unit_test_setup(function, succeed)
    const struct CMUnitTest tests[] = {
        TEST(answers_with_a_login_for_the_registry),
        TEST(looks_for_the_image_without_tag_and_digest),
        TEST(images_without_a_registry_are_docker_hubs),
        TEST(keeps_an_answer_as_it_is_told_to),
        TEST(is_good_for_one_image_where_paths_have_tokens_of_their_own),
        TEST(an_image_that_nobody_serves_has_no_login),
        TEST(what_is_no_image_has_no_login),
        TEST(refuses_what_is_no_request),
        TEST(refuses_other_command_lines),
        TEST(fails_where_there_is_no_token),
        TEST(takes_an_image_as_long_as_a_url_can_be),
    };

    vk_log_keep();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

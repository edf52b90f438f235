/* SPDX-License-Identifier: MIT */
/*
 * The codec alone: environment and command line in, an answer out.  What the
 * shared part would do (helpers/helper.c, keyring/given.c) is played by fakes
 * that note what they were asked.
 */
#include "helpers/valetkey-k8s.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define API "client.authentication.k8s.io/"
#define V1 "{\"kind\":\"ExecCredential\",\"apiVersion\":\"" API "v1\""
#define V1BETA1 \
    "{\"kind\":\"ExecCredential\",\"apiVersion\":\"" API "v1beta1\""
#define CLUSTER(server) \
    V1 ",\"spec\":{\"cluster\":{\"server\":\"" server "\"}}}\n"
#define STATUS                                                      \
    ",\"status\":{\"expirationTimestamp\":\"2026-11-21T07:00:00Z\"" \
    ",\"token\":\"t0ken\"}}\n"

static struct vk_buf out = VK_BUF(65536);

/* What the fakes come to, and what they were asked. */
static enum vk_err outcome;
static bool had_it;
static int64_t other_id; /* of what a refused one is replaced by */
static char asked[512], noted[256];
static int64_t refused[4];
static int gets;

static enum vk_err
hand_out(const struct vk_wish *wish, struct vk_token *token)
{
    assert_int_equal(wish->prefers, 2);
    assert_int_equal(wish->min_validity, 0);
    refused[gets++] = wish->refused;
    if (outcome == VK_OK)
        *token = (struct vk_token){.value = VK_SPAN("t0ken"),
                                   .name = "prod",
                                   .expires = 1795244400,
                                   .left = 600,
                                   .id = gets == 1 ? 77 : other_id};
    return outcome;
}

enum vk_err
vk_helper_get(const struct vk_url *url, const struct vk_wish *wish,
              struct vk_token *token)
{
    snprintf(asked, sizeof asked, "%.*s %.*s %u %.*s", (int)url->scheme.len,
             url->scheme.ptr, (int)url->host.len, url->host.ptr, url->port,
             (int)url->path.len, url->path.ptr);
    return hand_out(wish, token);
}

enum vk_err
vk_helper_get_named(const char *name, const struct vk_wish *wish,
                    struct vk_token *token)
{
    snprintf(asked, sizeof asked, "%s", name);
    return hand_out(wish, token);
}

static void
note(const char *what, const char *name, int64_t id, int64_t seconds,
     struct vk_span want)
{
    size_t len = strlen(noted);

    snprintf(noted + len, sizeof noted - len, "%s %s %lld %lld %.*s;", what,
             name, (long long)id, (long long)seconds, (int)want.len, want.ptr);
}

bool
vk_given_again(const char *name, int64_t id, int64_t seconds,
               struct vk_span want)
{
    note("again", name, id, seconds, want);
    return had_it;
}

void
vk_given_instead(const char *name, int64_t id, int64_t seconds,
                 struct vk_span want)
{
    note("instead", name, id, seconds, want);
}

/* As helper.c does it: the answer is in out, the result is the exit status. */
static int
run(const char *info, const char *const *words)
{
    char *argv[8] = {(char *)(uintptr_t) "valetkey-k8s"};
    struct vk_call call = {.out = &out};
    int argc = 1;

    for (; words[argc - 1] != NULL; argc++)
        argv[argc] = (char *)(uintptr_t)words[argc - 1];
    if (info != NULL)
        setenv("KUBERNETES_EXEC_INFO", info, 1);
    else
        unsetenv("KUBERNETES_EXEC_INFO");
    gets = 0;
    asked[0] = noted[0] = '\0';
    vk_buf_clear(&out);
    call.verb = vk_codec.arrange(argc, argv, &call);
    if (call.verb == NULL)
        return -1;
    assert_string_equal(call.verb, verbs[0].name);
    assert_int_equal(verbs[0].request, VK_NO_REQUEST);
    enum vk_err err = verbs[0].run(&call);
    if (err != VK_OK)
        (vk_codec.fail)(&call, err);
    return call.exit;
}

#define RUN(info, ...) run((info), (const char *const[]){__VA_ARGS__, NULL})
#define RUN_BARE(info) run((info), (const char *const[]){NULL})

static void
assert_out(const char *expected)
{
    assert_string_equal(vk_buf_str(&out), expected);
}

/* Nothing is printed, nobody was asked, and one line says why. */
static void
assert_refused(const char *info, const char *option, const char *said)
{
    assert_int_equal(option != NULL ? RUN(info, option) : RUN_BARE(info), 1);
    assert_out("");
    assert_int_equal(gets, 0);
    assert_string_equal(vk_log_last(), said);
}

static int
succeed(void **state)
{
    (void)state;
    outcome = VK_OK;
    had_it = false;
    other_id = 78;
    return 0;
}

static void
answers_with_the_version_it_is_asked_in(void **state)
{
    (void)state;
    assert_int_equal(RUN(V1 "}\n", "prod"), 0);
    assert_out(V1 STATUS);
    assert_string_equal(asked, "prod");
    assert_int_equal(
        RUN(V1BETA1 ",\"spec\":{\"interactive\":true}}\n", "prod"), 0);
    assert_out(V1BETA1 STATUS);
    assert_int_equal(RUN(V1BETA1 "}", "--api-version", "v1", "prod/operate"),
                     0);
    assert_out(V1BETA1 STATUS);
    assert_string_equal(asked, "prod/operate");
}

static void
without_a_request_the_option_says_the_version(void **state)
{
    (void)state;
    assert_int_equal(RUN(NULL, "prod"), 0);
    assert_out(V1 STATUS);
    assert_int_equal(RUN("", "prod"), 0);
    assert_out(V1 STATUS);
    assert_int_equal(RUN(NULL, "--api-version", "v1beta1", "prod"), 0);
    assert_out(V1BETA1 STATUS);
    assert_int_equal(RUN(NULL, "prod", "--api-version=v1beta1"), 0);
    assert_out(V1BETA1 STATUS);
    assert_int_equal(RUN(NULL, "prod", "--api-version=" API "v1beta1"), 0);
    assert_out(V1BETA1 STATUS);
}

static void
refuses_versions_that_it_does_not_know(void **state)
{
#define KNOWN " is not known; " API "v1 and v1beta1 are"
    (void)state;
    assert_refused(NULL, "--api-version=v1alpha1",
                   "the apiVersion 'v1alpha1'" KNOWN);
    assert_refused(NULL, "--api-version=", "the apiVersion ''" KNOWN);
    assert_refused(NULL, "--api-version=" API,
                   "the apiVersion '" API "'" KNOWN);
    assert_refused(V1 "}", "--api-version=v2", "the apiVersion 'v2'" KNOWN);
    assert_refused("{\"kind\":\"ExecCredential\",\"apiVersion\":\"v1\"}", NULL,
                   "the apiVersion 'v1'" KNOWN);
    assert_refused("{\"kind\":\"ExecCredential\",\"apiVersion\":\"" API
                   "v1alpha1\"}",
                   NULL, "the apiVersion '" API "v1alpha1'" KNOWN);
}

static void
refuses_what_is_no_request(void **state)
{
    (void)state;
    assert_refused("{", NULL, "KUBERNETES_EXEC_INFO is not a JSON object");
    assert_refused("[]", NULL, "KUBERNETES_EXEC_INFO is not a JSON object");
    assert_refused(V1 "} x", NULL,
                   "KUBERNETES_EXEC_INFO is not a JSON object");
    assert_refused("\xff", NULL, "KUBERNETES_EXEC_INFO is not a JSON object");
    assert_refused("{}", NULL,
                   "KUBERNETES_EXEC_INFO is not an ExecCredential");
    assert_refused("{\"kind\":7,\"apiVersion\":\"" API "v1\"}", NULL,
                   "KUBERNETES_EXEC_INFO is not an ExecCredential");
    assert_refused("{\"kind\":\"ExecCredential\"}", NULL,
                   "KUBERNETES_EXEC_INFO has no apiVersion");
    assert_refused("{\"kind\":\"ExecCredential\",\"apiVersion\":null}", NULL,
                   "KUBERNETES_EXEC_INFO has no apiVersion");
}

static void
refuses_other_command_lines(void **state)
{
    (void)state;
    assert_int_equal(RUN(NULL, "--api-version"), -1);
    assert_int_equal(RUN(NULL, "prod", "other"), -1);
    assert_int_equal(RUN(NULL, "-x", "prod"), -1);
    assert_int_equal(RUN(NULL, "--api-versions=v1", "prod"), -1);
    assert_int_equal(RUN(NULL, "-"), -1);
}

static void
without_a_name_the_cluster_decides(void **state)
{
    (void)state;
    assert_int_equal(RUN_BARE(CLUSTER("https://k.example:6443/c/1")), 0);
    assert_out(V1 STATUS);
    assert_string_equal(asked, "https k.example 6443 /c/1");
    assert_int_equal(RUN(CLUSTER("https://k.example"), "prod"), 0);
    assert_string_equal(asked, "prod");
}

#define NO_CLUSTER                                   \
    "it is not said which cluster this is for; set " \
    "\"provideClusterInfo: true\", or name a client in \"args\""
#define NO_URL                                                           \
    "the cluster's server is not a URL that can be served; correct it, " \
    "or name a client in \"args\""

static void
says_what_to_do_where_nothing_names_a_token(void **state)
{
    (void)state;
    assert_refused(NULL, NULL, NO_CLUSTER);
    assert_refused(V1 "}", NULL, NO_CLUSTER);
    assert_refused(V1 ",\"spec\":null}", NULL, NO_CLUSTER);
    assert_refused(V1 ",\"spec\":[]}", NULL, NO_CLUSTER);
    assert_refused(V1 ",\"spec\":{\"cluster\":\"https://a\"}}", NULL,
                   NO_CLUSTER);
    assert_refused(V1 ",\"spec\":{\"cluster\":{\"server\":7}}}", NULL,
                   NO_CLUSTER);
    assert_refused(CLUSTER(""), NULL, NO_CLUSTER);
    assert_refused(CLUSTER("https://me:pass@k.example"), NULL, NO_URL);
    assert_refused(CLUSTER("https://k.example/\\u0000"), NULL, NO_URL);
}

static void
no_token_crosses_a_network_in_plain_text(void **state)
{
    static const char plain[] = "no token goes to the cluster's server, which"
                                " is no https URL";

    (void)state;
    assert_refused(CLUSTER("http://k.example"), "prod", plain);
    assert_refused(CLUSTER("HTTP://127.0.0.1.example:80/c"), "prod", plain);
    assert_refused(CLUSTER("http://me:pass@127.0.0.1"), "prod", plain);
    assert_int_equal(RUN(CLUSTER("http://127.0.0.1:8001"), "prod"), 0);
    assert_int_equal(RUN(CLUSTER("k.example:6443"), "prod"), 0);
}

static void
says_which_server_nobody_serves(void **state)
{
    (void)state;
    outcome = VK_NOCLIENT;
    assert_int_equal(RUN_BARE(CLUSTER("https://k.example")), 1);
    assert_out("");
    assert_string_equal(vk_log_last(),
                        "no client serves 'https://k.example'; add it to a"
                        " \"serves\" of clients.conf, or name a client in"
                        " \"args\"");
}

static void
prints_nothing_where_there_is_no_token(void **state)
{
    (void)state;
    outcome = VK_HELD;
    assert_int_equal(RUN(NULL, "prod"), 1);
    assert_out("");
    assert_string_equal(noted, "");
}

static void
notes_who_was_given_what(void **state)
{
    (void)state;
    assert_int_equal(RUN_BARE(CLUSTER("https://k.example")), 0);
    assert_int_equal(gets, 1);
    assert_int_equal(refused[0], 0);
    assert_string_equal(noted, "again prod 77 600 https://k.example;");
}

static void
asks_for_another_one_where_it_was_given_before(void **state)
{
    (void)state;
    had_it = true;
    assert_int_equal(RUN(NULL, "prod"), 0);
    assert_out(V1 STATUS);
    assert_int_equal(gets, 2);
    assert_int_equal(refused[1], 77);
    assert_string_equal(noted, "again prod 77 600 ;instead prod 78 600 ;");
}

static void
goes_on_with_the_old_one_where_there_is_no_other(void **state)
{
    (void)state;
    had_it = true;
    other_id = 77;
    assert_int_equal(RUN(NULL, "prod"), 0);
    assert_out(V1 STATUS);
    assert_int_equal(gets, 2);
    assert_string_equal(noted, "again prod 77 600 ;");
}

static void
takes_a_request_as_large_as_the_kernel_allows(void **state)
{
    static char info[131000];
    size_t len =
        (size_t)snprintf(info, sizeof info,
                         V1 ",\"spec\":{\"cluster\":{\"server\":\"https://k."
                            "example\",\"certificate-authority-data\":\"");

    (void)state;
    memset(info + len, 'A', sizeof info - len);
    snprintf(info + sizeof info - 8, 8, "\"}}}\n");
    assert_int_equal(RUN_BARE(info), 0);
    assert_out(V1 STATUS);
    assert_string_equal(asked, "https k.example 0 ");
}

int
main(void)
{
#define TEST(function) cmocka_unit_test_setup(function, succeed)
    const struct CMUnitTest tests[] = {
        TEST(answers_with_the_version_it_is_asked_in),
        TEST(without_a_request_the_option_says_the_version),
        TEST(refuses_versions_that_it_does_not_know),
        TEST(refuses_what_is_no_request),
        TEST(refuses_other_command_lines),
        TEST(without_a_name_the_cluster_decides),
        TEST(says_what_to_do_where_nothing_names_a_token),
        TEST(no_token_crosses_a_network_in_plain_text),
        TEST(says_which_server_nobody_serves),
        TEST(prints_nothing_where_there_is_no_token),
        TEST(notes_who_was_given_what),
        TEST(asks_for_another_one_where_it_was_given_before),
        TEST(goes_on_with_the_old_one_where_there_is_no_other),
        TEST(takes_a_request_as_large_as_the_kernel_allows),
    };

    vk_log_keep();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * The codec alone: a request in, an answer out.  What the shared part would
 * do (helpers/helper.c) is played by fakes that note what they were asked.
 */
#include "helpers/docker-credential-valetkey.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define PHRASE "credentials not found in native keychain"
#define ANSWER(server, user, secret)                     \
    "{\"ServerURL\":\"" server "\",\"Username\":\"" user \
    "\",\"Secret\":\"" secret "\"}"

VK_STATIC_BUF(out, 65536);

/* What the fakes come to and hand out, and what they were asked. */
static enum vk_err outcome;
static const char *message; /* logged with it; NULL: nothing is */
static struct vk_token token;
static struct vk_span listed[4][2];
static char asked[512];
static int gets, drops;

/* The same for logins; ran: the verb and its request. */
static enum vk_err login_outcome;
static struct vk_span login_answer;
static char ran[512];

static enum vk_err
come_to(const struct vk_url *url)
{
    snprintf(asked, sizeof asked, "%.*s %.*s %u %.*s", (int)url->scheme.len,
             url->scheme.ptr, (int)url->host.len, url->host.ptr, url->port,
             (int)url->path.len, url->path.ptr);
    return message != NULL ? vk_fail(outcome, "%s", message) : outcome;
}

enum vk_err
vk_helper_get(const struct vk_url *url, const struct vk_wish *wish,
              struct vk_token *out_token)
{
    (void)wish;
    gets++;
    *out_token = token;
    return come_to(url);
}

enum vk_err
vk_helper_drop(const struct vk_url *url, struct vk_span value)
{
    drops++;
    assert_int_equal(value.len, 0);
    return come_to(url);
}

enum vk_err
vk_helper_each(void (*add)(void *arg, struct vk_span url,
                           struct vk_span username),
               void *arg)
{
    for (size_t i = 0; listed[i][0].ptr != NULL; i++)
        add(arg, listed[i][0], listed[i][1]);
    return message != NULL ? vk_fail(outcome, "%s", message) : outcome;
}

enum vk_err
vk_login(const char *verb, struct vk_span request, struct vk_buf *answer)
{
    snprintf(ran, sizeof ran, "%s %.*s", verb, (int)request.len, request.ptr);
    if (login_outcome != VK_OK)
        return login_outcome == VK_NOCLIENT
                   ? login_outcome
                   : vk_fail(login_outcome, "no luck with the login");
    return vk_buf_add(answer, login_answer);
}

/* As helper.c does it: the answer is in out, the result is the exit status. */
static int
run_span(const char *name, struct vk_span request)
{
    const struct vk_verb *verb = vk_codec.verbs;
    struct vk_call call = {.request = request, .out = &out};

    gets = drops = 0;
    asked[0] = ran[0] = '\0';
    vk_buf_clear(&out);
    while (strcmp(verb->name, name) != 0) {
        verb++;
        assert_non_null(verb->name);
    }
    call.verb = verb->name;
    enum vk_err err = verb->run(&call);
    if (err != VK_OK)
        (vk_codec.fail)(&call, err);
    return call.exit;
}

static int
run(const char *name, const char *request)
{
    return run_span(name, vk_span_str(request));
}

static void
assert_out(const char *expected)
{
    assert_string_equal(vk_buf_str(&out), expected);
}

/* Each test starts with a token and nothing that was said. */
static int
succeed(void **state)
{
    (void)state;
    outcome = VK_OK;
    message = NULL;
    token = (struct vk_token){.value = VK_SPAN("t0ken"),
                              .username = VK_SPAN("oauth2accesstoken"),
                              .expires = 1795230000};
    memset(listed, 0, sizeof listed);
    login_outcome = VK_NOCLIENT;
    login_answer = VK_SPAN("");
    /* vk_log_last has no way to forget but this. */
    return vk_fail(VK_OK, "%s", "") == VK_OK ? 0 : 1;
}

static void
answers_with_the_token_as_the_password(void **state)
{
    (void)state;
    assert_int_equal(run("get", "registry.example.com:5000"), 0);
    assert_out(
        ANSWER("registry.example.com:5000", "oauth2accesstoken", "t0ken"));
    assert_string_equal(asked, " registry.example.com 5000 ");
}

static void
takes_the_key_with_or_without_white_space_round_it(void **state)
{
    static const char *const requests[] = {
        "r.example",       "r.example\n",   "r.example\r\n",
        " \tr.example \n", "r.example\n\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        assert_int_equal(run("get", requests[i]), 0);
        assert_out(ANSWER("r.example", "oauth2accesstoken", "t0ken"));
    }
}

/* The client looks for its own words, so they come back as they came. */
static void
repeats_the_key_as_it_was_asked(void **state)
{
    (void)state;
    assert_int_equal(run("get", "https://R.Example/v2/"), 0);
    assert_out(ANSWER("https://R.Example/v2/", "oauth2accesstoken", "t0ken"));
    assert_int_equal(run("get", "r.example/a\"b\\c"), 0);
    assert_out(ANSWER("r.example/a\\\"b\\\\c", "oauth2accesstoken", "t0ken"));
}

static void
hands_out_the_user_name_that_is_configured(void **state)
{
    (void)state;
    token.username = VK_SPAN("$oauthtoken");
    assert_int_equal(run("get", "r.example"), 0);
    assert_out(ANSWER("r.example", "$oauthtoken", "t0ken"));
    token.username = VK_SPAN("<token>");
    assert_int_equal(run("get", "r.example"), 0);
    assert_out(ANSWER("r.example", "<token>", "t0ken"));
    token.username = VK_SPAN("j\xc3\xb6rg \"x\"");
    assert_int_equal(run("get", "r.example"), 0);
    assert_out(ANSWER("r.example", "j\xc3\xb6rg \\\"x\\\"", "t0ken"));
}

static void
hands_out_the_longest_token(void **state)
{
    static char value[VK_TOKEN_MAX];

    (void)state;
    memset(value, 't', sizeof value);
    token.value = (struct vk_span){value, sizeof value};
    assert_int_equal(run("get", "r.example"), 0);
    assert_true(out.len > VK_TOKEN_MAX);
    assert_memory_equal(out.data + out.len - 4, "tt\"}", 4);
}

/* docker says https://index.docker.io/v1/ where podman says docker.io. */
static void
takes_docker_hub_by_either_name(void **state)
{
    char first[sizeof asked];

    (void)state;
    assert_int_equal(run("get", "docker.io"), 0);
    memcpy(first, asked, sizeof first);
    assert_int_equal(run("get", "https://index.docker.io/v1/"), 0);
    assert_int_equal(gets, 1);
    assert_string_equal(asked, first);
}

static void
looks_for_docker_hub_by_the_other_name_too(void **state)
{
    (void)state;
    outcome = VK_NOCLIENT;
    assert_int_equal(run("get", "docker.io"), 1);
    assert_int_equal(gets, 2);
    assert_string_equal(asked, "https index.docker.io 0 /v1/");
    assert_int_equal(run("erase", "https://index.docker.io/v1/"), 0);
    assert_int_equal(drops, 2);
    outcome = VK_REFUSED;
    assert_int_equal(run("get", "docker.io"), 1);
    assert_string_equal(asked, " docker.io 0 ");
}

static void
says_the_phrase_and_nothing_else_where_nobody_serves_the_host(void **state)
{
    (void)state;
    outcome = VK_NOCLIENT;
    assert_int_equal(run("get", "r.example"), 1);
    assert_out(PHRASE);
    assert_int_equal(gets, 1);
    assert_string_equal(ran, "login-get r.example");
}

static void
looks_for_a_login_only_where_nobody_serves_the_host(void **state)
{
    (void)state;
    assert_int_equal(run("get", "r.example"), 0);
    assert_string_equal(ran, "");
    outcome = VK_REFUSED;
    assert_int_equal(run("get", "r.example"), 1);
    assert_string_equal(ran, "");
    outcome = VK_NOCLIENT;
    login_outcome = VK_OK;
    login_answer = VK_SPAN(ANSWER("r.example", "me", "pass"));
    assert_int_equal(run("get", " r.example\n"), 0);
    assert_string_equal(ran, "login-get r.example");
    assert_out(ANSWER("r.example", "me", "pass"));
}

static void
a_login_that_cannot_be_read_is_an_error(void **state)
{
    (void)state;
    outcome = VK_NOCLIENT;
    login_outcome = VK_LOCKED;
    assert_int_equal(run("get", "r.example"), 1);
    assert_out("no luck with the login");
}

static void
keeps_what_a_login_in_the_browser_left_apart_from_hub(void **state)
{
    (void)state;
    assert_int_equal(run("get", "https://index.docker.io/v1/access-token"), 0);
    assert_string_equal(asked, "https index.docker.io 0 /v1/access-token");
}

static void
what_is_no_url_is_served_by_nobody(void **state)
{
    static const char *const requests[] = {
        "r example",
        "https://",
        "me@r.example",
        "r\xc3\xa4.example",
        "r.example:0",
        "r.example\x7f",
        "{\"ServerURL\":\"r.example\"}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        assert_int_equal(run("get", requests[i]), 1);
        assert_out(PHRASE);
        assert_int_equal(gets, 0);
    }
    assert_int_equal(run_span("get", VK_SPAN("r.example\0x")), 1);
    assert_out(PHRASE);
    assert_int_equal(gets, 0);
}

static void
asks_for_the_key_where_there_is_none(void **state)
{
    static const char *const requests[] = {"", "\n", " \t\r\n", "\nr.example"};

    (void)state;
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        assert_int_equal(run("get", requests[i]), 1);
        assert_out("no credentials server URL");
        assert_int_equal(gets, 0);
    }
    assert_int_equal(run_span("get", (struct vk_span){NULL, 0}), 1);
    assert_out("no credentials server URL");
}

/* Clients show standard output, not standard error. */
static void
tells_every_other_failure_on_standard_output(void **state)
{
    (void)state;
    outcome = VK_REFUSED;
    message = "the authorization server refuses the credential of 'prod'";
    assert_int_equal(run("get", "r.example"), 1);
    assert_out(message);
    outcome = VK_NOMEM;
    message = NULL;
    assert_int_equal(succeed(state), 0);
    outcome = VK_NOMEM;
    assert_int_equal(run("get", "r.example"), 1);
    assert_out("out of memory");
}

static void
an_older_message_does_not_hide_the_phrase(void **state)
{
    (void)state;
    outcome = VK_NOCLIENT;
    message = "something else that went wrong";
    assert_int_equal(run("get", "r.example"), 1);
    assert_out(PHRASE);
}

static void
says_nothing_of_what_it_had_when_it_fails(void **state)
{
    struct vk_call call = {.verb = "get", .out = &out};

    (void)state;
    vk_buf_clear(&out);
    assert_int_equal(vk_buf_add_str(&out, "{\"Secret\":\"half"), VK_OK);
    (vk_codec.fail)(&call, VK_NOCLIENT);
    assert_out(PHRASE);
    assert_int_equal(call.exit, 1);
}

static void
erase_drops_the_token_and_never_fails(void **state)
{
    (void)state;
    assert_int_equal(run("erase", "https://r.example:5000/v2/\n"), 0);
    assert_string_equal(asked, "https r.example 5000 /v2/");
    assert_int_equal(drops, 1);
    assert_out("");
    outcome = VK_NOCLIENT;
    assert_int_equal(run("erase", "r.example"), 0);
    assert_int_equal(drops, 1);
    outcome = VK_NOKEYRING;
    message = "no keyring";
    assert_int_equal(run("erase", "r.example"), 0);
    assert_out("");
}

static void
erase_of_what_is_no_key_does_nothing(void **state)
{
    static const char *const requests[] = {"", "\n", "r example"};

    (void)state;
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        assert_int_equal(run("erase", requests[i]), 0);
        assert_int_equal(drops, 0);
        assert_out("");
    }
}

static void
erase_deletes_the_login_where_nobody_serves_the_host(void **state)
{
    (void)state;
    assert_int_equal(run("erase", "r.example"), 0);
    assert_string_equal(ran, "");
    outcome = VK_NOCLIENT;
    assert_int_equal(run("erase", "https://r.example/v1/\n"), 0);
    assert_string_equal(ran, "login-erase https://r.example/v1/");
    assert_int_equal(run("erase", "r example"), 0);
    assert_string_equal(ran, "login-erase r example");
    login_outcome = VK_LOCKED;
    assert_int_equal(run("erase", "r.example"), 0);
    assert_out("");
}

/* Who serves the host is found out where the JSON is read. */
static void
store_hands_on_what_it_was_given(void **state)
{
    (void)state;
    login_outcome = VK_OK;
    assert_int_equal(run("store", ANSWER("r.example", "me", "s3cret") "\n"),
                     0);
    assert_string_equal(ran,
                        "login-put " ANSWER("r.example", "me", "s3cret") "\n");
    assert_out("");
    login_outcome = VK_LOCKED;
    assert_int_equal(run("store", ANSWER("r.example", "me", "s3cret")), 1);
    assert_out("no luck with the login");
    assert_int_equal(run("store", ""), 1);
    assert_int_equal(gets + drops, 0);
}

static void
lists_keys_with_their_user_names(void **state)
{
    (void)state;
    login_outcome = VK_OK;
    assert_int_equal(run("list", ""), 0);
    assert_out("{}");
    listed[0][0] = VK_SPAN("https://a.example/x");
    listed[0][1] = VK_SPAN("oauth2accesstoken");
    assert_int_equal(run("list", "unused"), 0);
    assert_out("{\"https://a.example/x\":\"oauth2accesstoken\"}");
    listed[1][0] = VK_SPAN("b.example\"");
    listed[1][1] = VK_SPAN("j\xc3\xb6rg");
    assert_int_equal(run("list", ""), 0);
    assert_out("{\"https://a.example/x\":\"oauth2accesstoken\","
               "\"b.example\\\"\":\"j\xc3\xb6rg\"}");
    assert_int_equal(gets, 0);
}

static void
lists_logins_behind_what_is_served(void **state)
{
    (void)state;
    login_outcome = VK_OK;
    login_answer = VK_SPAN("b.example\0me\0c\"\0\0");
    assert_int_equal(run("list", ""), 0);
    assert_string_equal(ran, "login-list ");
    assert_out("{\"b.example\":\"me\",\"c\\\"\":\"\"}");
    listed[0][0] = VK_SPAN("a.example");
    listed[0][1] = VK_SPAN("u");
    assert_int_equal(run("list", ""), 0);
    assert_out("{\"a.example\":\"u\",\"b.example\":\"me\",\"c\\\"\":\"\"}");
    login_outcome = VK_CONFIG;
    assert_int_equal(run("list", ""), 1);
    assert_out("no luck with the login");
}

static void
a_list_that_fails_is_no_half_list(void **state)
{
    (void)state;
    listed[0][0] = listed[0][1] = VK_SPAN("a.example");
    outcome = VK_CONFIG;
    message = "clients.conf:3: unknown key 'x'";
    assert_int_equal(run("list", "unused"), 1);
    assert_out("clients.conf:3: unknown key 'x'");
}

static void
names_its_version(void **state)
{
    (void)state;
    assert_int_equal(run("version", ""), 0);
    assert_out("docker-credential-valetkey (valetkey) " PACKAGE_VERSION "\n");
}

static void
reads_to_the_end_what_has_a_request_and_else_nothing(void **state)
{
    static const struct {
        const char *verb;
        enum vk_request_end end;
    } rows[] = {
        {"get", VK_UNTIL_EOF},      {"store", VK_UNTIL_EOF},
        {"erase", VK_UNTIL_EOF},    {"list", VK_NO_REQUEST},
        {"version", VK_NO_REQUEST},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_string_equal(vk_codec.verbs[i].name, rows[i].verb);
        assert_int_equal(vk_codec.verbs[i].request, rows[i].end);
    }
    assert_null(vk_codec.verbs[5].name);
    assert_false(vk_codec.ignores_unknown_verbs);
    assert_string_equal(vk_codec.program, "docker-credential-valetkey");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(answers_with_the_token_as_the_password,
                               succeed),
        cmocka_unit_test_setup(
            takes_the_key_with_or_without_white_space_round_it, succeed),
        cmocka_unit_test_setup(repeats_the_key_as_it_was_asked, succeed),
        cmocka_unit_test_setup(hands_out_the_user_name_that_is_configured,
                               succeed),
        cmocka_unit_test_setup(hands_out_the_longest_token, succeed),
        cmocka_unit_test_setup(takes_docker_hub_by_either_name, succeed),
        cmocka_unit_test_setup(looks_for_docker_hub_by_the_other_name_too,
                               succeed),
        cmocka_unit_test_setup(
            says_the_phrase_and_nothing_else_where_nobody_serves_the_host,
            succeed),
        cmocka_unit_test_setup(
            looks_for_a_login_only_where_nobody_serves_the_host, succeed),
        cmocka_unit_test_setup(a_login_that_cannot_be_read_is_an_error,
                               succeed),
        cmocka_unit_test_setup(
            keeps_what_a_login_in_the_browser_left_apart_from_hub, succeed),
        cmocka_unit_test_setup(what_is_no_url_is_served_by_nobody, succeed),
        cmocka_unit_test_setup(asks_for_the_key_where_there_is_none, succeed),
        cmocka_unit_test_setup(tells_every_other_failure_on_standard_output,
                               succeed),
        cmocka_unit_test_setup(an_older_message_does_not_hide_the_phrase,
                               succeed),
        cmocka_unit_test_setup(says_nothing_of_what_it_had_when_it_fails,
                               succeed),
        cmocka_unit_test_setup(erase_drops_the_token_and_never_fails, succeed),
        cmocka_unit_test_setup(erase_of_what_is_no_key_does_nothing, succeed),
        cmocka_unit_test_setup(
            erase_deletes_the_login_where_nobody_serves_the_host, succeed),
        cmocka_unit_test_setup(store_hands_on_what_it_was_given, succeed),
        cmocka_unit_test_setup(lists_keys_with_their_user_names, succeed),
        cmocka_unit_test_setup(lists_logins_behind_what_is_served, succeed),
        cmocka_unit_test_setup(a_list_that_fails_is_no_half_list, succeed),
        cmocka_unit_test_setup(names_its_version, succeed),
        cmocka_unit_test_setup(
            reads_to_the_end_what_has_a_request_and_else_nothing, succeed),
    };

    vk_log_keep();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

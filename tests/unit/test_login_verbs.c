/* SPDX-License-Identifier: MIT */
/*
 * What valetkey-store makes of a request.  The Secret Service is played by
 * fakes that note what they were asked.
 */
#include "tests/unit/support.h"

#include "keyring/login_verbs.c"

#include <stdio.h>
#include <sys/stat.h>

#define LOGIN(server, user, secret)                      \
    "{\"ServerURL\":\"" server "\",\"Username\":\"" user \
    "\",\"Secret\":\"" secret "\"}"
#define CONF                                               \
    "[client prod]\ntoken-url = https://login.example/t\n" \
    "client-id = x\nserves = https://r.example, docker.io\n"

VK_STATIC_BUF(answer, ANSWER_MAX);

static bool can_ask;
static enum vk_err outcome;
static struct vk_login found;
static char asked[1024];

bool
vk_logins_can_ask(void)
{
    return can_ask;
}

static enum vk_err
note(const char *what, const struct vk_span *parts, size_t count)
{
    size_t at = (size_t)snprintf(asked, sizeof asked, "%s", what);

    for (size_t i = 0; i < count; i++)
        at += (size_t)snprintf(asked + at, sizeof asked - at, " %.*s",
                               VK_ARG(parts[i]));
    return outcome == VK_OK || outcome == VK_NOCLIENT
               ? outcome
               : vk_fail(outcome, "no luck");
}

enum vk_err
vk_logins_get(const struct vk_span *servers, size_t count,
              struct vk_buf *username, struct vk_buf *secret)
{
    enum vk_err err = note("get", servers, count);

    if (err == VK_OK)
        err = vk_buf_add(username, found.username);
    return err == VK_OK ? vk_buf_add(secret, found.secret) : err;
}

enum vk_err
vk_logins_put(const struct vk_login *login)
{
    const struct vk_span parts[] = {login->server, login->username,
                                    login->secret};

    return note("put", parts, 3);
}

enum vk_err
vk_logins_delete(const struct vk_span *servers, size_t count)
{
    return note("delete", servers, count);
}

enum vk_err
vk_logins_each(void (*add)(void *arg, struct vk_span server,
                           struct vk_span username),
               void *arg)
{
    add(arg, VK_SPAN("a.example"), VK_SPAN("me"));
    add(arg, VK_SPAN("r.example"), VK_SPAN("served"));
    add(arg, VK_SPAN("https://index.docker.io/v1/"), VK_SPAN("served"));
    add(arg, VK_SPAN("no url"), VK_SPAN(""));
    return note("each", NULL, 0);
}

static int
enter(void **state)
{
    can_ask = true;
    outcome = VK_OK;
    asked[0] = '\0';
    vk_buf_clear(&answer);
    vk_log("%s", "");
    if (vk_fail(VK_OK, "%s", "") != VK_OK)
        return 1;
    return vk_test_enter(state);
}

static void
write_conf(const char *text, unsigned int mode)
{
    assert_int_equal(mkdir(vk_test_path("XDG_CONFIG_HOME/valetkey"), 0700), 0);
    vk_test_write("XDG_CONFIG_HOME/valetkey/clients.conf", text, mode);
}

static void
puts_what_docker_sends(void **state)
{
    (void)state;
    assert_int_equal(
        put(VK_SPAN(LOGIN("r.example", "me", "pass") "\n"), &answer), VK_OK);
    assert_string_equal(asked, "put r.example me pass");
    assert_int_equal(put(VK_SPAN(" {\"Secret\":\"\\u00fc\\\"\\n\",\"x\":[1],"
                                 "\"Username\":\"<token>\","
                                 "\"ServerURL\":\"s\"}"),
                         &answer),
                     VK_OK);
    assert_string_equal(asked, "put s <token> \xc3\xbc\"\n");
    assert_int_equal(
        put(VK_SPAN("{\"ServerURL\":\"s\",\"Username\":\"u\"}"), &answer),
        VK_OK);
    assert_string_equal(asked, "put s u ");
    assert_int_equal(answer.len, 0);
}

static void
refuses_what_is_no_login(void **state)
{
    static const struct {
        const char *text, *said;
    } rows[] = {
        {"", "not a JSON object"},
        {"x", "not a JSON object"},
        {"null", "not a JSON object"},
        {"[{}]", "not a JSON object"},
        {LOGIN("s", "u", "p") LOGIN("s", "u", "p"), "not a JSON object"},
        {LOGIN("s", "u", "\xff"), "not a JSON object"},
        {"{}", "no credentials server URL"},
        {"{\"serverurl\":\"s\"}", "no credentials server URL"},
        {LOGIN("", "u", "p"), "no credentials server URL"},
        {"{\"ServerURL\":null,\"Username\":\"u\"}",
         "no credentials server URL"},
        {LOGIN("s", "", "p"), "no credentials username"},
        {"{\"ServerURL\":\"s\",\"Username\":[]}", "no credentials username"},
        {"{\"ServerURL\":\"s\",\"Username\":\"u\",\"Secret\":{}}",
         "not a string"},
        {LOGIN("s\\u0000", "u", "p"), "NUL"},
        {LOGIN("s", "\\u0000", "p"), "NUL"},
        {LOGIN("s", "u", "p\\u0000"), "NUL"},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        assert_int_equal(put(vk_span_str(rows[i].text), &answer), VK_USAGE);
        assert_said(rows[i].said);
    }
    assert_string_equal(asked, "");
}

static void
refuses_what_it_could_not_hand_out(void **state)
{
    static char big[VK_LOGIN_MAX];
    VK_AUTO_BUF text = VK_BUF(2 * VK_LOGIN_MAX);
    /* What the object has round the password. */
    size_t room = ANSWER_MAX - strlen(LOGIN("s", "u", ""));

    (void)state;
    memset(big, 'x', sizeof big);
    for (size_t more = 0; more < 2; more++) {
        vk_buf_cut(&text, 0);
        assert_int_equal(vk_buf_addf(&text, "%s%.*s%s",
                                     "{\"ServerURL\":\"s\",\"Username\":"
                                     "\"u\",\"Secret\":\"",
                                     (int)(room + more), big, "\"}"),
                         VK_OK);
        assert_int_equal(put(vk_buf_span(&text), &answer),
                         more == 0 ? VK_OK : VK_TOOBIG);
    }
}

/* docker login calls it with what get gave, too. */
static void
does_not_put_what_a_client_serves(void **state)
{
    static const char *const logins[] = {
        LOGIN("r.example", "me", "typed"),
        LOGIN("https://r.example/v2/", "me", "typed"),
        LOGIN("https://index.docker.io/v1/", "me", "typed"),
    };

    (void)state;
    write_conf(CONF, 0600);
    for (size_t i = 0; i < LENGTH(logins); i++) {
        vk_log("%s", "");
        assert_int_equal(put(vk_span_str(logins[i]), &answer), VK_OK);
        assert_string_equal(asked, "");
        assert_non_null(strstr(vk_log_note(), "'prod'"));
        assert_null(strstr(vk_log_note(), "typed"));
    }
    assert_int_equal(
        put(VK_SPAN(LOGIN("http://r.example", "me", "p")), &answer), VK_OK);
    assert_string_equal(asked, "put http://r.example me p");
}

/* Who cannot be known to be served is not. */
static void
a_wrong_configuration_stops_it(void **state)
{
    (void)state;
    write_conf(CONF, 0666);
    assert_int_equal(put(VK_SPAN(LOGIN("a.example", "me", "p")), &answer),
                     VK_CONFIG);
    assert_int_equal(list(VK_SPAN(""), &answer), VK_CONFIG);
    assert_string_equal(asked, "");
}

static void
gets_in_dockers_words(void **state)
{
    (void)state;
    found.username = VK_SPAN("J\xc3\xb6rg \"x\"");
    found.secret = VK_SPAN("a\\b\n\x01");
    assert_int_equal(get(VK_SPAN("a.example"), &answer), VK_OK);
    assert_string_equal(asked, "get a.example");
    assert_span(
        vk_buf_span(&answer),
        LOGIN("a.example", "J\xc3\xb6rg \\\"x\\\"", "a\\\\b\\u000a\\u0001"));
    assert_int_equal(get(VK_SPAN("docker.io"), &answer), VK_OK);
    assert_string_equal(asked, "get docker.io https://index.docker.io/v1/ "
                               "index.docker.io registry-1.docker.io");
}

static void
a_service_that_cannot_be_asked_has_nothing_and_that_is_noted(void **state)
{
    (void)state;
    outcome = VK_NOCLIENT;
    assert_int_equal(get(VK_SPAN("a.example"), &answer), VK_NOCLIENT);
    assert_string_equal(vk_log_note(), "");
    outcome = VK_NOSTORE;
    assert_int_equal(get(VK_SPAN("a.example"), &answer), VK_NOCLIENT);
    assert_string_equal(vk_log_note(), "no luck");
    assert_int_equal(put(VK_SPAN(LOGIN("a", "b", "c")), &answer), VK_NOSTORE);
    assert_int_equal(list(VK_SPAN(""), &answer), VK_OK);
}

static void
a_login_that_cannot_be_read_is_an_error(void **state)
{
    (void)state;
    outcome = VK_LOCKED;
    assert_int_equal(get(VK_SPAN("a.example"), &answer), VK_LOCKED);
    assert_int_equal(erase(VK_SPAN("a.example"), &answer), VK_LOCKED);
    assert_int_equal(answer.len, 0);
}

static void
without_a_bus_nobody_is_asked(void **state)
{
    (void)state;
    can_ask = false;
    assert_int_equal(get(VK_SPAN("a.example"), &answer), VK_NOCLIENT);
    assert_int_equal(erase(VK_SPAN("a.example"), &answer), VK_OK);
    assert_int_equal(list(VK_SPAN(""), &answer), VK_OK);
    assert_string_equal(vk_log_note(), "");
    assert_string_equal(vk_log_last(), "");
    assert_int_equal(put(VK_SPAN(LOGIN("a", "b", "c")), &answer), VK_NOSTORE);
    assert_said("session bus");
    assert_string_equal(asked, "");
}

/* D-Bus has no strings for them, and ends the connection over them. */
static void
bytes_that_are_no_text_are_not_asked_for(void **state)
{
    (void)state;
    assert_int_equal(get(VK_SPAN("a\xff"), &answer), VK_NOCLIENT);
    assert_int_equal(get(VK_SPAN("a\0b"), &answer), VK_NOCLIENT);
    assert_int_equal(erase(VK_SPAN("a\xff"), &answer), VK_OK);
    assert_int_equal(erase(VK_SPAN("a\0b"), &answer), VK_OK);
    assert_string_equal(asked, "");
}

static void
erases_under_every_name(void **state)
{
    (void)state;
    assert_int_equal(erase(VK_SPAN("docker.io"), &answer), VK_OK);
    assert_string_equal(asked, "delete docker.io https://index.docker.io/v1/ "
                               "index.docker.io registry-1.docker.io");
}

static void
lists_what_no_client_serves(void **state)
{
    static const char want[] = "a.example\0me\0no url\0";

    (void)state;
    write_conf(CONF, 0600);
    assert_int_equal(list(VK_SPAN(""), &answer), VK_OK);
    assert_int_equal(answer.len, sizeof want);
    assert_memory_equal(answer.data, want, sizeof want);
}

static void
assert_outcome(struct vk_span text, enum vk_err err, const char *rest)
{
    struct vk_span got = {NULL, 0};

    assert_int_equal(vk_ask_read_outcome("valetkey-store", text, &got), err);
    assert_span(got, rest);
}

static void
reads_the_outcome_that_was_written(void **state)
{
    (void)state;
    assert_outcome(VK_SPAN("ok\n\n"), VK_OK, "");
    assert_outcome(VK_SPAN("ok\n\n{\n}"), VK_OK, "{\n}");
    assert_outcome(VK_SPAN("no-client\n\n"), VK_NOCLIENT, "");
    assert_string_equal(vk_log_last(), "");
    assert_outcome(VK_SPAN("no-client\nwhy\n"), VK_NOCLIENT, "");
    assert_string_equal(vk_log_note(), "why");
    assert_outcome(VK_SPAN("locked\n\nis locked"), VK_LOCKED, "");
    assert_said("is locked");
    assert_outcome(VK_SPAN(""), VK_INTERNAL, "");
    assert_said("valetkey-store ended unexpectedly");
    assert_outcome(VK_SPAN("ok\n"), VK_INTERNAL, "");
    assert_outcome(VK_SPAN("what\n\nelse"), VK_INTERNAL, "");
}

#define IN_A_HOME(test) \
    cmocka_unit_test_setup_teardown(test, enter, vk_test_leave)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_HOME(puts_what_docker_sends),
        IN_A_HOME(refuses_what_is_no_login),
        IN_A_HOME(refuses_what_it_could_not_hand_out),
        IN_A_HOME(does_not_put_what_a_client_serves),
        IN_A_HOME(a_wrong_configuration_stops_it),
        IN_A_HOME(gets_in_dockers_words),
        IN_A_HOME(
            a_service_that_cannot_be_asked_has_nothing_and_that_is_noted),
        IN_A_HOME(a_login_that_cannot_be_read_is_an_error),
        IN_A_HOME(without_a_bus_nobody_is_asked),
        IN_A_HOME(bytes_that_are_no_text_are_not_asked_for),
        IN_A_HOME(erases_under_every_name),
        IN_A_HOME(lists_what_no_client_serves),
        IN_A_HOME(reads_the_outcome_that_was_written),
    };

    vk_log_keep();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * The codec alone: a request in, an answer out.  What the shared part would
 * do (helpers/helper.c) is played by fakes that note what they were asked.
 */
#include "base/buf.h"

/* A helper runs once and keeps its buffers; here each call has its own. */
#undef VK_STATIC_BUF
#define VK_STATIC_BUF(name, size) VK_AUTO_BUF name = VK_BUF(size)

#include "helpers/git-credential-valetkey.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TOKEN "t0ken"
#define NEW_GIT "capability[]=authtype\ncapability[]=state\n"
#define HOST "protocol=https\nhost=git.example.com\n"
#define BASIC                                     \
    "username=oauth2accesstoken\npassword=" TOKEN \
    "\npassword_expiry_utc=1795230000\n"
#define STATE "state[]=valetkey:prod/operate:4711\n"
#define BASIC_STATE "capability[]=state\n" BASIC STATE
#define BEARER                                                     \
    "capability[]=authtype\ncapability[]=state\nauthtype=Bearer\n" \
    "credential=" TOKEN                                            \
    "\nephemeral=1\npassword_expiry_utc=1795230000\n" STATE

static struct vk_buf out = VK_BUF(65536);

/* What the fakes come to, and what they were asked. */
static enum vk_err outcome;
static bool unreadable, names_user, ours;
static char asked[512], dropped[128];
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
    (void)wish;
    gets++;
    note_url(url);
    ours = outcome != VK_NOCLIENT && !unreadable;
    if (outcome == VK_OK)
        *token = (struct vk_token){.value = VK_SPAN(TOKEN),
                                   .username = VK_SPAN("oauth2accesstoken"),
                                   .names_user = names_user,
                                   .name = "prod/operate",
                                   .id = 4711,
                                   .expires = 1795230000};
    return outcome;
}

bool
vk_helper_is_ours(void)
{
    return ours;
}

enum vk_err
vk_helper_drop(const struct vk_url *url, struct vk_span value)
{
    drops++;
    note_url(url);
    snprintf(dropped, sizeof dropped, "%.*s", (int)value.len, value.ptr);
    return outcome;
}

enum vk_err
vk_helper_drop_id(const struct vk_url *url, struct vk_span name, int64_t id)
{
    drops++;
    note_url(url);
    snprintf(dropped, sizeof dropped, "name %.*s id %lld", (int)name.len,
             name.ptr, (long long)id);
    return outcome;
}

enum vk_err
vk_helper_each(void (*add)(void *arg, struct vk_span url,
                           struct vk_span username),
               void *arg)
{
    (void)add;
    (void)arg;
    return VK_INTERNAL;
}

/* As helper.c does it: the answer is in out, the result is the exit status. */
static int
call_with(const char *name, struct vk_span request, enum vk_err early)
{
    const struct vk_verb *verb = vk_codec.verbs;
    struct vk_call call = {.request = request, .out = &out};

    gets = drops = 0;
    ours = false;
    asked[0] = dropped[0] = '\0';
    vk_buf_clear(&out);
    while (strcmp(verb->name, name) != 0) {
        verb++;
        assert_non_null(verb->name);
    }
    call.verb = verb->name;
    enum vk_err err = early != VK_OK ? early : verb->run(&call);
    if (err != VK_OK)
        (vk_codec.fail)(&call, err);
    return call.exit;
}

static int
run(const char *name, const char *request)
{
    return call_with(name, vk_span_str(request), VK_OK);
}

static void
assert_out(const char *expected)
{
    assert_string_equal(vk_buf_str(&out), expected);
}

static void
assert_get(const char *request, const char *expected)
{
    assert_int_equal(run("get", request), 0);
    assert_out(expected);
}

/* Not ours: git goes on to the next helper, and nobody was asked. */
static void
assert_silent(const char *request)
{
    assert_get(request, "");
    assert_int_equal(gets, 0);
}

static int
succeed(void **state)
{
    (void)state;
    outcome = VK_OK;
    unreadable = names_user = false;
    return 0;
}

static void
answers_an_old_git_with_a_user_name_and_a_password(void **state)
{
    (void)state;
    assert_get(HOST "\n", BASIC);
    assert_string_equal(asked, "https git.example.com 0 /");
    assert_get(HOST, BASIC);
    assert_get("protocol=https\nhost=git.example.com", BASIC);
    assert_get("wwwauth[]=Bearer realm=\"x\"\n" HOST "\n", BASIC);
}

static void
answers_a_git_that_knows_authtype_with_a_bearer(void **state)
{
    (void)state;
    assert_get(NEW_GIT HOST "\n", BEARER);
    assert_get(HOST NEW_GIT "\n", BEARER);
    assert_get(NEW_GIT HOST "username=me\nwwwauth[]=Bearer\n\n", BEARER);
    assert_null(memmem(out.data, out.len, "username", 8));
}

/* "Should not be provided without the capability" */
static void
says_no_more_than_git_can_read(void **state)
{
    (void)state;
    assert_get("capability[]=state\n" HOST "\n", BASIC_STATE);
    assert_get("capability[]=authtype\n" HOST "\n",
               "capability[]=authtype\nauthtype=Bearer\ncredential=" TOKEN
               "\nephemeral=1\npassword_expiry_utc=1795230000\n");
    assert_get("capability[]=newer\ncapability\n" HOST "\n", BASIC);
    assert_get(HOST STATE "continue=1\n\n", BASIC);
    assert_get(NEW_GIT HOST STATE "continue=1\nstate[]=other:x\n\n", BEARER);
}

static void
chooses_the_scheme_that_the_server_offers(void **state)
{
    (void)state;
    assert_get(NEW_GIT HOST "wwwauth[]=Bearer realm=\"a\"\n\n", BEARER);
    assert_get(NEW_GIT HOST "wwwauth[]=bearer\n\n", BEARER);
    assert_get(NEW_GIT HOST "wwwauth[]=Basic realm=\"a\"\n\n", BASIC_STATE);
    assert_get(NEW_GIT HOST "wwwauth[]=BASIC realm=\"a\"\n\n", BASIC_STATE);
    assert_get(NEW_GIT HOST "wwwauth[]=Basic realm=\"a\"\n"
                            "wwwauth[]=Bearer realm=\"a\"\n\n",
               BEARER);
    assert_get(NEW_GIT HOST "wwwauth[]=Bearers a\nwwwauth[]=Basic\n\n",
               BASIC_STATE);
    assert_get(NEW_GIT HOST "wwwauth[]=Negotiate\n\n", BEARER);
}

static void
finds_every_scheme_of_a_line(void **state)
{
    (void)state;
    assert_get(NEW_GIT HOST "wwwauth[]=Basic realm=x, Bearer\n\n", BEARER);
    assert_get(NEW_GIT HOST "wwwauth[]=Negotiate,Basic realm=x\n\n",
               BASIC_STATE);
    assert_get(NEW_GIT HOST "wwwauth[]=Basic realm=\"x, Bearer\"\n\n",
               BASIC_STATE);
    assert_get(NEW_GIT HOST "wwwauth[]=Basic realm=x, bearer=y\n\n",
               BASIC_STATE);
}

/* git asks before the server was asked (http.proactiveAuth=auto). */
static void
a_user_name_speaks_for_basic_where_nothing_else_does(void **state)
{
    (void)state;
    assert_get(NEW_GIT HOST "username=me\n\n",
               "capability[]=state\npassword=" TOKEN
               "\npassword_expiry_utc=1795230000\n" STATE);
    names_user = true;
    assert_get(NEW_GIT HOST "\n", BASIC_STATE);
    assert_get(NEW_GIT HOST "wwwauth[]=Negotiate\n\n", BASIC_STATE);
    assert_get(NEW_GIT HOST "wwwauth[]=Basic\nwwwauth[]=\n\n", BASIC_STATE);
    assert_get(NEW_GIT HOST "wwwauth[]=Bearer\n\n", BEARER);
    assert_get(NEW_GIT HOST "wwwauth[]=Basic\nwwwauth[]=Bearer\n\n", BEARER);
}

/* gitcredentials(7): an empty value of key[] forgets the ones before it. */
static void
an_empty_value_resets_a_list(void **state)
{
    (void)state;
    assert_get(NEW_GIT "capability[]=\n" HOST "\n", BASIC);
    assert_get("capability[]=\n" NEW_GIT HOST "\n", BEARER);
    assert_get(
        "capability[]=authtype\ncapability[]=\ncapability[]=state\n" HOST "\n",
        BASIC_STATE);
    assert_get(NEW_GIT HOST "wwwauth[]=Basic\nwwwauth[]=\n\n", BEARER);
    assert_get(NEW_GIT HOST "wwwauth[]=Basic\nwwwauth[]\n\n", BASIC_STATE);
}

static void
leaves_a_user_name_that_is_given_as_it_is(void **state)
{
    (void)state;
    assert_get(HOST "username=me\n\n",
               "password=" TOKEN "\npassword_expiry_utc=1795230000\n");
    assert_get(HOST "username=\n\n", BASIC);
}

static void
asks_for_the_url_that_git_describes(void **state)
{
    static const char *const rows[][2] = {
        {"protocol=https\nhost=a.example:8443\n\n", "https a.example 8443 /"},
        {"host=a.example\nprotocol=http\npath=b/c.git\n\n",
         "http a.example 0 /b/c.git"},
        {"protocol=https\nhost=[::1]:81\npath=a=b\n\n", "https [::1] 81 /a=b"},
        {"protocol=https\nhost=x.example\nhost=a.example\n\n",
         "https a.example 0 /"},
        {"protocol=https\nhost=a.example\nnewer=x\nnewer[]=y\n=z\n\n",
         "https a.example 0 /"},
        {"protocol=https\nhost=a.example\npassword_expiry_utc=1\n"
         "oauth_refresh_token=x\nno equals sign\n\n",
         "https a.example 0 /"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_get(rows[i][0], BASIC);
        assert_string_equal(asked, rows[i][1]);
    }
}

static void
is_silent_about_what_is_no_url(void **state)
{
    (void)state;
    assert_silent("");
    assert_silent("\n");
    assert_silent("protocol=https\n\n");
    assert_silent("host=git.example.com\n\n");
    assert_silent("protocol=\nhost=git.example.com\n\n");
    assert_silent("protocol=https\nhost=\n\n");
    assert_silent("protocol=https\nhost=a b\n\n");
    assert_silent("protocol=https\nhost=git.example.com\r\n\r\n");
    assert_silent("protocol=https\nhost=me@git.example.com\n\n");
    assert_silent("protocol=https\nhost=git.example.com:0\n\n");
    assert_silent("protocol=ht tp\nhost=git.example.com\n\n");
    assert_int_equal(
        call_with("get", VK_SPAN("protocol=https\nhost=a.example\0.com\n\n"),
                  VK_OK),
        0);
    assert_int_equal(gets, 0);
}

/* What stands in host or protocol must not become a path of its own. */
static void
is_silent_about_a_host_that_is_more_than_one(void **state)
{
    (void)state;
    assert_silent("protocol=https\nhost=git.example.com/x\n\n");
    assert_silent("protocol=https\nhost=git.example.com/.evil.example\n\n");
    assert_silent("protocol=https\nhost=git.example.com?.evil.example\n\n");
    assert_silent("protocol=https\nhost=git.example.com#.evil.example\n\n");
    assert_silent("protocol=https://git.example.com/\nhost=evil.example\n\n");
}

static void
is_silent_about_a_url_that_is_too_long(void **state)
{
    char request[8192] = HOST "path=";
    size_t len = strlen(request);

    (void)state;
    memset(request + len, 'a', sizeof request - len - 1);
    assert_silent(request);
}

/* git decodes the path, so it may hold what a URL cannot. */
static void
serves_a_path_that_git_has_decoded(void **state)
{
    (void)state;
    assert_get(HOST "path=org/My Project/_git/r\n\n", BASIC);
    assert_string_equal(asked,
                        "https git.example.com 0 /org/My%20Project/_git/r");
    assert_get(HOST "path=org/\xc3\xa4\n\n", BASIC);
    assert_string_equal(asked, "https git.example.com 0 /org/%C3%A4");
    assert_get(HOST "path=org?x#y\n\n", BASIC);
    assert_string_equal(asked, "https git.example.com 0 /org%3Fx%23y");
}

static void
the_request_ends_at_its_first_blank_line(void **state)
{
    (void)state;
    assert_get(HOST "\nhost=evil.example\n\n", BASIC);
    assert_string_equal(asked, "https git.example.com 0 /");
    assert_get(HOST "\n" NEW_GIT "\n", BASIC);
}

static void
is_silent_about_hosts_that_no_client_serves(void **state)
{
    (void)state;
    outcome = VK_NOCLIENT;
    assert_get(NEW_GIT HOST "\n", "");
    assert_int_equal(gets, 1);
}

/* Ours, but broken: git must not ask for a password that nobody has. */
static void
tells_git_to_quit_where_the_host_is_ours_and_there_is_no_token(void **state)
{
    static const enum vk_err errs[] = {
        VK_REFUSED, VK_HELD,   VK_UNREACHABLE, VK_BADREPLY,
        VK_REQUEST, VK_LOCKED, VK_NOSTORE,     VK_NOSECRET,
        VK_CONFIG,  VK_TOOBIG, VK_IO,          VK_INTERNAL,
    };

    (void)state;
    for (size_t i = 0; i < sizeof errs / sizeof errs[0]; i++) {
        outcome = errs[i];
        assert_int_equal(run("get", NEW_GIT HOST "\n"), 1);
        assert_out("quit=1\n");
    }
}

/* The request or clients.conf was not read: the host may be anybody's. */
static void
does_not_quit_before_it_is_certain_whose_the_host_is(void **state)
{
    static const enum vk_err errs[] = {VK_TOOBIG, VK_IO, VK_CONFIG,
                                       VK_INTERNAL};

    (void)state;
    unreadable = true;
    for (size_t i = 0; i < sizeof errs / sizeof errs[0]; i++) {
        outcome = errs[i];
        assert_int_equal(run("get", NEW_GIT HOST "\n"), 1);
        assert_out("");
        assert_int_equal(call_with("get", VK_SPAN(HOST), errs[i]), 1);
        assert_out("");
        assert_int_equal(gets, 0);
    }
}

static void
says_nothing_of_what_it_had_when_it_fails(void **state)
{
    struct vk_call call = {.verb = "get", .out = &out};

    (void)state;
    vk_buf_clear(&out);
    ours = true;
    assert_int_equal(vk_buf_add_str(&out, "credential=half"), VK_OK);
    (vk_codec.fail)(&call, VK_NOMEM);
    assert_out("quit=1\n");
    assert_int_equal(call.exit, 1);
}

static void
store_does_nothing(void **state)
{
    (void)state;
    outcome = VK_INTERNAL;
    assert_int_equal(run("store", "junk"), 0);
    assert_out("");
    assert_int_equal(run("store", HOST "username=x\npassword=y\n\n"), 0);
    assert_out("");
    assert_int_equal(gets + drops, 0);
}

static void
erase_drops_the_token_that_was_refused(void **state)
{
    (void)state;
    assert_int_equal(run("erase", HOST "username=x\npassword=" TOKEN "\n\n"),
                     0);
    assert_string_equal(dropped, TOKEN);
    assert_string_equal(asked, "https git.example.com 0 /");
    assert_int_equal(run("erase", NEW_GIT HOST "authtype=Bearer\ncredential="
                                               "a=b==\nwwwauth[]=x\n\n"),
                     0);
    assert_string_equal(dropped, "a=b==");
    assert_int_equal(drops, 1);
    assert_out("");
}

static void
erase_goes_by_the_state_where_there_is_no_credential(void **state)
{
    (void)state;
    assert_int_equal(run("erase", NEW_GIT HOST STATE "\n"), 0);
    assert_string_equal(dropped, "name prod/operate id 4711");
    assert_string_equal(asked, "https git.example.com 0 /");
    assert_out("");
    assert_int_equal(run("erase", NEW_GIT HOST STATE "state[]=other:x:1\n\n"),
                     0);
    assert_string_equal(dropped, "name prod/operate id 4711");
    assert_int_equal(run("erase", NEW_GIT HOST "state[]=\n" STATE "\n"), 0);
    assert_int_equal(drops, 1);
    /* What was refused says more than what it was taken for. */
    assert_int_equal(run("erase", NEW_GIT HOST "password=x\n" STATE "\n"), 0);
    assert_string_equal(dropped, "x");
    assert_int_equal(drops, 1);
}

static void
erase_without_a_credential_drops_nothing(void **state)
{
    static const char *const requests[] = {
        HOST STATE "\n",
        STATE NEW_GIT HOST "\n",
        NEW_GIT STATE "capability[]=\n" HOST "\n",
        NEW_GIT HOST STATE "state[]=\n\n",
        NEW_GIT HOST "state[]=other:prod/operate:4711\n\n",
        NEW_GIT HOST "state[]=valetkey\n\n",
        NEW_GIT HOST "state[]=valetkey:\n\n",
        NEW_GIT HOST "state[]=valetkey:prod/operate\n\n",
        NEW_GIT HOST "state[]=valetkey:prod/operate:\n\n",
        NEW_GIT HOST "state[]=valetkey:prod/operate:4711:1\n\n",
        NEW_GIT HOST "state[]=valetkey:prod/operate:-4711\n\n",
        NEW_GIT HOST "state[]=valetkey:prod/operate:99999999999999999999\n\n",
        HOST "\n",
        HOST "password=\ncredential=\n\n",
        "password=x\n\n",
        "",
    };

    (void)state;
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        assert_int_equal(run("erase", requests[i]), 0);
        assert_int_equal(drops, 0);
        assert_out("");
    }
}

static void
erase_is_silent_whatever_comes_of_it(void **state)
{
    (void)state;
    outcome = VK_NOCLIENT;
    assert_int_equal(run("erase", HOST "password=x\n\n"), 0);
    assert_int_equal(drops, 1);
    assert_out("");
    outcome = VK_NOKEYRING;
    assert_int_equal(run("erase", HOST "password=x\n\n"), 1);
    assert_out("");
}

static void
names_its_capabilities(void **state)
{
    (void)state;
    assert_int_equal(run("capability", ""), 0);
    assert_out("version 0\ncapability authtype\ncapability state\n");
}

static void
reads_no_further_than_git_writes(void **state)
{
    static const struct {
        const char *verb;
        enum vk_request_end end;
    } rows[] = {
        {"get", VK_UNTIL_BLANK_LINE},
        {"store", VK_UNTIL_BLANK_LINE},
        {"erase", VK_UNTIL_BLANK_LINE},
        {"capability", VK_NO_REQUEST},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_string_equal(vk_codec.verbs[i].name, rows[i].verb);
        assert_int_equal(vk_codec.verbs[i].request, rows[i].end);
    }
    assert_null(vk_codec.verbs[4].name);
    assert_true(vk_codec.ignores_unknown_verbs);
    assert_string_equal(vk_codec.program, "git-credential-valetkey");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(
            answers_an_old_git_with_a_user_name_and_a_password, succeed),
        cmocka_unit_test_setup(answers_a_git_that_knows_authtype_with_a_bearer,
                               succeed),
        cmocka_unit_test_setup(chooses_the_scheme_that_the_server_offers,
                               succeed),
        cmocka_unit_test_setup(says_no_more_than_git_can_read, succeed),
        cmocka_unit_test_setup(finds_every_scheme_of_a_line, succeed),
        cmocka_unit_test_setup(
            a_user_name_speaks_for_basic_where_nothing_else_does, succeed),
        cmocka_unit_test_setup(an_empty_value_resets_a_list, succeed),
        cmocka_unit_test_setup(leaves_a_user_name_that_is_given_as_it_is,
                               succeed),
        cmocka_unit_test_setup(asks_for_the_url_that_git_describes, succeed),
        cmocka_unit_test_setup(is_silent_about_what_is_no_url, succeed),
        cmocka_unit_test_setup(is_silent_about_a_host_that_is_more_than_one,
                               succeed),
        cmocka_unit_test_setup(is_silent_about_a_url_that_is_too_long,
                               succeed),
        cmocka_unit_test_setup(serves_a_path_that_git_has_decoded, succeed),
        cmocka_unit_test_setup(the_request_ends_at_its_first_blank_line,
                               succeed),
        cmocka_unit_test_setup(is_silent_about_hosts_that_no_client_serves,
                               succeed),
        cmocka_unit_test_setup(
            tells_git_to_quit_where_the_host_is_ours_and_there_is_no_token,
            succeed),
        cmocka_unit_test_setup(
            does_not_quit_before_it_is_certain_whose_the_host_is, succeed),
        cmocka_unit_test_setup(says_nothing_of_what_it_had_when_it_fails,
                               succeed),
        cmocka_unit_test_setup(store_does_nothing, succeed),
        cmocka_unit_test_setup(erase_drops_the_token_that_was_refused,
                               succeed),
        cmocka_unit_test_setup(
            erase_goes_by_the_state_where_there_is_no_credential, succeed),
        cmocka_unit_test_setup(erase_without_a_credential_drops_nothing,
                               succeed),
        cmocka_unit_test_setup(erase_is_silent_whatever_comes_of_it, succeed),
        cmocka_unit_test_setup(names_its_capabilities, succeed),
        cmocka_unit_test_setup(reads_no_further_than_git_writes, succeed),
    };

    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    vk_buf_clear(&out);
    return failed;
}

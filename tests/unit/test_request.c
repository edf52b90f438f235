/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "oauth/request.h"

#define CLIENT                                            \
    "[client prod]\n"                                     \
    "token-url = https://login.example.com/oauth/token\n" \
    "client-id = id\n"
#define FORM "Content-Type: application/x-www-form-urlencoded"
#define JSON "Content-Type: application/json"
#define BASIC "auth = client_secret_basic\n"
#define GRANT "grant_type=client_credentials"
#define POST GRANT "&client_id=id&client_secret=s3cret"

static struct vk_request request = VK_REQUEST_EMPTY;

static enum vk_err
build_named(const char *conf, const char *name, struct vk_span secret)
{
    struct vk_clients clients = {.text = vk_span_str(conf)};
    struct vk_profile profile;

    vk_request_clear(&request);
    assert_int_equal(
        vk_clients_for_name(&clients, vk_span_str(name), &profile), VK_OK);
    return vk_request_build(&profile, secret, &request);
}

static void
assert_body(const char *conf, const char *content_type, const char *body)
{
    assert_int_equal(build_named(conf, "prod", VK_SPAN("s3cret")), VK_OK);
    assert_string_equal(request.content_type, content_type);
    assert_string_equal(vk_buf_str(&request.body), body);
}

static void
assert_user(const char *user, const char *password)
{
    assert_string_equal(vk_buf_str(&request.user), user);
    assert_string_equal(vk_buf_str(&request.password), password);
}

static void
sends_a_form_with_the_secret_in_it_unless_told_otherwise(void **state)
{
    (void)state;
    assert_body(CLIENT, FORM, POST);
    assert_user("", "");
    assert_body(CLIENT "auth = client_secret_post\nbody = form\n", FORM, POST);
    assert_user("", "");
}

static void
sends_json_where_the_client_says_so(void **state)
{
    (void)state;
    assert_body(CLIENT "body = json\naudience = a\n", JSON,
                "{\"grant_type\":\"client_credentials\",\"client_id\":\"id\","
                "\"client_secret\":\"s3cret\",\"audience\":\"a\"}");
    assert_user("", "");
}

static void
basic_keeps_the_credential_out_of_the_body(void **state)
{
    (void)state;
    assert_body(CLIENT BASIC "scope = s\n", FORM, GRANT "&scope=s");
    assert_user("id", "s3cret");
    assert_body(CLIENT BASIC "body = json\nscope = s\n", JSON,
                "{\"grant_type\":\"client_credentials\",\"scope\":\"s\"}");
    assert_user("id", "s3cret");
}

/* RFC 6749, 2.3.1: or a colon in the id would end it. */
static void
basic_encodes_both_parts_before_they_meet(void **state)
{
    static const char conf[] = "[client prod]\n"
                               "token-url = https://login.example.com/t\n"
                               "client-id = a:b c%d\n" BASIC;

    (void)state;
    assert_int_equal(build_named(conf, "prod", VK_SPAN("p:+&=%/? \xc3\xa4")),
                     VK_OK);
    assert_user("a%3Ab%20c%25d", "p%3A%2B%26%3D%25%2F%3F%20%C3%A4");
    assert_string_equal(vk_buf_str(&request.body), GRANT);
}

static void
sends_the_parameters_that_are_there_in_their_order(void **state)
{
    (void)state;
    assert_body(CLIENT "parameter = x=1\nresource = r\nscope = s\n"
                       "audience = a\n",
                FORM, POST "&audience=a&scope=s&resource=r&x=1");
}

static void
tells_an_empty_audience_from_none(void **state)
{
    (void)state;
    assert_body(CLIENT "audience =\nscope =\nresource =\n", FORM,
                POST "&audience=&scope=&resource=");
    assert_body(CLIENT BASIC "audience =\n", FORM, GRANT "&audience=");
    assert_body(CLIENT BASIC "audience =\nbody = json\n", JSON,
                "{\"grant_type\":\"client_credentials\",\"audience\":\"\"}");
    assert_body(CLIENT BASIC "body = json\n", JSON,
                "{\"grant_type\":\"client_credentials\"}");
}

/* RFC 3986's unreserved characters stand for themselves, no others. */
static void
encodes_every_byte_that_is_not_unreserved(void **state)
{
    (void)state;
    assert_body(CLIENT "scope = azAZ09-._~\n", FORM, POST "&scope=azAZ09-._~");
    assert_body(CLIENT "scope = a b+c&d=e%f\n", FORM,
                POST "&scope=a%20b%2Bc%26d%3De%25f");
    assert_body(CLIENT "scope = !\"#$'()*,/:;<>?@[\\]^`{|}\n", FORM,
                POST "&scope=%21%22%23%24%27%28%29%2A%2C%2F%3A%3B%3C%3E%3F"
                     "%40%5B%5C%5D%5E%60%7B%7C%7D");
    assert_body(CLIENT "audience = https://x.example/a?b=c\n", FORM,
                POST "&audience=https%3A%2F%2Fx.example%2Fa%3Fb%3Dc");
    assert_body(CLIENT "scope = \xc3\xa4\xe2\x82\xac\xff\n", FORM,
                POST "&scope=%C3%A4%E2%82%AC%FF");
}

static void
a_secret_goes_out_as_it_is_whatever_is_in_it(void **state)
{
    static const char secret[] = "\"\\\n\t&=+% \xc3\xa4\0end";
    struct vk_span span = {secret, sizeof secret - 1};
    struct json_object *object, *member;

    (void)state;
    assert_int_equal(build_named(CLIENT, "prod", span), VK_OK);
    assert_string_equal(vk_buf_str(&request.body),
                        GRANT "&client_id=id&client_secret=%22%5C%0A%09%26%3D"
                              "%2B%25%20%C3%A4%00end");
    assert_int_equal(build_named(CLIENT "body = json\n", "prod", span), VK_OK);
    object = json_tokener_parse(vk_buf_str(&request.body));
    assert_true(json_object_object_get_ex(object, "client_secret", &member));
    assert_int_equal(json_object_get_string_len(member), span.len);
    assert_memory_equal(json_object_get_string(member), secret, span.len);
    json_object_put(object);
}

/* JSON is UTF-8: another secret in its place would only be refused. */
static void
refuses_a_secret_that_json_cannot_hold(void **state)
{
    (void)state;
    assert_int_not_equal(
        build_named(CLIENT "body = json\n", "prod", VK_SPAN("s\xffs")), VK_OK);
}

static void
an_empty_secret_stays_an_empty_parameter(void **state)
{
    (void)state;
    assert_int_equal(build_named(CLIENT, "prod", VK_SPAN("")), VK_OK);
    assert_string_equal(vk_buf_str(&request.body),
                        GRANT "&client_id=id&client_secret=");
}

static void
repeats_parameters_in_the_order_of_the_file(void **state)
{
    (void)state;
    assert_body(CLIENT "parameter = b=2\nparameter = a=1\nparameter = b=3\n",
                FORM, POST "&b=2&a=1&b=3");
    assert_body(CLIENT BASIC "parameter = b=2\nbody = json\n"
                             "parameter = a=1\n",
                JSON,
                "{\"grant_type\":\"client_credentials\",\"b\":\"2\","
                "\"a\":\"1\"}");
}

static void
a_parameter_ends_at_its_first_equals_sign(void **state)
{
    (void)state;
    assert_body(CLIENT "parameter = a=b=c, d\n", FORM, POST "&a=b%3Dc%2C%20d");
    assert_body(CLIENT "parameter = a=\n", FORM, POST "&a=");
    assert_body(CLIENT "parameter = a&b=c\n", FORM, POST "&a%26b=c");
}

static void
a_token_inherits_what_it_does_not_set(void **state)
{
    static const char conf[] = CLIENT "audience = a\nscope = s\n"
                                      "parameter = x=1\nparameter = y=2\n"
                                      "[token prod/same]\n"
                                      "[token prod/own]\n"
                                      "audience = b\nparameter = z=3\n"
                                      "[token prod/none]\n"
                                      "audience =\n";
    static const char *const rows[][2] = {
        {"prod", "&audience=a&scope=s&x=1&y=2"},
        {"prod/same", "&audience=a&scope=s&x=1&y=2"},
        {"prod/own", "&audience=b&scope=s&z=3"},
        {"prod/none", "&audience=&scope=s&x=1&y=2"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(build_named(conf, rows[i][0], VK_SPAN("s3cret")),
                         VK_OK);
        const char *body = vk_buf_str(&request.body);
        assert_int_equal(strncmp(body, POST, strlen(POST)), 0);
        assert_string_equal(body + strlen(POST), rows[i][1]);
    }
}

static bool
repeats(const char *text)
{
    struct vk_clients clients = {.text = VK_SPAN(CLIENT)};
    struct vk_profile profile;

    assert_int_equal(vk_clients_for_name(&clients, VK_SPAN("prod"), &profile),
                     VK_OK);
    return vk_request_repeats(&profile, VK_SPAN("top s3cret/+%"),
                              vk_span_str(text));
}

static void
sees_a_secret_in_any_way_that_it_is_sent(void **state)
{
    (void)state;
    assert_true(repeats("no: top s3cret/+%"));
    assert_true(repeats("client_secret=top%20s3cret%2F%2B%25&x"));
    /* id:secret, encoded and not, though it is sent in the body. */
    assert_true(repeats("Basic aWQ6dG9wJTIwczNjcmV0JTJGJTJCJTI1"));
    assert_true(repeats("Basic aWQ6dG9wIHMzY3JldC8rJQ=="));
    assert_true(repeats("p s3cret"));
    assert_true(repeats("TIwczNjc"));
    assert_false(repeats(""));
    assert_false(repeats("p s3cre"));
    assert_false(repeats("Unauthorized: client id is unknown"));
}

static void
refuses_one_byte_past_the_limit(void **state)
{
    static char secret[VK_REQUEST_MAX + 1];
    static const struct {
        const char *conf;
        size_t around;
    } rows[] = {
        {CLIENT, sizeof GRANT "&client_id=id&client_secret=" - 1},
        {CLIENT BASIC, 0},
        {CLIENT "body = json\n",
         sizeof "{'grant_type':'client_credentials','client_id':'id',"
                "'client_secret':''}" -
             1},
    };

    (void)state;
    memset(secret, 's', sizeof secret);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t fits = VK_REQUEST_MAX - rows[i].around;
        assert_int_equal(
            build_named(rows[i].conf, "prod", (struct vk_span){secret, fits}),
            VK_OK);
        assert_int_equal(build_named(rows[i].conf, "prod",
                                     (struct vk_span){secret, fits + 1}),
                         VK_TOOBIG);
    }
}

static void
clear_leaves_nothing(void **state)
{
    (void)state;
    assert_int_equal(build_named(CLIENT BASIC, "prod", VK_SPAN("s3cret")),
                     VK_OK);
    vk_request_clear(&request);
    assert_int_equal(request.body.len, 0);
    assert_null(request.body.data);
    assert_null(request.user.data);
    assert_null(request.password.data);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            sends_a_form_with_the_secret_in_it_unless_told_otherwise),
        cmocka_unit_test(sends_json_where_the_client_says_so),
        cmocka_unit_test(basic_keeps_the_credential_out_of_the_body),
        cmocka_unit_test(basic_encodes_both_parts_before_they_meet),
        cmocka_unit_test(sends_the_parameters_that_are_there_in_their_order),
        cmocka_unit_test(tells_an_empty_audience_from_none),
        cmocka_unit_test(encodes_every_byte_that_is_not_unreserved),
        cmocka_unit_test(a_secret_goes_out_as_it_is_whatever_is_in_it),
        cmocka_unit_test(refuses_a_secret_that_json_cannot_hold),
        cmocka_unit_test(an_empty_secret_stays_an_empty_parameter),
        cmocka_unit_test(repeats_parameters_in_the_order_of_the_file),
        cmocka_unit_test(a_parameter_ends_at_its_first_equals_sign),
        cmocka_unit_test(a_token_inherits_what_it_does_not_set),
        cmocka_unit_test(sees_a_secret_in_any_way_that_it_is_sent),
        cmocka_unit_test(refuses_one_byte_past_the_limit),
        cmocka_unit_test(clear_leaves_nothing),
    };

    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    vk_request_clear(&request);
    return failed;
}

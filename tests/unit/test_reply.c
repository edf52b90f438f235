/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "keyring/record.h"
#include "oauth/reply.h"

#define LIFETIME 300
#define MAX_LIFETIME 86400
#define NOW 1795143600
#define TOKEN "\"access_token\":\"opaque\""
#define OPAQUE "{" TOKEN ",\"token_type\":\"Bearer\",\"expires_in\":"

static struct vk_reply reply = VK_REPLY;

static enum vk_err
read_at(long status, int64_t date, struct vk_span body)
{
    struct vk_http_reply http = VK_HTTP_REPLY;

    vk_reply_clear(&reply);
    reply.life = -7;
    reply.why = NULL;
    http.status = status;
    http.date = date;
    assert_int_equal(vk_buf_add(&http.body, body), VK_OK);
    enum vk_err err = vk_reply_read(&http, LIFETIME, MAX_LIFETIME, &reply);
    vk_buf_clear(&http.body);
    return err;
}

static enum vk_err
read_body(long status, const char *body)
{
    return read_at(status, NOW, vk_span_str(body));
}

static void
assert_life(const char *body, int64_t life)
{
    assert_int_equal(read_body(200, body), VK_OK);
    assert_true(vk_span_is(vk_buf_span(&reply.token), "opaque"));
    assert_int_equal(reply.life, life);
}

static void
assert_bad(long status, struct vk_span body, const char *why)
{
    assert_int_equal(read_at(status, NOW, body), VK_BADREPLY);
    assert_non_null(reply.why);
    assert_non_null(strstr(reply.why, why));
}

/* An expires_in of this form; life 0: it is refused. */
static void
assert_expires_in(const char *form, int64_t life)
{
    VK_AUTO_BUF body = VK_BUF(256);

    assert_int_equal(vk_buf_addf(&body, OPAQUE "%s}", form), VK_OK);
    if (life > 0)
        assert_life(vk_buf_str(&body), life);
    else
        assert_bad(200, vk_buf_span(&body), "expires_in");
}

static void
reads_what_real_servers_answer(void **state)
{
    (void)state;
    /* Auth0 for Camunda, Keycloak, Duende, glewlwyd. */
    assert_life("{" TOKEN ",\"scope\":\"7b1d9f0e-4c55\",\"expires_in\":58847,"
                "\"token_type\":\"Bearer\"}",
                58847);
    assert_life("{" TOKEN ",\"expires_in\":300,\"refresh_expires_in\":0,"
                "\"token_type\":\"Bearer\",\"not-before-policy\":0,"
                "\"scope\":\"profile email\"}",
                300);
    assert_life("{" TOKEN ",\"expires_in\":3600,\"token_type\":\"Bearer\","
                "\"scope\":\"api\"}\n",
                3600);
    assert_life("{" TOKEN ",\"token_type\":\"bearer\",\"expires_in\":3600,"
                "\"scope\":\"s1\",\"iat\":1}",
                3600);
    assert_int_equal(read_body(201, "{" TOKEN "}"), VK_OK);
}

static void
reads_every_odd_form_of_expires_in(void **state)
{
    static const struct {
        const char *form;
        int64_t life;
    } forms[] = {
        {"3600", 3600},
        {"\"3600\"", 3600},
        {"3600.5", 3600},
        {"null", LIFETIME},
        {"1", 1},
        {"86400", MAX_LIFETIME},
        {"86401", MAX_LIFETIME},
        {"1e12", MAX_LIFETIME},
        {"\"1e12\"", MAX_LIFETIME},
        {"9223372036854775808", MAX_LIFETIME},
        {"0", 0},
        {"-5", 0},
        {"0.5", 0},
        {"\"0\"", 0},
        {"\"-5\"", 0},
        {"\"abc\"", 0},
        {"\"\"", 0},
        {"true", 0},
        {"false", 0},
        {"[]", 0},
        {"[3600]", 0},
        {"{}", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        assert_expires_in(forms[i].form, forms[i].life);
}

static void
assumes_the_configured_life_where_the_server_names_none(void **state)
{
    (void)state;
    assert_life("{" TOKEN "}", LIFETIME);
    assert_life("{" TOKEN ",\"expires\":9,\"Expires_In\":9}", LIFETIME);
}

static void
takes_bearer_in_any_case_and_no_type_for_bearer(void **state)
{
    (void)state;
    assert_life("{" TOKEN ",\"token_type\":\"Bearer\"}", LIFETIME);
    assert_life("{" TOKEN ",\"token_type\":\"bearer\"}", LIFETIME);
    assert_life("{" TOKEN ",\"token_type\":\"BEARER\"}", LIFETIME);
    assert_life("{" TOKEN ",\"token_type\":null}", LIFETIME);
}

/* The reply with this token_type is refused. */
static void
assert_no_type(const char *type)
{
    VK_AUTO_BUF body = VK_BUF(256);

    assert_int_equal(vk_buf_addf(&body, "{" TOKEN ",\"token_type\":%s}", type),
                     VK_OK);
    assert_bad(200, vk_buf_span(&body), "token_type");
}

static void
refuses_every_other_token_type(void **state)
{
    (void)state;
    assert_no_type("\"MAC\"");
    assert_no_type("\"DPoP\"");
    assert_no_type("\"N_A\"");
    assert_no_type("\"\"");
    assert_no_type("\"Bearer \"");
    assert_no_type("\"Bearer\\u0000\"");
}

static void
refuses_a_token_type_that_is_no_string(void **state)
{
    (void)state;
    assert_no_type("5");
    assert_no_type("true");
    assert_no_type("{}");
    assert_no_type("[\"Bearer\"]");
}

static void
refuses_what_is_no_token(void **state)
{
    static const char *const values[] = {
        "\"\"",         "\"a b\"",          "\"a\\nb\"",
        "\"a\\r\"",     "\"\\ta\"",         "\"a\\u0000b\"",
        "\"a\\u007f\"", "\"t\xc3\xb6ken\"", "\"\\ud800\"",
    };
    static const char *const absent[] = {
        "{}",
        "{\"access_token\":null}",
        "{\"access_token\":5}",
        "{\"access_token\":{}}",
        "{\"Access_Token\":\"a\"}",
        "{\"error\":\"invalid_client\"}",
        "{\"id_token\":\"a\"}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        VK_AUTO_BUF body = VK_BUF(256);
        assert_int_equal(
            vk_buf_addf(&body, "{\"access_token\":%s}", values[i]), VK_OK);
        assert_bad(200, vk_buf_span(&body), "access_token is empty");
    }
    for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++)
        assert_bad(200, vk_span_str(absent[i]), "no access_token");
}

static void
refuses_a_token_of_one_byte_too_many(void **state)
{
    VK_AUTO_BUF body = VK_BUF(65536);

    (void)state;
    assert_int_equal(VK_TOKEN_MAX, 16384);
    assert_int_equal(vk_buf_add_str(&body, "{\"access_token\":\""), VK_OK);
    for (size_t i = 0; i < VK_TOKEN_MAX; i++)
        assert_int_equal(vk_buf_add_char(&body, 't'), VK_OK);
    size_t end = body.len;
    assert_int_equal(vk_buf_add_str(&body, "\"}"), VK_OK);
    assert_int_equal(read_at(200, NOW, vk_buf_span(&body)), VK_OK);
    assert_int_equal(reply.token.len, VK_TOKEN_MAX);

    vk_buf_cut(&body, end);
    assert_int_equal(vk_buf_add_str(&body, "t\"}"), VK_OK);
    assert_bad(200, vk_buf_span(&body), "longer than 16 KiB");
}

static void
refuses_a_success_that_is_no_json_object(void **state)
{
    static const char *const bodies[] = {
        "<html><body>signed in</body></html>",
        "access_token=opaque",
        "[{" TOKEN "}]",
        "{" TOKEN,
        "{" TOKEN "}{}",
        "{" TOKEN "} x",
        "{" TOKEN ",\"a\":\"\xff\"}",
        "\"opaque\"",
        "null",
        " ",
        "{" TOKEN ",\"a\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        assert_bad(200, vk_span_str(bodies[i]), "not a JSON object");
    assert_bad(200, VK_SPAN("{" TOKEN "}\0"), "not a JSON object");
    assert_bad(200, VK_SPAN("{" TOKEN "\0}"), "not a JSON object");
    assert_bad(200, VK_SPAN(""), "it is empty");
}

static void
takes_the_last_of_two_members_of_one_name(void **state)
{
    (void)state;
    assert_life("{\"access_token\":\"first\"," TOKEN ",\"expires_in\":5,"
                "\"expires_in\":7}",
                7);
}

/* A reply with a JWT of these claims and, unless NULL, this expires_in. */
static enum vk_err
read_jwt(const char *claims, const char *expires_in, int64_t date)
{
    VK_AUTO_BUF body = VK_BUF(4096);
    char payload[512];

    EVP_EncodeBlock((unsigned char *)payload, (const unsigned char *)claims,
                    (int)strlen(claims));
    payload[strcspn(payload, "=")] = '\0';
    assert_int_equal(
        vk_buf_addf(&body, "{\"access_token\":\"e30.%s.sig\"%s%s}", payload,
                    expires_in != NULL ? ",\"expires_in\":" : "",
                    expires_in != NULL ? expires_in : ""),
        VK_OK);
    return read_at(200, date, vk_buf_span(&body));
}

static void
a_jwt_lives_no_longer_than_its_exp_by_the_servers_date(void **state)
{
    (void)state;
    assert_int_equal(read_jwt("{\"exp\":1795143700}", "3600", NOW), VK_OK);
    assert_int_equal(reply.life, 100);
    assert_int_equal(read_jwt("{\"exp\":1795243600}", "3600", NOW), VK_OK);
    assert_int_equal(reply.life, 3600);
    assert_int_equal(read_jwt("{\"exp\":1795143700}", NULL, NOW), VK_OK);
    assert_int_equal(reply.life, 100);
    assert_int_equal(read_jwt("{\"exp\":1795143601}", "3600", NOW), VK_OK);
    assert_int_equal(reply.life, 1);
    /* A clock that is years off is still the server's own. */
    assert_int_equal(read_jwt("{\"exp\":1000,\"iat\":1}", "3600", 400), VK_OK);
    assert_int_equal(reply.life, 600);
}

static void
without_a_date_the_life_of_a_jwt_counts_from_its_iat(void **state)
{
    (void)state;
    assert_int_equal(read_jwt("{\"iat\":100,\"exp\":700}", "3600", -1), VK_OK);
    assert_int_equal(reply.life, 600);
    assert_int_equal(read_jwt("{\"exp\":700}", "3600", -1), VK_OK);
    assert_int_equal(reply.life, 3600);
    assert_int_equal(read_jwt("{\"iat\":100}", NULL, -1), VK_OK);
    assert_int_equal(reply.life, LIFETIME);
}

static void
refuses_a_jwt_that_ended_by_the_servers_own_clock(void **state)
{
    static const char *const claims[] = {
        "{\"exp\":1795143600}",
        "{\"exp\":1795143599}",
        "{\"exp\":1}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++) {
        assert_int_equal(read_jwt(claims[i], "3600", NOW), VK_BADREPLY);
        assert_non_null(strstr(reply.why, "already ended"));
    }
    assert_int_equal(read_jwt("{\"exp\":5,\"iat\":9}", NULL, -1), VK_BADREPLY);
}

static void
refuses_a_jwt_that_ended_in_1970_or_before(void **state)
{
    (void)state;
    assert_int_equal(read_jwt("{\"exp\":0}", "3600", NOW), VK_BADREPLY);
    assert_int_equal(read_jwt("{\"exp\":-5}", "3600", NOW), VK_BADREPLY);
}

#define ERROR(name) "{\"error\":\"" name "\"}"
#define SAYS(name, words) \
    "{\"error\":\"" name "\",\"error_description\":\"" words "\"}"

/* What the servers of the world answer, and what it comes to. */
static const struct {
    long status;
    enum vk_err err;
    const char *error; /* "" where none is kept */
    const char *body;
} dialects[] = {
    /* Auth0, as Camunda has it: wrong secret, wrong audience, no grant */
    {401, VK_REFUSED, "access_denied", SAYS("access_denied", "Unauthorized")},
    {403, VK_REFUSED, "access_denied",
     SAYS("access_denied", "Service not enabled within domain: x")},
    {403, VK_REFUSED, "access_denied",
     SAYS("access_denied", "Client is not authorized to access \\\"x\\\"")},
    /* Keycloak: wrong secret, unknown client, an older one, wrong scope */
    {401, VK_REFUSED, "unauthorized_client",
     SAYS("unauthorized_client", "Invalid client or Invalid client"
                                 " credentials")},
    {401, VK_REFUSED, "invalid_client", SAYS("invalid_client", "Invalid")},
    {400, VK_REFUSED, "invalid_client", SAYS("invalid_client", "Invalid")},
    {400, VK_REQUEST, "invalid_scope", SAYS("invalid_scope", "Invalid: x")},
    /* IdentityServer, always 400 */
    {400, VK_REFUSED, "invalid_client", ERROR("invalid_client")},
    {400, VK_REQUEST, "invalid_scope", ERROR("invalid_scope")},
    /* oidc-provider */
    {401, VK_REFUSED, "invalid_client",
     SAYS("invalid_client", "client authentication failed")},
    {400, VK_REQUEST, "invalid_target", SAYS("invalid_target", "missing")},
    /* glewlwyd: a status and nothing else */
    {403, VK_REFUSED, "", ""},
    /* Entra */
    {401, VK_REFUSED, "invalid_client",
     SAYS("invalid_client", "AADSTS7000215: x\\r\\nTrace ID: y")},
    {400, VK_REFUSED, "unauthorized_client",
     SAYS("unauthorized_client", "AADSTS700016: x")},
    {400, VK_REQUEST, "invalid_scope",
     SAYS("invalid_scope", "AADSTS70011: x")},
    /* RFC 6749's others */
    {400, VK_REQUEST, "invalid_request", ERROR("invalid_request")},
    {400, VK_REQUEST, "invalid_grant", ERROR("invalid_grant")},
    {400, VK_REQUEST, "unsupported_grant_type",
     ERROR("unsupported_grant_type")},
    /* the word counts before the status */
    {400, VK_REFUSED, "access_denied", ERROR("access_denied")},
    {401, VK_REQUEST, "invalid_scope", ERROR("invalid_scope")},
    {401, VK_REQUEST, "invalid_target", ERROR("invalid_target")},
    {403, VK_REQUEST, "invalid_request", ERROR("invalid_request")},
    {401, VK_REQUEST, "invalid_grant", ERROR("invalid_grant")},
    {403, VK_REQUEST, "unsupported_grant_type",
     ERROR("unsupported_grant_type")},
    /* no word that is known: the status decides */
    {401, VK_REFUSED, "", ""},
    {401, VK_REFUSED, "", "<html>401 Authorization Required</html>"},
    {403, VK_REFUSED, "", "{\"message\":\"no\"}"},
    {401, VK_REFUSED, "", "{\"error\":{\"code\":401}}"},
    {401, VK_REFUSED, "", ERROR("\xff")},
    {401, VK_REFUSED, "of_its_own", ERROR("of_its_own")},
    {400, VK_REQUEST, "of_its_own", ERROR("of_its_own")},
    {400, VK_REQUEST, "Invalid_Client", ERROR("Invalid_Client")},
    {400, VK_REFUSED, "invalid_client",
     "{\"error\":\"first\",\"error\":\"invalid_client\"}"},
    {400, VK_BADREPLY, "", ""},
    {400, VK_BADREPLY, "", "<html>400 Bad Request</html>"},
    {400, VK_BADREPLY, "", ERROR("")},
    {400, VK_BADREPLY, "", "{\"error\":null}"},
};

static void
tells_a_bad_credential_from_a_bad_request_in_every_dialect(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof dialects / sizeof dialects[0]; i++) {
        assert_int_equal(read_body(dialects[i].status, dialects[i].body),
                         dialects[i].err);
        assert_true(vk_span_is(vk_buf_span(&reply.error), dialects[i].error));
        assert_int_equal(reply.token.len, 0);
        if (dialects[i].err == VK_BADREPLY)
            assert_non_null(reply.why);
    }
}

static void
keeps_the_servers_words_as_they_are_and_cuts_them(void **state)
{
    VK_AUTO_BUF body = VK_BUF(8192);

    (void)state;
    assert_int_equal(read_body(401, SAYS("invalid_client", "a\\u001b[1m\\n")),
                     VK_REFUSED);
    assert_true(vk_span_is(vk_buf_span(&reply.description), "a\x1b[1m\n"));
    assert_int_equal(vk_buf_addf(&body, SAYS("%0300d", "%02000d"), 0, 0),
                     VK_OK);
    assert_int_equal(read_at(401, NOW, vk_buf_span(&body)), VK_REFUSED);
    assert_int_equal(reply.error.len, 256);
    assert_int_equal(reply.description.len, 1024);
}

static void
tells_every_other_status_apart(void **state)
{
    static const struct {
        long status;
        enum vk_err err;
        const char *why;
    } rows[] = {
        {429, VK_HELD, "asked to wait"}, {503, VK_HELD, "asked to wait"},
        {500, VK_UNREACHABLE, "fail"},   {502, VK_UNREACHABLE, "fail"},
        {504, VK_UNREACHABLE, "fail"},   {599, VK_UNREACHABLE, "fail"},
        {301, VK_BADREPLY, "redirect"},  {302, VK_BADREPLY, "redirect"},
        {307, VK_BADREPLY, "redirect"},  {308, VK_BADREPLY, "redirect"},
        {204, VK_BADREPLY, "no answer"}, {202, VK_BADREPLY, "no answer"},
        {404, VK_BADREPLY, "no answer"}, {405, VK_BADREPLY, "no answer"},
        {415, VK_BADREPLY, "no answer"}, {100, VK_BADREPLY, "no answer"},
        {0, VK_BADREPLY, "no answer"},
    };
    static const char *const bodies[] = {
        "{" TOKEN ",\"token_type\":\"Bearer\"}",
        ERROR("invalid_client"),
        SAYS("too_many_requests", "Global limit has been reached"),
        "<html>nginx</html>",
        "",
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t k = 0; k < sizeof bodies / sizeof bodies[0]; k++) {
            assert_int_equal(read_body(rows[i].status, bodies[k]),
                             rows[i].err);
            assert_non_null(strstr(reply.why, rows[i].why));
            assert_int_equal(reply.token.len, 0);
        }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_real_servers_answer),
        cmocka_unit_test(reads_every_odd_form_of_expires_in),
        cmocka_unit_test(
            assumes_the_configured_life_where_the_server_names_none),
        cmocka_unit_test(takes_bearer_in_any_case_and_no_type_for_bearer),
        cmocka_unit_test(refuses_every_other_token_type),
        cmocka_unit_test(refuses_a_token_type_that_is_no_string),
        cmocka_unit_test(refuses_what_is_no_token),
        cmocka_unit_test(refuses_a_token_of_one_byte_too_many),
        cmocka_unit_test(refuses_a_success_that_is_no_json_object),
        cmocka_unit_test(takes_the_last_of_two_members_of_one_name),
        cmocka_unit_test(
            a_jwt_lives_no_longer_than_its_exp_by_the_servers_date),
        cmocka_unit_test(without_a_date_the_life_of_a_jwt_counts_from_its_iat),
        cmocka_unit_test(refuses_a_jwt_that_ended_by_the_servers_own_clock),
        cmocka_unit_test(refuses_a_jwt_that_ended_in_1970_or_before),
        cmocka_unit_test(
            tells_a_bad_credential_from_a_bad_request_in_every_dialect),
        cmocka_unit_test(keeps_the_servers_words_as_they_are_and_cuts_them),
        cmocka_unit_test(tells_every_other_status_apart),
    };

    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    vk_reply_clear(&reply);
    return failed;
}

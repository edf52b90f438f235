/* SPDX-License-Identifier: MIT */
/*
 * Which clients and tokens a credentials file makes: cli/camunda.c,
 * camunda_fields.c and camunda_name.c.
 */
#include "tests/unit/plan.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

static void
reads_every_sample(void **state)
{
    static const struct {
        const char *file, *secret;
        size_t tokens, secrets;
    } samples[] = {
        {"zeebe-1.0.txt",
         "Sample.ZeebeSecret~1.0_aB3dE5gH7jK9mN1pQ3sT5vW7yZ"
         "-not.real",
         1, 1},
        {"saas-8.3.txt",
         "Sample.ClusterSecret~8.3_aB3dE5gH7jK9mN1pQ3sT5vW7yZ"
         "-not.real",
         5, 1},
        {"saas-8.6.txt",
         "Sample.ClusterSecret~8.6_aB3dE5gH7jK9mN1pQ3sT5vW7yZ"
         "-not.real",
         5, 3},
        {"console.txt",
         "Sample.ConsoleSecret~aB3dE5gH7jK9mN1pQ3sT5vW7yZ"
         "-not.real",
         1, 1},
        {"both.txt", "Sample.ClusterSecret~both-not.real", 1, 2},
        {"windows.txt", "Sample.Windows-not.real", 1, 1},
        {"application.properties",
         "Sample.SpringSecret~8.8_aB3dE5gH7jK9mN1p"
         "Q3sT5vW7yZ-not.real",
         1, 1},
        {"spring-zeebe.properties",
         "Sample.SpringSecret~8.3_aB3dE5gH7jK9mN1p"
         "Q3sT5vW7yZ-not.real",
         1, 1},
        {"self-managed.env", "Sample.SelfManaged-not.real", 4, 1},
        {"entra.sh", "Sample~Entra-not.real", 1, 1},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(samples); i++) {
        VK_AUTO_BUF text = VK_BUF(VK_CRED_MAX);
        VK_AUTO_BUF golden = VK_BUF(VK_CRED_MAX);

        vk_test_plan_sample(&text, samples[i].file, "");
        vk_test_plan_sample(&golden, samples[i].file, ".conf");
        assert_int_equal(vk_test_plan_make(vk_buf_span(&text), "prod"), VK_OK);
        assert_conf(vk_buf_str(&golden));
        assert_span(vk_test_plan.client[0].secret, samples[i].secret);
        assert_int_equal(vk_test_plan.client[0].tokens, samples[i].tokens);
        assert_int_equal(vk_test_plan.secrets, samples[i].secrets);
        assert_null(memmem(golden.data, golden.len, samples[i].secret,
                           strlen(samples[i].secret)));
        vk_camunda_plan_clear(&vk_test_plan);
    }
}

static void
names_every_variable_that_holds_a_secret(void **state)
{
    (void)state;
    assert_int_equal(
        vk_test_plan_make(VK_SPAN(ID SECRET URL
                                  "ZEEBE_CLIENT_SECRET=s3cret\n"
                                  "CAMUNDA_CONSOLE_CLIENT_SECRET=\n"
                                  "CAMUNDA_BASIC_AUTH_PASSWORD=x\n"
                                  "CAMUNDA_SECRETS_BASE_URL=x\n"),
                          "prod"),
        VK_OK);
    assert_int_equal(vk_test_plan.secrets, 3);
    assert_int_equal(vk_test_plan.secret[0]->line, 2);
    assert_int_equal(vk_test_plan.secret[1]->line, 4);
    assert_span(vk_test_plan.secret[2]->name, "CAMUNDA_BASIC_AUTH_PASSWORD");
}

static void
refuses_two_secrets_that_differ_and_names_both_lines(void **state)
{
    (void)state;
    assert_refused(ID SECRET URL "ZEEBE_CLIENT_SECRET=s3cret2\n",
                   "'CAMUNDA_CLIENT_SECRET' in line 2 and"
                   " 'ZEEBE_CLIENT_SECRET' in line 4 differ");
    assert_refused(ID SECRET URL "CAMUNDA_CLIENT_SECRET=s3cret2\n",
                   "'CAMUNDA_CLIENT_SECRET' in line 2 and"
                   " 'CAMUNDA_CLIENT_SECRET' in line 4 differ");
    assert_refused(ID SECRET "ZEEBE_CLIENT_ID=ie\n", "in line 3 differ");
    assert_refused(ID SECRET "CAMUNDA_TOKEN_AUDIENCE=a\n"
                             "ZEEBE_TOKEN_AUDIENCE=a/\n",
                   "line 4 differ");
}

static void
takes_one_value_under_many_names(void **state)
{
    (void)state;
    assert_int_equal(
        vk_test_plan_make(VK_SPAN(ID SECRET SECRET URL
                                  "ZEEBE_CLIENT_ID=id\n"
                                  "CAMUNDA_CLIENT_AUTH_CLIENTID=id\n"
                                  "CAMUNDA_CLIENT_AUTH_CLIENT_SECRET=s3cret\n"
                                  "camunda.client.auth.clientSecret=s3cret\n"
                                  "camunda.client.auth.client_id=id\n"
                                  "ZEEBE_AUTHORIZATION_SERVER_URL="
                                  "https://sso.example.com/token/\n"),
                          "prod"),
        VK_OK);
    assert_conf("[client prod]\n"
                "token-url = https://sso.example.com/token\n"
                "client-id = id\n");
    assert_int_equal(vk_test_plan.secrets, 4);
}

static void
knows_a_property_in_every_spelling(void **state)
{
    static const char *const names[] = {
        "camunda.client.auth.client-id", "camunda.client.auth.clientId",
        "camunda.client.auth.client_id", "CAMUNDA_CLIENT_AUTH_CLIENTID",
        "CAMUNDA_CLIENT_AUTH_CLIENT_ID",
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(names); i++) {
        VK_AUTO_BUF text = VK_BUF(1024);
        assert_int_equal(vk_buf_addf(&text, "%s=id\n" SECRET URL, names[i]),
                         VK_OK);
        assert_int_equal(vk_test_plan_make(vk_buf_span(&text), "prod"), VK_OK);
    }
}

static void
asks_for_what_is_missing(void **state)
{
    (void)state;
    assert_refused("EDITOR=vi\n", "it names no client of Camunda's");
    assert_refused(CLUSTER, "it names no client of Camunda's");
    assert_refused(ID URL, "neither 'CAMUNDA_CLIENT_SECRET'");
    assert_refused(SECRET URL, "nor 'ZEEBE_CLIENT_ID'");
    assert_refused(ID SECRET, "neither 'CAMUNDA_OAUTH_URL'");
    assert_refused(ID "CAMUNDA_CLIENT_SECRET=''\n", "CLIENT_SECRET'");
    assert_refused(ID SECRET "CAMUNDA_CLUSTER_ID=abc\n", "CLUSTER_REGION'");
    assert_refused(ID SECRET "camunda.client.mode=saas\n", "CLUSTER_ID'");
    assert_refused(ID SECRET CLUSTER "ZEEBE_REST_ADDRESS=https://a.com\n",
                   "neither 'CAMUNDA_OAUTH_URL'");
    assert_refused("CAMUNDA_CONSOLE_CLIENT_ID=id\n",
                   "neither 'CAMUNDA_CONSOLE_CLIENT_SECRET'");
    assert_refused(ID SECRET CLUSTER "CAMUNDA_HUB_CLIENT_SECRET=s3cret\n",
                   "neither 'CAMUNDA_CONSOLE_CLIENT_ID'");
}

static void
refuses_a_token_url_in_the_clear(void **state)
{
    (void)state;
    assert_refused(ID SECRET CLUSTER "CAMUNDA_OAUTH_URL=http://a.com/s3cret\n",
                   "'CAMUNDA_OAUTH_URL' in line 5 is no https URL");
    assert_refused(ID SECRET "CAMUNDA_OAUTH_URL=s3cret\n", "is no https URL");
    assert_int_equal(
        vk_test_plan_make(
            VK_SPAN(ID SECRET "CAMUNDA_OAUTH_URL=http://127.0.0.1:1/t\n"),
            "prod"),
        VK_OK);
}

static void
takes_a_secret_as_it_is_written(void **state)
{
    (void)state;
    assert_int_equal(
        vk_test_plan_make(VK_SPAN(ID URL "export ZEEBE_CLIENT_SECRET="
                                         "\"$(touch x) ${Y} \"\n"),
                          "prod"),
        VK_CONFIG);
    assert_said("begins or ends with a blank");
    assert_int_equal(
        vk_test_plan_make(VK_SPAN(ID URL "export ZEEBE_CLIENT_SECRET="
                                         "\"$(touch x) ${Y}\"\n"),
                          "prod"),
        VK_OK);
    assert_span(vk_test_plan.client[0].secret, "$(touch x) ${Y}");
}

static void
refuses_a_placeholder_of_spring(void **state)
{
    (void)state;
    assert_refused(URL "camunda.client.auth.client-id=id\n"
                       "camunda.client.auth.client-secret=${CLIENT_s3cret}\n",
                   "'camunda.client.auth.client-secret' in line 3 is a"
                   " placeholder");
}

static void
refuses_a_name_that_is_none(void **state)
{
    char name[VK_NAME_MAX + 1];

    (void)state;
    assert_int_equal(vk_test_plan_make(VK_SPAN(ID SECRET URL), "Prod"),
                     VK_USAGE);
    assert_int_equal(vk_test_plan_make(VK_SPAN(ID SECRET URL), ""), VK_USAGE);
    memset(name, 'a', VK_NAME_MAX);
    name[VK_NAME_MAX] = '\0';
    assert_int_equal(vk_test_plan_make(VK_SPAN(ID SECRET URL), name), VK_OK);
    assert_int_equal(
        vk_test_plan_make(VK_SPAN(ID SECRET URL
                                  "CAMUNDA_CONSOLE_CLIENT_ID=id\n"
                                  "CAMUNDA_CONSOLE_CLIENT_SECRET=s3cret\n"),
                          name),
        VK_CONFIG);
    assert_said("too long");
}

static void
makes_a_name_of_any_path(void **state)
{
    static const struct {
        const char *path, *name;
    } paths[] = {
        {"/tmp/CamundaCloudMgmtAPI-Client-My Client.txt", "my-client"},
        {"CamundaCloudMgmtAPI-Client-My Client (1).txt", "my-client-1"},
        {"CamundaCloudMgmtAPI-Client-.txt", "camunda"},
        {"a.b/Prod_EU.v2.env", "prod_eu.v2"},
        {".env", "env"},
        {"application.properties", "application"},
        {"-", "camunda"},
        {"", "camunda"},
        {"dir/", "camunda"},
        {"\xc3\x84rger.txt", "rger"},
        {"a--b..c.txt", "a-b..c"},
        {"0123456789012345678901234567890123456789012345678901234567890123",
         "0123456789012345678901234567890123456789012345678901234"},
    };
    char name[VK_NAME_MAX + 1];

    (void)state;
    for (size_t i = 0; i < LENGTH(paths); i++) {
        vk_camunda_name_of(paths[i].path, name);
        assert_string_equal(name, paths[i].name);
        assert_true(vk_clients_is_name(vk_span_str(name)));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_sample),
        cmocka_unit_test(names_every_variable_that_holds_a_secret),
        cmocka_unit_test(refuses_two_secrets_that_differ_and_names_both_lines),
        cmocka_unit_test(takes_one_value_under_many_names),
        cmocka_unit_test(knows_a_property_in_every_spelling),
        cmocka_unit_test(asks_for_what_is_missing),
        cmocka_unit_test(refuses_a_token_url_in_the_clear),
        cmocka_unit_test(takes_a_secret_as_it_is_written),
        cmocka_unit_test(refuses_a_placeholder_of_spring),
        cmocka_unit_test(refuses_a_name_that_is_none),
        cmocka_unit_test(makes_a_name_of_any_path),
    };

    vk_log_keep();
    return cmocka_run_group_tests(tests, NULL, vk_test_plan_clear);
}

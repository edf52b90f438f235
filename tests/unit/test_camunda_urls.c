/* SPDX-License-Identifier: MIT */
/* Which addresses the tokens of a file serve: cli/camunda_urls.c. */
#include "tests/unit/plan.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

#define REST "https://bru-2.zeebe.camunda.io/7b1d9f0e-4c55"
#define GRPC "https://7b1d9f0e-4c55.bru-2.zeebe.camunda.io"

static void
derives_what_the_file_does_not_say(void **state)
{
    (void)state;
    assert_int_equal(
        vk_test_plan_make(VK_SPAN(ID SECRET CLUSTER
                                  "CAMUNDA_CREDENTIALS_SCOPES="
                                  "Zeebe,\\ operate,Nothing\n"
                                  "CAMUNDA_OPTIMIZE_OAUTH_AUDIENCE=other\n"
                                  "CAMUNDA_MODELER_BASE_URL="
                                  "https://modeler.camunda.io/api\n"),
                          "prod"),
        VK_OK);
    assert_conf("[client prod]\n"
                "token-url = https://login.cloud.camunda.io/oauth/token\n"
                "client-id = id\n"
                "audience  = zeebe.camunda.io\n"
                "serves    = " REST "\n"
                "serves    = " GRPC "\n"
                "\n[token prod/operate]\n"
                "audience = operate.camunda.io\n"
                "serves   = https://bru-2.operate.camunda.io/"
                "7b1d9f0e-4c55\n"
                "\n[token prod/optimize]\n"
                "audience = other\n"
                "serves   = https://bru-2.optimize.camunda.io/"
                "7b1d9f0e-4c55\n");
}

static void
finds_the_cluster_in_either_address(void **state)
{
    static const char *const addresses[] = {
        "CAMUNDA_REST_ADDRESS=" REST "/\n",
        "ZEEBE_GRPC_ADDRESS=grpcs://7b1d9f0e-4c55.BRU-2.zeebe.camunda.io\n",
        CLUSTER "ZEEBE_REST_ADDRESS=https://bru-2.zeebe.camunda.io\n",
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(addresses); i++) {
        VK_AUTO_BUF text = VK_BUF(1024);
        assert_int_equal(vk_buf_addf(&text, ID SECRET "%s", addresses[i]),
                         VK_OK);
        assert_int_equal(vk_test_plan_make(vk_buf_span(&text), "prod"), VK_OK);
        VK_AUTO_BUF conf = VK_BUF(1024);
        vk_test_plan_join(&conf);
        assert_non_null(strcasestr(vk_buf_str(&conf), " " REST "\n"));
        assert_non_null(strcasestr(vk_buf_str(&conf), " " GRPC "\n"));
    }
}

static void
assert_serves(const char *conf, const char *request, const char *name)
{
    struct vk_clients clients = {.text = vk_span_str(conf)};
    struct vk_profile profile;
    struct vk_url url;

    assert_true(vk_url_parse(vk_span_str(request), &url));
    enum vk_err err = vk_clients_for_url(&clients, &url, &profile);
    assert_int_equal(err, name != NULL ? VK_OK : VK_NOCLIENT);
    if (name != NULL)
        assert_string_equal(profile.name, name);
}

static void
tells_two_clusters_of_one_region_apart(void **state)
{
    static const char scopes[] =
        ID SECRET "CAMUNDA_CLUSTER_REGION=bru-2\nCAMUNDA_CREDENTIALS_SCOPES="
                  "Zeebe,Tasklist,Operate,Optimize,Secrets\n";
    static const char *const names[] = {"a", "b"};
    VK_AUTO_BUF conf = VK_BUF(8192);

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        VK_AUTO_BUF text = VK_BUF(1024);
        assert_int_equal(vk_buf_addf(&text, "%sCAMUNDA_CLUSTER_ID=%s-1\n",
                                     scopes, names[i]),
                         VK_OK);
        assert_int_equal(vk_test_plan_make(vk_buf_span(&text), names[i]),
                         VK_OK);
        vk_test_plan_join(&conf);
    }
    const char *text = vk_buf_str(&conf);
    assert_serves(text, "https://bru-2.zeebe.camunda.io/a-1/v2", "a");
    assert_serves(text, "https://bru-2.zeebe.camunda.io/b-1", "b");
    assert_serves(text, "https://b-1.bru-2.zeebe.camunda.io:443", "b");
    assert_serves(text, "https://bru-2.operate.camunda.io/b-1", "b/operate");
    assert_serves(text, "https://bru-2.zeebe.camunda.io", NULL);
    assert_serves(text, "https://bru-2.zeebe.camunda.io/c-1", NULL);
}

static void
gives_the_console_a_client_of_its_own(void **state)
{
    VK_AUTO_BUF text = VK_BUF(VK_CRED_MAX);
    VK_AUTO_BUF conf = VK_BUF(8192);

    (void)state;
    vk_test_plan_sample(&text, "both.txt", "");
    assert_int_equal(vk_test_plan_make(vk_buf_span(&text), "prod"), VK_OK);
    assert_int_equal(vk_test_plan.clients, 2);
    assert_string_equal(vk_test_plan.client[1].name, "prod-console");
    assert_span(vk_test_plan.client[1].secret,
                "Sample.ConsoleSecret~both-not.real");
    vk_test_plan_join(&conf);
    const char *all = vk_buf_str(&conf);
    assert_serves(all, "https://api.cloud.camunda.io/clusters",
                  "prod-console");
    assert_serves(all, "https://modeler.camunda.io/api/v1", "prod-console");
    assert_serves(all, "https://modeler.camunda.io/", NULL);
    assert_serves(all,
                  "https://bru-2.zeebe.camunda.io/7b1d9f0e-4c55-4b0e-"
                  "9d6c-2f9a54c0b6aa/v2",
                  "prod");
}

static void
refuses_addresses_of_other_clusters_and_clients(void **state)
{
    (void)state;
    assert_refused(ID SECRET CLUSTER
                   "ZEEBE_REST_ADDRESS="
                   "https://bru-2.zeebe.camunda.io/other-1\n",
                   "'ZEEBE_REST_ADDRESS' in line 5 names another cluster");
    assert_refused(ID SECRET CLUSTER
                   "ZEEBE_ADDRESS="
                   "7b1d9f0e-4c55.syd-1.zeebe.camunda.io:443\n",
                   "line 5 names another cluster or region");
    assert_refused(ID SECRET CLUSTER
                   "CAMUNDA_OPERATE_BASE_URL="
                   "https://bru-2.operate.camunda.io/other-1\n",
                   "line 5 does not name the cluster");
    assert_refused(ID SECRET CLUSTER "CAMUNDA_OPERATE_BASE_URL="
                                     "https://api.cloud.camunda.io\n",
                   "line 5 is an address of"
                   " the other kind of client");
    assert_refused(ID SECRET URL "CAMUNDA_OPERATE_BASE_URL="
                                 "https://bru-2.operate.camunda.io\n",
                   "line 4 is a cluster's");
    assert_refused("CAMUNDA_CONSOLE_CLIENT_ID=id\n"
                   "CAMUNDA_CONSOLE_CLIENT_SECRET=s3cret\n"
                   "CAMUNDA_CONSOLE_BASE_URL=" REST "\n",
                   "line 3 is an"
                   " address of the other kind of client");
}

static void
refuses_what_is_no_address(void **state)
{
    static const char *const addresses[] = {
        "*.example.com",
        "https://*.zeebe.camunda.io",
        "https://a b",
        "a,b",
        "https://a.com/x,https://b.com",
        "https://u:s3cret@a.com",
        "https://",
        "https://a.com/../x",
        "https://a.com:0",
        "7b1d..zeebe.camunda.io",
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(addresses); i++) {
        VK_AUTO_BUF text = VK_BUF(1024);
        assert_int_equal(vk_buf_addf(&text,
                                     ID SECRET URL "ZEEBE_REST_ADDRESS='%s'\n",
                                     addresses[i]),
                         VK_OK);
        assert_refused(vk_buf_str(&text), "'ZEEBE_REST_ADDRESS' in line 4");
    }
}

static void
serves_each_url_once_and_none_in_the_clear(void **state)
{
    (void)state;
    assert_int_equal(
        vk_test_plan_make(
            VK_SPAN(ID SECRET URL
                    "ZEEBE_REST_ADDRESS=https://A.example.com:443/\n"
                    "ZEEBE_GRPC_ADDRESS=grpcs://a.example.com\n"
                    "ZEEBE_ADDRESS=[::1]:26500\n"
                    "CAMUNDA_OPERATE_BASE_URL=https://a.example.com/operate\n"
                    "CAMUNDA_TASKLIST_BASE_URL=https://a.example.com\n"
                    "CAMUNDA_OPTIMIZE_BASE_URL=http://a.example.com:8083\n"
                    "CAMUNDA_TOKEN_RESOURCE=urn:x\n"),
            "prod"),
        VK_OK);
    assert_conf("[client prod]\n"
                "token-url = https://sso.example.com/token\n"
                "client-id = id\n"
                "resource  = urn:x\n"
                "serves    = https://a.example.com\n"
                "serves    = http://[::1]:26500\n"
                "\n[token prod/tasklist]\n"
                "\n[token prod/operate]\n"
                "serves   = https://a.example.com/operate\n"
                "\n[token prod/optimize]\n"
                "# CAMUNDA_OPTIMIZE_BASE_URL is not served: tokens never go"
                " over plain http.\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(derives_what_the_file_does_not_say),
        cmocka_unit_test(finds_the_cluster_in_either_address),
        cmocka_unit_test(tells_two_clusters_of_one_region_apart),
        cmocka_unit_test(gives_the_console_a_client_of_its_own),
        cmocka_unit_test(refuses_addresses_of_other_clusters_and_clients),
        cmocka_unit_test(refuses_what_is_no_address),
        cmocka_unit_test(serves_each_url_once_and_none_in_the_clear),
    };

    vk_log_keep();
    return cmocka_run_group_tests(tests, NULL, vk_test_plan_clear);
}

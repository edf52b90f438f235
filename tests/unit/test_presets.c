/* SPDX-License-Identifier: MIT */
#include "tests/unit/support.h"

#include <string.h>

#include "base/log.h"
#include "cli/presets.h"
#include "keyring/keys.h"

struct line {
    enum vk_key key;
    const char *value;
};

#define MOST_LINES 4

/* A preset, what was given, and all it says then. */
struct expansion {
    const char *preset;
    struct vk_cli cli;
    struct line line[MOST_LINES];
};

#define OPTION(name) .option[VK_OPT_##name]
#define CLIENT_ID .option[VK_OPT_KEYS + VK_KEY_CLIENT_ID]

static const struct expansion expansions[] = {
    {"camunda-saas",
     {OPTION(REGION) = "bru-2", OPTION(CLUSTER_ID) = "5d2e"},
     {{VK_KEY_TOKEN_URL, "https://login.cloud.camunda.io/oauth/token"},
      {VK_KEY_AUDIENCE, "zeebe.camunda.io"},
      {VK_KEY_SERVES, "https://bru-2.zeebe.camunda.io/5d2e, "
                      "https://5d2e.bru-2.zeebe.camunda.io"}}},
    {"camunda-console",
     {.command = NULL},
     {{VK_KEY_TOKEN_URL, "https://login.cloud.camunda.io/oauth/token"},
      {VK_KEY_AUDIENCE, "api.cloud.camunda.io"},
      {VK_KEY_SERVES,
       "https://api.cloud.camunda.io, https://modeler.camunda.io/api"}}},
    {"camunda-self-managed",
     {OPTION(HOST) = "sso.example"},
     {{VK_KEY_TOKEN_URL, "https://sso.example/auth/realms/camunda-platform"
                         "/protocol/openid-connect/token"}}},
    {"camunda-self-managed",
     {OPTION(HOST) = "http://localhost:18080/", OPTION(REALM) = "r"},
     {{VK_KEY_TOKEN_URL, "http://localhost:18080/auth/realms/r"
                         "/protocol/openid-connect/token"}}},
    {"infoveave",
     {OPTION(HOST) = "tenant.infoveave.example"},
     {{VK_KEY_TOKEN_URL, "https://tenant.infoveave.example/connect/token"},
      {VK_KEY_SERVES, "https://tenant.infoveave.example"}}},
    {"keycloak",
     {OPTION(HOST) = "https://sso.example:8443//", OPTION(REALM) = "r"},
     {{VK_KEY_TOKEN_URL, "https://sso.example:8443/realms/r"
                         "/protocol/openid-connect/token"}}},
    {"entra",
     {OPTION(TENANT) = "t-1", CLIENT_ID = "app-1"},
     {{VK_KEY_TOKEN_URL,
       "https://login.microsoftonline.com/t-1/oauth2/v2.0/token"},
      {VK_KEY_SCOPE, "app-1/.default"}}},
    {"auth0",
     {OPTION(HOST) = "t.auth0.example"},
     {{VK_KEY_TOKEN_URL, "https://t.auth0.example/oauth/token"}}},
    {"okta",
     {OPTION(HOST) = "t.okta.example"},
     {{VK_KEY_TOKEN_URL, "https://t.okta.example/oauth2/default/v1/token"},
      {VK_KEY_AUTH, "client_secret_basic"}}},
    {"okta",
     {OPTION(HOST) = "t.okta.example", OPTION(SERVER) = "aus1"},
     {{VK_KEY_TOKEN_URL, "https://t.okta.example/oauth2/aus1/v1/token"},
      {VK_KEY_AUTH, "client_secret_basic"}}},
    {"generic", {.command = NULL}, {{VK_KEY_TOKEN_URL, NULL}}},
};

static const char *
expected(const struct expansion *expansion, enum vk_key key)
{
    for (size_t i = 0; i < MOST_LINES; i++)
        if (expansion->line[i].value != NULL && expansion->line[i].key == key)
            return expansion->line[i].value;
    return NULL;
}

static void
expands_each_preset_to_values_that_are_right(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(expansions); i++) {
        const struct vk_preset *preset = vk_preset_find(expansions[i].preset);
        assert_non_null(preset);
        assert_string_equal(preset->name, expansions[i].preset);
        for (enum vk_key key = 0; key < VK_KEYS; key++) {
            VK_AUTO_BUF out = VK_BUF(4096);
            const char *want = expected(&expansions[i], key);
            assert_int_equal(preset->value[key] != NULL, want != NULL);
            if (want == NULL)
                continue;
            assert_int_equal(
                vk_preset_expand(preset, key, &expansions[i].cli, &out),
                VK_OK);
            assert_span(vk_buf_span(&out), want);
            if (vk_key_rows[key].objection != NULL)
                assert_null(vk_key_rows[key].objection(vk_buf_span(&out)));
        }
    }
}

static void
refuses(const char *name, enum vk_key key, const struct vk_cli *cli,
        const char *said)
{
    VK_AUTO_BUF out = VK_BUF(4096);
    const struct vk_preset *preset = vk_preset_find(name);

    assert_non_null(preset);
    assert_int_equal(vk_preset_expand(preset, key, cli, &out), VK_USAGE);
    assert_said(said);
}

static void
asks_for_the_options_that_are_missing(void **state)
{
    static const struct vk_cli none,
        empty = {OPTION(HOST) = "", OPTION(REALM) = ""};
    static const struct vk_cli region = {OPTION(REGION) = "bru-2"};
    static const struct vk_cli host = {OPTION(HOST) = "h"};

    (void)state;
    refuses("camunda-saas", VK_KEY_SERVES, &none,
            "preset 'camunda-saas' needs '--region'");
    refuses("camunda-saas", VK_KEY_SERVES, &region,
            "preset 'camunda-saas' needs '--cluster-id'");
    refuses("camunda-self-managed", VK_KEY_TOKEN_URL, &none, "needs '--host'");
    refuses("camunda-self-managed", VK_KEY_TOKEN_URL, &empty,
            "needs '--host'");
    refuses("infoveave", VK_KEY_TOKEN_URL, &none, "needs '--host'");
    refuses("infoveave", VK_KEY_SERVES, &none, "needs '--host'");
    refuses("keycloak", VK_KEY_TOKEN_URL, &host, "needs '--realm'");
    refuses("entra", VK_KEY_TOKEN_URL, &none, "needs '--tenant'");
    refuses("entra", VK_KEY_SCOPE, &none, "needs '--client-id'");
    refuses("auth0", VK_KEY_TOKEN_URL, &none, "needs '--host'");
    refuses("okta", VK_KEY_TOKEN_URL, &none, "needs '--host'");
}

static void
knows_what_a_service_does_not_do_without(void **state)
{
    static const struct {
        const char *preset;
        enum vk_key needs;
    } table[] = {
        {"camunda-saas", VK_KEYS},
        {"camunda-console", VK_KEYS},
        {"camunda-self-managed", VK_KEYS},
        {"infoveave", VK_KEYS},
        {"keycloak", VK_KEYS},
        {"entra", VK_KEYS},
        {"auth0", VK_KEY_AUDIENCE},
        {"okta", VK_KEY_SCOPE},
        {"generic", VK_KEYS},
    };

    (void)state;
    assert_null(vk_preset_find("no-such"));
    assert_said("there is no preset 'no-such'");
    for (size_t i = 0; i < LENGTH(table); i++) {
        assert_non_null(strstr(vk_log_last(), table[i].preset));
        assert_int_equal(vk_preset_find(table[i].preset)->needs,
                         table[i].needs);
    }
    assert_null(vk_preset_find(""));
    assert_null(vk_preset_find("camunda"));
    assert_null(vk_preset_find("Okta"));
}

static void
does_not_expand_what_was_given(void **state)
{
    static const struct vk_cli cli = {OPTION(TENANT) = "{host}",
                                      OPTION(HOST) = "h"};
    VK_AUTO_BUF out = VK_BUF(4096);
    VK_AUTO_BUF small = VK_BUF(8);
    const struct vk_preset *entra = vk_preset_find("entra");

    (void)state;
    assert_int_equal(vk_preset_expand(entra, VK_KEY_TOKEN_URL, &cli, &out),
                     VK_OK);
    assert_span(vk_buf_span(&out), "https://login.microsoftonline.com/{host}"
                                   "/oauth2/v2.0/token");
    assert_int_equal(vk_preset_expand(entra, VK_KEY_TOKEN_URL, &cli, &small),
                     VK_TOOBIG);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expands_each_preset_to_values_that_are_right),
        cmocka_unit_test(asks_for_the_options_that_are_missing),
        cmocka_unit_test(knows_what_a_service_does_not_do_without),
        cmocka_unit_test(does_not_expand_what_was_given),
    };

    vk_log_keep();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "tests/unit/support.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"

#define URL "token-url = https://a.com/t\n"
#define ID "client-id = id\n"
#define PROD                                        \
    "# the cluster\n"                               \
    "[client prod]\n" URL ID "audience = zeebe\n"   \
    "scope = s\n"                                   \
    "parameter = a=1\nparameter = b=2\n"            \
    "serves = a.com/x, b.com\nserves = c.com\n"     \
    "lifetime = 60\n\n"                             \
    "[token prod/operate]\naudience = operate\n"    \
    "serves = d.com\n"                              \
    "[token prod/bare]\nscope =\nparameter = c=3\n" \
    "[client other]\r\n" URL ID "username = me\r\n" \
    "[token early/x]\n[client early]\n" URL ID

static struct vk_profile profile;

static enum vk_err
by_name(const char *conf, const char *name)
{
    struct vk_clients clients = vk_test_clients(conf);

    return vk_clients_for_name(&clients, vk_span_str(name), &profile);
}

static void
assert_values(enum vk_key key, const char *const expected[])
{
    struct vk_values values = vk_profile_values(&profile, key);
    struct vk_span value;

    for (; *expected != NULL; expected++) {
        assert_true(vk_profile_next(&values, key, &value));
        assert_span(value, *expected);
    }
    assert_false(vk_profile_next(&values, key, &value));
}

static void
takes_names_up_to_the_limit(void **state)
{
    static const char *const good[] = {"a", "0", "a.b_c-d", "9-", "a..b"};
    static const char *const bad[] = {"",    "-a",        ".a",  "_a",
                                      "A",   "aB",        "a b", "a/b",
                                      "a\n", "a\xc3\xa9", "a:b", "a*"};
    char name[VK_NAME_MAX + 1];

    (void)state;
    for (size_t i = 0; i < LENGTH(good); i++)
        assert_true(vk_clients_is_name(EDGE(good[i])));
    for (size_t i = 0; i < LENGTH(bad); i++)
        if (vk_clients_is_name(EDGE(bad[i])))
            fail_msg("'%s' is taken for a name", bad[i]);
    memset(name, 'n', sizeof name);
    assert_true(vk_clients_is_name(vk_test_edge(name, VK_NAME_MAX)));
    assert_false(vk_clients_is_name(vk_test_edge(name, VK_NAME_MAX + 1)));
    assert_false(vk_clients_is_name(vk_test_edge("a\0", 2)));
    assert_false(vk_clients_is_name((struct vk_span){NULL, 0}));
}

static void
finds_a_client_and_its_values(void **state)
{
    (void)state;
    assert_int_equal(by_name(PROD, "prod"), VK_OK);
    assert_string_equal(profile.name, "prod");
    assert_span(profile.client, "prod");
    assert_int_equal(profile.token.len, 0);
    assert_span(vk_profile_get(&profile, VK_KEY_TOKEN_URL), "https://a.com/t");
    assert_span(vk_profile_get(&profile, VK_KEY_AUDIENCE), "zeebe");
    assert_int_equal(vk_profile_seconds(&profile, VK_KEY_LIFETIME), 60);
    assert_values(VK_KEY_SERVES,
                  (const char *[]){"a.com/x", "b.com", "c.com", NULL});
    assert_values(VK_KEY_PARAMETER, (const char *[]){"a=1", "b=2", NULL});
}

static void
gives_a_token_what_its_client_has_except_the_urls(void **state)
{
    (void)state;
    assert_int_equal(by_name(PROD, "prod/operate"), VK_OK);
    assert_string_equal(profile.name, "prod/operate");
    assert_span(profile.client, "prod");
    assert_span(profile.token, "operate");
    assert_span(vk_profile_get(&profile, VK_KEY_AUDIENCE), "operate");
    assert_span(vk_profile_get(&profile, VK_KEY_SCOPE), "s");
    assert_span(vk_profile_get(&profile, VK_KEY_CLIENT_ID), "id");
    assert_int_equal(vk_profile_seconds(&profile, VK_KEY_LIFETIME), 60);
    assert_values(VK_KEY_PARAMETER, (const char *[]){"a=1", "b=2", NULL});
    assert_values(VK_KEY_SERVES, (const char *[]){"d.com", NULL});

    assert_int_equal(by_name(PROD, "prod/bare"), VK_OK);
    assert_true(profile.key[VK_KEY_SCOPE].set);
    assert_int_equal(profile.key[VK_KEY_SCOPE].value.len, 0);
    assert_values(VK_KEY_PARAMETER, (const char *[]){"c=3", NULL});
    assert_false(profile.key[VK_KEY_SERVES].set);
    assert_values(VK_KEY_SERVES, (const char *[]){NULL});
}

static void
knows_what_is_meant_where_nothing_is_set(void **state)
{
    (void)state;
    assert_int_equal(by_name(PROD, "other"), VK_OK);
    assert_span(vk_profile_get(&profile, VK_KEY_AUTH), "client_secret_post");
    assert_span(vk_profile_get(&profile, VK_KEY_BODY), "form");
    assert_span(vk_profile_get(&profile, VK_KEY_STORE), "secret-service");
    assert_span(vk_profile_get(&profile, VK_KEY_USERNAME), "me");
    assert_int_equal(vk_profile_seconds(&profile, VK_KEY_LIFETIME), 300);
    assert_int_equal(vk_profile_seconds(&profile, VK_KEY_MAX_LIFETIME), 86400);
    assert_false(profile.key[VK_KEY_AUDIENCE].set);
    assert_int_equal(by_name(PROD, "prod"), VK_OK);
    assert_span(vk_profile_get(&profile, VK_KEY_USERNAME),
                "oauth2accesstoken");
}

static void
asks_the_environment_for_a_users_proxy_only(void **state)
{
    const struct {
        const char *line;
        enum vk_origin origin;
        const char *proxy; /* NULL: the environment's */
    } table[] = {
        {"", VK_DIRECT, NULL},
        {"", VK_BROKER, ""},
        {"proxy =\n", VK_DIRECT, ""},
        {"proxy =\n", VK_BROKER, ""},
        {"proxy = http://p:1\n", VK_DIRECT, "http://p:1"},
        {"proxy = http://p:1\n[token x/y]\n", VK_BROKER, "http://p:1"},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(table); i++) {
        char conf[200];
        snprintf(conf, sizeof conf,
                 "[client x]\ntoken-url = https://a.com\nclient-id = i\n%s",
                 table[i].line);
        assert_int_equal(by_name(conf, "x"), VK_OK);
        profile.origin = table[i].origin;
        struct vk_span proxy = vk_profile_proxy(&profile);
        assert_int_equal(proxy.ptr == NULL, table[i].proxy == NULL);
        assert_span(proxy, table[i].proxy != NULL ? table[i].proxy : "");
    }
}

static void
finds_a_token_that_stands_before_its_client(void **state)
{
    (void)state;
    assert_int_equal(by_name(PROD, "early/x"), VK_OK);
    assert_string_equal(profile.name, "early/x");
}

static void
is_silent_about_names_that_are_not_there(void **state)
{
    static const char *const names[] = {
        "",         "pro",  "prodx", "prod/", "prod/none", "prod/operate/x",
        "/operate", "Prod", "none",  "prod]", "prod\n",    "other/prod"};
    char name[2 * VK_FULL_NAME_MAX];

    (void)state;
    vk_fail(VK_OK, "%s", "before");
    for (size_t i = 0; i < LENGTH(names); i++)
        assert_int_equal(by_name(PROD, names[i]), VK_NOCLIENT);
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    assert_int_equal(by_name(PROD, name), VK_NOCLIENT);
    assert_int_equal(by_name("", "prod"), VK_NOCLIENT);
    assert_int_equal(by_name("# [client prod]\n" PROD, "none"), VK_NOCLIENT);
    assert_string_equal(vk_log_last(), "before");
}

static void
finds_the_longest_name_there_can_be(void **state)
{
    char part[VK_NAME_MAX + 1], name[VK_FULL_NAME_MAX + 1], conf[1024];

    (void)state;
    memset(part, 'n', VK_NAME_MAX);
    part[VK_NAME_MAX] = '\0';
    snprintf(name, sizeof name, "%s/%s", part, part);
    snprintf(conf, sizeof conf, "[client %s]\n" URL ID "[token %s]\n", part,
             name);
    assert_int_equal(by_name(conf, name), VK_OK);
    assert_string_equal(profile.name, name);
}

static void
looks_only_at_the_sections_it_needs(void **state)
{
    static const char conf[] = "[client bad]\nnonsense\n"
                               "[client prod]\n" URL ID "[token prod/bad]\n"
                               "nonsense = 1\n";

    (void)state;
    assert_int_equal(by_name(conf, "prod"), VK_OK);
    assert_int_equal(by_name(conf, "bad"), VK_CONFIG);
    assert_said("/etc/vk/clients.conf:2: ");
    assert_int_equal(by_name(conf, "prod/bad"), VK_CONFIG);
    assert_said("/etc/vk/clients.conf:7: unknown key 'nonsense'");
}

static void
finds_the_token_of_a_url(void **state)
{
    static const struct {
        const char *url, *name;
    } table[] = {{"https://a.com/x/y", "prod"}, {"b.com", "prod"},
                 {"https://c.com", "prod"},     {"d.com/z", "prod/operate"},
                 {"https://a.com/y", NULL},     {"https://e.com", NULL}};
    struct vk_clients clients = vk_test_clients(PROD);

    (void)state;
    for (size_t i = 0; i < LENGTH(table); i++) {
        struct vk_url url;
        assert_true(vk_url_parse(vk_span_str(table[i].url), &url));
        enum vk_err err = vk_clients_for_url(&clients, &url, &profile);
        assert_int_equal(err, table[i].name != NULL ? VK_OK : VK_NOCLIENT);
        if (table[i].name != NULL)
            assert_string_equal(profile.name, table[i].name);
    }
}

static void
goes_from_token_to_token_in_the_order_of_the_file(void **state)
{
    static const char *const names[] = {"prod",  "prod/operate", "prod/bare",
                                        "other", "early/x",      "early"};
    struct vk_clients clients = vk_test_clients(PROD);
    struct vk_clients_cursor cursor = {0};
    enum vk_err err = VK_INTERNAL;

    (void)state;
    for (size_t i = 0; i < LENGTH(names); i++) {
        char fingerprint[sizeof profile.fingerprint];
        assert_true(vk_clients_next(&clients, &cursor, &profile, &err));
        assert_int_equal(err, VK_OK);
        assert_string_equal(profile.name, names[i]);
        memcpy(fingerprint, profile.fingerprint, sizeof fingerprint);
        assert_int_equal(
            vk_clients_for_name(&clients, vk_span_str(names[i]), &profile),
            VK_OK);
        assert_string_equal(profile.fingerprint, fingerprint);
    }
    assert_false(vk_clients_next(&clients, &cursor, &profile, &err));
}

static void
opens_the_users_own_file(void **state)
{
    struct vk_clients clients;

    (void)state;
    assert_int_equal(vk_clients_open(&clients), VK_NOCLIENT);
    assert_int_equal(clients.text.len, 0);
    assert_int_equal(mkdir(vk_test_path("XDG_CONFIG_HOME/valetkey"), 0700), 0);
    assert_int_equal(vk_clients_open(&clients), VK_NOCLIENT);
    vk_test_write("XDG_CONFIG_HOME/valetkey/clients.conf", PROD, 0644);
    assert_int_equal(vk_clients_open(&clients), VK_OK);
    assert_span(clients.text, PROD);
    assert_string_equal(clients.dir, vk_test_path("XDG_CONFIG_HOME/valetkey"));
    vk_clients_close(&clients);
    vk_test_write("XDG_CONFIG_HOME/valetkey/clients.conf", PROD, 0664);
    assert_int_equal(vk_clients_open(&clients), VK_CONFIG);
    assert_said("can be written by others");
    vk_clients_close(&clients);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_names_up_to_the_limit),
        cmocka_unit_test(finds_a_client_and_its_values),
        cmocka_unit_test(gives_a_token_what_its_client_has_except_the_urls),
        cmocka_unit_test(knows_what_is_meant_where_nothing_is_set),
        cmocka_unit_test(asks_the_environment_for_a_users_proxy_only),
        cmocka_unit_test(finds_a_token_that_stands_before_its_client),
        cmocka_unit_test(is_silent_about_names_that_are_not_there),
        cmocka_unit_test(finds_the_longest_name_there_can_be),
        cmocka_unit_test(looks_only_at_the_sections_it_needs),
        cmocka_unit_test(finds_the_token_of_a_url),
        cmocka_unit_test(goes_from_token_to_token_in_the_order_of_the_file),
        cmocka_unit_test_setup_teardown(opens_the_users_own_file,
                                        vk_test_enter, vk_test_leave),
    };

    vk_log_keep();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

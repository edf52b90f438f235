/* SPDX-License-Identifier: MIT */
#include "tests/unit/support.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

/* Lines 1 to 3. */
#define A "[client a]\ntoken-url = https://a.com/t\nclient-id = i\n"
/* Lines 1 to 4. */
#define AT A "[token a/x]\n"

struct refusal {
    const char *conf;
    unsigned int line;
    const char *said;
};

static enum vk_err
check(const char *conf)
{
    struct vk_clients clients = vk_test_clients(conf);

    return vk_clients_check(&clients);
}

static void
assert_refusals(const struct refusal *refusal, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char where[64];
        if (check(refusal[i].conf) != VK_CONFIG)
            fail_msg("'%s' is accepted", refusal[i].conf);
        snprintf(where, sizeof where,
                 "/etc/vk/clients.conf:%u: ", refusal[i].line);
        assert_said(where);
        assert_said(refusal[i].said);
    }
}

static void
accepts_what_is_right(void **state)
{
    static const char *const confs[] = {
        "",
        A,
        "\n# c\n" A "# c\n\n  \t\n",
        AT "audience = x\nscope =\nresource = r\nparameter = p=1\n"
           "parameter = p=1\nserves = b.com\nusername = u\nlifetime = 1\n"
           "max-lifetime = 1000000000\n",
        "[token a/x]\n" A,
        "[client a]\r\nissuer = https://a.com\r\nclient-id = i\r\n",
        "[client a]\ntoken-url = http://127.0.0.1:1/t\nclient-id = i",
        A "auth = client_secret_basic\nbody = json\nca-file = /ca\n"
          "proxy = http://p:3128\nstore = secret-service\naudience =\n",
        A "serves = *.a.com, a.com/x, a.com/x/y\nserves = a.com:8443\n"
          "[token a/x]\nserves = a.com\n",
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(confs); i++) {
        if (check(confs[i]) != VK_OK)
            fail_msg("'%s': %s", confs[i], vk_log_last());
    }
}

static void
refuses_what_is_no_section_of_ours(void **state)
{
    static const char no[] = "not a section that valetkey knows";
    const struct refusal table[] = {
        {"serves = a.com\n" A, 1, "a [client NAME] section must come first"},
        {"# c\n\nnonsense\n" A, 3, "a [client NAME] section must come first"},
        {A "[server b]\n", 4, no},
        {A "[client]\n", 4, no},
        {A "[client b\n", 4, no},
        {A "[client ]\n", 4, no},
        {A "[client  b]\n", 4, no},
        {A "[client B]\n", 4, no},
        {A "[client -b]\n", 4, no},
        {A "[client a/x]\n", 4, no},
        {A "[Client b]\n", 4, no},
        {A "[client b] # c\n", 4, no},
        {A "[token a/]\n", 4, no},
        {A "[token a/x/y]\n", 4, no},
        {A "[token a/X]\n", 4, no},
        {A "\n[token none/x]\n", 5, "there is no [client none]"},
        {A "[token a]\n", 4, no},
        {A "[client 123456789.123456789.123456789.123456789.123456789."
           "123456789.1234]\n",
         4, no},
    };

    (void)state;
    assert_refusals(table, LENGTH(table));
}

static void
refuses_sections_that_lack_something(void **state)
{
    static const struct refusal table[] = {
        {"#\n[client a]\n", 2, "[client a] needs a token-url or an issuer"},
        {"[client a]\nclient-id = i\n", 1, "needs a token-url or an issuer"},
        {A "issuer = https://a.com\n", 1, "or an issuer, and not both"},
        {"[client a]\ntoken-url = https://a.com\n", 1,
         "[client a] needs a client-id"},
        {A "[client b]\nissuer = https://b.com\n", 4,
         "[client b] needs a client-id"},
    };

    (void)state;
    assert_refusals(table, LENGTH(table));
}

static void
refuses_lines_that_do_not_belong(void **state)
{
    static const char no[] = "neither 'key = value' nor a section";
    const struct refusal table[] = {
        {A "\n# c\nnonsense = 1\n", 6, "unknown key 'nonsense'"},
        {A "Audience = x\n", 4, "unknown key 'Audience'"},
        {A "secret = s\n", 4, "unknown key 'secret'"},
        {A "nonsense\n", 4, no},
        {A "= v\n", 4, no},
        {A "audience = a\001b\n", 4, no},
        {A "audience = a\rb\n", 4, no},
        {A "x [client b]\n", 4, no},
        {A "client-id = j\n", 4, "'client-id' stands twice in this section"},
        {AT "audience = a\naudience = a\n", 6,
         "'audience' stands twice in this section"},
        {AT "token-url = https://a.com/t\n", 5,
         "'token-url' belongs in a [client] section"},
        {AT "issuer = https://a.com\n", 5, "belongs in a [client]"},
        {AT "client-id = i\n", 5, "belongs in a [client]"},
        {AT "auth = client_secret_post\n", 5, "belongs in a [client]"},
        {AT "ca-file = /ca\n", 5, "belongs in a [client]"},
        {AT "proxy = http://p:3128\n", 5, "belongs in a [client]"},
        {A "proxy =\nproxy =\n", 5, "'proxy' stands twice"},
        {AT "store = secret-service\n", 5, "belongs in a [client]"},
    };

    (void)state;
    assert_refusals(table, LENGTH(table));
}

/* key = value as line 4. */
static void
assert_values_refused(const char *key, const char *said,
                      const char *const values[])
{
    for (; *values != NULL; values++) {
        char conf[256];
        snprintf(conf, sizeof conf, A "%s = %s\n", key, *values);
        assert_refusals(&(struct refusal){conf, 4, said}, 1);
    }
}

static void
refuses_values_that_cannot_be(void **state)
{
    const char *const seconds[] = {
        "",  "0", "-1", "x", "1s", "1.5", "1000000001", "99999999999999999999",
        NULL};

    (void)state;
    assert_values_refused(
        "auth", "'auth' must be client_secret_post or client_secret_basic",
        (const char *[]){"", "Client_Secret_Post", "none", NULL});
    assert_values_refused("body", "'body' must be form or json",
                          (const char *[]){"", "xml", "FORM", NULL});
    assert_values_refused("parameter", "'parameter' must be NAME=VALUE",
                          (const char *[]){"", "x", "=x", NULL});
    assert_values_refused("username",
                          "'username' must not be empty and must"
                          " not hold a colon",
                          (const char *[]){"", "a:b", ":", NULL});
    assert_values_refused("ca-file", "'ca-file' must be an absolute path",
                          (const char *[]){"", "ca", "./ca", "~/ca", NULL});
    assert_values_refused("store", "'store' must be secret-service",
                          (const char *[]){"", "system", "plain", NULL});
    assert_values_refused("lifetime", "'lifetime' must be a number of seconds",
                          seconds);
    assert_values_refused(
        "max-lifetime", "'max-lifetime' must be a number of seconds", seconds);
}

static void
takes_the_proxies_that_libcurl_knows(void **state)
{
    static const char *const urls[] = {"",
                                       "http://p:3128",
                                       "http://p:3128/",
                                       "https://p.a.com:443",
                                       "socks5h://[::1]:1080",
                                       "http://127.0.0.1:8080"};

    (void)state;
    for (size_t i = 0; i < LENGTH(urls); i++) {
        char conf[256];
        snprintf(conf, sizeof conf, A "proxy = %s\n", urls[i]);
        if (check(conf) != VK_OK)
            fail_msg("'%s': %s", conf, vk_log_last());
    }
}

static void
refuses_proxies_that_mean_something_else(void **state)
{
    (void)state;
    assert_values_refused(
        "proxy",
        "'proxy' must be empty, or http://, https:// or socks5h:// with"
        " HOST:PORT",
        (const char *[]){
            "p", "p:3128", "http://p", "http://p:0", "http://:1",
            "http://p:65536", "HTTP://p:1", "socks5://p:1", "socks4a://p:1",
            "ftp://p:1", "http://*.p:1", "http://p:1/x", "http://p:1?x",
            "http://p:1/#x", "http://p:1//", "http://p:1 http://q:1",
            "http://p:1,http://q:1", "socks5h://localhost:1/run/sock", NULL});
    assert_values_refused(
        "proxy", "'proxy' must not hold a user or password",
        (const char *[]){"http://u:p@p:3128", "http://u@p:3128", "u:p@p:3128",
                         "http://@p:3128", "@", "http://p:3128/@", NULL});
}

static void
refuses_endpoints_in_the_clear(void **state)
{
    static const char *const urls[] = {"",
                                       "a.com",
                                       "http://a.com",
                                       "http://127.0.0.1.a.com",
                                       "ftp://a.com",
                                       "https://",
                                       "https://u:p@a.com",
                                       "https://*.a.com",
                                       "https://a.com:0",
                                       "https://a com"};

    (void)state;
    for (size_t i = 0; i < LENGTH(urls); i++) {
        char conf[256];
        snprintf(conf, sizeof conf,
                 "[client a]\nclient-id = i\n\n"
                 "token-url = %s\n",
                 urls[i]);
        assert_refusals(
            &(struct refusal){conf, 4, "'token-url' must be an https URL"}, 1);
        snprintf(conf, sizeof conf, "[client a]\nissuer = %s\n", urls[i]);
        assert_refusals(
            &(struct refusal){conf, 2, "'issuer' must be an https URL"}, 1);
    }
    assert_refusals(&(struct refusal){"[client a]\nclient-id =\n", 2,
                                      "'client-id' must not be empty"},
                    1);
}

static void
refuses_urls_that_no_request_can_have(void **state)
{
    assert_values_refused("serves",
                          "'serves' must be [scheme://]host[:port][/path]",
                          (const char *[]){"",
                                           ",",
                                           "a.com,",
                                           ",a.com",
                                           "a.com,,b.com",
                                           "http://a.com",
                                           "http://*.a.com",
                                           "grpc://a.com",
                                           "ftp://a.com",
                                           "a.com/../x",
                                           "a.com/%2e%2E",
                                           "a b",
                                           "a.com:0",
                                           "a.com:65536",
                                           "u@a.com",
                                           "*",
                                           "*.",
                                           "A.com",
                                           "https://a.com, http://b.com",
                                           NULL});
    (void)state;
}

static void
refuses_wildcards_that_no_request_can_have(void **state)
{
    assert_values_refused("serves",
                          "'serves' must be [scheme://]host[:port][/path]",
                          (const char *[]){"ftp://*.a.com", "grpc://*.a.com",
                                           "*.a.com/../x", NULL});
    (void)state;
}

#define B "[client b]\ntoken-url = https://b.com/t\nclient-id = i\n"

static void
refuses_what_stands_twice(void **state)
{
    static const struct refusal table[] = {
        {A B A, 7, "'a' stands twice in this file"},
        {AT B "[token a/x]\n", 8, "'a/x' stands twice in this file"},
        {A "serves = a.com\n" B "serves = b.com, a.com\n", 8,
         "'a.com' is served twice: by 'a' and by 'b'"},
        {A "serves = a.com/x\n" B "serves = https://a.com/x/\n", 8,
         "'https://a.com/x/' is served twice: by 'a' and by 'b'"},
        {A "serves = *.a.com\n" B "serves = grpcs://*.a.com\n", 8,
         "'grpcs://*.a.com' is served twice: by 'a' and by 'b'"},
        {A "serves = a.com\n[token a/x]\nserves = a.com/\n", 6,
         "'a.com/' is served twice: by 'a' and by 'a/x'"},
        {A "serves = http://[::1]\n" B "serves = [::1]\n", 8,
         "'[::1]' is served twice: by 'a' and by 'b'"},
        {A "serves = a.com\nserves = a.com\n", 5, "'a.com' stands twice"},
    };

    (void)state;
    assert_refusals(table, LENGTH(table));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_what_is_right),
        cmocka_unit_test(refuses_what_is_no_section_of_ours),
        cmocka_unit_test(refuses_sections_that_lack_something),
        cmocka_unit_test(refuses_lines_that_do_not_belong),
        cmocka_unit_test(refuses_values_that_cannot_be),
        cmocka_unit_test(takes_the_proxies_that_libcurl_knows),
        cmocka_unit_test(refuses_proxies_that_mean_something_else),
        cmocka_unit_test(refuses_endpoints_in_the_clear),
        cmocka_unit_test(refuses_urls_that_no_request_can_have),
        cmocka_unit_test(refuses_wildcards_that_no_request_can_have),
        cmocka_unit_test(refuses_what_stands_twice),
    };

    vk_log_keep();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

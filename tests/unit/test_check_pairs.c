/* SPDX-License-Identifier: MIT */
/*
 * keyring/check.c says of the whole file what the warm path finds one URL at
 * a time: a file that passes is read to its end, and no request has two
 * tokens to choose from.
 */
#include "tests/unit/support.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

#define CLIENT "[client %c]\ntoken-url = https://t.com\nclient-id = i\n"

static void
assert_no_tie(const char *one, const char *other, const char *request)
{
    char conf[512];
    struct vk_profile profile;
    struct vk_url url;

    snprintf(conf, sizeof conf, CLIENT "serves = %s\n" CLIENT "serves = %s\n",
             'a', one, 'b', other);
    struct vk_clients clients = vk_test_clients(conf);
    assert_true(vk_url_parse(EDGE(request), &url));
    if (vk_clients_check(&clients) == VK_OK &&
        vk_clients_for_url(&clients, &url, &profile) == VK_CONFIG)
        fail_msg("'%s' and '%s' pass and both serve '%s'", one, other,
                 request);
}

static void
lets_no_two_sections_serve_one_url(void **state)
{
    static const char *const items[] = {
        "a.com",      "https://a.com", "a.com:443",
        "a.com/",     "a.com/x",       "https://a.com:443/x/",
        "a.com:8443", "*.com",         "grpcs://*.com:443"};
    static const char *const requests[] = {"a.com", "https://a.com/x/y",
                                           "https://a.com:8443", "b.com"};

    (void)state;
    for (size_t i = 0; i < LENGTH(items); i++)
        for (size_t k = 0; k < LENGTH(items); k++)
            for (size_t r = 0; r < LENGTH(requests); r++)
                assert_no_tie(items[i], items[k], requests[r]);
}

static void
lets_no_two_sections_serve_one_url_on_loopback(void **state)
{
    static const char *const items[] = {"localhost",
                                        "http://localhost",
                                        "localhost:80",
                                        "localhost:443",
                                        "https://localhost",
                                        "grpc://localhost",
                                        "sparse+http://localhost"};
    static const char *const requests[] = {
        "http://localhost/x", "https://localhost", "localhost:80",
        "localhost:443", "grpc://localhost:443"};

    (void)state;
    for (size_t i = 0; i < LENGTH(items); i++)
        for (size_t k = 0; k < LENGTH(items); k++)
            for (size_t r = 0; r < LENGTH(requests); r++)
                assert_no_tie(items[i], items[k], requests[r]);
}

/* Only a request without scheme and port could not tell them apart. */
static void
tells_http_from_https_on_loopback(void **state)
{
    char conf[512];

    (void)state;
    snprintf(conf, sizeof conf,
             CLIENT "serves = http://localhost\n" CLIENT
                    "serves = https://localhost\n",
             'a', 'b');
    struct vk_clients clients = vk_test_clients(conf);
    assert_int_equal(vk_clients_check(&clients), VK_OK);
}

static void
reads_on_behind_a_carriage_return(void **state)
{
    struct vk_clients first = vk_test_clients("\r[client a]\nnonsense\n");
    struct vk_clients second = vk_test_clients(
        "[client a]\ntoken-url = https://t.com\nclient-id = i\n"
        "\r[client b]\nnonsense\n");

    (void)state;
    assert_int_equal(vk_clients_check(&second), VK_CONFIG);
    assert_int_equal(vk_clients_check(&first), VK_CONFIG);
}

/* As many as somebody may have who keeps one for each project. */
static void
checks_a_thousand_clients(void **state)
{
    static char conf[256 << 10];
    struct vk_buf text = {.data = conf, .cap = sizeof conf - 1, .fixed = true};

    (void)state;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(
            vk_buf_addf(&text,
                        "[client c%d]\ntoken-url = https://t.com\n"
                        "client-id = i\nserves = a.com/%d\n"
                        "[token c%d/x]\nserves = a.com/%d/x\n",
                        i, i, i, i),
            VK_OK);
    struct vk_clients clients = {.text = vk_buf_span(&text), .dir = "/etc/vk"};
    assert_int_equal(vk_clients_check(&clients), VK_OK);
    assert_int_equal(vk_buf_add_str(&text, "serves = a.com/0\n"), VK_OK);
    clients.text = vk_buf_span(&text);
    assert_int_equal(vk_clients_check(&clients), VK_CONFIG);
    assert_said("clients.conf:6001: 'a.com/0' is served twice: by 'c0' and by"
                " 'c999/x'");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lets_no_two_sections_serve_one_url),
        cmocka_unit_test(lets_no_two_sections_serve_one_url_on_loopback),
        cmocka_unit_test(tells_http_from_https_on_loopback),
        cmocka_unit_test(reads_on_behind_a_carriage_return),
        cmocka_unit_test(checks_a_thousand_clients),
    };

    vk_log_keep();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

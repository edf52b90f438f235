/* SPDX-License-Identifier: MIT */
#include "tests/unit/support.h"

#include <string.h>

#include "base/url.h"

static struct vk_url
url_of(const char *text)
{
    struct vk_url url = {.port = 77};

    if (!vk_url_parse(EDGE(text), &url))
        fail_msg("'%s' is no URL", text);
    return url;
}

static void
splits_a_url_into_its_parts(void **state)
{
    static const struct {
        const char *text, *scheme, *host, *path;
        unsigned int port;
    } table[] = {
        {"a", "", "a", "", 0},
        {"a.b-c_d.example", "", "a.b-c_d.example", "", 0},
        {"https://a.com", "https", "a.com", "", 0},
        {"https://a.com/", "https", "a.com", "/", 0},
        {"HTTPS://A.com:1/P", "HTTPS", "A.com", "/P", 1},
        {"a.com:65535", "", "a.com", "", 65535},
        {"sparse+https://a.com/x//y/", "sparse+https", "a.com", "/x//y/", 0},
        {"a.com/p?q=/r#s", "", "a.com", "/p", 0},
        {"a.com/p#s?t", "", "a.com", "/p", 0},
        {"a.com?q", "", "a.com", "", 0},
        {"a.com#f", "", "a.com", "", 0},
        {"a.com/https://b.com", "", "a.com", "/https://b.com", 0},
        {"[::1]", "", "[::1]", "", 0},
        {"http://[fe80::1]:80/x", "http", "[fe80::1]", "/x", 80},
        {"[::ffff:1.2.3.4]", "", "[::ffff:1.2.3.4]", "", 0},
        {"*.a.com/x", "", "*.a.com", "/x", 0},
        {"a.com:00080", "", "a.com", "", 80},
        {"1.2.3.4:5", "", "1.2.3.4", "", 5},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(table); i++) {
        struct vk_url url = url_of(table[i].text);
        assert_span(url.scheme, table[i].scheme);
        assert_span(url.host, table[i].host);
        assert_span(url.path, table[i].path);
        assert_int_equal(url.port, table[i].port);
    }
}

static void
refuses_what_is_no_url(void **state)
{
    static const char *const texts[] = {
        "",
        "/",
        "/a.com",
        "://a.com",
        "https://",
        "https:///x",
        "https://:1",
        ":1",
        "a.com:",
        "a.com:0",
        "a.com:65536",
        "a.com:00",
        "a.com:x",
        "a.com:-1",
        "a.com:1:2",
        "a.com:99999999999999999999",
        "u@a.com",
        "https://u:p@a.com/",
        "a b",
        "a.com/x y",
        "a.com/\t",
        "a.com/\x7f",
        "a.com/\xc3\xa9",
        "\xc3\xa9.com",
        ".a.com",
        "*.",
        "*",
        "*.*.a.com",
        "a.*.com",
        "*a.com",
        "a,b",
        "::1",
        "fe80::1",
        "[",
        "[]",
        "[::1",
        "[::1]x",
        "[::1]:0",
        "[a/b]",
        "x[::1]",
        "ht tp://a",
        "h:t://a.com",
        "a\\b",
        "a.com\n",
        "a%2ecom",
    };
    struct vk_url url = {.port = 77};

    (void)state;
    for (size_t i = 0; i < LENGTH(texts); i++)
        if (vk_url_parse(EDGE(texts[i]), &url))
            fail_msg("'%s' is taken for a URL", texts[i]);
    assert_false(vk_url_parse(vk_test_edge("a\0b", 3), &url));
    assert_false(vk_url_parse((struct vk_span){NULL, 0}, &url));
    assert_int_equal(url.port, 77);
}

static void
refuses_one_byte_past_the_limit(void **state)
{
    char text[2049];
    struct vk_url url;

    (void)state;
    memset(text, 'a', sizeof text);
    assert_true(vk_url_parse(vk_test_edge(text, 2048), &url));
    assert_int_equal(url.host.len, 2048);
    assert_false(vk_url_parse(vk_test_edge(text, 2049), &url));
}

static void
knows_what_is_loopback(void **state)
{
    static const char *const yes[] = {"127.0.0.1", "127.255.255.255",
                                      "LocalHost:80", "[::1]:443"};
    static const char *const no[] = {"127.0.0.256",
                                     "127.0.0",
                                     "127.0.0.1.1",
                                     "127.0.0.1.example",
                                     "127.0.0.x",
                                     "127.",
                                     "127.1",
                                     "128.0.0.1",
                                     "0.0.0.0",
                                     "localhost.example",
                                     "localhost.",
                                     "a.localhost",
                                     "[::2]",
                                     "[::]",
                                     "[::ffff:127.0.0.1]",
                                     "*.localhost",
                                     "127.0.0.-1"};

    (void)state;
    for (size_t i = 0; i < LENGTH(yes); i++) {
        struct vk_url url = url_of(yes[i]);
        assert_true(vk_url_is_loopback(&url));
    }
    for (size_t i = 0; i < LENGTH(no); i++) {
        struct vk_url url = url_of(no[i]);
        if (vk_url_is_loopback(&url))
            fail_msg("'%s' is taken for loopback", no[i]);
    }
}

static void
sends_a_secret_over_tls_or_loopback_only(void **state)
{
    static const char *const yes[] = {"https://a.com/t", "HTTPS://a.com",
                                      "http://127.0.0.1:1/t",
                                      "http://localhost", "http://[::1]"};
    static const char *const no[] = {"http://a.com",
                                     "a.com",
                                     "localhost",
                                     "ftp://localhost",
                                     "grpcs://a.com",
                                     "https://*.a.com",
                                     "http://127.0.0.1.a.com",
                                     "http://127.0.0.1@a.com",
                                     "https://",
                                     ""};

    (void)state;
    for (size_t i = 0; i < LENGTH(yes); i++)
        assert_true(vk_url_is_safe(EDGE(yes[i])));
    for (size_t i = 0; i < LENGTH(no); i++)
        if (vk_url_is_safe(EDGE(no[i])))
            fail_msg("'%s' is taken for safe", no[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_a_url_into_its_parts),
        cmocka_unit_test(refuses_what_is_no_url),
        cmocka_unit_test(refuses_one_byte_past_the_limit),
        cmocka_unit_test(knows_what_is_loopback),
        cmocka_unit_test(sends_a_secret_over_tls_or_loopback_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

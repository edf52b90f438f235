/* SPDX-License-Identifier: MIT */
/* Which URLs a pattern of `serves` serves, and how well: base/url.c. */
#include "tests/unit/support.h"

#include <stdio.h>
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

static unsigned int
rank(const char *pattern, const char *request)
{
    struct vk_url a = url_of(pattern), b = url_of(request);

    return vk_url_serves(&a, &b);
}

static void
serves_hosts_and_what_lies_below_a_path(void **state)
{
    static const struct {
        const char *pattern, *request;
        bool serves;
    } table[] = {
        {"a.com", "a.com", true},           {"a.com", "A.COM", true},
        {"A.com", "a.com/x", true},         {"a.com", "b.com", false},
        {"a.com", "a.com.evil.com", false}, {"a.com", "xa.com", false},
        {"a.com", "x.a.com", false},        {"*.a.com", "x.a.com", true},
        {"*.A.com", "x.y.a.COM", true},     {"*.a.com", "a.com", false},
        {"*.a.com", "xa.com", false},       {"a.com/x", "a.com/x", true},
        {"a.com/x/", "a.com/x", true},      {"a.com/x", "a.com/x/", true},
        {"a.com/x", "a.com/x/y", true},     {"a.com/x", "a.com/x?q", true},
        {"a.com/x", "a.com/xy", false},     {"a.com/x", "a.com/X", false},
        {"a.com/x", "a.com", false},        {"a.com/x", "a.com/", false},
        {"a.com/x", "a.com//x", false},     {"a.com/x", "a.com/y?/x", false},
        {"a.com/", "a.com", true},          {"a.com//", "a.com/x", true},
        {"[::1]", "[::1]:443", true},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(table); i++)
        if ((rank(table[i].pattern, table[i].request) > 0) != table[i].serves)
            fail_msg("'%s' and '%s'", table[i].pattern, table[i].request);
}

static void
does_not_climb_out_of_a_path(void **state)
{
    static const char *const paths[] = {"..",
                                        ".",
                                        "%2e%2e",
                                        "%2E.",
                                        ".%2e",
                                        "%2e",
                                        "../y",
                                        "a/../..",
                                        "a/./b",
                                        "/..",
                                        "%2e%2E/%2e%2e/y",
                                        "..;/y",
                                        "%2e.;x",
                                        "a%2f..%2f..%2fy",
                                        "a%2Fy",
                                        "..%5cy",
                                        "..\\y",
                                        "a%5C"};
    static const char *const fine[] = {
        "...", "..a", "a..", ".a", "%2ea", "a/%2e%2e%2e", "%2", "a;..", "%25"};
    char request[64];

    (void)state;
    for (size_t i = 0; i < LENGTH(paths); i++) {
        snprintf(request, sizeof request, "https://a.com/x/%s", paths[i]);
        if (rank("https://a.com/x", request) != 0)
            fail_msg("'%s' is served", request);
    }
    for (size_t i = 0; i < LENGTH(fine); i++) {
        snprintf(request, sizeof request, "https://a.com/x/%s", fine[i]);
        assert_true(rank("https://a.com/x", request) > 0);
    }
    assert_int_equal(rank("a.com/x/..", "a.com/x/.."), 0);
    /* Where all of the host is served there is nothing to climb out of. */
    assert_true(rank("https://a.com", "https://a.com/x/../y") > 0);
}

static void
serves_the_port_that_the_scheme_stands_for(void **state)
{
    (void)state;
    assert_true(rank("a.com", "a.com:443") > 0);
    assert_true(rank("a.com:443", "https://a.com") > 0);
    assert_true(rank("https://a.com", "grpcs://a.com:443") > 0);
    assert_int_equal(rank("a.com", "a.com:8443"), 0);
    assert_int_equal(rank("a.com:8443", "a.com"), 0);
    assert_int_equal(rank("a.com:80", "https://a.com"), 0);
    assert_true(rank("a.com:8443/x", "https://a.com:8443/x/y") > 0);
    assert_true(rank("http://localhost", "localhost:80") > 0);
    assert_true(rank("http://localhost:80", "http://localhost") > 0);
    assert_true(rank("localhost", "http://localhost") > 0);
    assert_int_equal(rank("localhost", "http://localhost:443"), 0);
    assert_true(rank("localhost:5000", "http://localhost:5000") > 0);
}

static void
keeps_plain_text_on_loopback(void **state)
{
    static const char *const plain[] = {"http", "grpc", "sparse+http", "HTTP"};
    static const char *const tls[] = {"https", "grpcs", "sparse+https"};
    static const char *const other[] = {"ftp", "ssh", "oci", "https+x", "s"};
    char request[64];

    (void)state;
    for (size_t i = 0; i < LENGTH(plain); i++) {
        snprintf(request, sizeof request, "%s://a.com:443", plain[i]);
        assert_int_equal(rank("a.com", request), 0);
        assert_int_equal(rank("*.com", request), 0);
        assert_int_equal(rank(request, request), 0);
        assert_int_equal(rank(request, "https://a.com"), 0);
        assert_int_equal(rank(request, "a.com"), 0);
        snprintf(request, sizeof request, "%s://127.0.0.1:5", plain[i]);
        assert_true(rank("127.0.0.1:5", request) > 0);
        assert_true(rank("http://127.0.0.1:5", request) > 0);
        assert_int_equal(rank("https://127.0.0.1:5", request), 0);
    }
    for (size_t i = 0; i < LENGTH(tls); i++) {
        snprintf(request, sizeof request, "%s://a.com", tls[i]);
        assert_true(rank("a.com", request) > 0);
        assert_true(rank("https://a.com", request) > 0);
        assert_int_equal(rank("http://a.com", request), 0);
        assert_int_equal(rank("http://a.com", "a.com"), 0);
    }
    for (size_t i = 0; i < LENGTH(other); i++) {
        snprintf(request, sizeof request, "%s://a.com", other[i]);
        assert_int_equal(rank("a.com", request), 0);
        assert_int_equal(rank(request, request), 0);
        assert_int_equal(rank(request, "a.com"), 0);
    }
}

static void
ranks_exact_hosts_first_then_longer_hosts_then_longer_paths(void **state)
{
    static const char request[] = "https://a.b.com/x/y";
    static const char *const best_first[] = {
        "a.b.com/x/y", "a.b.com/x", "a.b.com/", "*.b.com/x/y", "*.b.com/x",
        "*.b.com",     "*.com/x/y", "*.com/x",  "*.com"};
    char path[2048] = "*.b.com/", below[2048];

    (void)state;
    for (size_t i = 1; i < LENGTH(best_first); i++) {
        assert_true(rank(best_first[i], request) > 0);
        if (rank(best_first[i - 1], request) <= rank(best_first[i], request))
            fail_msg("'%s' does not go before '%s'", best_first[i - 1],
                     best_first[i]);
    }
    assert_int_equal(rank("a.b.com", request), rank("a.b.com/", request));

    /* The longest path does not lift a wildcard over an exact host. */
    memset(path + 8, 'p', sizeof path - 9);
    path[sizeof path - 1] = '\0';
    snprintf(below, sizeof below, "a%.*s", (int)sizeof below - 2, path + 1);
    assert_true(rank(path, below) > 0);
    assert_true(rank(path, below) < rank("a.b.com", below));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(serves_hosts_and_what_lies_below_a_path),
        cmocka_unit_test(does_not_climb_out_of_a_path),
        cmocka_unit_test(serves_the_port_that_the_scheme_stands_for),
        cmocka_unit_test(keeps_plain_text_on_loopback),
        cmocka_unit_test(
            ranks_exact_hosts_first_then_longer_hosts_then_longer_paths),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

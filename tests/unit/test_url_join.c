/* SPDX-License-Identifier: MIT */
#include "tests/unit/support.h"

#include <string.h>

#include "base/url.h"

static bool
join(struct vk_buf *text, const char *scheme, const char *host,
     const char *path, struct vk_url *url)
{
    return vk_url_join(vk_span_str(scheme), vk_span_str(host),
                       vk_span_str(path), text, url);
}

static void
puts_the_parts_of_a_url_together(void **state)
{
    static const struct {
        const char *scheme, *host, *path, *text;
    } table[] = {
        {"https", "a.com", "", "https://a.com/"},
        {"https", "a.com:8443", "b/c.git", "https://a.com:8443/b/c.git"},
        {"http", "[::1]:80", "x=y", "http://[::1]:80/x=y"},
        {"git+ssh", "a-b_c.com", "/x", "git+ssh://a-b_c.com//x"},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(table); i++) {
        VK_AUTO_BUF text = VK_BUF(256);
        struct vk_url url;
        assert_true(
            join(&text, table[i].scheme, table[i].host, table[i].path, &url));
        assert_span(vk_buf_span(&text), table[i].text);
        assert_span(url.scheme, table[i].scheme);
    }
}

static void
a_decoded_path_is_a_path_again(void **state)
{
    static const char *const table[][2] = {
        {"My Project/r", "/My%20Project/r"},
        {"\xc3\xa4", "/%C3%A4"},
        {"a?b#c", "/a%3Fb%23c"},
        {"a\"<>\\^`{|}b", "/a%22%3C%3E%5C%5E%60%7B%7C%7Db"},
        {"-._~!$&'()*+,;=:@", "/-._~!$&'()*+,;=:@"},
        {"\x01\x7f", "/%01%7F"},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(table); i++) {
        VK_AUTO_BUF text = VK_BUF(256);
        struct vk_url url;
        assert_true(join(&text, "https", "a.com", table[i][0], &url));
        assert_span(url.path, table[i][1]);
    }
}

static void
no_part_becomes_another(void **state)
{
    static const char *const table[][2] = {
        {"", "a.com"},          {"https", ""},
        {"https", "a.com/b"},   {"https", "a.com?b"},
        {"https", "a.com#b"},   {"https", "me@a.com"},
        {"https", "a.com\\b"},  {"https", "a.com\n"},
        {"https", "a.com%2fb"}, {"https://b.com/", "a.com"},
        {"https:", "a.com"},    {"ht tp", "a.com"},
        {"https", "a.com:0"},   {"https", "*.a.com"},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(table); i++) {
        VK_AUTO_BUF text = VK_BUF(256);
        struct vk_url url;
        if (join(&text, table[i][0], table[i][1], "", &url))
            fail_msg("'%s' and '%s'", table[i][0], table[i][1]);
    }
}

static void
refuses_what_does_not_fit(void **state)
{
    static const char path[] = "1234567";
    VK_AUTO_BUF fits = VK_BUF(sizeof "https://a.com/1234567" - 1);
    VK_AUTO_BUF small = VK_BUF(sizeof "https://a.com/1234567" - 2);
    struct vk_url url;

    (void)state;
    assert_true(join(&fits, "https", "a.com", path, &url));
    assert_false(join(&small, "https", "a.com", path, &url));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(puts_the_parts_of_a_url_together),
        cmocka_unit_test(a_decoded_path_is_a_path_again),
        cmocka_unit_test(no_part_becomes_another),
        cmocka_unit_test(refuses_what_does_not_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

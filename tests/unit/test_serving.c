/* SPDX-License-Identifier: MIT */
#include "tests/unit/support.h"

#include <string.h>

#include "base/log.h"
#include "keyring/sections.h"

/* "" for no client; "!" and the message for a refusal. */
static const char *
who_serves(const char *conf, const char *url)
{
    static char name[VK_FULL_NAME_MAX + 1];
    struct vk_clients clients = vk_test_clients(conf);
    struct vk_span section, found = VK_SPAN("");
    struct vk_url request;

    if (!vk_url_parse(EDGE(url), &request))
        fail_msg("'%s' is no URL", url);
    enum vk_err err = vk_sections_serving(&clients, &request, &section);
    if (err == VK_CONFIG)
        return "!";
    assert_true(err == VK_OK || err == VK_NOCLIENT);
    if (err == VK_OK && !vk_sections_is(section, "client", &found))
        assert_true(vk_sections_is(section, "token", &found));
    memcpy(name, found.ptr, found.len);
    name[found.len] = '\0';
    return name;
}

struct choice {
    const char *url, *name;
};

static void
assert_choices(const char *conf, const struct choice *choice, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *name = who_serves(conf, choice[i].url);
        if (strcmp(name, choice[i].name) != 0)
            fail_msg("'%s' is served by '%s', not by '%s'", choice[i].url,
                     name, choice[i].name);
    }
}

static void
prefers_exact_hosts_and_longer_paths(void **state)
{
    static const char conf[] = "[client wide]\nserves = *.a.com\n"
                               "[client wider]\nserves = *.com/x/y/z\n"
                               "[token wide/path]\nserves = *.a.com/x\n"
                               "[client host]\nserves = b.a.com\n"
                               "[client path]\nserves = b.a.com/x\n"
                               "[token path/deep]\nserves = b.a.com/x/y\n";
    static const struct choice choices[] = {
        {"b.a.com", "host"},
        {"b.a.com/y", "host"},
        {"b.a.com/xy", "host"},
        {"b.a.com/x", "path"},
        {"b.a.com/x/z", "path"},
        {"b.a.com/x/y", "path/deep"},
        {"b.a.com/x/y/z", "path/deep"},
        {"c.a.com", "wide"},
        {"c.a.com/x/y/z", "wide/path"},
        {"x.b.a.com/xy", "wide"},
        {"x.com/x/y/z", "wider"},
        {"x.com/x/y", ""},
        {"a.com", ""},
        {"com", ""},
    };

    (void)state;
    assert_choices(conf, choices, LENGTH(choices));
}

static void
keeps_two_clusters_of_one_region_apart(void **state)
{
    static const char conf[] = "[client a]\nserves = https://r.ex/aaa, "
                               "https://aaa.r.ex\n"
                               "[client b]\nserves = https://r.ex/bbb, "
                               "https://bbb.r.ex\n";
    static const struct choice choices[] = {
        {"https://r.ex/aaa/v2", "a"},     {"https://r.ex/bbb", "b"},
        {"https://r.ex/bbb/../aaa", ""},  {"https://r.ex/bbb/%2E%2e/aaa", ""},
        {"https://r.ex/aaab", ""},        {"https://r.ex", ""},
        {"https://r.ex//aaa", ""},        {"grpcs://aaa.r.ex", "a"},
        {"https://bbb.r.ex:443/x", "b"},  {"https://bbb.r.ex:444/x", ""},
        {"http://r.ex/aaa", ""},          {"ftp://r.ex/aaa", ""},
        {"https://R.EX/aaa", "a"},        {"https://r.ex/AAA", ""},
        {"https://r.ex.evil.ex/aaa", ""}, {"https://evilr.ex/aaa", ""},
    };

    (void)state;
    assert_choices(conf, choices, LENGTH(choices));
}

static void
looks_only_at_serves(void **state)
{
    static const char conf[] = "# serves = c.com\n"
                               "[client a]\n;serves = c.com\n"
                               "token-url = https://t.com/\n"
                               "audience = https://aud.com\n"
                               "serves2 = s.com\n"
                               "serves = x.com/c.com/b.com,y.com\n"
                               "parameter = serves = p.com\n"
                               " serves\t=\tz.com \n"
                               "serves=w.com";
    static const struct choice choices[] = {
        {"c.com", ""},
        {"t.com", ""},
        {"aud.com", ""},
        {"s.com", ""},
        {"b.com", ""},
        {"p.com", ""},
        {"x.com", ""},
        {"x.com/c.com", ""},
        {"y.com", "a"},
        {"z.com", "a"},
        {"w.com", "a"},
        {"com", ""},
        {"x.com/c.com/b.com/", "a"},
        {"om", ""},
        {"ww.com", ""},
    };

    (void)state;
    assert_choices(conf, choices, LENGTH(choices));
    assert_string_equal(who_serves("", "a.com"), "");
    assert_string_equal(who_serves("a", "a.com"), "");
    assert_string_equal(
        who_serves("[client a]\nserves = [::1]:5\n", "http://[::1]:5/x"), "a");
}

static void
refuses_to_choose_between_equals(void **state)
{
    static const char conf[] = "[client a]\nserves = a.com, *.b.com\n"
                               "[client b]\nserves = https://a.com/\n"
                               "serves = x.b.com/p\n"
                               "[token b/t]\nserves = *.b.com, x.b.com/p/\n";

    (void)state;
    assert_string_equal(who_serves(conf, "https://a.com/x"), "!");
    assert_said("another section serves the same URL");
    assert_said("/etc/vk/clients.conf:");
    assert_string_equal(who_serves(conf, "y.b.com"), "!");
    assert_string_equal(who_serves(conf, "x.b.com/p"), "!");
    /* A better one elsewhere ends the tie, and so does the same section. */
    assert_string_equal(who_serves("[client a]\nserves = a.com\n[client b]\n"
                                   "serves = a.com\n[client c]\n"
                                   "serves = a.com/x\n",
                                   "a.com/x"),
                        "c");
    assert_string_equal(
        who_serves("[client a]\nserves = a.com, https://a.com/\n", "a.com"),
        "a");
    assert_string_equal(who_serves("serves = a.com\n[client a]\n", "a.com"),
                        "!");
    assert_said("clients.conf:1: 'serves' stands before any section");
}

static void
takes_a_port_for_no_part_of_the_path(void **state)
{
    static const char conf[] = "[client a]\nserves = a.com/x\n"
                               "[client b]\nserves = a.com/x/y\n"
                               "[client c]\nserves = a.com:8443/x\n";
    static const struct choice choices[] = {
        {"a.com:443/x", "a"},
        {"https://a.com:443/x/y/z", "b"},
        {"a.com:8443/x/y", "c"},
        {"a.com/x/y", "b"},
    };

    (void)state;
    assert_choices(conf, choices, LENGTH(choices));
    assert_string_equal(who_serves("[client a]\nserves = a.com/x\n"
                                   "[client b]\nserves = https://a.com/x\n",
                                   "https://a.com/x"),
                        "!");
}

static void
serves_hosts_up_to_the_limit_of_dns(void **state)
{
    char host[255], conf[300] = "[client a]\nserves = ";

    (void)state;
    memset(host, 'h', sizeof host);
    host[253] = '\0';
    memcpy(conf + 20, host, 254);
    assert_string_equal(who_serves(conf, host), "a");
    host[253] = 'h';
    host[254] = '\0';
    memcpy(conf + 20, host, 255);
    assert_string_equal(who_serves(conf, host), "");
}

static void
never_takes_a_wildcard_for_a_request(void **state)
{
    (void)state;
    assert_string_equal(
        who_serves("[client a]\nserves = *.a.com\n", "*.a.com"), "");
}

/* What valetkey accepts as `serves` it must find again. */
static void
assert_found(const char *serves, const char *url)
{
    char text[256] = "[client a]\ntoken-url = https://t\nclient-id = i\n"
                     "serves = ";
    struct vk_clients clients;

    memcpy(text + strlen(text), serves, strlen(serves) + 1);
    clients = vk_test_clients(text);
    if (vk_clients_check(&clients) == VK_OK)
        assert_string_equal(who_serves(text, url), "a");
}

static void
serves_or_refuses_a_host_of_one_letter(void **state)
{
    (void)state;
    assert_found("a", "https://a");
    assert_found("a:5000/x", "https://a:5000/x");
}

static void
serves_or_refuses_an_item_with_a_query(void **state)
{
    (void)state;
    assert_found("a.com/x?q", "https://a.com/x");
    assert_found("https://a.com?q", "https://a.com/x");
    assert_found("a.com/x#f", "https://a.com/x/y");
}

static void
serves_requests_with_a_comma_in_their_path(void **state)
{
    (void)state;
    assert_found("a.com/x, b.com", "https://a.com/x/,y");
    assert_found("a.com/x/,b.com", "https://a.com/x/,y");
    assert_string_equal(who_serves("[client a]\nserves = a.com/, b.com\n"
                                   "[client b]\nserves = https://a.com\n",
                                   "https://a.com/,"),
                        "!");
}

static bool
has_paths(const char *conf, const char *url)
{
    struct vk_clients clients = vk_test_clients(conf);
    struct vk_url request;

    if (!vk_url_parse(EDGE(url), &request))
        fail_msg("'%s' is no URL", url);
    return vk_clients_has_paths(&clients, &request);
}

static void
knows_whether_a_host_is_served_by_paths(void **state)
{
    static const char conf[] = "[client a]\nserves = one.com, two.com/\n"
                               "# serves = one.com/x\n"
                               "[client b]\nserves = one.com/x.two.com/y\n"
                               "[token b/c]\nserves = c.com:5000/x\n"
                               "[token b/d]\nserves = *.d.com/x\n"
                               "[token b/e]\nserves = 127.0.0.1:70/x, e.com\n"
                               "[token b/f]\nserves = http://[::1]:443/x\n";

    (void)state;
    assert_true(has_paths(conf, "one.com"));
    assert_true(has_paths(conf, "https://ONE.com:443/z"));
    assert_false(has_paths(conf, "one.com:8443"));
    assert_false(has_paths(conf, "two.com/y"));
    assert_true(has_paths(conf, "c.com:5000/y"));
    assert_false(has_paths(conf, "c.com/x"));
    assert_true(has_paths(conf, "x.d.com"));
    assert_false(has_paths(conf, "d.com"));
    assert_true(has_paths(conf, "127.0.0.1:70"));
    assert_true(has_paths(conf, "http://[::1]:443/y"));
    assert_false(has_paths(conf, "e.com/x"));
    assert_false(has_paths(conf, "x/y"));
    assert_false(has_paths("", "one.com"));
    assert_false(has_paths("x = one.com/x\nserves = one.com.au/x\n"
                           "serves = none.com/x\n",
                           "one.com"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prefers_exact_hosts_and_longer_paths),
        cmocka_unit_test(keeps_two_clusters_of_one_region_apart),
        cmocka_unit_test(looks_only_at_serves),
        cmocka_unit_test(refuses_to_choose_between_equals),
        cmocka_unit_test(serves_hosts_up_to_the_limit_of_dns),
        cmocka_unit_test(never_takes_a_wildcard_for_a_request),
        cmocka_unit_test(takes_a_port_for_no_part_of_the_path),
        cmocka_unit_test(serves_or_refuses_a_host_of_one_letter),
        cmocka_unit_test(serves_or_refuses_an_item_with_a_query),
        cmocka_unit_test(serves_requests_with_a_comma_in_their_path),
        cmocka_unit_test(knows_whether_a_host_is_served_by_paths),
    };

    vk_log_keep();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

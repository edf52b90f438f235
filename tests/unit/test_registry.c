/* SPDX-License-Identifier: MIT */
#include "tests/unit/support.h"

#include "keyring/registry.h"

static struct vk_url
url_of(const char *server)
{
    struct vk_url url;

    assert_true(vk_registry_url(vk_span_str(server), &url));
    return url;
}

static void
hub_is_docker_io_by_every_name(void **state)
{
    static const char *const names[] = {
        "docker.io",
        "Docker.IO",
        "index.docker.io",
        "https://index.docker.io/v1/",
        "https://index.docker.io/v1",
        "HTTPS://INDEX.docker.io",
        "registry-1.docker.io/v2/",
    };

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct vk_url url = url_of(names[i]);
        assert_span(url.host, "docker.io");
        assert_span(url.scheme, "");
        assert_span(url.path, "");
        assert_int_equal(url.port, 0);
    }
}

/* Nothing of what was said is lost that makes it another server. */
static void
hub_keeps_scheme_and_port(void **state)
{
    struct vk_url url = url_of("http://index.docker.io:5000/");

    (void)state;
    assert_span(url.host, "docker.io");
    assert_span(url.scheme, "http");
    assert_int_equal(url.port, 5000);
}

static void
what_is_not_hub_stays_as_it_is(void **state)
{
    struct vk_url url = url_of("https://index.docker.io/v1/refresh-token");

    (void)state;
    assert_span(url.host, "index.docker.io");
    assert_span(url.path, "/v1/refresh-token");
    assert_span(url.scheme, "https");
    url = url_of("docker.io.example:5000/v1/");
    assert_span(url.host, "docker.io.example");
    assert_span(url.path, "/v1/");
    assert_int_equal(url.port, 5000);
    assert_span(url_of("evil-docker.io").host, "evil-docker.io");
    assert_false(vk_registry_url(VK_SPAN("r example"), &url));
    assert_false(vk_registry_url(VK_SPAN(""), &url));
}

static void
assert_names(const char *server, size_t count)
{
    struct vk_span names[VK_REGISTRY_NAMES];

    assert_int_equal(vk_registry_names(vk_span_str(server), names), count);
    assert_span(names[0], server);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < i; k++)
            assert_false(vk_span_same(names[i], names[k]));
}

static void
a_login_for_hub_has_more_names_its_own_first(void **state)
{
    struct vk_span names[VK_REGISTRY_NAMES];

    (void)state;
    assert_names("docker.io", 4);
    assert_names("https://index.docker.io/v1/", 4);
    assert_names("registry-1.docker.io", 4);
    assert_names("https://index.docker.io/v1", 5);
    assert_names("https://docker.io:443/", 5);
    vk_registry_names(VK_SPAN("docker.io"), names);
    assert_span(names[1], "https://index.docker.io/v1/");
    vk_registry_names(VK_SPAN("https://index.docker.io/v1/"), names);
    assert_span(names[1], "docker.io");
}

static void
any_other_login_has_one_name(void **state)
{
    static const char *const names[] = {
        "registry.example.com",
        "https://registry.example.com/v1/",
        "http://index.docker.io/v1/",
        "docker.io:5000",
        "https://index.docker.io/v1/access-token",
        "docker.io/library",
        "not a url",
        "",
    };

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_names(names[i], 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hub_is_docker_io_by_every_name),
        cmocka_unit_test(hub_keeps_scheme_and_port),
        cmocka_unit_test(what_is_not_hub_stays_as_it_is),
        cmocka_unit_test(a_login_for_hub_has_more_names_its_own_first),
        cmocka_unit_test(any_other_login_has_one_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "keyring/registry.h"

static const char *const hub_hosts[] = {"docker.io", "index.docker.io",
                                        "registry-1.docker.io"};
/*
 * Nor is everything at these hosts the registry: docker keeps what it got
 * from a login in the browser under .../v1/access-token and the like.
 */
static const char *const hub_paths[] = {"", "/", "/v1", "/v1/", "/v2", "/v2/"};

/* As docker, podman and others store a login for Docker Hub. */
static const char *const hub_names[VK_REGISTRY_NAMES - 1] = {
    "https://index.docker.io/v1/", "docker.io", "index.docker.io",
    "registry-1.docker.io"};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static bool
is_one_of(struct vk_span text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (vk_span_same_nocase(text, vk_span_str(words[i])))
            return true;
    return false;
}

bool
vk_registry_is_hub(const struct vk_url *url)
{
    return is_one_of(url->host, hub_hosts, COUNT(hub_hosts)) &&
           is_one_of(url->path, hub_paths, COUNT(hub_paths));
}

static bool
is_https(const struct vk_url *url)
{
    return vk_span_same_nocase(url->scheme, VK_SPAN("https"));
}

bool
vk_registry_url(struct vk_span server, struct vk_url *url)
{
    if (!vk_url_parse(server, url))
        return false;
    if (vk_registry_is_hub(url))
        *url = (struct vk_url){.scheme =
                                   is_https(url) ? VK_SPAN("") : url->scheme,
                               .host = VK_SPAN("docker.io"),
                               .port = url->port};
    return true;
}

bool
vk_registry_other(struct vk_url *url)
{
    if (!vk_span_is(url->host, "docker.io") || url->scheme.len > 0 ||
        url->path.len > 0)
        return false;
    *url = (struct vk_url){.scheme = VK_SPAN("https"),
                           .host = VK_SPAN("index.docker.io"),
                           .port = url->port,
                           .path = VK_SPAN("/v1/")};
    return true;
}

size_t
vk_registry_names(struct vk_span server, struct vk_span out[VK_REGISTRY_NAMES])
{
    struct vk_url url;
    size_t count = 0;

    out[count++] = server;
    if (!vk_registry_url(server, &url) || !vk_registry_is_hub(&url) ||
        url.scheme.len > 0 || (url.port != 0 && url.port != 443))
        return count;
    for (size_t i = 0; i < COUNT(hub_names); i++)
        if (!vk_span_is(server, hub_names[i]))
            out[count++] = vk_span_str(hub_names[i]);
    return count;
}

/* SPDX-License-Identifier: MIT */
/*
 * A line with a URL, then a clients.conf.  Whatever the file is, nothing
 * breaks; where it is a good one, the short way to a section gives what
 * reading all of them gives.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "keyring/clients.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool right)
{
    if (!right)
        abort();
}

/* How well the profile serves the URL; 0: not at all. */
static unsigned int
rank_of(const struct vk_profile *profile, const struct vk_url *request)
{
    struct vk_values values = vk_profile_values(profile, VK_KEY_SERVES);
    unsigned int best = 0;
    struct vk_span item;
    struct vk_url url;

    while (vk_profile_next(&values, VK_KEY_SERVES, &item)) {
        unsigned int rank =
            vk_url_parse(item, &url) ? vk_url_serves(&url, request) : 0;
        best = rank > best ? rank : best;
    }
    return best;
}

static void
check_name(const struct vk_clients *clients, const struct vk_profile *profile)
{
    struct vk_span proxy = vk_profile_get(profile, VK_KEY_PROXY);
    struct vk_profile again;

    require(proxy.len == 0 || memchr(proxy.ptr, '@', proxy.len) == NULL);
    require(vk_clients_for_name(clients, vk_span_str(profile->name), &again) ==
            VK_OK);
    require(strcmp(again.fingerprint, profile->fingerprint) == 0);
    require(vk_span_same(again.client, profile->client));
    require(vk_profile_seconds(profile, VK_KEY_LIFETIME) > 0);
    require(vk_profile_seconds(profile, VK_KEY_MAX_LIFETIME) > 0);
    require(vk_profile_get(profile, VK_KEY_CLIENT_ID).len > 0);
    require(vk_url_is_safe(vk_profile_endpoint(profile)));
}

/* The long way. */
static unsigned int
find_best(const struct vk_clients *clients, const struct vk_url *request,
          struct vk_profile *out)
{
    struct vk_clients_cursor cursor = {0};
    struct vk_profile profile;
    enum vk_err err = VK_OK;
    unsigned int best = 0;

    while (vk_clients_next(clients, &cursor, &profile, &err)) {
        require(err == VK_OK);
        check_name(clients, &profile);
        unsigned int rank = request != NULL ? rank_of(&profile, request) : 0;
        /* Two that fit alike are what the check is there to refuse. */
        require(rank == 0 || rank != best);
        if (rank > best) {
            best = rank;
            *out = profile;
        }
    }
    return best;
}

static void
check_good(const struct vk_clients *clients, const struct vk_url *request)
{
    struct vk_profile expected, found;
    unsigned int best = find_best(clients, request, &expected);

    if (request == NULL)
        return;
    enum vk_err err = vk_clients_for_url(clients, request, &found);
    require(err == (best > 0 ? VK_OK : VK_NOCLIENT));
    if (best > 0) {
        require(strcmp(found.name, expected.name) == 0);
        require(strcmp(found.fingerprint, expected.fingerprint) == 0);
    }
}

static void
check_any(const struct vk_clients *clients, const struct vk_url *request)
{
    struct vk_clients_cursor cursor = {0};
    struct vk_profile profile;
    enum vk_err err = VK_OK;

    while (vk_clients_next(clients, &cursor, &profile, &err))
        if (err == VK_OK && request != NULL)
            (void)rank_of(&profile, request);
    if (request == NULL)
        return;
    err = vk_clients_for_url(clients, request, &profile);
    require(err == VK_OK || err == VK_NOCLIENT || err == VK_CONFIG);
    if (err == VK_OK)
        require(rank_of(&profile, request) > 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vk_clients clients = {.text = {(const char *)data, size},
                                 .dir = "/dir"};
    struct vk_span line = vk_span_cut(&clients.text, '\n');
    struct vk_url url, *request = &url;

    vk_log_keep();
    if (clients.text.ptr == NULL)
        clients.text = VK_SPAN("");
    if (!vk_url_parse(line, &url))
        request = NULL;
    enum vk_err err = vk_clients_check(&clients);
    require(err == VK_OK || err == VK_CONFIG);
    if (err == VK_OK)
        check_good(&clients, request);
    else
        check_any(&clients, request);
    return 0;
}

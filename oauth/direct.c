/* SPDX-License-Identifier: MIT */
/* valetkey-fetch: direct mode's only program that sees a secret. */
#include <curl/curl.h>

#include "oauth/fetch.h"
#include "oauth/probe.h"

static enum vk_err
probe(const struct vk_clients *clients, const struct vk_profile *profile,
      int64_t deadline, struct vk_buf *out)
{
    enum vk_err err = vk_fetch_init();

    if (err != VK_OK)
        return err;
    err = vk_probe(clients, profile, deadline, vk_probe_ask, out);
    curl_global_cleanup();
    return err;
}

int
main(int argc, char **argv)
{
    static const struct vk_fetcher fetcher = {"valetkey-fetch",
                                              vk_fetch_exchange, probe, false};

    return vk_fetch_main(argc, argv, &fetcher);
}

/* SPDX-License-Identifier: MIT */
#ifndef VK_OAUTH_FETCH_H
#define VK_OAUTH_FETCH_H

#include "oauth/exchange.h"

/*
 * What valetkey-fetch (a user's clients) and valetkey-broker (the machine's)
 * have in common: NAME[/TOKEN], governor, secret, one request to the token
 * endpoint, token into the cache.  With --out-fd it hands its outcome over
 * (keyring/ask.h) and stays silent; run by hand it takes its turn by itself
 * and says what went wrong.
 */
struct vk_fetcher {
    const char *program;
    /* As vk_exchange, which does the work, here or in another process. */
    enum vk_err (*exchange)(const struct vk_profile *profile,
                            struct vk_span secret, int64_t timeout_ms,
                            struct vk_reply *reply,
                            struct vk_failure *failure);
    /* As vk_probe, for --probe; or NULL. */
    enum vk_err (*probe)(const struct vk_clients *clients,
                         const struct vk_profile *profile, int64_t deadline,
                         struct vk_buf *out);
    bool hashes; /* tokens get the hash by which logs name them */
};

/* The exit status. */
int vk_fetch_main(int argc, char **argv, const struct vk_fetcher *fetcher);

/* Set libcurl up; curl_global_cleanup(3) puts it away. */
VK_MUST enum vk_err vk_fetch_init(void);

/* vk_exchange with libcurl set up before and put away after. */
VK_MUST enum vk_err vk_fetch_exchange(const struct vk_profile *profile,
                                      struct vk_span secret,
                                      int64_t timeout_ms,
                                      struct vk_reply *reply,
                                      struct vk_failure *failure);

#endif

/* SPDX-License-Identifier: MIT */
#include <curl/curl.h>
#include <stdlib.h>

#include "base/log.h"
#include "oauth/fetch.h"

enum vk_err
vk_fetch_init(void)
{
    /* libcurl would write the keys of the TLS session, and so the secret. */
    unsetenv("SSLKEYLOGFILE");
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return vk_fail(VK_INTERNAL, "libcurl does not start");
    return VK_OK;
}

enum vk_err
vk_fetch_exchange(const struct vk_profile *profile, struct vk_span secret,
                  int64_t timeout_ms, struct vk_reply *reply,
                  struct vk_failure *failure)
{
    /* libcurl would write the keys of the TLS session, and so the secret. */
    unsetenv("SSLKEYLOGFILE");
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return vk_fail(VK_INTERNAL, "libcurl does not start");
    enum vk_err err = vk_exchange(profile, secret, timeout_ms, reply, failure);
    curl_global_cleanup();
    return err;
}

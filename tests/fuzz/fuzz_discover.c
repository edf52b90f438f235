/* SPDX-License-Identifier: MIT */
/*
 * A line "STATUS ISSUER", then what the issuer answers.  Only its own
 * metadata count, and only an endpoint that clients.conf could name.
 */
#include "oauth/discover.c"

#include "tests/fuzz/fuzz.h"

static struct vk_span body;
static int64_t status;

enum vk_err
vk_https_send(const struct vk_exchange *exchange, struct vk_http_reply *reply,
              const char **why)
{
    struct vk_span url = vk_span_str(exchange->url);

    require(url.len > sizeof METADATA - 1 && exchange->content_type == NULL);
    require(strcmp(url.ptr + url.len - (sizeof METADATA - 1), METADATA) == 0);
    *why = "why";
    if (status == 0)
        return VK_UNREACHABLE;
    reply->status = (long)status;
    reply->retry_after = 7;
    return vk_buf_add(&reply->body, body);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VK_AUTO_BUF url = VK_BUF(4096);
    struct vk_profile profile = {.name = "prod"};
    int64_t retry_after = -1;

    vk_log_keep();
    body = (struct vk_span){(const char *)data, size};
    struct vk_span issuer = vk_span_cut(&body, '\n');
    if (!vk_span_number(vk_span_cut(&issuer, ' '), 999, &status) ||
        !vk_url_is_safe(issuer))
        return 0;
    profile.key[VK_KEY_ISSUER] = (struct vk_opt){issuer, true};
    enum vk_err err = vk_discover(&profile, 1000, &url, &retry_after);
    require((err == VK_OK) == (url.len > 0));
    require(err == VK_OK || vk_log_last()[0] != '\0' || err == VK_NOMEM ||
            err == VK_TOOBIG);
    if (err == VK_OK)
        require(status == 200 && vk_url_is_safe(vk_buf_span(&url)) &&
                holds(body, VK_SPAN("token_endpoint")));
    require(retry_after == (err == VK_HELD ? 7 : -1));
    return 0;
}

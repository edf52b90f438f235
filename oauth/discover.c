/* SPDX-License-Identifier: MIT */
#include "oauth/discover.h"

#include "base/log.h"
#include "oauth/https.h"
#include "base/parse.h"

#define METADATA "/.well-known/openid-configuration"
#define URL_MAX 4096

static enum vk_err
read_metadata(struct json_object *object, struct vk_span issuer,
              struct vk_buf *url)
{
    struct vk_span said, endpoint;

    /* Discovery 1.0, 4.3: a metadata document of another issuer is none. */
    if (!vk_parse_string(object, "issuer", &said) ||
        !vk_span_same(said, issuer))
        return vk_fail(VK_BADREPLY,
                       "the metadata of '%.*s' are another"
                       " issuer's",
                       VK_ARG(issuer));
    if (!vk_parse_string(object, "token_endpoint", &endpoint) ||
        !vk_url_is_safe(endpoint))
        return vk_fail(VK_BADREPLY,
                       "the metadata of '%.*s' name no https"
                       " token_endpoint",
                       VK_ARG(issuer));
    return vk_buf_add(url, endpoint);
}

static enum vk_err
ask(const struct vk_exchange *exchange, const char *name,
    struct vk_span issuer, struct vk_buf *url, int64_t *retry_after)
{
    struct vk_http_reply http = VK_HTTP_REPLY;
    struct json_object *object;
    const char *why = "";
    enum vk_err err = vk_https_send(exchange, &http, &why);

    if (err != VK_OK)
        err = vk_fail(err,
                      "no token for '%s': cannot get the metadata of '%.*s':"
                      " %s",
                      name, VK_ARG(issuer), why);
    else if (http.status == 429 || http.status == 503)
        err = vk_fail(VK_HELD,
                      "no token for '%s': the authorization server"
                      " asked to wait (%ld)",
                      name, http.status);
    else if (http.status >= 500)
        err = vk_fail(VK_UNREACHABLE, "no token for '%s': '%s' failed (%ld)",
                      name, exchange->url, http.status);
    else if (http.status != 200 ||
             !vk_parse_object(vk_buf_span(&http.body), &object))
        err = vk_fail(VK_BADREPLY,
                      "no token for '%s': '%s' answered %ld and no"
                      " metadata",
                      name, exchange->url, http.status);
    else {
        err = read_metadata(object, issuer, url);
        json_object_put(object);
    }
    if (err == VK_HELD)
        *retry_after = http.retry_after;
    vk_buf_clear(&http.body);
    return err;
}

enum vk_err
vk_discover(const struct vk_profile *profile, int64_t timeout_ms,
            struct vk_buf *url, int64_t *retry_after)
{
    VK_AUTO_BUF where = VK_BUF(URL_MAX);
    struct vk_span issuer = vk_profile_get(profile, VK_KEY_ISSUER);
    struct vk_span base = issuer;
    enum vk_err err;

    if (issuer.len == 0)
        return vk_buf_add(url, vk_profile_get(profile, VK_KEY_TOKEN_URL));
    while (base.len > 0 && base.ptr[base.len - 1] == '/')
        base.len--;
    err = vk_buf_add(&where, base);
    if (err == VK_OK)
        err = vk_buf_add_str(&where, METADATA);
    struct vk_exchange exchange = {
        .url = vk_buf_str(&where),
        .ca_file = vk_profile_get(profile, VK_KEY_CA_FILE),
        .proxy = vk_profile_proxy(profile),
        .timeout_ms = timeout_ms,
    };
    if (err != VK_OK || exchange.url == NULL)
        return VK_NOMEM;
    return ask(&exchange, profile->name, issuer, url, retry_after);
}

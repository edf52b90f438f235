/* SPDX-License-Identifier: MIT */
#include "oauth/exchange.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "oauth/discover.h"
#include "oauth/request.h"

/* "401 access_denied: Unauthorized", fit for a terminal. */
static void
quote(const struct vk_http_reply *http, const struct vk_reply *reply,
      bool withhold, struct vk_buf *out)
{
    struct vk_span error = vk_buf_span(&reply->error);
    struct vk_span text = vk_buf_span(&reply->description);
    enum vk_err err = vk_buf_addf(out, "%ld", http->status);

    if (withhold) {
        error = (struct vk_span){NULL, 0};
        text = VK_SPAN("its words repeat the secret and are withheld");
    }
    if (err == VK_OK && error.len > 0)
        err = vk_buf_addf(out, " %s", vk_log_clean(error));
    if (err == VK_OK && text.len > 0)
        err = vk_buf_addf(out, ": %s", vk_log_clean(text));
    /* Cut short it still begins with the status. */
    (void)err;
}

static enum vk_err
explain(const struct vk_profile *profile, const struct vk_http_reply *http,
        const struct vk_reply *reply, bool withhold, enum vk_err err)
{
    VK_AUTO_BUF quoted = VK_BUF(1024);
    struct vk_span url = vk_profile_endpoint(profile);
    const char *name = profile->name;

    quote(http, reply, withhold, &quoted);
    const char *said = vk_buf_str(&quoted);
    if (said == NULL)
        said = "";
    if (err == VK_REFUSED)
        return vk_fail(err,
                       "the authorization server refuses the credential"
                       " of '%.*s' (%s); check it, then run 'valetkey%s"
                       " rotate %.*s'",
                       VK_ARG(profile->client), said,
                       vk_clients_is_machine() ? " --system" : "",
                       VK_ARG(profile->client));
    if (err == VK_REQUEST)
        return vk_fail(err,
                       "the authorization server refuses the request"
                       " for '%s' (%s); check its audience, scope and"
                       " resource in clients.conf",
                       name, said);
    if (err == VK_HELD)
        return vk_fail(err, "no token for '%s': %s (%s)", name, reply->why,
                       said);
    if (err == VK_UNREACHABLE)
        return vk_fail(err, "no token for '%s': '%.*s' %s (%s)", name,
                       VK_ARG(url), reply->why, said);
    if (err == VK_NOMEM)
        return vk_fail(err, "out of memory");
    return vk_fail(err, "no token for '%s': '%.*s' answered %s, but %s", name,
                   VK_ARG(url), said, reply->why);
}

static const char *
text(struct vk_buf *buf)
{
    return buf->len > 0 ? vk_buf_str(buf) : NULL;
}

static enum vk_err
post(const struct vk_profile *profile, struct vk_request *request,
     int64_t timeout_ms, struct vk_http_reply *http)
{
    VK_AUTO_BUF url = VK_BUF(4096);
    const char *why = "";
    int64_t end = vk_clock_boot_ms() + timeout_ms;
    enum vk_err err =
        vk_discover(profile, timeout_ms, &url, &http->retry_after);

    if (err != VK_OK)
        return err;
    struct vk_exchange exchange = {
        .url = text(&url),
        .content_type = request->content_type,
        .user = text(&request->user),
        .password = text(&request->password),
        .body = vk_buf_span(&request->body),
        .ca_file = vk_profile_get(profile, VK_KEY_CA_FILE),
        .proxy = vk_profile_proxy(profile),
        .timeout_ms = end - vk_clock_boot_ms(),
    };
    err = vk_https_send(&exchange, http, &why);
    if (err != VK_OK)
        return vk_fail(err, "no token for '%s': asking '%s' failed: %s",
                       profile->name, exchange.url, why);
    return VK_OK;
}

static enum vk_err
read_reply(const struct vk_profile *profile, struct vk_span secret,
           const struct vk_http_reply *http, struct vk_reply *reply)
{
    enum vk_err err =
        vk_reply_read(http, vk_profile_seconds(profile, VK_KEY_LIFETIME),
                      vk_profile_seconds(profile, VK_KEY_MAX_LIFETIME), reply);

    if (err == VK_OK)
        return err;
    bool withhold =
        vk_request_repeats(profile, secret, vk_buf_span(&reply->error)) ||
        vk_request_repeats(profile, secret, vk_buf_span(&reply->description));
    return explain(profile, http, reply, withhold, err);
}

enum vk_err
vk_exchange(const struct vk_profile *profile, struct vk_span secret,
            int64_t timeout_ms, struct vk_reply *reply,
            struct vk_failure *failure)
{
    struct vk_request request = VK_REQUEST_EMPTY;
    struct vk_http_reply http = VK_HTTP_REPLY;
    enum vk_err err = vk_request_build(profile, secret, &request);

    if (err == VK_OK)
        err = post(profile, &request, timeout_ms, &http);
    else
        err = vk_fail(err, "cannot make the request for '%s'", profile->name);
    if (err == VK_OK)
        err = read_reply(profile, secret, &http, reply);
    vk_request_clear(&request);
    *failure = (struct vk_failure){
        .err = err,
        .retry_after = http.retry_after,
        .is_forbidden = http.status == 403,
    };
    vk_buf_clear(&http.body);
    return err;
}

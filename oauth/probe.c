/* SPDX-License-Identifier: MIT */
#include "oauth/probe.h"

#include "base/clock.h"
#include "base/log.h"
#include "keyring/secret.h"
#include "oauth/governor.h"
#include "oauth/https.h"

#define URL_MAX 4096
#define SECRET_MS 5000

static enum vk_err
report(struct vk_buf *out, const char *part, enum vk_err outcome,
       const char *message)
{
    return vk_buf_addf(out, "%s %s %s\n", part, vk_err_name(outcome),
                       outcome != VK_OK ? message : "");
}

static enum vk_err
check_secret(const struct vk_profile *profile, struct vk_buf *out)
{
    VK_AUTO_BUF client = VK_BUF(VK_NAME_MAX + 1);
    VK_AUTO_BUF id = VK_BUF(URL_MAX), url = VK_BUF(URL_MAX);
    enum vk_err err = vk_buf_add(&client, profile->client);

    if (err == VK_OK)
        err = vk_buf_add(&id, vk_profile_get(profile, VK_KEY_CLIENT_ID));
    if (err == VK_OK)
        err = vk_buf_add(&url, vk_profile_endpoint(profile));
    struct vk_secret_id which = {vk_buf_str(&client), vk_buf_str(&id),
                                 vk_buf_str(&url)};
    if (err != VK_OK || which.client == NULL || which.client_id == NULL ||
        which.token_url == NULL)
        return VK_NOMEM;
    err = vk_secret_has(&which, SECRET_MS);
    const char *message = vk_log_last();
    if (err == VK_NOSECRET)
        message = vk_secret_none;
    else if (err == VK_LOCKED)
        message = "there is one, and the keyring is locked";
    return report(out, "secret", err, message);
}

/* scheme://host[:port]/ of the endpoint. */
static enum vk_err
make_origin(const struct vk_profile *profile, struct vk_buf *out)
{
    struct vk_url url;
    enum vk_err err = VK_CONFIG;

    if (vk_url_parse(vk_profile_endpoint(profile), &url))
        err = vk_buf_addf(out, "%.*s://%.*s", (int)url.scheme.len,
                          url.scheme.ptr, (int)url.host.len, url.host.ptr);
    if (err == VK_OK && url.port != 0)
        err = vk_buf_addf(out, ":%u", url.port);
    return err == VK_OK ? vk_buf_add_char(out, '/') : err;
}

static enum vk_err
send(const struct vk_profile *profile, int64_t timeout_ms,
     struct vk_http_reply *reply, const char **why)
{
    VK_AUTO_BUF url = VK_BUF(URL_MAX);
    enum vk_err err = make_origin(profile, &url);

    struct vk_exchange exchange = {
        .url = vk_buf_str(&url),
        .ca_file = vk_profile_get(profile, VK_KEY_CA_FILE),
        .proxy = vk_profile_proxy(profile),
        .timeout_ms = timeout_ms,
    };
    if (err != VK_OK || exchange.url == NULL)
        return VK_NOMEM;
    err = vk_https_send(&exchange, reply, why);
    /* A large page is an answer as well. */
    return err == VK_BADREPLY && reply->body.len > 0 ? VK_OK : err;
}

enum vk_err
vk_probe_ask(const struct vk_profile *profile, int64_t timeout_ms,
             struct vk_buf *out)
{
    struct vk_http_reply reply = VK_HTTP_REPLY;
    const char *why = "";
    enum vk_err err = send(profile, timeout_ms, &reply, &why);

    if (report(out, "endpoint", err, why) != VK_OK)
        err = VK_NOMEM;
    if (err == VK_OK && reply.date >= 0)
        err = vk_buf_addf(out, "clock %lld\n",
                          (long long)(vk_clock_unix() - reply.date));
    vk_buf_clear(&reply.body);
    return err == VK_NOMEM ? err : VK_OK;
}

enum vk_err
vk_probe(const struct vk_clients *clients, const struct vk_profile *profile,
         int64_t deadline, vk_probe_asker *ask, struct vk_buf *out)
{
    enum vk_err err = check_secret(profile, out);

    if (err != VK_OK)
        return err;
    err = vk_governor_pace(clients, profile, deadline);
    if (err != VK_OK)
        return report(out, "endpoint", err, vk_log_last());
    return ask(profile, deadline - vk_clock_boot_ms(), out);
}

/* SPDX-License-Identifier: MIT */
#ifndef VK_OAUTH_HTTPS_H
#define VK_OAUTH_HTTPS_H

#include "base/buf.h"

/*
 * One exchange with a token endpoint, by libcurl: TLS 1.2 or newer and a
 * certificate that is trusted, no redirects, http only where the URL is
 * allowed to have it (clients.conf), and then without a proxy.
 */
struct vk_exchange {
    const char *url;
    const char *content_type;    /* a whole header line; NULL: GET */
    const char *user, *password; /* already encoded; NULL: no Basic */
    struct vk_span body;
    struct vk_span ca_file; /* empty: what the system trusts */
    struct vk_span proxy;   /* empty: none; ptr is NULL: the environment's */
    int64_t timeout_ms;
};

#define VK_REPLY_MAX ((size_t)1 << 20)

struct vk_http_reply {
    long status;
    int64_t date;        /* Unix time of the Date header, -1: none */
    int64_t retry_after; /* seconds, -1: none; a date counts from Date */
    struct vk_buf body;
};

#define VK_HTTP_REPLY                                               \
    {                                                               \
        .date = -1, .retry_after = -1, .body = VK_BUF(VK_REPLY_MAX) \
    }

/* Plain http is for loopback only: a proxy would see the secret. */
bool vk_https_may_use_proxy(const struct vk_exchange *exchange);

/*
 * VK_OK: there is an answer, of whatever status.  VK_UNREACHABLE or
 * VK_BADREPLY: why tells a person what happened, "it refuses the connection",
 * until the next call.  Whatever a proxy does is VK_UNREACHABLE.
 */
VK_MUST enum vk_err vk_https_send(const struct vk_exchange *exchange,
                                  struct vk_http_reply *reply,
                                  const char **why);

#endif

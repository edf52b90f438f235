/* SPDX-License-Identifier: MIT */
#ifndef VK_OAUTH_HTTPS_H
#define VK_OAUTH_HTTPS_H

#include "base/buf.h"

/*
 * One exchange with a token endpoint, by libcurl: TLS 1.2 or newer and a
 * certificate that is trusted, no redirects, http only where the URL is
 * allowed to have it (clients.conf), the usual proxy environment.
 */
struct vk_exchange {
    const char *url;
    const char *ca_file;         /* NULL: what the system trusts */
    const char *content_type;    /* a whole header line; NULL: GET */
    const char *user, *password; /* already encoded; NULL: no Basic */
    struct vk_span body;
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

/*
 * VK_OK: there is an answer, of whatever status.  VK_UNREACHABLE or
 * VK_BADREPLY: why tells a person what happened, "it refuses the connection".
 */
VK_MUST enum vk_err vk_https_send(const struct vk_exchange *exchange,
                                  struct vk_http_reply *reply,
                                  const char **why);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef VK_BASE_URL_H
#define VK_BASE_URL_H

#include "base/buf.h"

/*
 * [scheme://]host[:port][/path], as tools name their servers (RFC 3986).
 * Neither user information nor characters outside printable ASCII.
 */
struct vk_url {
    struct vk_span scheme; /* empty: none given */
    struct vk_span host;   /* an IPv6 address keeps its brackets */
    struct vk_span path;   /* empty or from '/' on; no query, no fragment */
    unsigned int port;     /* 0: none given */
};

VK_MUST bool vk_url_parse(struct vk_span text, struct vk_url *url);

/*
 * The same of a URL that was taken apart, for tools that hand over its parts:
 * host may have a port, path has no slash before it and is decoded.  It is
 * put together in text, which url points into.  What stands in one part does
 * not become another.  False also if it is too long.
 */
VK_MUST bool vk_url_join(struct vk_span scheme, struct vk_span host,
                         struct vk_span path, struct vk_buf *text,
                         struct vk_url *url);

/* 80 or 443, which schemes imply. */
bool vk_url_is_usual_port(unsigned int port);
/* It names a usual port and no scheme, or one that implies that port. */
bool vk_url_names_usual_port(const struct vk_url *url);

/* 127.0.0.0/8, [::1] or localhost. */
bool vk_url_is_loopback(const struct vk_url *url);

/* An https URL, or an http one whose host is loopback. */
bool vk_url_is_safe(struct vk_span text);

/*
 * Does pattern, which may begin with "*." for any subdomain, serve request?
 * Returns 0 for no, else the more the better it fits: exact hosts before
 * wildcards, longer paths before shorter.  A path serves what lies below it.
 * Without a scheme a pattern serves TLS schemes, and http on loopback.
 */
unsigned int vk_url_serves(const struct vk_url *pattern,
                           const struct vk_url *request);

#endif

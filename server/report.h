/* SPDX-License-Identifier: MIT */
#ifndef VK_SERVER_REPORT_H
#define VK_SERVER_REPORT_H

#include "keyring/record.h"

/*
 * What the unprivileged part of valetkey-broker tells root's part, the only
 * thing from beyond that root ever reads:
 *
 *     ok
 *     3600 -1 0                  life, Retry-After (-1: none), 403 or not
 *     eyJhbGciOi...              the token, or an empty line
 *     no token for 'prod': ...   for people, up to the end
 */
struct vk_report {
    enum vk_err err;
    int64_t life, retry_after;
    bool is_forbidden;
    struct vk_span token, message;
};

#define VK_REPORT_MAX (VK_TOKEN_MAX + 2048)

VK_MUST enum vk_err vk_report_write(const struct vk_report *report,
                                    struct vk_buf *out);
/*
 * VK_BADREPLY: not a report, or one with what no honest process says: a token
 * that is none, a life over max_life.  The spans point into text.
 */
VK_MUST enum vk_err vk_report_read(struct vk_span text, int64_t max_life,
                                   struct vk_report *out);

/*
 * Is it what vk_probe_ask writes (oauth/probe.h): at most two lines, of
 * printable characters?
 */
bool vk_report_is_probe(struct vk_span text);

#endif

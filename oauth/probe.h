/* SPDX-License-Identifier: MIT */
#ifndef VK_OAUTH_PROBE_H
#define VK_OAUTH_PROBE_H

#include "keyring/clients.h"

/*
 * For `valetkey doctor`: can a fetch for this client work?  No secret is
 * given away and no token asked for.  out receives a line for each part,
 *
 *     secret ERROR MESSAGE         is there one in the store?
 *     endpoint ERROR MESSAGE       does its server answer, over TLS?
 *     clock SECONDS                ours, ahead of the server's Date
 *
 * where ERROR is "ok" or the name of an error (base/err.h).  The server is
 * asked once, for "/", in the endpoint's queue.
 */
typedef enum vk_err vk_probe_asker(const struct vk_profile *profile,
                                   int64_t timeout_ms, struct vk_buf *out);
/* ask: vk_probe_ask, or what has it done elsewhere. */
VK_MUST enum vk_err vk_probe(const struct vk_clients *clients,
                             const struct vk_profile *profile,
                             int64_t deadline, vk_probe_asker *ask,
                             struct vk_buf *out);

/* The last two lines, from a request of our own; it needs vk_fetch_init. */
VK_MUST enum vk_err vk_probe_ask(const struct vk_profile *profile,
                                 int64_t timeout_ms, struct vk_buf *out);

#endif

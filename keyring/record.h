/* SPDX-License-Identifier: MIT */
#ifndef VK_KEYRING_RECORD_H
#define VK_KEYRING_RECORD_H

#include "base/buf.h"

/*
 * The payload of a token key (valetkey-keys(7)): line 1 is the token, the
 * rest "name: value".  Unknown names are ignored, so that newer programs can
 * add some.
 *
 *     eyJhbGciOi...
 *     type: Bearer
 *     expires: 1795230000        Unix time at which the token ends
 *     refresh: 1795208400        Unix time from which to renew it early
 *     boot-expires: 86400        the end again, on CLOCK_BOOTTIME
 *     life: 86400                seconds it had when it was issued
 *     config: 9f3c...            fingerprint of what shaped the request
 *     hash: 3f9a1c22b4d0         beginning of the token's SHA-256, by which
 *                                logs name it; the machine's tokens have one
 *
 * The boot clock decides.  Unix times are for others, and for telling how
 * long before the end the refresh is.
 */
struct vk_record {
    struct vk_span token, type, config, hash;
    int64_t expires, refresh, boot_expires, life;
    int32_t key; /* its serial in the kernel keyring, 0 where it has none */
};

#define VK_RECORD_HASH 12
#define VK_TOKEN_MAX 16384
#define VK_RECORD_MAX (VK_TOKEN_MAX + 512)
/* A record with what stands round it where programs pass it on. */
#define VK_PAYLOAD_MAX (VK_RECORD_MAX + 1024)

/* Printable ASCII without blanks, 1 to VK_TOKEN_MAX bytes. */
bool vk_record_is_token(struct vk_span token);

VK_MUST enum vk_err vk_record_write(const struct vk_record *record,
                                    struct vk_buf *out);
/* VK_BADREPLY: not a record.  The spans point into text. */
VK_MUST enum vk_err vk_record_read(struct vk_span text, struct vk_record *out);

/* Seconds before its end from which a token is no longer handed out. */
int64_t vk_record_margin(int64_t life);

/* Seconds, on the boot clock, for which it may still be handed out; may be
 * negative. */
int64_t vk_record_left(const struct vk_record *record, int64_t boot_now);

/* Seconds since it was made. */
int64_t vk_record_age(const struct vk_record *record, int64_t boot_now);

/* Seconds until an early renewal is due; zero or less: now. */
int64_t vk_record_refresh_in(const struct vk_record *record, int64_t boot_now);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef VK_KEYRING_ASK_H
#define VK_KEYRING_ASK_H

#include "keyring/clients.h"
#include "keyring/record.h"

/* What a caller wants of a token. */
struct vk_wish {
    int64_t min_validity; /* seconds it must still be good for */
    /*
     * What it should be, if that can be had; the one that is there is better
     * than none.  Good for so many seconds more, where new ones are; not the
     * one with this boot_expires, which a tool was refused with (0: any).
     */
    int64_t prefers;
    int64_t refused;
    int64_t timeout_ms; /* how long to wait at most; 0: 30 s */
    /* Wait for a hold to end, if it ends within timeout_ms. */
    bool waits_for_hold;
};

/*
 * The token, from the cache or, where it is not there, by way of
 * valetkey-fetch; by way of the kernel and valetkey-upcall if the client is
 * the machine's (keyring/broker.h).  Of any number of callers one starts the
 * fetcher; the others wait for its outcome.  payload receives the record's
 * text, record points into it.  Errors are logged.
 */
VK_MUST enum vk_err vk_ask(const struct vk_clients *clients,
                           const struct vk_profile *profile,
                           const struct vk_wish *wish, struct vk_buf *payload,
                           struct vk_record *record);

/*
 * To be called once the answer is out, with what vk_ask gave (record->key is
 * 0 where that was no cached token).  A token that is due for its early
 * renewal is renewed in the background, if nobody else is at it: nobody
 * waits for a renewal.
 */
void vk_ask_answered(const struct vk_clients *clients,
                     const struct vk_profile *profile,
                     const struct vk_record *record);

/*
 * How an internal program hands its outcome over, valetkey-fetch through a
 * memfd and valetkey-store through a pipe: the error's name ("ok"), a note
 * for standard error or nothing, and the record, answer or message; the first
 * two end with a line break.
 */
VK_MUST enum vk_err vk_ask_write_outcome(int fd, enum vk_err outcome,
                                         const char *note,
                                         struct vk_span text);

/* The reader logs the note and the message, if any; rest is the answer. */
VK_MUST enum vk_err vk_ask_read_outcome(const char *program,
                                        struct vk_span text,
                                        struct vk_span *rest);

#endif

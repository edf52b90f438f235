/* SPDX-License-Identifier: MIT */
#ifndef VK_KEYRING_COUNT_H
#define VK_KEYRING_COUNT_H

#include "keyring/clients.h"

/*
 * What a client has cost and spared since the machine started, in the note
 * "valetkey.count:CLIENT": requests to the token endpoint, exactly, and
 * answers from the keyring, of which one in VK_COUNT_SAMPLE is counted as
 * that many, so that a warm get stays as fast as it is.
 */
struct vk_count {
    int64_t requests, answers;
    struct vk_span proof; /* of the secret that was accepted last, or "-" */
};

#define VK_COUNT_SAMPLE 64

/* Zeroes and "-" where nothing was counted. */
void vk_count_get(struct vk_span client, struct vk_buf *text,
                  struct vk_count *count);
VK_MUST enum vk_err vk_count_put(struct vk_span client,
                                 const struct vk_count *count);

void vk_count_drop(struct vk_span client);

/* A token was answered from the keyring.  Mostly it does nothing at all. */
void vk_count_answer(struct vk_span client);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef VK_KEYRING_TALK_H
#define VK_KEYRING_TALK_H

#include <libsecret/secret.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * One conversation with the Secret Service, which must end within wait_ms:
 * then `cancel` goes off, and soon after that SIGALRM.  `of` and `verb` are
 * for messages.
 */
struct vk_talk {
    const char *of, *verb;
    GCancellable *cancel;
    GError *error;
    bool is_watched;
};

struct vk_talk vk_talk_start(const char *of, const char *verb,
                             int64_t wait_ms);
void vk_talk_end(struct vk_talk *talk);

#endif

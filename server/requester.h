/* SPDX-License-Identifier: MIT */
#ifndef VK_SERVER_REQUESTER_H
#define VK_SERVER_REQUESTER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "keyring/clients.h"

/*
 * Who asks for which key: what the kernel says (keyrings(7), request_key(2)),
 * never what an argument, an environment, a callout or a group id does.  The
 * process that asks cannot go on before we answer, not even by SIGKILL, so
 * that what /proc says of it is still true when it is read.
 *
 * Functions return 0 or the errno to reject the key with.
 */
struct vk_requester {
    int32_t key; /* under construction */
    uid_t uid;
    pid_t pid;
    bool is_refresh;
    char name[VK_FULL_NAME_MAX + 1]; /* NAME or NAME/TOKEN */
};

/*
 * Take the authority over the key and find out who asks.  EINVAL: no name of
 * ours; EPERM: ids that differ, another user namespace, or not a request.
 */
int vk_requester_find(int32_t key, struct vk_requester *out);

/*
 * Make the key root's, readable for its possessor and nothing else, and see
 * that it is so.  EPERM: the user was faster, and changed or unlinked it.
 */
int vk_requester_own(const struct vk_requester *requester);

/*
 * Let go of the authority, which is taken again for the answer.  While we have
 * it the kernel goes through the requester's keyrings whenever we name any
 * key at all, and he can arrange them so that this takes seconds.
 */
int vk_requester_let_go(void);

/*
 * The answer: the key gets its end and then its content, for without the
 * authority there is no way to change it, and is linked into ring.  From here
 * on no signal tells of a request that was not answered.
 */
int vk_requester_fill(const struct vk_requester *requester,
                      struct vk_span content, int64_t seconds, int32_t ring);

/* Or that there is none, for so many seconds.  Safe in a signal handler. */
void vk_requester_reject(int32_t key, unsigned int seconds, int error);

/* For tests: what the name of a key asks for. */
bool vk_requester_name(struct vk_span description, struct vk_requester *out);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef VK_KEYRING_POLICY_H
#define VK_KEYRING_POLICY_H

#include <stdbool.h>

#include "keyring/clients.h"

/*
 * Does `allow` name this user: his name, his number, or a group that
 * getgrouplist(3) finds him in now?  Which groups a process has says nothing:
 * it may have dropped some, or be a set-group-ID program.
 */
bool vk_policy_allows(const struct vk_profile *profile, uid_t uid);

/* Is there such a user or group?  A number needs no entry. */
bool vk_policy_is_known(struct vk_span item);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef VK_SERVER_SUPPLY_H
#define VK_SERVER_SUPPLY_H

#include "keyring/record.h"
#include "server/requester.h"

/*
 * Where the upcall has a token from: the registry, which has one of each name
 * for all who may have it, or else valetkey-broker, for whom one upcall takes
 * the turn while all others wait for what comes of it.
 */
struct vk_supply {
    struct vk_requester who;
    struct vk_clients clients;
    struct vk_profile profile;
    int64_t since, deadline; /* milliseconds, boot clock */
    const char *source;      /* "registry" or "fetch" */
    bool waited;             /* for others, or for a fetch */
    char hash[VK_RECORD_HASH + 1];
    struct vk_buf payload;
    struct vk_record record; /* points into payload; its key is the
                                registry's own */
};

/* payload and record are set.  0, or the errno to reject with. */
int vk_supply_get(struct vk_supply *supply);

/* Does a hold, or a quarantine, stand in the way?  0, or the errno. */
int vk_supply_held(const struct vk_supply *supply);

/* Is it in the registry?  payload and record are set anew. */
bool vk_supply_has_token(struct vk_supply *supply);

int vk_supply_errno(enum vk_err err);

#endif

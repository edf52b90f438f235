/* SPDX-License-Identifier: MIT */
#ifndef VK_KEYRING_CACHE_H
#define VK_KEYRING_CACHE_H

#include "keyring/clients.h"
#include "keyring/record.h"

/*
 * The token cache: keys of type "user" in the user keyring @u, described as
 * "valetkey:NAME" (keyrings(7), valetkey-keys(7)).  Keys of the user's own
 * clients belong to the user, those of the machine's to root; a key of any
 * other owner is a miss.
 */

/*
 * For root: another keyring in the place of @u, into which nobody else can
 * put anything, and the permissions of keys in it.  recall is called with the
 * name of each token that is dropped.
 */
void vk_cache_use(int32_t keyring, uint32_t perm,
                  void (*recall)(const char *name));

/*
 * Make sure that what is in @u is possessed by this process, whatever session
 * keyring it was started with; without need it costs quota.
 */
void vk_cache_possess(void);
/* If that takes no more than a link in a session keyring of our own. */
bool vk_cache_possess_by_session(void);

/*
 * The token that is good for at least min_validity seconds more.  payload
 * receives the key's content, record points into it.  VK_MISS: none, or one
 * that ended, or one made under another configuration.  VK_NOKEYRING: there
 * is no keyring here (errno).
 */
VK_MUST enum vk_err vk_cache_get(const struct vk_profile *profile,
                                 int64_t min_validity, struct vk_buf *payload,
                                 struct vk_record *record);

/*
 * Put a record into the cache for seconds; no reader ever sees the key
 * without its timeout.  VK_NOKEYRING, with errno (EDQUOT: full): not cached.
 */
VK_MUST enum vk_err vk_cache_put(const struct vk_profile *profile,
                                 struct vk_span payload, int64_t seconds);

/* Forget it.  VK_MISS if there was none. */
VK_MUST enum vk_err vk_cache_drop(const char *name);

/*
 * Small notes beside the tokens, described as "valetkey.KIND:NAME", for the
 * governor's memory.  The same owner check and errors.
 */
VK_MUST enum vk_err vk_cache_note_get(const char *kind, const char *name,
                                      struct vk_buf *out);
/* The same, at most out->max bytes, and the key's serial number. */
VK_MUST enum vk_err vk_cache_note_find(const char *kind, const char *name,
                                       struct vk_buf *out, int32_t *key);
VK_MUST enum vk_err vk_cache_note_put(const char *kind, const char *name,
                                      struct vk_span text, int64_t seconds);
VK_MUST enum vk_err vk_cache_note_drop(const char *kind, const char *name);

/* Is there one? */
bool vk_cache_note_is(const char *kind, const char *name);

/* What errno says about the keyring, for a message. */
const char *vk_cache_trouble(int error);

#endif

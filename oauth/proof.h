/* SPDX-License-Identifier: MIT */
#ifndef VK_OAUTH_PROOF_H
#define VK_OAUTH_PROOF_H

#include "keyring/record.h"

/*
 * A secret's keyed hash, by which the governor recognises a secret that was
 * refused or accepted before: a salt and the HMAC-SHA256 (RFC 2104) under it,
 * in hex.  It tells nothing of a secret that is strong.
 */
#define VK_PROOF_TEXT 64

/* False: libcrypto fails. */
bool vk_proof_make(struct vk_span secret, char out[VK_PROOF_TEXT + 1]);
bool vk_proof_is_of(struct vk_span proof, struct vk_span secret);

/*
 * The beginning of its SHA-256 in hex, by which logs name a token.  Not for
 * secrets that somebody chose: those can be guessed by it.
 */
bool vk_proof_short(struct vk_span token, char out[VK_RECORD_HASH + 1]);

#endif

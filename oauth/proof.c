/* SPDX-License-Identifier: MIT */
#include "oauth/proof.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#define SALT_BYTES 16
#define HASH_BYTES 16

static void
to_hex(const unsigned char *bytes, size_t len, char *out)
{
    for (size_t i = 0; i < len; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static bool
from_hex(struct vk_span text, unsigned char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < text.len; i++) {
        const char *at = memchr(digits, text.ptr[i], 16);
        if (at == NULL)
            return false;
        out[i / 2] = (unsigned char)(out[i / 2] << 4 | (at - digits));
    }
    return true;
}

static bool
make(const unsigned char salt[SALT_BYTES], struct vk_span secret,
     char out[VK_PROOF_TEXT + 1])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int len = 0;

    if (HMAC(EVP_sha256(), salt, SALT_BYTES, (const unsigned char *)secret.ptr,
             secret.len, digest, &len) == NULL)
        return false;
    to_hex(salt, SALT_BYTES, out);
    to_hex(digest, HASH_BYTES, out + (size_t)2 * SALT_BYTES);
    return true;
}

bool
vk_proof_make(struct vk_span secret, char out[VK_PROOF_TEXT + 1])
{
    unsigned char salt[SALT_BYTES];

    return RAND_bytes(salt, sizeof salt) == 1 && make(salt, secret, out);
}

bool
vk_proof_is_of(struct vk_span proof, struct vk_span secret)
{
    unsigned char salt[SALT_BYTES] = {0};
    char text[VK_PROOF_TEXT + 1];

    if (proof.len != VK_PROOF_TEXT ||
        !from_hex((struct vk_span){proof.ptr, (size_t)2 * SALT_BYTES}, salt))
        return false;
    return make(salt, secret, text) && vk_span_is(proof, text);
}

bool
vk_proof_short(struct vk_span token, char out[VK_RECORD_HASH + 1])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int len = 0;

    if (EVP_Digest(token.ptr, token.len, digest, &len, EVP_sha256(), NULL) !=
        1)
        return false;
    to_hex(digest, VK_RECORD_HASH / 2, out);
    return true;
}

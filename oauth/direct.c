/* SPDX-License-Identifier: MIT */
/* valetkey-fetch: direct mode's only program that sees a secret. */
#include <curl/curl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <pthread.h>

#include "oauth/fetch.h"
#include "oauth/probe.h"

static enum vk_err
probe(const struct vk_clients *clients, const struct vk_profile *profile,
      int64_t deadline, struct vk_buf *out)
{
    enum vk_err err = vk_fetch_init();

    if (err != VK_OK)
        return err;
    err = vk_probe(clients, profile, deadline, vk_probe_ask, out);
    curl_global_cleanup();
    return err;
}

/*
 * libcrypto looks through its providers when it is first asked for something
 * of a kind.  That takes as long as the handshake, and can be done while the
 * secret is on its way.
 */
static void *
prepare(void *arg)
{
    EVP_MD_free(EVP_MD_fetch(NULL, "SHA2-256", NULL));
    EVP_CIPHER_free(EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL));
    EVP_MAC_free(EVP_MAC_fetch(NULL, "HMAC", NULL));
    EVP_KDF_free(EVP_KDF_fetch(NULL, "TLS13-KDF", NULL));
    EVP_KEYMGMT_free(EVP_KEYMGMT_fetch(NULL, "X25519", NULL));
    EVP_KEYEXCH_free(EVP_KEYEXCH_fetch(NULL, "X25519", NULL));
    EVP_SIGNATURE_free(EVP_SIGNATURE_fetch(NULL, "ECDSA", NULL));
    return arg;
}

static pthread_t preparer;
static bool is_preparing;

static void
await_preparer(void)
{
    if (is_preparing)
        pthread_join(preparer, NULL);
    is_preparing = false;
}

static enum vk_err
exchange(const struct vk_profile *profile, struct vk_span secret,
         int64_t timeout_ms, struct vk_reply *reply,
         struct vk_failure *failure)
{
    await_preparer();
    return vk_fetch_exchange(profile, secret, timeout_ms, reply, failure);
}

int
main(int argc, char **argv)
{
    static const struct vk_fetcher fetcher = {"valetkey-fetch", exchange,
                                              probe, false};

    is_preparing = pthread_create(&preparer, NULL, prepare, NULL) == 0;
    int status = vk_fetch_main(argc, argv, &fetcher);
    await_preparer();
    return status;
}

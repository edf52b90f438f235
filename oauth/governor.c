/* SPDX-License-Identifier: MIT */
#include "oauth/governor.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "keyring/cache.h"

/* How long after the first failure of a kind, and at most, in seconds. */
static const struct pause {
    enum vk_err err;
    int64_t first, most;
} pauses[] = {
    {VK_HELD, 5, 300},
    {VK_REFUSED, 300, 3600},
    /* Nothing was sent: only those who waited with it share the answer. */
    {VK_NOSTORE, 0, 0},
    {VK_LOCKED, 0, 0},
    {VK_NOSECRET, 0, 0},
};
static const struct pause other = {VK_OK, 1, 60};

/* A server that asks for more than this is not believed. */
#define RETRY_AFTER_MAX 86400
/* A note outlives its hold by this: what follows goes on doubling. */
#define MEMORY_S 600

static const struct pause *
pause_for(enum vk_err err)
{
    for (size_t i = 0; i < sizeof pauses / sizeof pauses[0]; i++)
        if (pauses[i].err == err)
            return &pauses[i];
    return &other;
}

struct vk_hold
vk_governor_after(const struct vk_hold *previous,
                  const struct vk_failure *failure, int64_t now,
                  unsigned int random)
{
    const struct pause *pause = pause_for(failure->err);
    bool again = previous != NULL && pause_for(previous->err) == pause;
    int64_t failures = again ? previous->failures + 1 : 1;
    int64_t seconds = pause->first;

    for (int64_t i = 1; i < failures && seconds < pause->most; i++)
        seconds *= 2;
    if (seconds > pause->most)
        seconds = pause->most;
    int64_t ms = seconds * 1000;
    if (failure->err == VK_HELD && failure->retry_after >= 0) {
        seconds = failure->retry_after < RETRY_AFTER_MAX ? failure->retry_after
                                                         : RETRY_AFTER_MAX;
        ms = (seconds > 0 ? seconds : 1) * 1000;
    }
    /* Up to a tenth more, so that machines do not come back together. */
    ms += ms * (int64_t)(random & 0xffff) / 655360;
    return (struct vk_hold){
        .until = now + ms,
        .at = now,
        .failures = failures,
        .err = failure->err,
        .secret = VK_SPAN("-"),
    };
}

#define SALT_BYTES 16
#define HASH_BYTES 16
#define HASH_TEXT (2 * (SALT_BYTES + HASH_BYTES))

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

/* Salt and HMAC-SHA256 (RFC 2104): who reads it cannot try secrets cheaply
 * against a table, and it says nothing about a secret that is strong. */
static bool
hash_secret(const unsigned char salt[SALT_BYTES], struct vk_span secret,
            char out[HASH_TEXT + 1])
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

static bool
is_same_secret(struct vk_span noted, struct vk_span secret)
{
    unsigned char salt[SALT_BYTES] = {0};
    char text[HASH_TEXT + 1];

    if (noted.len != HASH_TEXT ||
        !from_hex((struct vk_span){noted.ptr, (size_t)2 * SALT_BYTES}, salt))
        return false;
    return hash_secret(salt, secret, text) && vk_span_is(noted, text);
}

static void
client_name(const struct vk_profile *profile, char out[VK_NAME_MAX + 1])
{
    snprintf(out, VK_NAME_MAX + 1, "%.*s", VK_ARG(profile->client));
}

static enum vk_err
read_note(const char *kind, const char *name, struct vk_buf *text,
          struct vk_hold *hold)
{
    enum vk_err err = vk_cache_note_get(kind, name, text);

    return err == VK_OK ? vk_hold_read(vk_buf_span(text), hold) : err;
}

static enum vk_err
check_quarantine(const struct vk_profile *profile, struct vk_span secret)
{
    VK_AUTO_BUF text = VK_BUF(VK_RECORD_MAX);
    char client[VK_NAME_MAX + 1];
    struct vk_hold hold;

    client_name(profile, client);
    if (read_note("bad", client, &text, &hold) != VK_OK ||
        vk_clock_boot_ms() >= hold.until ||
        !is_same_secret(hold.secret, secret))
        return VK_OK;
    int64_t minutes = (hold.until - vk_clock_boot_ms() + 59999) / 60000;
    return vk_fail(VK_REFUSED, "%.*s; not asked again for %lld min",
                   (int)hold.message.len, hold.message.ptr,
                   (long long)minutes);
}

enum vk_err
vk_governor_may(const struct vk_profile *profile, struct vk_span secret)
{
    VK_AUTO_BUF text = VK_BUF(VK_RECORD_MAX);
    struct vk_hold hold;
    /* Nothing was written after this. */
    int64_t never = INT64_MAX;

    if (vk_hold_find(profile, never, &text, &hold) == VK_OK)
        return vk_hold_fail(&hold, never);
    return check_quarantine(profile, secret);
}

void
vk_governor_succeeded(const struct vk_profile *profile)
{
    vk_hold_drop(profile);
}

/* A note belongs to what it is about: credential, token, or endpoint. */
static const char *
place(const struct vk_profile *profile, enum vk_err err,
      char name[VK_HOLD_NAME_MAX + VK_FULL_NAME_MAX])
{
    if (err == VK_REFUSED) {
        client_name(profile, name);
        return "bad";
    }
    if (err == VK_REQUEST || pause_for(err)->most == 0)
        snprintf(name, VK_FULL_NAME_MAX + 1, "%s", profile->name);
    else
        vk_hold_endpoint(profile, name);
    return "hold";
}

void
vk_governor_failed(const struct vk_profile *profile,
                   const struct vk_failure *failure, struct vk_span secret,
                   struct vk_span message)
{
    VK_AUTO_BUF old = VK_BUF(VK_RECORD_MAX);
    VK_AUTO_BUF text = VK_BUF(VK_HOLD_MAX);
    char name[VK_HOLD_NAME_MAX + VK_FULL_NAME_MAX];
    char hash[HASH_TEXT + 1];
    unsigned char random[2 + SALT_BYTES] = {0};
    struct vk_hold previous, next;
    const char *kind = place(profile, failure->err, name);
    bool known = read_note(kind, name, &old, &previous) == VK_OK;

    /* Without randomness the hold is only less spread. */
    RAND_bytes(random, sizeof random);
    next = vk_governor_after(known ? &previous : NULL, failure,
                             vk_clock_boot_ms(),
                             (unsigned int)random[0] << 8 | random[1]);
    if (failure->err == VK_REFUSED && hash_secret(random + 2, secret, hash))
        next.secret = vk_span_str(hash);
    next.message = message;
    enum vk_err err = vk_hold_write(&next, &text);
    if (err == VK_OK)
        err = vk_cache_note_put(kind, name, vk_buf_span(&text),
                                (next.until - next.at) / 1000 + MEMORY_S);
    if (err != VK_OK)
        vk_log("cannot remember that the fetch failed: %s", vk_err_text(err));
}

/* SPDX-License-Identifier: MIT */
/* The governor's decisions put together with what the keyring remembers. */
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "keyring/cache.h"
#include "keyring/count.h"
#include "keyring/turn.h"
#include "oauth/governor.h"
#include "oauth/proof.h"

/* A queue that nobody has stood in for this long is forgotten. */
#define QUEUE_MEMORY_S 600

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
        !vk_proof_is_of(hold.secret, secret))
        return VK_OK;
    int64_t minutes = (hold.until - vk_clock_boot_ms() + 59999) / 60000;
    return vk_fail(VK_REFUSED, "%.*s; not asked again for %lld min",
                   (int)hold.message.len, hold.message.ptr,
                   (long long)minutes);
}

/* Nothing was written after this: only holds that are in force count. */
#define NEVER INT64_MAX

static enum vk_err
check(const struct vk_profile *profile, struct vk_span secret)
{
    VK_AUTO_BUF text = VK_BUF(VK_RECORD_MAX);
    struct vk_hold hold;

    if (vk_hold_find(profile, NEVER, &text, &hold) == VK_OK)
        return vk_hold_fail(profile->name, &hold, NEVER);
    return check_quarantine(profile, secret);
}

static bool
is_proven(const struct vk_profile *profile, struct vk_span secret)
{
    VK_AUTO_BUF text = VK_BUF(VK_RECORD_MAX);
    struct vk_count count;

    vk_count_get(profile->client, &text, &count);
    return vk_proof_is_of(count.proof, secret);
}

/*
 * A secret that no server has accepted goes out once, whichever of the
 * client's tokens are asked for meanwhile.
 */
static enum vk_err
lock_unproven(const struct vk_clients *clients,
              const struct vk_profile *profile, struct vk_span secret,
              int64_t deadline, int *lock)
{
    char name[VK_NAME_MAX + 8];

    if (is_proven(profile, secret))
        return VK_OK;
    /* '=' is in no client's name. */
    snprintf(name, sizeof name, "%.*s=secret", VK_ARG(profile->client));
    enum vk_err err = vk_turn_take(clients, name, deadline, lock);
    /* Whoever had the turn before us may have proven it. */
    if (err == VK_OK && is_proven(profile, secret)) {
        close(*lock);
        *lock = -1;
    }
    return err;
}

/* Take the next place in the endpoint's queue: who asks first goes first. */
static enum vk_err
take_slot(const struct vk_clients *clients, const char *endpoint,
          int64_t deadline, int64_t *slot)
{
    VK_AUTO_BUF text = VK_BUF(VK_RECORD_MAX);
    int64_t next = 0;
    int lock;
    enum vk_err err = vk_turn_take(clients, endpoint, deadline, &lock);

    if (err != VK_OK)
        return err;
    if (vk_cache_note_get("pace", endpoint, &text) == VK_OK &&
        !vk_span_number(vk_buf_span(&text), INT64_MAX / 2, &next))
        next = 0;
    *slot = vk_governor_slot(next, vk_clock_boot_ms());
    if (*slot > deadline) {
        close(lock);
        return vk_fail(VK_HELD,
                       "no token in time: too many requests for"
                       " '%s' are waiting for their turn",
                       endpoint);
    }
    vk_buf_cut(&text, 0);
    err = vk_buf_add_number(&text, *slot + VK_PACE_MS);
    if (err == VK_OK)
        err = vk_cache_note_put("pace", endpoint, vk_buf_span(&text),
                                QUEUE_MEMORY_S);
    close(lock);
    /* Without a keyring there is no memory, and so no queue. */
    return err == VK_NOKEYRING ? VK_OK : err;
}

enum vk_err
vk_governor_enter(const struct vk_clients *clients,
                  const struct vk_profile *profile, struct vk_span secret,
                  int64_t deadline, struct vk_pass *pass)
{
    char endpoint[VK_HOLD_NAME_MAX + 1];
    int64_t slot = 0;
    enum vk_err err = check(profile, secret);

    *pass = (struct vk_pass){.lock = -1};
    vk_hold_endpoint(profile, endpoint);
    if (err == VK_OK)
        err = lock_unproven(clients, profile, secret, deadline, &pass->lock);
    if (err == VK_OK)
        err = check(profile, secret);
    if (err == VK_OK)
        err = take_slot(clients, endpoint, deadline, &slot);
    if (err == VK_OK) {
        vk_clock_sleep_until(slot);
        /* Meanwhile another request may have come back with a hold. */
        err = check(profile, secret);
    }
    pass->sent = vk_clock_boot_ms();
    if (err != VK_OK && pass->lock >= 0) {
        close(pass->lock);
        pass->lock = -1;
    }
    return err;
}

enum vk_err
vk_governor_pace(const struct vk_clients *clients,
                 const struct vk_profile *profile, int64_t deadline)
{
    VK_AUTO_BUF text = VK_BUF(VK_RECORD_MAX);
    char endpoint[VK_HOLD_NAME_MAX + 1];
    struct vk_hold hold;
    int64_t slot = 0;

    if (vk_hold_find(profile, NEVER, &text, &hold) == VK_OK)
        return vk_hold_fail(profile->name, &hold, NEVER);
    vk_hold_endpoint(profile, endpoint);
    enum vk_err err = take_slot(clients, endpoint, deadline, &slot);
    if (err == VK_OK)
        vk_clock_sleep_until(slot);
    return err;
}

/* A secret that other tokens are given for is not what is refused. */
static bool
blames_secret(const struct vk_profile *profile,
              const struct vk_failure *failure, struct vk_span secret)
{
    return failure->err == VK_REFUSED &&
           !(failure->is_forbidden && is_proven(profile, secret));
}

/* A note belongs to what it is about: credential, token, or endpoint. */
static const char *
place(const struct vk_profile *profile, enum vk_err err, bool is_secret,
      char name[VK_HOLD_NAME_MAX + VK_FULL_NAME_MAX])
{
    if (is_secret) {
        client_name(profile, name);
        return "bad";
    }
    bool is_endpoints =
        err == VK_HELD || err == VK_UNREACHABLE || err == VK_BADREPLY;
    if (!is_endpoints)
        snprintf(name, VK_FULL_NAME_MAX + 1, "%s", profile->name);
    else
        vk_hold_endpoint(profile, name);
    return "hold";
}

static struct vk_span
without_name(const struct vk_profile *profile, struct vk_span message)
{
    char prefix[VK_FULL_NAME_MAX + sizeof VK_HOLD_NO_TOKEN];

    snprintf(prefix, sizeof prefix, VK_HOLD_NO_TOKEN, profile->name);
    if (vk_span_starts(message, prefix))
        message = vk_span_from(message, strlen(prefix));
    return message;
}

void
vk_governor_failed(const struct vk_profile *profile,
                   const struct vk_failure *failure, struct vk_span secret,
                   struct vk_span message)
{
    VK_AUTO_BUF old = VK_BUF(VK_RECORD_MAX);
    char name[VK_HOLD_NAME_MAX + VK_FULL_NAME_MAX];
    char proof[VK_PROOF_TEXT + 1];
    uint16_t random = 0;
    struct vk_hold previous, next;
    bool is_secret = blames_secret(profile, failure, secret);
    const char *kind = place(profile, failure->err, is_secret, name);
    bool known = read_note(kind, name, &old, &previous) == VK_OK;

    /* Without randomness the hold is only less spread. */
    if (getrandom(&random, sizeof random, 0) < 0)
        random = 0;
    next = vk_governor_after(known ? &previous : NULL, failure,
                             vk_clock_boot_ms(), random);
    if (is_secret && vk_proof_make(secret, proof))
        next.secret = vk_span_str(proof);
    /* What was not even sent does not end what another failure holds. */
    if (known && !vk_governor_was_sent(failure->err) &&
        previous.until > next.until)
        return;
    next.message = without_name(profile, message);
    enum vk_err err = vk_hold_put(kind, name, &next);
    if (err != VK_OK)
        vk_log("cannot remember that the fetch of '%s' failed: %s",
               profile->name, vk_err_text(err));
}

/* What another request has written since ours was sent stays. */
static void
drop_older(const char *kind, const char *name, int64_t sent)
{
    VK_AUTO_BUF text = VK_BUF(VK_RECORD_MAX);
    struct vk_hold hold;

    if (read_note(kind, name, &text, &hold) != VK_OK || hold.at > sent)
        return;
    enum vk_err err = vk_cache_note_drop(kind, name);
    (void)err;
}

static void
succeeded(const struct vk_profile *profile, int64_t sent)
{
    char name[VK_HOLD_NAME_MAX + 1], client[VK_NAME_MAX + 1];

    vk_hold_endpoint(profile, name);
    client_name(profile, client);
    drop_older("hold", name, sent);
    drop_older("hold", profile->name, sent);
    drop_older("bad", client, sent);
    /* The mark belonged to the token before this one. */
    enum vk_err err = vk_cache_note_drop(VK_HOLD_REFRESH, profile->name);
    (void)err;
}

static void
count_request(const struct vk_profile *profile, struct vk_span secret,
              const struct vk_failure *outcome)
{
    VK_AUTO_BUF text = VK_BUF(VK_RECORD_MAX);
    char proof[VK_PROOF_TEXT + 1];
    struct vk_count count;

    vk_count_get(profile->client, &text, &count);
    count.requests++;
    if (outcome->err == VK_OK && !vk_proof_is_of(count.proof, secret) &&
        vk_proof_make(secret, proof))
        count.proof = vk_span_str(proof);
    else if (blames_secret(profile, outcome, secret))
        count.proof = VK_SPAN("-");
    /* Where it cannot be kept there is no keyring, and nothing is spared. */
    enum vk_err err = vk_count_put(profile->client, &count);
    (void)err;
}

void
vk_governor_leave(const struct vk_profile *profile, struct vk_pass *pass,
                  const struct vk_failure *failure, struct vk_span secret,
                  struct vk_span message)
{
    if (failure->err == VK_OK)
        succeeded(profile, pass->sent);
    else
        vk_governor_failed(profile, failure, secret, message);
    count_request(profile, secret, failure);
    if (pass->lock >= 0)
        close(pass->lock);
    pass->lock = -1;
}

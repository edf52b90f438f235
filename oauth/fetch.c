/* SPDX-License-Identifier: MIT */
#include "oauth/fetch.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/proc.h"
#include "keyring/ask.h"
#include "keyring/cache.h"
#include "keyring/secret.h"
#include "keyring/turn.h"
#include "oauth/exchange.h"
#include "oauth/governor.h"
#include "oauth/proof.h"

#define TIMEOUT_MS 30000
/* Less than a caller waits, so that it hears the reason. */
#define CREDENTIAL_MAX (VK_SECRET_MAX + 16384)
#define SECRET_MS 25000
/* Longer than the 30 s by which Camunda delays a second wrong secret. */
#define EXCHANGE_MS 35000
#define RETRY_S 60
#define RENEWAL_S ((TIMEOUT_MS + SECRET_MS + EXCHANGE_MS) / 1000)

struct job {
    const struct vk_fetcher *fetcher;
    struct vk_clients clients;
    struct vk_buf text; /* clients.conf as it was checked */
    struct vk_profile profile;
    int64_t deadline, min_validity;
    int64_t renews; /* boot-expires of the token to renew early, 0: none */
    int lock, out;
    bool probes; /* for `valetkey doctor` */
};

static enum vk_err
read_number(const char *text, int64_t max, int64_t *out)
{
    if (vk_span_number(vk_span_str(text), max, out))
        return VK_OK;
    return vk_fail(VK_USAGE, "'%s' is not a number", text);
}

static enum vk_err
read_options(int argc, char **argv, struct job *job)
{
    static const struct option options[] = {
        {"lock-fd", required_argument, NULL, 'l'},
        {"out-fd", required_argument, NULL, 'o'},
        {"timeout-ms", required_argument, NULL, 't'},
        {"min-validity", required_argument, NULL, 'm'},
        {"renew", required_argument, NULL, 'r'},
        {"probe", no_argument, NULL, 'p'},
        {NULL, 0, NULL, 0},
    };
    enum vk_err err = VK_OK;
    int64_t number = 0;
    int c;

    opterr = 0;
    while (err == VK_OK &&
           (c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == '?')
            return vk_fail(VK_USAGE, "usage: %s NAME[/TOKEN]",
                           job->fetcher->program);
        if (c != 'p')
            err = read_number(optarg, INT32_MAX, &number);
        if (err != VK_OK)
            break;
        switch (c) {
        case 'l': job->lock = (int)number; break;
        case 'o': job->out = (int)number; break;
        case 't': job->deadline = vk_clock_boot_ms() + number; break;
        case 'r': job->renews = number; break;
        case 'p': job->probes = true; break;
        default: job->min_validity = number; break;
        }
    }
    if (err == VK_OK && optind + 1 != argc)
        return vk_fail(VK_USAGE, "usage: %s NAME[/TOKEN]",
                       job->fetcher->program);
    return err;
}

/*
 * From the file into memory of our own: what was checked must be what is used
 * for as long as a prompt or a queue may take, even if somebody writes into
 * the file meanwhile.
 */
static enum vk_err
read_conf(struct job *job)
{
    enum vk_err err = vk_clients_open_own(&job->clients);

    if (err != VK_OK)
        return err;
    err = vk_buf_add(&job->text, job->clients.text);
    vk_clients_close(&job->clients);
    if (err == VK_OK && job->text.len > 0)
        job->clients.text = vk_buf_span(&job->text);
    return err;
}

static enum vk_err
load(const char *name, struct job *job)
{
    enum vk_err err = read_conf(job);

    if (err == VK_OK)
        err = vk_clients_check(&job->clients);
    if (err == VK_OK)
        err = vk_clients_for_name(&job->clients, vk_span_str(name),
                                  &job->profile);
    if (err == VK_NOCLIENT)
        return vk_fail(err, "there is no client or token '%s'", name);
    return err;
}

/* Run by hand nobody took the turn for us, nor looked into the cache. */
static enum vk_err
take_turn(struct job *job, bool *have)
{
    VK_AUTO_BUF payload = VK_BUF(VK_RECORD_MAX);
    struct vk_record record;
    enum vk_err err;

    *have = false;
    if (job->lock >= 0)
        return VK_OK;
    err = vk_turn_take(&job->clients, job->profile.name, job->deadline,
                       &job->lock);
    if (err == VK_OK)
        *have = vk_cache_get(&job->profile, job->min_validity, &payload,
                             &record) == VK_OK;
    return err;
}

static enum vk_err
get_secret(const struct job *job, struct vk_buf *secret)
{
    VK_AUTO_BUF client = VK_BUF(VK_NAME_MAX + 1);
    VK_AUTO_BUF id = VK_BUF(4096), url = VK_BUF(4096);
    const struct vk_profile *profile = &job->profile;
    enum vk_err err = vk_buf_add(&client, profile->client);

    if (err == VK_OK)
        err = vk_buf_add(&id, vk_profile_get(profile, VK_KEY_CLIENT_ID));
    if (err == VK_OK)
        err = vk_buf_add(&url, vk_profile_endpoint(profile));
    if (err != VK_OK)
        return err;
    struct vk_secret_id which = {vk_buf_str(&client), vk_buf_str(&id),
                                 vk_buf_str(&url)};
    if (which.client == NULL || which.client_id == NULL ||
        which.token_url == NULL)
        return VK_NOMEM;
    return vk_secret_get(&which, SECRET_MS, secret);
}

/*
 * The life counts from when the request was sent, which is before the server
 * made the token.  An issuer that gives the same token again until it ends
 * is not asked early a second time.
 */
static struct vk_record
make_record(const struct job *job, const struct vk_reply *reply, int64_t sent,
            bool is_same)
{
    uint16_t random = 0;
    int64_t born = sent / 1000;
    int64_t born_unix = vk_clock_unix() - (vk_clock_boot() - born);

    /* Without randomness renewals are only less spread. */
    if (getrandom(&random, sizeof random, 0) < 0)
        random = 0;
    int64_t refresh = is_same ? reply->life - vk_record_margin(reply->life)
                              : vk_governor_refresh_after(reply->life, random);
    return (struct vk_record){
        .token = vk_buf_span(&reply->token),
        .type = VK_SPAN("Bearer"),
        .expires = born_unix + reply->life,
        .refresh = born_unix + refresh,
        .boot_expires = born + reply->life,
        .life = reply->life,
        .config = vk_span_str(job->profile.fingerprint),
    };
}

static bool
is_cached(const struct job *job, struct vk_span token)
{
    VK_AUTO_BUF payload = VK_BUF(VK_RECORD_MAX);
    struct vk_record have;

    return vk_cache_get(&job->profile, 0, &payload, &have) == VK_OK &&
           vk_span_same(have.token, token);
}

/* A token that cannot be cached is still a token. */
static enum vk_err
publish(const struct job *job, const struct vk_reply *reply, int64_t sent)
{
    VK_AUTO_BUF payload = VK_BUF(VK_RECORD_MAX);
    struct vk_record record = make_record(
        job, reply, sent, is_cached(job, vk_buf_span(&reply->token)));
    char hash[VK_RECORD_HASH + 1];

    if (job->fetcher->hashes && vk_proof_short(record.token, hash))
        record.hash = vk_span_str(hash);
    int64_t left = vk_record_left(&record, vk_clock_boot());
    enum vk_err err = vk_record_write(&record, &payload);

    if (err != VK_OK)
        return err;
    if (left <= 0)
        return vk_fail(VK_BADREPLY,
                       "the token of '%s' ended before it"
                       " arrived: it lives %lld s",
                       job->profile.name, (long long)reply->life);
    if (vk_cache_put(&job->profile, vk_buf_span(&payload), left) != VK_OK)
        vk_log("the token of '%s' is not cached: %s", job->profile.name,
               vk_cache_trouble(errno));
    if (job->out < 0)
        return VK_OK;
    return vk_ask_write_outcome(job->out, VK_OK, vk_log_note(),
                                vk_buf_span(&payload));
}

/*
 * What the governor knows a credential by: the secret and how it is sent.  A
 * 401 can come from the wrong method as well, and the right one is to be
 * tried at once.
 */
static enum vk_err
make_credential(const struct job *job, struct vk_span secret,
                struct vk_buf *out)
{
    static const enum vk_key keys[] = {VK_KEY_AUTH, VK_KEY_BODY,
                                       VK_KEY_CLIENT_ID};
    struct vk_span endpoint = vk_profile_endpoint(&job->profile);
    enum vk_err err = vk_buf_add(out, secret);

    for (size_t i = 0; i < 3 && err == VK_OK; i++) {
        err = vk_buf_add_char(out, '\n');
        if (err == VK_OK)
            err = vk_buf_add(out, vk_profile_get(&job->profile, keys[i]));
    }
    if (err == VK_OK)
        err = vk_buf_add_char(out, '\n');
    return err == VK_OK ? vk_buf_add(out, endpoint) : err;
}

static enum vk_err
exchange(struct job *job, struct vk_span secret)
{
    VK_AUTO_BUF credential = VK_BUF(CREDENTIAL_MAX);
    struct vk_reply reply = VK_REPLY;
    struct vk_failure failure = {.retry_after = -1};
    struct vk_pass pass;
    enum vk_err err = make_credential(job, secret, &credential);

    if (err == VK_OK)
        err =
            vk_governor_enter(&job->clients, &job->profile,
                              vk_buf_span(&credential), job->deadline, &pass);

    if (err != VK_OK)
        return err;
    /* Whatever the caller's deadline: an answer that was paid for is kept
     * for the next one. */
    err = job->fetcher->exchange(&job->profile, secret, EXCHANGE_MS, &reply,
                                 &failure);
    if (err == VK_OK)
        err = publish(job, &reply, pass.sent);
    failure.err = err;
    vk_governor_leave(&job->profile, &pass, &failure, vk_buf_span(&credential),
                      vk_span_str(vk_log_last()));
    vk_reply_clear(&reply);
    return err;
}

static enum vk_err
fetch(struct job *job)
{
    VK_AUTO_BUF secret = VK_BUF(VK_SECRET_MAX);
    struct vk_failure failure = {.retry_after = -1};

    failure.err = get_secret(job, &secret);
    if (failure.err == VK_OK)
        return exchange(job, vk_buf_span(&secret));
    vk_governor_failed(&job->profile, &failure, vk_buf_span(&secret),
                       vk_span_str(vk_log_last()));
    return failure.err;
}

/* Is the token that is to be renewed still the one in the cache? */
static bool
is_due(const struct job *job)
{
    VK_AUTO_BUF payload = VK_BUF(VK_RECORD_MAX);
    struct vk_record have;

    return vk_cache_get(&job->profile, 0, &payload, &have) == VK_OK &&
           have.boot_expires == job->renews;
}

static void
mark(const struct job *job, int64_t seconds)
{
    /* Without the mark callers only look more often whether it is due. */
    enum vk_err err =
        vk_cache_note_put(VK_HOLD_REFRESH, job->profile.name, VK_SPAN("-"),
                          seconds > 0 ? seconds : 1);
    (void)err;
}

/* A locked keyring holds nothing, but a prompt once a minute is enough. */
static int64_t
pause_of(const struct vk_hold *hold)
{
    int64_t left = (hold->until - vk_clock_boot_ms()) / 1000 + 1;
    bool was_sent = vk_governor_was_sent(hold->err);

    return was_sent || left > RETRY_S ? left : RETRY_S;
}

/*
 * While the mark is there no caller starts another renewal.  After one that
 * failed it stays as long as the hold that followed.
 */
static enum vk_err
renew(struct job *job)
{
    VK_AUTO_BUF text = VK_BUF(VK_RECORD_MAX);
    struct vk_hold hold;

    if (!is_due(job))
        return VK_OK;
    mark(job, RENEWAL_S);
    enum vk_err err = fetch(job);
    if (err != VK_OK && vk_hold_last(&job->profile, &text, &hold) == VK_OK)
        mark(job, pause_of(&hold));
    return err;
}

static enum vk_err
probe(struct job *job)
{
    VK_AUTO_BUF text = VK_BUF(VK_RECORD_MAX);

    if (job->fetcher->probe == NULL)
        return vk_fail(VK_USAGE, "'%s' does not probe", job->fetcher->program);
    enum vk_err err = job->fetcher->probe(&job->clients, &job->profile,
                                          job->deadline, &text);
    if (err != VK_OK)
        return err;
    if (job->out < 0)
        return vk_span_write(vk_buf_span(&text), STDOUT_FILENO);
    return vk_ask_write_outcome(job->out, VK_OK, "", vk_buf_span(&text));
}

static enum vk_err
work(struct job *job)
{
    bool have = false;

    if (job->probes)
        return probe(job);
    enum vk_err err = take_turn(job, &have);
    if (err != VK_OK || have)
        return err;
    return job->renews > 0 ? renew(job) : fetch(job);
}

static enum vk_err
run(int argc, char **argv, struct job *job)
{
    enum vk_err err = vk_file_refuse_setuid();

    if (err == VK_OK)
        err = vk_proc_harden();
    if (err == VK_OK)
        err = read_options(argc, argv, job);
    if (err != VK_OK)
        return err;
    if (job->out >= 0)
        vk_log_keep();
    err = load(argv[optind], job);
    return err == VK_OK ? work(job) : err;
}

int
vk_fetch_main(int argc, char **argv, const struct vk_fetcher *fetcher)
{
    struct job job = {.fetcher = fetcher,
                      .lock = -1,
                      .out = -1,
                      .text = VK_BUF(VK_CLIENTS_MAX)};

    vk_log_program(fetcher->program);
    job.deadline = vk_clock_boot_ms() + TIMEOUT_MS;
    enum vk_err err = run(argc, argv, &job);
    if (err != VK_OK && vk_log_last()[0] == '\0')
        err = vk_fail(err, "no token: %s", vk_err_text(err));
    if (err != VK_OK && job.out >= 0) {
        /* Where it cannot be handed over, the caller still sees us fail. */
        enum vk_err told = vk_ask_write_outcome(job.out, err, vk_log_note(),
                                                vk_span_str(vk_log_last()));
        (void)told;
    }
    vk_buf_clear(&job.text);
    return vk_err_exit(err);
}

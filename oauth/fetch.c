/* SPDX-License-Identifier: MIT */
/*
 * valetkey-fetch NAME[/TOKEN]: direct mode's only program that sees a secret.
 * Governor, secret, one request to the token endpoint, token into the cache.
 * With --out-fd it hands its outcome over (keyring/ask.h) and stays silent;
 * run by hand it takes its turn by itself and says what went wrong.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/proc.h"
#include "keyring/ask.h"
#include "keyring/cache.h"
#include "keyring/secret.h"
#include "keyring/turn.h"
#include "oauth/exchange.h"
#include "oauth/governor.h"

#define TIMEOUT_MS 30000
/* Early renewal from three quarters of a token's life, less a little. */
#define REFRESH_PERCENT 75

struct job {
    struct vk_clients clients;
    struct vk_profile profile;
    int64_t deadline, min_validity;
    int lock, out;
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
        {NULL, 0, NULL, 0},
    };
    enum vk_err err = VK_OK;
    int64_t number = 0;
    int c;

    while (err == VK_OK &&
           (c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == '?')
            return VK_USAGE;
        err = read_number(optarg, c == 'l' || c == 'o' ? 1 << 20 : INT32_MAX,
                          &number);
        if (err != VK_OK)
            break;
        switch (c) {
        case 'l': job->lock = (int)number; break;
        case 'o': job->out = (int)number; break;
        case 't': job->deadline = vk_clock_boot_ms() + number; break;
        default: job->min_validity = number; break;
        }
    }
    if (err == VK_OK && optind + 1 != argc)
        return vk_fail(VK_USAGE, "usage: valetkey-fetch NAME[/TOKEN]");
    return err;
}

static enum vk_err
load(const char *name, struct job *job)
{
    enum vk_err err = vk_clients_open(&job->clients);

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
    return vk_secret_get(&which, job->deadline - vk_clock_boot_ms(), secret);
}

static struct vk_record
make_record(const struct job *job, const struct vk_reply *reply)
{
    int64_t ahead = reply->life - reply->life * REFRESH_PERCENT / 100;
    int64_t unix_now = vk_clock_unix();

    return (struct vk_record){
        .token = vk_buf_span(&reply->token),
        .type = VK_SPAN("Bearer"),
        .expires = unix_now + reply->life,
        .refresh = unix_now + reply->life - ahead,
        .boot_expires = vk_clock_boot() + reply->life,
        .life = reply->life,
        .config = vk_span_str(job->profile.fingerprint),
    };
}

/* A token that cannot be cached is still a token. */
static enum vk_err
publish(const struct job *job, const struct vk_reply *reply)
{
    VK_AUTO_BUF payload = VK_BUF(VK_RECORD_MAX);
    struct vk_record record = make_record(job, reply);
    enum vk_err err = vk_record_write(&record, &payload);

    if (err != VK_OK)
        return err;
    if (vk_cache_put(&job->profile, vk_buf_span(&payload),
                     reply->life - vk_record_margin(reply->life)) != VK_OK)
        vk_log("the token of '%s' is not cached: %s", job->profile.name,
               vk_cache_trouble(errno));
    vk_governor_succeeded(&job->profile);
    if (job->out < 0)
        return VK_OK;
    return vk_ask_write_outcome(job->out, VK_OK, vk_buf_span(&payload));
}

static enum vk_err
fetch(struct job *job)
{
    VK_AUTO_BUF secret = VK_BUF(VK_SECRET_MAX);
    struct vk_reply reply = VK_REPLY;
    struct vk_failure failure = {.retry_after = -1};
    enum vk_err err;

    failure.err = get_secret(job, &secret);
    if (failure.err != VK_OK) {
        vk_governor_failed(&job->profile, &failure, vk_buf_span(&secret),
                           vk_span_str(vk_log_last()));
        return failure.err;
    }
    err = vk_governor_may(&job->profile, vk_buf_span(&secret));
    if (err != VK_OK)
        return err;
    failure.err = vk_exchange(&job->profile, vk_buf_span(&secret),
                              job->deadline - vk_clock_boot_ms(), &reply,
                              &failure.retry_after);
    err = failure.err;
    if (err == VK_OK)
        err = publish(job, &reply);
    else
        vk_governor_failed(&job->profile, &failure, vk_buf_span(&secret),
                           vk_span_str(vk_log_last()));
    vk_reply_clear(&reply);
    return err;
}

static enum vk_err
run(int argc, char **argv, struct job *job)
{
    bool have = false;
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
    if (err == VK_OK)
        err = take_turn(job, &have);
    if (err != VK_OK || have)
        return err;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return vk_fail(VK_INTERNAL, "libcurl does not start");
    err = fetch(job);
    curl_global_cleanup();
    return err;
}

int
main(int argc, char **argv)
{
    struct job job = {.lock = -1, .out = -1};

    vk_log_program("valetkey-fetch");
    job.deadline = vk_clock_boot_ms() + TIMEOUT_MS;
    enum vk_err err = run(argc, argv, &job);
    if (err != VK_OK && job.out >= 0) {
        /* Where it cannot be handed over, the caller still sees us fail. */
        enum vk_err told =
            vk_ask_write_outcome(job.out, err, vk_span_str(vk_log_last()));
        (void)told;
    }
    vk_clients_close(&job.clients);
    return vk_err_exit(err);
}

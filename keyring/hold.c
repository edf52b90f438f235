/* SPDX-License-Identifier: MIT */
#include "keyring/hold.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "keyring/cache.h"

void
vk_hold_endpoint(const struct vk_profile *profile,
                 char out[VK_HOLD_NAME_MAX + 1])
{
    struct vk_url url;

    if (!vk_url_parse(vk_profile_endpoint(profile), &url))
        url = (struct vk_url){.host = VK_SPAN("-")};
    bool plain = vk_span_same_nocase(url.scheme, VK_SPAN("http"));
    int len = vk_format(out, VK_HOLD_NAME_MAX + 1, "%.*s:%u",
                        (int)url.host.len, url.host.ptr,
                        url.port != 0 ? url.port
                        : plain       ? 80
                                      : 443);
    if (len > VK_HOLD_NAME_MAX) {
        /* Names this long hardly meet; if they do they share their holds. */
        out[VK_HOLD_NAME_MAX - 1] = ':';
        out[VK_HOLD_NAME_MAX] = '\0';
    }
    for (char *c = out; *c != '\0'; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c + ('a' - 'A'));
}

enum vk_err
vk_hold_write(const struct vk_hold *hold, struct vk_buf *out)
{
    return vk_buf_addf(
        out, "%lld %lld %lld %s %.*s %.*s", (long long)hold->until,
        (long long)hold->at, (long long)hold->failures, vk_err_name(hold->err),
        VK_ARG(hold->secret),
        (int)(hold->message.len < 700 ? hold->message.len : 700),
        hold->message.ptr);
}

static bool
read_time(struct vk_span *text, int64_t *out)
{
    return vk_span_number(vk_span_cut(text, ' '), INT64_MAX / 4, out);
}

enum vk_err
vk_hold_read(struct vk_span text, struct vk_hold *out)
{
    struct vk_hold hold = {0};
    struct vk_span name;
    char word[32];

    if (!read_time(&text, &hold.until) || !read_time(&text, &hold.at) ||
        !read_time(&text, &hold.failures))
        return VK_BADREPLY;
    name = vk_span_cut(&text, ' ');
    hold.secret = vk_span_cut(&text, ' ');
    if (text.ptr == NULL || name.len >= sizeof word)
        return VK_BADREPLY;
    vk_format(word, sizeof word, "%.*s", VK_ARG(name));
    hold.err = vk_err_from_name(word);
    hold.message = text;
    *out = hold;
    return VK_OK;
}

static enum vk_err
get(const char *kind, const char *name, struct vk_buf *text,
    struct vk_hold *hold)
{
    vk_buf_cut(text, 0);
    enum vk_err err = vk_cache_note_get(kind, name, text);

    if (err == VK_OK && vk_hold_read(vk_buf_span(text), hold) != VK_OK)
        err = VK_MISS;
    return err;
}

/* Where the notes of a token stand: most particular first. */
struct place {
    const char *kind;
    char name[VK_FULL_NAME_MAX + 1];
};

#define PLACES 4
#define ENDPOINT 1

static void
places(const struct vk_profile *profile, struct place out[PLACES])
{
    out[0].kind = "bad";
    vk_format(out[0].name, sizeof out[0].name, "%.*s",
              VK_ARG(profile->client));
    out[ENDPOINT].kind = "hold";
    vk_hold_endpoint(profile, out[ENDPOINT].name);
    out[2].kind = "hold";
    vk_format(out[2].name, sizeof out[2].name, "%s", profile->name);
    out[3].kind = "drop";
    vk_format(out[3].name, sizeof out[3].name, "%s", profile->name);
}

static bool
stands(const struct place *place, const struct vk_hold *hold, int64_t since,
       int64_t now)
{
    if (strcmp(place->kind, "bad") == 0)
        return hold->at >= since;
    if (strcmp(place->kind, "hold") == 0 && hold->at >= since)
        return true;
    return now < hold->until;
}

enum vk_err
vk_hold_find(const struct vk_profile *profile, int64_t since,
             struct vk_buf *text, struct vk_hold *hold)
{
    struct place place[PLACES];
    int64_t now = vk_clock_boot_ms();

    places(profile, place);
    for (size_t i = 0; i < PLACES; i++)
        if (get(place[i].kind, place[i].name, text, hold) == VK_OK &&
            stands(&place[i], hold, since, now))
            return VK_OK;
    return VK_MISS;
}

/* The one that holds longest, for an ended one is only history. */
enum vk_err
vk_hold_last(const struct vk_profile *profile, struct vk_buf *text,
             struct vk_hold *hold)
{
    struct place place[PLACES];
    struct vk_hold best = {.until = -1};
    size_t which = PLACES;

    places(profile, place);
    for (size_t i = 0; i < PLACES; i++) {
        if (get(place[i].kind, place[i].name, text, hold) != VK_OK ||
            hold->until <= best.until)
            continue;
        best = *hold;
        which = i;
    }
    if (which == PLACES)
        return VK_MISS;
    return get(place[which].kind, place[which].name, text, hold);
}

void
vk_hold_drop(const struct vk_profile *profile, bool endpoint)
{
    struct place place[PLACES];

    places(profile, place);
    for (size_t i = 0; i < PLACES; i++) {
        if (i == ENDPOINT && !endpoint)
            continue;
        /* One that is not there is as good as dropped. */
        enum vk_err err = vk_cache_note_drop(place[i].kind, place[i].name);
        (void)err;
    }
    enum vk_err err = vk_cache_note_drop(VK_HOLD_REFRESH, profile->name);
    (void)err;
}

/* What is the endpoint's trouble is told of each token by its own name. */
static enum vk_err
fail_alike(const char *name, const struct vk_hold *hold)
{
    bool shared = hold->err == VK_HELD || hold->err == VK_UNREACHABLE ||
                  hold->err == VK_BADREPLY;

    if (shared)
        return vk_fail(hold->err, VK_HOLD_NO_TOKEN "%.*s", name,
                       (int)hold->message.len, hold->message.ptr);
    return vk_fail(hold->err, "%.*s", (int)hold->message.len,
                   hold->message.ptr);
}

enum vk_err
vk_hold_fail(const char *name, const struct vk_hold *hold, int64_t since)
{
    int64_t left = (hold->until - vk_clock_boot_ms() + 999) / 1000;
    time_t at = (time_t)(vk_clock_unix() + left);
    struct tm local;
    char clock[16] = "";

    /* Those who waited with it get what the fetch itself got. */
    if ((hold->at >= since && hold->err != VK_HELD) ||
        hold->err == VK_REFUSED || left <= 0)
        return fail_alike(name, hold);
    if (localtime_r(&at, &local) != NULL)
        strftime(clock, sizeof clock, "%H:%M:%S", &local);
    return vk_fail(VK_HELD, "held back until %s (in %lld s): %.*s", clock,
                   (long long)left, (int)hold->message.len, hold->message.ptr);
}

/* Days: see hold.h. */
#define MEMORY_S ((int64_t)3 * 86400)

enum vk_err
vk_hold_put(const char *kind, const char *name, const struct vk_hold *hold)
{
    VK_AUTO_BUF text = VK_BUF(VK_HOLD_MAX);
    enum vk_err err = vk_hold_write(hold, &text);

    if (err != VK_OK)
        return err;
    return vk_cache_note_put(kind, name, vk_buf_span(&text),
                             (hold->until - hold->at) / 1000 + MEMORY_S);
}

int64_t
vk_hold_backoff(int64_t first, int64_t most, int64_t failures)
{
    int64_t value = first;

    for (int64_t i = 1; i < failures && value < most; i++)
        value *= 2;
    return value < most ? value : most;
}

#define NEW_S 60
#define DROP_FIRST_MS 5000
#define DROP_MOST_MS 300000
/* Ages are whole seconds, and a new token is made 5 s later at least. */
#define SAME_MS 2000

bool
vk_hold_after_drop(const struct vk_hold *previous, int64_t age, int64_t now,
                   struct vk_hold *out)
{
    /* The one before counts while its hold, and as long again, lasts. */
    bool again = previous != NULL && now < previous->until + DROP_MOST_MS;
    int64_t failures = again ? previous->failures + 1 : 1;

    if (age >= NEW_S)
        return false;
    /* Made before the last report: it is about this very token. */
    if (previous != NULL && now - age * 1000 < previous->at + SAME_MS)
        return false;
    *out = (struct vk_hold){
        .until = now + vk_hold_backoff(DROP_FIRST_MS, DROP_MOST_MS, failures),
        .at = now,
        .failures = failures,
        .err = VK_HELD,
        .secret = VK_SPAN("-"),
        .message = VK_SPAN("a token was refused as soon as it was made"),
    };
    return true;
}

void
vk_hold_dropped(const struct vk_profile *profile, int64_t age)
{
    VK_AUTO_BUF text = VK_BUF(VK_RECORD_MAX);
    struct vk_hold previous, next;
    bool known = get("drop", profile->name, &text, &previous) == VK_OK;

    if (!vk_hold_after_drop(known ? &previous : NULL, age, vk_clock_boot_ms(),
                            &next))
        return;
    /* Without a keyring there was no token to drop either. */
    enum vk_err err = vk_hold_put("drop", profile->name, &next);
    (void)err;
}

/* SPDX-License-Identifier: MIT */
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "cli/cli.h"
#include "keyring/cache.h"
#include "keyring/count.h"
#include "keyring/hold.h"

#define OUT_MAX (VK_CLIENTS_MAX * 4)
#define BAR_WIDTH 20

/* What is known of one token. */
struct state {
    struct vk_profile profile;
    struct vk_buf payload, note, counts;
    struct vk_record record;
    struct vk_hold hold;
    struct vk_count count; /* of its client */
    bool has_token, has_keyring, has_hold;
    int64_t left, renew_in, held_for; /* seconds */
};

static void
look(struct state *state)
{
    int64_t now = vk_clock_boot();
    enum vk_err err =
        vk_cache_get(&state->profile, 0, &state->payload, &state->record);

    vk_count_get(state->profile.client, &state->counts, &state->count);
    state->has_token = err == VK_OK;
    state->has_keyring = err != VK_NOKEYRING;
    state->has_hold =
        vk_hold_last(&state->profile, &state->note, &state->hold) == VK_OK;
    if (state->has_token) {
        state->left = vk_record_left(&state->record, now);
        state->renew_in = vk_record_refresh_in(&state->record, now);
    }
    if (!state->has_hold)
        return;
    state->held_for = (state->hold.until - vk_clock_boot_ms() + 999) / 1000;
    /* What failed before this token came is over, if nothing holds. */
    int64_t born = now - vk_record_age(&state->record, now);
    if (state->has_token && state->held_for <= 0 &&
        state->hold.at / 1000 <= born)
        state->has_hold = false;
}

/* "52 min", the two largest units at most. */
struct text {
    char text[48];
};

static struct text
duration(int64_t seconds)
{
    static const struct {
        int64_t seconds;
        const char *name;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    struct text out = {"0 s"};
    size_t i = 0;

    if (seconds <= 0)
        return out;
    while (seconds < units[i].seconds)
        i++;
    int64_t first = seconds / units[i].seconds;
    int64_t rest = seconds % units[i].seconds;
    int64_t second = i < 3 ? rest / units[i + 1].seconds : 0;
    if (second > 0)
        snprintf(out.text, sizeof out.text, "%lld %s %lld %s",
                 (long long)first, units[i].name, (long long)second,
                 units[i + 1].name);
    else
        snprintf(out.text, sizeof out.text, "%lld %s", (long long)first,
                 units[i].name);
    return out;
}

static struct text
time_of_day(int64_t in_seconds)
{
    time_t at = (time_t)(vk_clock_unix() + in_seconds);
    struct text out = {"?"};
    struct tm local;

    if (localtime_r(&at, &local) != NULL)
        strftime(out.text, sizeof out.text, "%H:%M:%S", &local);
    return out;
}

static bool
is_utf8_locale(void)
{
    locale_t locale = newlocale(LC_CTYPE_MASK, "", NULL);

    if (locale == NULL)
        return false;
    bool is_utf8 = strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;
    freelocale(locale);
    return is_utf8;
}

static enum vk_err
write_bar(const struct state *state, struct vk_buf *out)
{
    bool is_utf8 = is_utf8_locale();
    int64_t life = state->record.life > 0 ? state->record.life : 1;
    int64_t filled = state->left * BAR_WIDTH / life;
    enum vk_err err = VK_OK;

    for (int64_t i = 0; i < BAR_WIDTH && err == VK_OK; i++)
        if (i < filled)
            err = vk_buf_add_str(out, is_utf8 ? "█" : "#");
        else
            err = vk_buf_add_str(out, is_utf8 ? "░" : ".");
    return err == VK_OK ? vk_buf_add_char(out, ' ') : err;
}

static enum vk_err
write_token(const struct state *state, bool terminal, struct vk_buf *out)
{
    enum vk_err err = vk_buf_add_str(out, "  token    ");

    if (err != VK_OK)
        return err;
    if (!state->has_keyring)
        return vk_buf_add_str(out, "the kernel keyring is not available\n");
    if (!state->has_token)
        return vk_buf_add_str(out, "none in the kernel keyring\n");
    if (terminal)
        err = write_bar(state, out);
    if (err == VK_OK)
        err =
            vk_buf_addf(out,
                        "good for %s of %s, in the kernel keyring (key"
                        " %d)\n"
                        "  renewal  ",
                        duration(state->left).text,
                        duration(state->record.life).text, state->record.key);
    if (err == VK_OK && state->renew_in > 0)
        return vk_buf_addf(out, "at the first use after %s (in %s)\n",
                           time_of_day(state->renew_in).text,
                           duration(state->renew_in).text);
    return err == VK_OK ? vk_buf_add_str(out, "at the next use\n") : err;
}

static enum vk_err
write_last(const struct state *state, struct vk_buf *out)
{
    int64_t age = vk_record_age(&state->record, vk_clock_boot());

    if (!state->has_hold && !state->has_token)
        return vk_buf_add_str(out, "  last     nothing is known\n");
    if (!state->has_hold)
        return vk_buf_addf(out, "  last     fetched %s ago\n",
                           duration(age).text);
    enum vk_err err = vk_buf_addf(
        out, "  last     failed %s ago: %.*s\n",
        duration((vk_clock_boot_ms() - state->hold.at) / 1000).text,
        (int)state->hold.message.len, state->hold.message.ptr);
    if (err == VK_OK && state->held_for > 0)
        err = vk_buf_addf(out, "  next     not before %s (in %s)\n",
                          time_of_day(state->held_for).text,
                          duration(state->held_for).text);
    return err;
}

static enum vk_err
write_text(const struct state *state, bool terminal, struct vk_buf *out)
{
    enum vk_err err = vk_buf_addf(out, "%s\n", state->profile.name);

    if (err == VK_OK)
        err = write_token(state, terminal, out);
    if (err == VK_OK)
        err = write_last(state, out);
    if (err != VK_OK || state->profile.token.len > 0 ||
        state->count.requests == 0)
        return err;
    return vk_buf_addf(out,
                       "  spared   %lld %s made for the client, about %lld"
                       " answered from the keyring\n",
                       (long long)state->count.requests,
                       state->count.requests == 1 ? "request" : "requests",
                       (long long)state->count.answers);
}

static void
write_json(const struct state *state, struct vk_json *json)
{
    vk_json_open(json, NULL, '{');
    vk_json_str(json, "name", vk_span_str(state->profile.name));
    vk_json_bool(json, "keyring", state->has_keyring);
    vk_json_bool(json, "cached", state->has_token);
    if (state->has_token) {
        vk_json_number(json, "key", state->record.key);
        vk_json_number(json, "life", state->record.life);
        vk_json_number(json, "good_for", state->left);
        vk_json_number(json, "renew_in", state->renew_in);
        vk_json_number(json, "expires", state->record.expires);
    }
    if (state->has_hold) {
        vk_json_str(json, "last", vk_span_str(vk_err_name(state->hold.err)));
        vk_json_str(json, "message", state->hold.message);
        vk_json_number(json, "failed_ago",
                       (vk_clock_boot_ms() - state->hold.at) / 1000);
        vk_json_number(json, "held_for",
                       state->held_for > 0 ? state->held_for : 0);
    } else if (state->has_token) {
        vk_json_str(json, "last", VK_SPAN("ok"));
    }
    vk_json_number(json, "client_requests", state->count.requests);
    vk_json_number(json, "client_answers", state->count.answers);
    vk_json_close(json, '}');
}

/* Of the client and all its tokens, of the one token, or of all. */
static bool
is_wanted(const struct vk_cli *cli, const struct vk_profile *profile)
{
    if (cli->operand == NULL)
        return true;
    return vk_span_is(profile->client, cli->operand) ||
           vk_span_is(vk_span_str(profile->name), cli->operand);
}

static enum vk_err
write_all(const struct vk_cli *cli, const struct vk_clients *clients,
          struct vk_buf *out, struct vk_json *json)
{
    struct vk_clients_cursor cursor = {0};
    bool terminal = isatty(STDOUT_FILENO) != 0;
    struct state state;
    enum vk_err err = VK_OK;

    state = (struct state){.payload = VK_BUF(VK_PAYLOAD_MAX),
                           .note = VK_BUF(VK_PAYLOAD_MAX),
                           .counts = VK_BUF(VK_PAYLOAD_MAX)};
    while (err == VK_OK &&
           vk_clients_next(clients, &cursor, &state.profile, &err)) {
        if (err != VK_OK || !is_wanted(cli, &state.profile))
            continue;
        vk_buf_cut(&state.payload, 0);
        vk_buf_cut(&state.note, 0);
        look(&state);
        if (json != NULL)
            write_json(&state, json);
        else
            err = write_text(&state, terminal, out);
    }
    vk_buf_clear(&state.payload);
    vk_buf_clear(&state.note);
    vk_buf_clear(&state.counts);
    return err;
}

enum vk_err
vk_status(const struct vk_cli *cli)
{
    VK_AUTO_BUF out = VK_BUF(OUT_MAX);
    struct vk_json json = VK_JSON(&out);
    struct vk_clients clients;
    struct vk_profile profile;
    bool as_json = cli->option[VK_OPT_JSON] != NULL;
    enum vk_err err = vk_cli_open(&clients);

    if (err == VK_OK && cli->operand != NULL)
        err = vk_cli_find(cli, &clients, &profile);
    if (as_json)
        vk_json_open(&json, NULL, '[');
    if (err == VK_OK)
        err = write_all(cli, &clients, &out, as_json ? &json : NULL);
    if (as_json) {
        vk_json_close(&json, ']');
        if (err == VK_OK)
            err = vk_json_end(&json);
        if (err == VK_OK)
            err = vk_buf_add_char(&out, '\n');
    }
    return err == VK_OK ? vk_cli_print(vk_buf_span(&out)) : err;
}

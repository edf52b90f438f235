/* SPDX-License-Identifier: MIT */
/*
 * valetkey doctor: everything that the configuration needs, tried one after
 * the other; what is wrong, and what to do about it.
 */
#include "cli/doctor.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/cli.h"
#include "keyring/cache.h"
#include "keyring/health.h"
#include "keyring/machine.h"
#include "keyring/policy.h"
#include "keyring/turn.h"

#define OUT_MAX 1048576
#define TEXT_MAX 1024

void
vk_report_add(struct vk_report *report, enum vk_finding finding,
              const char *what, const char *advice, const char *fmt, ...)
{
    static const char *const words[] = {"ok", "note", "FAIL"};
    static const char *const states[] = {"ok", "note", "fail"};
    enum vk_err err = VK_OK;
    char text[TEXT_MAX];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    report->is_bad = report->is_bad || finding == VK_BAD;
    if (report->as_json) {
        vk_json_open(&report->json, NULL, '{');
        vk_json_str(&report->json, "check", vk_span_str(what));
        vk_json_str(&report->json, "state", vk_span_str(states[finding]));
        vk_json_str(&report->json, "message", vk_span_str(text));
        if (advice != NULL)
            vk_json_str(&report->json, "advice", vk_span_str(advice));
        vk_json_close(&report->json, '}');
    } else {
        err = vk_buf_addf(&report->out, "%-4s  %s: %s\n", words[finding], what,
                          text);
        if (err == VK_OK && advice != NULL)
            err = vk_buf_addf(&report->out, "      %s\n", advice);
    }
    /* A report that is too long is cut, but not the verdict. */
    (void)err;
}

static const char *
advice_on_keys(int error)
{
    if (error == EDQUOT)
        return "drop tokens that are not needed ('valetkey drop'), or let"
               " root run: sysctl kernel.keys.maxkeys=2000"
               " kernel.keys.maxbytes=200000";
    return "a container must be allowed the system calls keyctl, add_key and"
           " request_key; without them each call fetches a token";
}

/* Nine tenths of a quota are "nearly full". */
static bool
is_nearly(int64_t used, int64_t most)
{
    return most > 0 && used > most / 10 * 9;
}

static void
check_keyring(struct vk_report *report)
{
    struct vk_health health;
    const char *what = "kernel keyring";

    vk_health_look(&health);
    if (health.error != 0)
        vk_report_add(report, VK_BAD, what, advice_on_keys(health.error), "%s",
                      vk_cache_trouble(health.error));
    else if (is_nearly(health.keys, health.max_keys) ||
             is_nearly(health.bytes, health.max_bytes))
        vk_report_add(report, VK_BAD, what, advice_on_keys(EDQUOT),
                      "nearly full: %lld of %lld keys, %lld of %lld bytes",
                      (long long)health.keys, (long long)health.max_keys,
                      (long long)health.bytes, (long long)health.max_bytes);
    else if (health.max_keys > 0)
        vk_report_add(report, VK_FINE, what, NULL,
                      "%lld of %lld keys, %lld of %lld bytes",
                      (long long)health.keys, (long long)health.max_keys,
                      (long long)health.bytes, (long long)health.max_bytes);
    else
        vk_report_add(report, VK_FINE, what, NULL, "works");
    if (health.is_session_revoked)
        vk_report_add(report, VK_NOTE, "session keyring",
                      "other programs that use keys need a new login",
                      "revoked: this process outlived its login; valetkey"
                      " does without");
}

static void
check_turns(struct vk_report *report, const struct vk_clients *clients)
{
    int lock;

    if (vk_turn_try(clients, "doctor=test", &lock)) {
        close(lock);
        vk_report_add(report, VK_FINE, "lock files", NULL, "can be made");
        return;
    }
    vk_report_add(report, VK_BAD, "lock files",
                  vk_clients_is_machine()
                      ? "chown root: /run/valetkey && chmod 700 /run/valetkey"
                      : "XDG_RUNTIME_DIR, /run/user/UID or ~/.cache must be"
                        " the user's own and writable",
                  "cannot be made, so callers fetch once each");
}

/* The client's own row; its other tokens share secret and endpoint. */
static void
check_clients(struct vk_report *report, const struct vk_clients *clients)
{
    struct vk_clients_cursor cursor = {0};
    struct vk_profile profile;
    const char *section = NULL;
    enum vk_err err = VK_OK;

    while (err == VK_OK && vk_clients_next(clients, &cursor, &profile, &err)) {
        const char *own = profile.section[VK_KEY_ALLOW].ptr;
        if (profile.token.len == 0)
            vk_doctor_client(report, &profile);
        /* What a token has from its client was looked at. */
        if (vk_clients_is_machine() &&
            (profile.token.len == 0 || own != section))
            vk_doctor_allow(report, &profile);
        if (profile.token.len == 0)
            section = own;
    }
}

/* One of the machine's that this user may have; any, for root's report. */
static bool
find_machines(const struct vk_clients *clients, struct vk_profile *out)
{
    struct vk_clients_cursor cursor = {0};
    enum vk_err err = VK_OK;

    while (err == VK_OK && vk_clients_next(clients, &cursor, out, &err))
        if (out->origin == VK_BROKER &&
            (vk_clients_is_machine() || vk_policy_allows(out, getuid())))
            return true;
    return false;
}

static int
count_tokens(const struct vk_clients *clients, int *count)
{
    struct vk_clients_cursor cursor = {0};
    struct vk_profile profile;
    enum vk_err err = VK_OK;
    int all = 0;

    *count = 0;
    while (err == VK_OK && vk_clients_next(clients, &cursor, &profile, &err)) {
        if (profile.origin != clients->origin)
            continue;
        all++;
        *count += profile.token.len == 0;
    }
    return all;
}

static void
report_configuration(struct vk_report *report,
                     const struct vk_clients *clients, enum vk_err err)
{
    bool is_machine = vk_clients_is_machine();
    int count;

    if (err != VK_OK) {
        vk_report_add(report, VK_BAD, "configuration", "see clients.conf(5)",
                      "%s", vk_log_last());
    } else if (clients->text.len == 0) {
        vk_report_add(report, VK_NOTE, "configuration",
                      is_machine ? "'valetkey --system import' or 'valetkey"
                                   " --system add' makes one"
                                 : "'valetkey import' or 'valetkey add' makes"
                                   " one",
                      "there are no clients yet");
    } else {
        int tokens = count_tokens(clients, &count);
        vk_report_add(report, VK_FINE, "configuration", NULL,
                      "'%s/" VK_CLIENTS_FILE "' has %d client%s with %d"
                      " token%s",
                      clients->dir, count, count == 1 ? "" : "s", tokens,
                      tokens == 1 ? "" : "s");
    }
}

static void
examine(struct vk_report *report)
{
    struct vk_profile profile;
    struct vk_clients clients;

    vk_log_keep();
    enum vk_err err = vk_cli_open(&clients);
    report_configuration(report, &clients, err);
    bool has_registry = !vk_clients_is_machine() || vk_machine_open() == VK_OK;
    if (!has_registry)
        vk_report_add(report, VK_BAD, "registry", advice_on_keys(ENOSYS), "%s",
                      vk_log_last());
    check_keyring(report);
    if (err != VK_OK)
        return;
    if (clients.text.len > 0 &&
        (clients.origin == VK_DIRECT || vk_clients_is_machine()))
        check_turns(report, &clients);
    if (find_machines(&clients, &profile))
        vk_doctor_machine(report, &profile);
    /* What would ask the server obeys the notes in there. */
    if (has_registry)
        check_clients(report, &clients);
}

enum vk_err
vk_doctor(const struct vk_cli *cli)
{
    struct vk_report report = {
        .out = VK_BUF(OUT_MAX),
        .as_json = cli->option[VK_OPT_JSON] != NULL,
    };
    enum vk_err err = VK_OK;

    report.json = VK_JSON(&report.out);
    if (report.as_json)
        vk_json_open(&report.json, NULL, '[');
    examine(&report);
    if (report.as_json) {
        vk_json_close(&report.json, ']');
        err = vk_json_end(&report.json);
        if (err == VK_OK)
            err = vk_buf_add_char(&report.out, '\n');
    }
    if (err == VK_OK)
        err = vk_cli_print(vk_buf_span(&report.out));
    vk_buf_clear(&report.out);
    /* Its exit status says that something is wrong, not what. */
    return err == VK_OK && report.is_bad ? VK_INTERNAL : err;
}

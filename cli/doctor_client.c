/* SPDX-License-Identifier: MIT */
#include "cli/doctor.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/proc.h"
#include "keyring/hold.h"
#include "keyring/policy.h"
#include "keyring/record.h"

#define PROBE_MS 20000
/* Certificates and tokens are judged by the clock; a minute does no harm. */
#define CLOCK_SLACK_S 60

#define WHAT_MAX (VK_FULL_NAME_MAX + 16)
#define ADVICE_MAX (VK_FULL_NAME_MAX + VK_PATH_MAX + 256)

/* What a person types: of a user's clients, or of the machine's. */
static const char *
command(void)
{
    return vk_clients_is_machine() ? "valetkey --system" : "valetkey";
}

static const char *
fetcher(void)
{
    return vk_clients_is_machine() ? "valetkey-broker" : "valetkey-fetch";
}

/* Run the fetcher with --probe; text receives what it hands over. */
static enum vk_err
run_probe(const char *name, struct vk_buf *text)
{
    int out = vk_file_above_stderr(memfd_create("valetkey", MFD_CLOEXEC));
    int status = 0;
    char fd[16], timeout[16];
    pid_t pid;

    if (out < 0)
        return VK_INTERNAL;
    snprintf(fd, sizeof fd, "%d", out);
    snprintf(timeout, sizeof timeout, "%d", PROBE_MS);
    const char *const argv[] = {fetcher(),
                                "--sysconfdir",
                                vk_clients_machine_dir(),
                                "--probe",
                                "--out-fd",
                                fd,
                                "--timeout-ms",
                                timeout,
                                name,
                                NULL};
    const char *const user_argv[] = {
        fetcher(),      "--probe", "--out-fd", fd,
        "--timeout-ms", timeout,   name,       NULL};
    const struct vk_proc_fd fds[] = {{out, out}, {-1, -1}};
    enum vk_err err = vk_proc_start(vk_clients_is_machine() ? argv : user_argv,
                                    fds, VK_ATTACHED, &pid);
    if (err == VK_OK)
        err = vk_proc_wait(pid, 0, &status);
    if (err == VK_OK && (status == VK_PROC_NO_EXEC || lseek(out, 0, 0) != 0))
        err = VK_INTERNAL;
    if (err == VK_OK)
        err = vk_buf_read(text, out);
    close(out);
    return err;
}

static void
advise_secret(enum vk_err outcome, struct vk_span client, char *out,
              size_t size)
{
    const char *name = client.ptr;
    int len = (int)client.len;

    switch ((int)outcome) {
    case VK_NOSECRET:
        snprintf(out, size, "give it: %s rotate %.*s", command(), len, name);
        break;
    case VK_LOCKED:
        snprintf(out, size,
                 "unlock the keyring, in its own window or by logging in");
        break;
    case VK_NOSTORE:
        if (vk_clients_is_machine())
            snprintf(out, size,
                     "chown -R root: %s/secrets && chmod -R u=rwX,go="
                     " %s/secrets; or give it again: %s rotate %.*s",
                     vk_clients_machine_dir(), vk_clients_machine_dir(),
                     command(), len, name);
        else
            snprintf(out, size,
                     "start a Secret Service (gnome-keyring, KeePassXC), and"
                     " see that DBUS_SESSION_BUS_ADDRESS is set");
        break;
    default: out[0] = '\0';
    }
}

static void
report_secret(struct vk_report *report, const char *what,
              const struct vk_profile *profile, enum vk_err outcome,
              struct vk_span message)
{
    char advice[ADVICE_MAX + VK_PATH_MAX];

    if (outcome == VK_OK) {
        vk_report_add(report, VK_FINE, what, NULL, "secret: there is one");
        return;
    }
    advise_secret(outcome, profile->client, advice, sizeof advice);
    vk_report_add(report, VK_BAD, what, advice[0] != '\0' ? advice : NULL,
                  "secret: %.*s", VK_ARG(message));
}

static const char *
advise_network(const struct vk_profile *profile)
{
    if (profile->origin != VK_BROKER || vk_profile_proxy(profile).len > 0)
        return "check the network, the proxy, and ca-file";
    return "check the network and ca-file; no proxy is used, for the client"
           " has none in clients.conf";
}

/* What holds requests back is reported by itself. */
static void
report_endpoint(struct vk_report *report, const char *what,
                const struct vk_profile *profile, enum vk_err outcome,
                struct vk_span message)
{
    struct vk_span url = vk_profile_endpoint(profile);

    if (outcome == VK_OK)
        vk_report_add(report, VK_FINE, what, NULL, "'%.*s' can be reached",
                      VK_ARG(url));
    else if (outcome != VK_HELD && outcome != VK_REFUSED)
        vk_report_add(report, VK_BAD, what, advise_network(profile),
                      "'%.*s' cannot be reached: %.*s", VK_ARG(url),
                      VK_ARG(message));
}

static void
report_clock(struct vk_report *report, const char *what, struct vk_span text)
{
    bool is_behind = vk_span_starts(text, "-");
    struct vk_span digits = vk_span_from(text, is_behind ? 1 : 0);
    int64_t seconds = 0;

    if (!vk_span_number(digits, INT64_MAX, &seconds) ||
        seconds <= CLOCK_SLACK_S)
        return;
    vk_report_add(report, VK_NOTE, what,
                  "set the clock; tokens are counted by another one, but"
                  " certificates are not",
                  "this machine's clock is %lld s %s the server's",
                  (long long)seconds, is_behind ? "behind" : "ahead of");
}

static void
report_line(struct vk_report *report, const struct vk_profile *profile,
            struct vk_span line)
{
    char word[32], what[WHAT_MAX];
    struct vk_span part = vk_span_cut(&line, ' ');

    snprintf(what, sizeof what, "client '%s'", profile->name);
    if (vk_span_is(part, "clock")) {
        report_clock(report, what, line);
        return;
    }
    struct vk_span name = vk_span_cut(&line, ' ');
    snprintf(word, sizeof word, "%.*s", VK_ARG(name));
    enum vk_err outcome = vk_err_from_name(word);
    if (vk_span_is(part, "secret"))
        report_secret(report, what, profile, outcome, line);
    else if (vk_span_is(part, "endpoint"))
        report_endpoint(report, what, profile, outcome, line);
}

/* What the last fetch left behind, if it still holds. */
static void
report_hold(struct vk_report *report, const struct vk_profile *profile)
{
    VK_AUTO_BUF text = VK_BUF(VK_RECORD_MAX);
    char what[WHAT_MAX], advice[ADVICE_MAX];
    struct vk_hold hold;

    if (vk_hold_last(profile, &text, &hold) != VK_OK ||
        hold.until <= vk_clock_boot_ms())
        return;
    snprintf(what, sizeof what, "client '%s'", profile->name);
    snprintf(advice, sizeof advice, "%s%s %s %.*s",
             hold.err == VK_REFUSED ? "give it the right secret: "
                                    : "wait, or: ",
             command(), hold.err == VK_REFUSED ? "rotate" : "retry",
             (int)profile->client.len, profile->client.ptr);
    vk_report_add(report, VK_BAD, what, advice, "held back for %lld s: %.*s",
                  (long long)(hold.until - vk_clock_boot_ms() + 999) / 1000,
                  VK_ARG(hold.message));
}

/* Only root can look at its secret, and a fetch is not for looking. */
static void
report_machines(struct vk_report *report, const struct vk_profile *profile)
{
    bool allowed = vk_policy_allows(profile, getuid());
    char what[WHAT_MAX];

    snprintf(what, sizeof what, "client '%s'", profile->name);
    vk_report_add(report, allowed ? VK_FINE : VK_NOTE, what, NULL,
                  allowed ? "the machine's; you are allowed to have its token"
                          : "the machine's; you are not allowed to have its"
                            " token");
}

static void
report_unknown(struct vk_report *report, const char *what, struct vk_span item)
{
    char advice[ADVICE_MAX];
    bool is_group = vk_span_starts(item, "@");
    struct vk_span name = vk_span_from(item, is_group ? 1 : 0);

    snprintf(advice, sizeof advice,
             "%s %.*s, or correct 'allow' in '%s/" VK_CLIENTS_FILE "'",
             is_group ? "groupadd" : "useradd", VK_ARG(name),
             vk_clients_machine_dir());
    vk_report_add(report, VK_BAD, what, advice, "allow: there is no %s '%.*s'",
                  is_group ? "group" : "user", VK_ARG(name));
}

void
vk_doctor_allow(struct vk_report *report, const struct vk_profile *profile)
{
    struct vk_values values = vk_profile_values(profile, VK_KEY_ALLOW);
    char what[WHAT_MAX];
    struct vk_span item;
    int count = 0;

    snprintf(what, sizeof what, "%s '%s'",
             profile->token.len == 0 ? "client" : "token", profile->name);
    while (vk_profile_next(&values, VK_KEY_ALLOW, &item)) {
        count++;
        if (!vk_policy_is_known(item))
            report_unknown(report, what, item);
    }
    if (count == 0)
        vk_report_add(report, VK_NOTE, what,
                      "add a line 'allow = USER, @GROUP' to its section",
                      "allow: nobody may have its token");
}

void
vk_doctor_client(struct vk_report *report, const struct vk_profile *profile)
{
    VK_AUTO_BUF text = VK_BUF(VK_PAYLOAD_MAX);

    if (profile->origin != VK_DIRECT && !vk_clients_is_machine()) {
        report_machines(report, profile);
        return;
    }
    enum vk_err err = run_probe(profile->name, &text);
    struct vk_span rest = vk_buf_span(&text);
    struct vk_span outcome = vk_span_cut(&rest, '\n');
    vk_span_cut(&rest, '\n');
    if (err != VK_OK || outcome.len == 0)
        vk_report_add(report, VK_BAD, fetcher(),
                      "is valetkey installed completely?",
                      "cannot be run, or ended unexpectedly");
    else if (!vk_span_is(outcome, "ok"))
        vk_report_add(report, VK_BAD, profile->name, NULL, "%.*s",
                      VK_ARG(rest));
    while (err == VK_OK && vk_span_is(outcome, "ok") && rest.len > 0)
        report_line(report, profile, vk_span_cut(&rest, '\n'));
    report_hold(report, profile);
}

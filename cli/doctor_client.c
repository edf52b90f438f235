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
#include "keyring/record.h"

#define PROBE_MS 20000
/* Certificates and tokens are judged by the clock; a minute does no harm. */
#define CLOCK_SLACK_S 60

/* Run valetkey-fetch --probe; text receives what it hands over. */
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
    const char *const argv[] = {"valetkey-fetch", "--probe", "--out-fd", fd,
                                "--timeout-ms",   timeout,   name,       NULL};
    const struct vk_proc_fd fds[] = {{out, out}, {-1, -1}};
    enum vk_err err = vk_proc_start(argv, fds, VK_ATTACHED, &pid);
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
report_secret(struct vk_report *report, const char *what, enum vk_err outcome,
              struct vk_span message)
{
    static const struct {
        enum vk_err err;
        const char *advice;
    } rows[] = {
        {VK_NOSECRET, "'valetkey rotate NAME' stores one"},
        {VK_LOCKED, "unlock the keyring, in its own window or by logging in"},
        {VK_NOSTORE, "start a Secret Service (gnome-keyring, KeePassXC), and"
                     " see that DBUS_SESSION_BUS_ADDRESS is set"},
    };
    const char *advice = NULL;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].err == outcome)
            advice = rows[i].advice;
    if (outcome == VK_OK)
        vk_report_add(report, VK_FINE, what, NULL, "secret: there is one");
    else
        vk_report_add(report, VK_BAD, what, advice, "secret: %.*s",
                      VK_ARG(message));
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
        vk_report_add(
            report, VK_BAD, what, "check the network, the proxy, and ca-file",
            "'%.*s' cannot be reached: %.*s", VK_ARG(url), VK_ARG(message));
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
    char word[32], what[VK_FULL_NAME_MAX + 16];
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
        report_secret(report, what, outcome, line);
    else if (vk_span_is(part, "endpoint"))
        report_endpoint(report, what, profile, outcome, line);
}

/* What the last fetch left behind, if it still holds. */
static void
report_hold(struct vk_report *report, const struct vk_profile *profile)
{
    VK_AUTO_BUF text = VK_BUF(VK_RECORD_MAX);
    char what[VK_FULL_NAME_MAX + 16];
    struct vk_hold hold;

    if (vk_hold_last(profile, &text, &hold) != VK_OK ||
        hold.until <= vk_clock_boot_ms())
        return;
    snprintf(what, sizeof what, "client '%s'", profile->name);
    vk_report_add(report, VK_BAD, what,
                  hold.err == VK_REFUSED
                      ? "give it the right secret: 'valetkey rotate NAME'"
                      : "wait, or 'valetkey retry NAME'",
                  "held back for %lld s: %.*s",
                  (long long)(hold.until - vk_clock_boot_ms() + 999) / 1000,
                  VK_ARG(hold.message));
}

/* Only root can look at its secret, and a fetch is not for looking. */
static void
report_machines(struct vk_report *report, const struct vk_profile *profile)
{
    char what[VK_FULL_NAME_MAX + 16];

    snprintf(what, sizeof what, "client '%s'", profile->name);
    vk_report_add(report, VK_NOTE, what, NULL,
                  "the machine's; 'valetkey token %s' tells whether you get"
                  " its token",
                  profile->name);
}

void
vk_doctor_client(struct vk_report *report, const struct vk_profile *profile)
{
    VK_AUTO_BUF text = VK_BUF(VK_PAYLOAD_MAX);

    if (profile->origin != VK_DIRECT) {
        report_machines(report, profile);
        return;
    }
    enum vk_err err = run_probe(profile->name, &text);
    struct vk_span rest = vk_buf_span(&text);
    struct vk_span outcome = vk_span_cut(&rest, '\n');
    vk_span_cut(&rest, '\n');
    if (err != VK_OK || outcome.len == 0)
        vk_report_add(report, VK_BAD, "valetkey-fetch",
                      "is valetkey installed completely?",
                      "cannot be run, or ended unexpectedly");
    else if (!vk_span_is(outcome, "ok"))
        vk_report_add(report, VK_BAD, profile->name, NULL, "%.*s",
                      VK_ARG(rest));
    while (err == VK_OK && vk_span_is(outcome, "ok") && rest.len > 0)
        report_line(report, profile, vk_span_cut(&rest, '\n'));
    report_hold(report, profile);
}

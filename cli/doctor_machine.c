/* SPDX-License-Identifier: MIT */
/*
 * What stands between a user and the tokens of the machine's clients: the
 * kernel, request-key(8), its rules, valetkey-upcall(8), the user that it
 * becomes.
 */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/proc.h"
#include "cli/doctor.h"
#include "cli/rule.h"
#include "keyring/broker.h"

#define REQUEST_KEY "/sbin/request-key"
#define UPCALL "valetkey-upcall"
#define RULE "/etc/request-key.d/valetkey.conf"
#define ACCOUNT "_valetkey"
#define TEXT_MAX 65536
#define ADVICE_MAX (4 * VK_PATH_MAX)
#define TRY_MS 10000

/* Ask request-key what it would run for it. */
static enum vk_err
ask_request_key(const char *description, struct vk_buf *text)
{
    char key[VK_FULL_NAME_MAX + 64];
    int out = vk_file_above_stderr(memfd_create("valetkey", MFD_CLOEXEC));
    int status = 0;
    pid_t pid;

    snprintf(key, sizeof key, "user;%lu;0;3f010000;%s",
             (unsigned long)getuid(), description);
    const char *const argv[] = {REQUEST_KEY, "-d",     "-n", "-v", "-D",
                                key,         "create", "1",  "0",  "0",
                                "0",         "0",      "0",  "",   NULL};
    const struct vk_proc_fd fds[] = {
        {out, STDOUT_FILENO}, {out, STDERR_FILENO}, {-1, -1}};
    if (out < 0)
        return VK_INTERNAL;
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

/* The very line to type, for want of a rule. */
static void
advise_rule(char *out, size_t size)
{
    char path[VK_PATH_MAX];

    if (vk_proc_path(UPCALL, path) != VK_OK)
        path[0] = '\0';
    snprintf(out, size,
             "printf 'create user valetkey:* * %s %%%%k\\ncreate user"
             " valetkey.refresh:* * %s %%%%k\\n' >" RULE,
             path, path);
}

static bool
is_upcall(struct vk_span program)
{
    struct vk_span name = program;

    for (struct vk_span rest = program; rest.len > 0;)
        name = vk_span_cut(&rest, '/');
    return vk_span_is(name, UPCALL);
}

/* Others than root could change what runs as root. */
static void
check_upcall(struct vk_report *report, const struct vk_rule *rule)
{
    char path[VK_PATH_MAX], advice[ADVICE_MAX];
    const char *why = NULL;
    struct stat st;

    snprintf(path, sizeof path, "%.*s", (int)rule->program.len,
             rule->program.ptr);
    if (stat(path, &st) != 0) {
        snprintf(advice, sizeof advice,
                 "install valetkey again ('make install'), or correct '%.*s'",
                 VK_ARG(rule->place));
        vk_report_add(report, VK_BAD, UPCALL, advice, "'%s': %s", path,
                      strerror(errno));
        return;
    }
    snprintf(advice, sizeof advice, "chown root: %s && chmod 755 %s", path,
             path);
    if (!S_ISREG(st.st_mode) || access(path, X_OK) != 0)
        why = "cannot be run";
    else if (st.st_uid != 0 || (st.st_mode & 022) != 0)
        why = "can be changed by others than root";
    if (why != NULL)
        vk_report_add(report, VK_BAD, UPCALL, advice, "'%s' %s", path, why);
    else
        vk_report_add(report, VK_FINE, UPCALL, NULL, "'%s'", path);
}

/* Returns whether it can be looked at what the rule runs. */
static bool
report_rule(struct vk_report *report, const char *description,
            const struct vk_rule *rule)
{
    char file[VK_PATH_MAX], advice[ADVICE_MAX];
    const char *what = "rule";

    vk_rule_file(rule, file, sizeof file);
    if (rule->is_wrong) {
        snprintf(advice, sizeof advice,
                 "correct that line of '%s': until then no rule works", file);
        vk_report_add(report, VK_BAD, what, advice,
                      "'%.*s' cannot be read by request-key",
                      VK_ARG(rule->place));
        return false;
    }
    if (rule->program.len == 0) {
        advise_rule(advice, sizeof advice);
        vk_report_add(report, VK_BAD, what, advice,
                      "none in /etc/request-key.d answers '%s'", description);
        return false;
    }
    if (!is_upcall(rule->program)) {
        snprintf(advice, sizeof advice,
                 "take it out of '%s', or: mv %s %s.off", file, file, file);
        vk_report_add(report, VK_BAD, what, advice,
                      "'%.*s' comes before ours for '%s', and runs '%.*s'",
                      VK_ARG(rule->place), description, VK_ARG(rule->program));
        return false;
    }
    vk_report_add(report, VK_FINE, what, NULL, "'%.*s' answers '%s'",
                  VK_ARG(rule->place), description);
    return true;
}

static bool
check_rule(struct vk_report *report, const char *prefix,
           const struct vk_profile *profile, struct vk_rule *rule,
           struct vk_buf *text)
{
    char description[VK_FULL_NAME_MAX + 32];

    snprintf(description, sizeof description, "%s:%s", prefix, profile->name);
    vk_buf_cut(text, 0);
    if (ask_request_key(description, text) != VK_OK) {
        vk_report_add(report, VK_BAD, "request-key",
                      "install keyutils again: apt-get install --reinstall"
                      " keyutils",
                      "'" REQUEST_KEY "' cannot be run");
        return false;
    }
    vk_rule_read(vk_buf_span(text), rule);
    return report_rule(report, description, rule);
}

static bool
check_rules(struct vk_report *report, const struct vk_profile *profile)
{
    VK_AUTO_BUF text = VK_BUF(TEXT_MAX);
    VK_AUTO_BUF again = VK_BUF(TEXT_MAX);
    struct vk_rule rule = {.is_wrong = false}, refresh;

    if (access(REQUEST_KEY, X_OK) != 0) {
        vk_report_add(report, VK_BAD, "request-key",
                      "apt-get install keyutils",
                      "'" REQUEST_KEY "', which the kernel runs, is not"
                      " there");
        return false;
    }
    bool good = check_rule(report, "valetkey", profile, &rule, &text);
    if (good)
        check_upcall(report, &rule);
    /* One mistake, one report. */
    if (!rule.is_wrong && (good || rule.program.len > 0))
        good = check_rule(report, "valetkey.refresh", profile, &refresh,
                          &again) &&
               good;
    return good;
}

static const char *
advise_request(int error)
{
    switch (error) {
    case EPERM:
    case EACCES:
    case ENOSYS:
        return "a container or user namespace gets none of the machine's"
               " tokens: use them outside of it";
    case EDQUOT: return "keyctl clear @u";
    default:
        return "journalctl -t request-key -t " UPCALL
               " tells more (or: grep request-key /var/log/syslog"
               " /var/log/auth.log)";
    }
}

static const char *
explain_request(int error)
{
    const struct vk_broker_row *row = vk_broker_rows;

    if (error < 0)
        return vk_log_last();
    while (row->error != 0 && row->error != error)
        row++;
    return row->text != NULL ? row->text : strerror(error);
}

/* The way of a request, all of it but for the token. */
static void
check_request(struct vk_report *report, const struct vk_profile *profile)
{
    const char *what = "request";
    int error = vk_broker_try(profile, vk_clock_boot_ms() + TRY_MS);

    if (error == 0)
        vk_report_add(report, VK_FINE, what, NULL, "the kernel asks " UPCALL);
    else
        vk_report_add(report, VK_BAD, what, advise_request(error), "%s",
                      explain_request(error));
}

static void
check_account(struct vk_report *report)
{
    if (getpwnam(ACCOUNT) != NULL)
        return;
    vk_report_add(report, VK_NOTE, "user", "systemd-sysusers",
                  "there is no user '" ACCOUNT "'; 'nobody' talks to the"
                  " network in its place");
}

void
vk_doctor_machine(struct vk_report *report, const struct vk_profile *profile)
{
    if (check_rules(report, profile))
        check_request(report, profile);
    check_account(report);
    vk_doctor_pam(report);
}

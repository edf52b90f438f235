/* SPDX-License-Identifier: MIT */
/*
 * valetkey-broker NAME[/TOKEN]: valetkey-fetch for the machine's clients, run
 * by valetkey-upcall where a fetch is needed.  Root's part takes the
 * governor's turn and the secret, and puts the token into the registry.  What
 * talks to the network is this program once more, in an unprivileged process
 * (server/confine.h):
 *
 *     valetkey-broker --sysconfdir DIR --exchange NAME FINGERPRINT MS
 *
 * reads the secret from standard input and writes a reply (server/report.h)
 * to standard output.  With --ask in the place of --exchange there is no
 * secret, and it writes what `valetkey doctor` wants to know (oauth/probe.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/proc.h"
#include "keyring/machine.h"
#include "keyring/secret.h"
#include "oauth/fetch.h"
#include "oauth/probe.h"
#include "server/confine.h"
#include "server/report.h"

#define PROGRAM "valetkey-broker"
#define USAGE "usage: " PROGRAM " [--sysconfdir DIR] NAME[/TOKEN]"
#define GRACE_S 5
#define EXCHANGE "--exchange"
#define ASK "--ask"

static volatile pid_t child;
static volatile int reports; /* what we read from it */

/*
 * It may have started others, which nobody can find: with the file closed
 * they cannot keep us, who have the turn, from ending.
 */
static void
end_child(int signo)
{
    (void)signo;
    kill(child, SIGKILL);
    close(reports);
}

/* It says itself when it gives up; should it not, it is ended. */
static bool
watch(int64_t timeout_ms)
{
    struct sigaction action = {.sa_handler = end_child};
    struct itimerval timer = {.it_value = {timeout_ms / 1000 + GRACE_S, 0}};

    return sigaction(SIGALRM, &action, NULL) == 0 &&
           setitimer(ITIMER_REAL, &timer, NULL) == 0;
}

static bool
make_pipe(int ends[2])
{
    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    for (size_t i = 0; i < 2; i++)
        ends[i] = vk_file_above_stderr(ends[i]);
    return ends[0] >= 0 && ends[1] >= 0;
}

static enum vk_err
start(const struct vk_profile *profile, const char *verb, int64_t timeout_ms,
      int in, int out)
{
    char timeout[24];
    pid_t pid;
    const char *const argv[] = {PROGRAM,
                                "--sysconfdir",
                                vk_clients_machine_dir(),
                                verb,
                                profile->name,
                                profile->fingerprint,
                                timeout,
                                NULL};

    snprintf(timeout, sizeof timeout, "%lld", (long long)timeout_ms);
    enum vk_err err = vk_confine_start(argv, in, out, &pid);
    if (err == VK_OK)
        child = pid;
    return err;
}

static void
close_both(const int ends[2])
{
    for (size_t i = 0; i < 2; i++)
        if (ends[i] >= 0)
            close(ends[i]);
}

/* The secret goes in and a report comes out, which is not trusted. */
static enum vk_err
talk(const struct vk_profile *profile, const char *verb, struct vk_span secret,
     int64_t timeout_ms, struct vk_buf *report)
{
    int in[2] = {-1, -1}, out[2] = {-1, -1}, status;
    enum vk_err err = make_pipe(in) && make_pipe(out) ? VK_OK : VK_INTERNAL;

    if (err == VK_OK)
        err = start(profile, verb, timeout_ms, in[0], out[1]);
    if (err != VK_OK) {
        close_both(in);
        close_both(out);
        return err;
    }
    close(in[0]);
    close(out[1]);
    /* Half of a secret must not be sent to anybody. */
    enum vk_err written = vk_span_write(secret, in[1]);
    if (written != VK_OK)
        kill(child, SIGKILL);
    close(in[1]);
    reports = out[0];
    if (!watch(timeout_ms))
        kill(child, SIGKILL);
    err = vk_buf_read(report, out[0]);
    close(out[0]);
    if (err != VK_OK)
        kill(child, SIGKILL);
    enum vk_err ended = vk_proc_wait(child, 0, &status);
    vk_proc_alarm_off();
    return err == VK_OK && written == VK_OK ? ended : VK_BADREPLY;
}

static enum vk_err
exchange(const struct vk_profile *profile, struct vk_span secret,
         int64_t timeout_ms, struct vk_reply *reply,
         struct vk_failure *failure)
{
    VK_AUTO_BUF text = VK_BUF(VK_REPORT_MAX);
    struct vk_report report = {.err = VK_BADREPLY, .retry_after = -1};
    enum vk_err err = talk(profile, EXCHANGE, secret, timeout_ms, &text);

    if (err == VK_OK)
        err = vk_report_read(vk_buf_span(&text),
                             vk_profile_seconds(profile, VK_KEY_MAX_LIFETIME),
                             &report);
    *failure = (struct vk_failure){.err = err, .retry_after = -1};
    if (err != VK_OK)
        return vk_fail(err, "no token for '%s': the exchange broke off",
                       profile->name);
    *failure = (struct vk_failure){.err = report.err,
                                   .retry_after = report.retry_after,
                                   .is_forbidden = report.is_forbidden};
    if (report.err != VK_OK)
        return vk_fail(report.err, "%.*s", (int)report.message.len,
                       report.message.ptr);
    reply->life = report.life;
    return vk_buf_add(&reply->token, report.token);
}

static enum vk_err
ask(const struct vk_profile *profile, int64_t timeout_ms, struct vk_buf *out)
{
    VK_AUTO_BUF text = VK_BUF(VK_REPORT_MAX);
    enum vk_err err = talk(profile, ASK, VK_SPAN(""), timeout_ms, &text);

    if (err == VK_OK && !vk_report_is_probe(vk_buf_span(&text)))
        err = VK_BADREPLY;
    if (err != VK_OK)
        return vk_fail(err, "the process that asks the server broke off");
    return vk_buf_add(out, vk_buf_span(&text));
}

static enum vk_err
probe(const struct vk_clients *clients, const struct vk_profile *profile,
      int64_t deadline, struct vk_buf *out)
{
    return vk_probe(clients, profile, deadline, ask, out);
}

/* The secret is for what root's part has read in there. */
static enum vk_err
find_again(const char *name, const char *fingerprint,
           struct vk_clients *clients, struct vk_profile *profile)
{
    enum vk_err err = vk_proc_harden();

    if (err == VK_OK)
        err = vk_clients_open_own(clients);
    if (err == VK_OK)
        err = vk_clients_for_name(clients, vk_span_str(name), profile);
    if (err == VK_OK && strcmp(profile->fingerprint, fingerprint) != 0)
        err = vk_fail(VK_CONFIG, "clients.conf has just changed");
    return err == VK_OK ? vk_confine_self() : err;
}

/* Unprivileged: from here on only the reply can be wrong. */
static enum vk_err
serve(const char *name, const char *fingerprint, int64_t timeout_ms,
      struct vk_buf *out)
{
    VK_AUTO_BUF secret = VK_BUF(VK_SECRET_MAX);
    struct vk_reply reply = VK_REPLY;
    struct vk_failure failure = {.retry_after = -1};
    struct vk_clients clients;
    struct vk_profile profile;

    failure.err = find_again(name, fingerprint, &clients, &profile);
    if (failure.err == VK_OK)
        failure.err = vk_buf_read(&secret, STDIN_FILENO);
    if (failure.err == VK_OK)
        failure.err = vk_fetch_exchange(&profile, vk_buf_span(&secret),
                                        timeout_ms, &reply, &failure);
    struct vk_report report = {
        .err = failure.err,
        .life = reply.life,
        .retry_after = failure.retry_after,
        .is_forbidden = failure.is_forbidden,
        .token = vk_buf_span(&reply.token),
        .message = vk_span_str(vk_log_last()),
    };
    enum vk_err err = vk_report_write(&report, out);
    vk_reply_clear(&reply);
    return err;
}

static enum vk_err
serve_ask(const char *name, const char *fingerprint, int64_t timeout_ms,
          struct vk_buf *out)
{
    struct vk_clients clients;
    struct vk_profile profile;
    enum vk_err err = find_again(name, fingerprint, &clients, &profile);

    if (err == VK_OK)
        err = vk_fetch_init();
    return err == VK_OK ? vk_probe_ask(&profile, timeout_ms, out) : err;
}

static int
be_child(char **argv)
{
    VK_AUTO_BUF out = VK_BUF(VK_REPORT_MAX);
    int64_t timeout_ms = 0;

    vk_log_keep();
    if (!vk_span_number(vk_span_str(argv[3]), INT32_MAX, &timeout_ms))
        return vk_err_exit(VK_USAGE);
    enum vk_err err = (strcmp(argv[0], ASK) == 0 ? serve_ask : serve)(
        argv[1], argv[2], timeout_ms, &out);
    if (err == VK_OK)
        err = vk_span_write(vk_buf_span(&out), STDOUT_FILENO);
    return vk_err_exit(err);
}

static bool
is_renewal(char **argv)
{
    while (*argv != NULL && strcmp(*argv, "--renew") != 0)
        argv++;
    return *argv != NULL;
}

int
main(int argc, char **argv)
{
    static const struct vk_fetcher fetcher = {PROGRAM, exchange, probe, true};
    const char *dir = SYSCONFDIR "/valetkey";

    vk_log_program(PROGRAM);
    /* A child that ends too early is an error like any other. */
    signal(SIGPIPE, SIG_IGN);
    if (vk_file_refuse_setuid() != VK_OK)
        return vk_err_exit(VK_USAGE);
    if (argc > 2 && strcmp(argv[1], "--sysconfdir") == 0) {
        dir = argv[2];
        argc -= 2;
        argv += 2;
    }
    vk_clients_use_machine(dir);
    if (argc == 5 &&
        (strcmp(argv[1], EXCHANGE) == 0 || strcmp(argv[1], ASK) == 0))
        return be_child(argv + 1);
    if (argc < 2)
        return vk_err_exit(vk_fail(VK_USAGE, USAGE));
    if (geteuid() != 0)
        return vk_err_exit(
            vk_fail(VK_USAGE, "only root can reach the machine's secrets"));
    enum vk_err err = vk_machine_open();
    if (err != VK_OK)
        return vk_err_exit(err);
    bool renews = is_renewal(argv);
    int status = vk_fetch_main(argc, argv, &fetcher);
    /* The name is last, where getopt_long(3) moves it to if it was not. */
    if (status == 0 && renews)
        vk_machine_renewed(argv[argc - 1]);
    return status;
}

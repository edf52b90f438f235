/* SPDX-License-Identifier: MIT */
/*
 * valetkey-upcall [--sysconfdir DIR] [--libexecdir DIR] [--journal SOCKET]
 * [--syslog SOCKET] KEY: run as root by /sbin/request-key where somebody asks
 * the kernel for valetkey:NAME.  Finds out who it is, whether he may, and
 * gives the key its content and its end; in any doubt it rejects the key with
 * an errno that says why.  The options come from the rule in
 * /etc/request-key.d, which is root's.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <keyutils.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "keyring/machine.h"
#include "keyring/policy.h"
#include "server/audit.h"
#include "server/renewal.h"
#include "server/slots.h"
#include "server/supply.h"

/* Whoever asks cannot be interrupted: nothing may take longer than this. */
#define HARD_S 20
/* What waits gives up before, so that it can say why. */
#define SOFT_MS 18000
/*
 * For how long the kernel repeats a refusal by itself.  Short: what holds
 * requests back is kept in the registry, and who is allowed can change.
 */
#define REFUSAL_S 1
/* A token that is there takes a few milliseconds. */
#define AGAIN_MS 100
/* Of a renewal, which nobody waits for. */
#define NO_RENEWAL_S 30

static volatile key_serial_t under_construction;
static const struct vk_supply *volatile at_work;

/* The process that asks is there until we have ended. */
static void
report(const struct vk_supply *upcall, const char *why, int error)
{
    struct vk_traces traces = {0};

    if (upcall->who.pid > 0)
        vk_audit_look(upcall->who.pid, &traces);
    vk_audit_tell(&(struct vk_decision){
        .who = &upcall->who,
        .traces = &traces,
        .error = error,
        .source = upcall->source,
        .hash = error == 0 ? upcall->hash : "",
        .why = why,
    });
}

/* It may come at any moment: nothing that takes memory or a lock. */
static void
give_up(int signo)
{
    (void)signo;
    vk_requester_reject(under_construction, REFUSAL_S, ETIMEDOUT);
    if (at_work != NULL)
        report(at_work, "", ETIMEDOUT);
    _exit(1);
}

/* Not by the timer that waiting for a turn uses. */
static bool
set_alarm(void)
{
    struct sigaction action = {.sa_handler = give_up};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL,
                             .sigev_signo = SIGUSR1};
    struct itimerspec when = {.it_value = {HARD_S, 0}, .it_interval = {1, 0}};
    timer_t timer;
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    return sigaction(SIGUSR1, &action, NULL) == 0 &&
           sigaction(SIGTERM, &action, NULL) == 0 &&
           timer_create(CLOCK_MONOTONIC, &event, &timer) == 0 &&
           timer_settime(timer, 0, &when, NULL) == 0;
}

/* Whatever the kernel, or whoever changed its helper, has started us with. */
static bool
settle(void)
{
    static const struct rlimit none = {0, 0};
    static const struct sigaction usual = {.sa_handler = SIG_DFL};
    int fd;

    for (int signo = 1; signo < 32; signo++)
        sigaction(signo, &usual, NULL);
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
    umask(077);
    return clearenv() == 0 && setenv("PATH", "/usr/bin:/bin", 1) == 0 &&
           prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L) == 0 &&
           setrlimit(RLIMIT_CORE, &none) == 0 && chdir("/") == 0;
}

static int
find_client(struct vk_supply *upcall)
{
    enum vk_err err = vk_clients_open_own(&upcall->clients);

    if (err == VK_OK)
        err = vk_clients_for_name(
            &upcall->clients, vk_span_str(upcall->who.name), &upcall->profile);
    return vk_supply_errno(err);
}

/* Looked up anew each time. */
static int
allow(struct vk_supply *upcall)
{
    vk_clients_close(&upcall->clients);
    int error = find_client(upcall);
    bool allowed =
        error == 0 && vk_policy_allows(&upcall->profile, upcall->who.uid);

    return error == 0 && !allowed ? EACCES : error;
}

/* Was it dropped or renewed while we were handing it out? */
static bool
is_outdated(struct vk_supply *upcall)
{
    key_serial_t shared = upcall->record.key;

    return !vk_supply_has_token(upcall) || upcall->record.key != shared;
}

/*
 * The one that this user had before is invalidated, so that nobody can pile
 * up root's quota by linking old keys.  Two at once would not see each
 * other's, and one of them would be where nobody can drop it.
 */
static int
replace(const struct vk_supply *upcall, int32_t ring)
{
    char description[VK_FULL_NAME_MAX + 16];
    int place = vk_slots_take_ring(upcall->who.uid, upcall->deadline);

    if (place < 0)
        return EBUSY;
    snprintf(description, sizeof description, "valetkey:%s", upcall->who.name);
    long old = keyctl_search(ring, "user", description, 0);
    int64_t left = vk_record_left(&upcall->record, vk_clock_boot());
    int error = left < 1 ? EBUSY
                         : vk_requester_fill(&upcall->who,
                                             vk_buf_span(&upcall->payload),
                                             vk_machine_seconds(left), ring);
    if (error == 0 && old >= 0 && old != upcall->who.key)
        keyctl_invalidate((key_serial_t)old);
    close(place);
    return error;
}

static int
hand_out(struct vk_supply *upcall)
{
    int32_t ring;

    if (vk_machine_of_user(upcall->who.uid, &ring) != VK_OK)
        return EIO;
    snprintf(upcall->hash, sizeof upcall->hash, "%.*s",
             (int)upcall->record.hash.len, upcall->record.hash.ptr);
    int error = replace(upcall, ring);
    if (error != 0)
        return error;
    if (!is_outdated(upcall))
        return 0;
    /* Root may have dropped it to take it from this very user. */
    if (allow(upcall) == 0)
        vk_machine_update(upcall->who.name, upcall->who.key);
    else
        keyctl_invalidate(upcall->who.key);
    return 0;
}

/* Long enough for `allow` to be changed and the token to be dropped. */
static bool
has_taken_long(const struct vk_supply *upcall)
{
    return upcall->waited || vk_clock_boot_ms() - upcall->since > AGAIN_MS;
}

/* The order matters; see docs/architecture.md.  0, or why not. */
static int
serve(key_serial_t key, struct vk_supply *upcall)
{
    int error = vk_requester_find(key, &upcall->who);

    if (error == 0)
        error = allow(upcall);
    if (error == 0)
        error = vk_requester_own(&upcall->who);
    if (error == 0)
        error = vk_requester_let_go();
    if (error == 0 && vk_machine_open_known() != VK_OK)
        error = EIO;
    if (error == 0 && upcall->who.is_refresh)
        return vk_renewal_answer(upcall);
    if (error == 0)
        error = vk_supply_get(upcall);
    if (error == 0 && has_taken_long(upcall))
        error = allow(upcall);
    /* Nothing can have changed it meanwhile; see all the same. */
    if (error == 0)
        error = vk_requester_own(&upcall->who);
    return error == 0 ? hand_out(upcall) : error;
}

static int
read_options(int argc, char **argv, int64_t *key)
{
    static const struct option options[] = {
        {"sysconfdir", required_argument, NULL, 's'},
        {"libexecdir", required_argument, NULL, 'l'},
        {"journal", required_argument, NULL, 'j'},
        {"syslog", required_argument, NULL, 'y'},
        {NULL, 0, NULL, 0},
    };
    const char *dir = SYSCONFDIR "/valetkey", *libexec = NULL;
    int c;

    opterr = 0;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case 's': dir = optarg; break;
        case 'l': libexec = optarg; break;
        case 'j': vk_audit_use(optarg, NULL); break;
        case 'y': vk_audit_use(NULL, optarg); break;
        default: return EINVAL;
        }
    }
    vk_clients_use_machine(dir);
    if (libexec != NULL && setenv("VALETKEY_LIBEXECDIR", libexec, 1) != 0)
        return EIO;
    return optind + 1 == argc &&
                   vk_span_number(vk_span_str(argv[optind]), INT32_MAX, key)
               ? 0
               : EINVAL;
}

int
main(int argc, char **argv)
{
    static struct vk_supply upcall = {.payload = VK_BUF(VK_PAYLOAD_MAX)};
    int64_t key = 0;

    vk_log_program("valetkey-upcall");
    if (vk_file_refuse_setuid() != VK_OK)
        return vk_err_exit(VK_USAGE);
    if (geteuid() != 0)
        return vk_err_exit(vk_fail(
            VK_USAGE, "it is the kernel that runs this (request-key(8))"));
    vk_log_keep();
    bool settled = settle();
    int error = read_options(argc, argv, &key);
    under_construction = (key_serial_t)key;
    at_work = &upcall;
    upcall.since = vk_clock_boot_ms();
    upcall.deadline = upcall.since + SOFT_MS;
    if (error == 0 && (!settled || !set_alarm()))
        error = EIO;
    if (error == 0)
        error = serve((key_serial_t)key, &upcall);
    vk_buf_clear(&upcall.payload);
    report(&upcall, error != 0 ? vk_log_last() : "", error);
    /* Last of all: see there. */
    if (error != 0)
        vk_requester_reject((int32_t)key,
                            upcall.who.is_refresh ? NO_RENEWAL_S : REFUSAL_S,
                            error);
    return error == 0 ? 0 : 1;
}

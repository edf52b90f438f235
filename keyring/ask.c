/* SPDX-License-Identifier: MIT */
#include "keyring/ask.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/proc.h"
#include "keyring/broker.h"
#include "keyring/cache.h"
#include "keyring/count.h"
#include "keyring/hold.h"
#include "keyring/turn.h"

#define DEFAULT_TIMEOUT_MS 30000

enum vk_err
vk_ask_write_outcome(int fd, enum vk_err outcome, const char *note,
                     struct vk_span text)
{
    VK_AUTO_BUF head = VK_BUF(2048);
    enum vk_err err =
        vk_buf_addf(&head, "%s\n%s\n", vk_err_name(outcome), note);

    if (err == VK_OK)
        err = vk_span_write(vk_buf_span(&head), fd);
    return err == VK_OK ? vk_span_write(text, fd) : err;
}

static enum vk_err
end_unexpectedly(const char *program)
{
    return vk_fail(VK_INTERNAL, "%s ended unexpectedly", program);
}

enum vk_err
vk_ask_read_outcome(const char *program, struct vk_span text,
                    struct vk_span *rest)
{
    char word[32];
    struct vk_span name = vk_span_cut(&text, '\n');
    struct vk_span note = vk_span_cut(&text, '\n');

    if (text.ptr == NULL || name.len >= sizeof word)
        return end_unexpectedly(program);
    vk_format(word, sizeof word, "%.*s", VK_ARG(name));
    if (note.len > 0)
        vk_log("%.*s", (int)note.len, note.ptr);
    enum vk_err err = vk_err_from_name(word);
    if (err != VK_OK && text.len > 0)
        return vk_fail(err, "%.*s", (int)text.len, text.ptr);
    *rest = text;
    return err;
}

/* It may be cut off where the fetcher could not write more. */
static enum vk_err
read_outcome(int fd, int status, struct vk_buf *payload,
             struct vk_record *record)
{
    struct vk_span text;

    if (lseek(fd, 0, SEEK_SET) != 0 || vk_buf_read(payload, fd) != VK_OK)
        return vk_fail(VK_INTERNAL, "cannot read what valetkey-fetch says");
    enum vk_err err =
        vk_ask_read_outcome("valetkey-fetch", vk_buf_span(payload), &text);
    if (err == VK_OK && (status != 0 || vk_record_read(text, record) != VK_OK))
        return end_unexpectedly("valetkey-fetch");
    return err;
}

struct number {
    char text[24];
};

static struct number
number(int64_t value)
{
    struct number out = {""};

    vk_format(out.text, sizeof out.text, "%lld", (long long)value);
    return out;
}

/*
 * Start the fetcher, which takes the turn over: the lock is its own from
 * here on, even if we are killed.
 */
static enum vk_err
start(const char *mode, const char *value, const char *name, int64_t left_ms,
      int lock, int out, enum vk_proc_how how, pid_t *pid)
{
    struct number lock_fd = number(lock), out_fd = number(out);
    struct number timeout = number(left_ms > 0 ? left_ms : 1);
    const char *const argv[] = {"valetkey-fetch",
                                "--lock-fd",
                                lock_fd.text,
                                "--out-fd",
                                out_fd.text,
                                "--timeout-ms",
                                timeout.text,
                                mode,
                                value,
                                name,
                                NULL};
    const struct vk_proc_fd fds[] = {{lock, lock}, {out, out}, {-1, -1}};
    enum vk_err err = vk_proc_start(argv, fds, how, pid);

    close(lock);
    return err;
}

/* Wait for it; its outcome comes through `out`. */
static enum vk_err
wait_for(pid_t pid, const char *name, int64_t deadline, int *status)
{
    enum vk_err err = vk_proc_alarm_at(deadline);

    if (err != VK_OK)
        return err;
    err = vk_proc_wait(pid, deadline, status);
    vk_proc_alarm_off();
    if (err == VK_UNREACHABLE)
        return vk_fail(err, "no token for '%s' in time; the fetch goes on",
                       name);
    if (err == VK_INTERNAL)
        return vk_fail(err, "valetkey-fetch was killed");
    if (*status == VK_PROC_NO_EXEC)
        return vk_fail(VK_INTERNAL, "cannot run 'valetkey-fetch'; is"
                                    " valetkey installed completely?");
    return err;
}

static enum vk_err
refuse_wish(const struct vk_profile *profile, const struct vk_wish *wish,
            int64_t most)
{
    return vk_fail(VK_BADREPLY,
                   "tokens of '%s' are good for %lld s; they"
                   " cannot be good for %lld s",
                   profile->name, (long long)most,
                   (long long)wish->min_validity);
}

static enum vk_err
fetch(const struct vk_profile *profile, const struct vk_wish *wish,
      int64_t deadline, int lock, struct vk_buf *payload,
      struct vk_record *record)
{
    int out = vk_file_above_stderr(memfd_create("valetkey", MFD_CLOEXEC));
    int status = 0;
    pid_t pid;

    if (out < 0) {
        close(lock);
        return vk_fail(VK_INTERNAL, "cannot make a memfd: %s",
                       strerror(errno));
    }
    enum vk_err err =
        start("--min-validity", number(wish->min_validity).text, profile->name,
              deadline - vk_clock_boot_ms(), lock, out, VK_DETACHED, &pid);
    if (err == VK_OK)
        err = wait_for(pid, profile->name, deadline, &status);
    if (err == VK_OK)
        err = read_outcome(out, status, payload, record);
    close(out);
    if (err != VK_OK)
        return err;
    int64_t left = vk_record_left(record, vk_clock_boot());
    return left > wish->min_validity || wish->min_validity <= 0
               ? VK_OK
               : refuse_wish(profile, wish, left);
}

/*
 * What is asked of a token can be more than a new one has, or so near to it
 * that every call would fetch: asking again would not help.
 */
static enum vk_err
check_wish(const struct vk_profile *profile, const struct vk_wish *wish,
           struct vk_buf *payload)
{
    struct vk_record have;

    if (wish->min_validity <= 0 ||
        vk_cache_get(profile, 0, payload, &have) != VK_OK)
        return VK_OK;
    int64_t most = have.life - vk_record_margin(have.life);
    vk_buf_cut(payload, 0);
    return wish->min_validity < most ? VK_OK
                                     : refuse_wish(profile, wish, most);
}

/* Would another be better, and is there hope of one? */
static bool
is_second_best(const struct vk_record *record, const struct vk_wish *wish)
{
    int64_t most = record->life - vk_record_margin(record->life);

    if (wish->refused != 0 && record->boot_expires == wish->refused)
        return true;
    return wish->prefers > 0 && wish->prefers < most &&
           vk_record_left(record, vk_clock_boot()) < wish->prefers;
}

/* Our turn: is there still no token, and nothing in the way? */
static enum vk_err
look_again(const struct vk_profile *profile, const struct vk_wish *wish,
           int64_t since, int64_t deadline, struct vk_buf *payload,
           struct vk_record *record, int64_t *wait_until)
{
    VK_AUTO_BUF text = VK_BUF(VK_RECORD_MAX);
    struct vk_hold hold;
    enum vk_err err =
        vk_cache_get(profile, wish->min_validity, payload, record);

    if (err == VK_OK && is_second_best(record, wish))
        vk_buf_cut(payload, 0);
    else if (err != VK_MISS && err != VK_NOKEYRING)
        return err;
    if (vk_hold_find(profile, since, &text, &hold) != VK_OK)
        return VK_MISS;
    if (wish->waits_for_hold && hold.until > vk_clock_boot_ms() &&
        hold.until < deadline && hold.err != VK_REFUSED) {
        *wait_until = hold.until;
        return VK_HELD;
    }
    return vk_hold_fail(profile->name, &hold, since);
}

/* One turn.  *wait_until: when to take another, 0: never. */
static enum vk_err
take_turn(const struct vk_clients *clients, const struct vk_profile *profile,
          const struct vk_wish *wish, int64_t since, int64_t deadline,
          struct vk_buf *payload, struct vk_record *record,
          int64_t *wait_until)
{
    int lock;
    enum vk_err err = vk_turn_take(clients, profile->name, deadline, &lock);

    *wait_until = 0;
    if (err != VK_OK)
        return err;
    err = look_again(profile, wish, since, deadline, payload, record,
                     wait_until);
    if (err == VK_MISS)
        return fetch(profile, wish, deadline, lock, payload, record);
    close(lock);
    return err;
}

static int64_t
deadline_of(const struct vk_wish *wish, int64_t since)
{
    return since +
           (wish->timeout_ms > 0 ? wish->timeout_ms : DEFAULT_TIMEOUT_MS);
}

static enum vk_err
ask(const struct vk_clients *clients, const struct vk_profile *profile,
    const struct vk_wish *wish, struct vk_buf *payload,
    struct vk_record *record)
{
    int64_t since = vk_clock_boot_ms(), until;
    int64_t deadline = deadline_of(wish, since);
    enum vk_err err = check_wish(profile, wish, payload);

    if (err != VK_OK)
        return err;
    for (;;) {
        err = take_turn(clients, profile, wish, since, deadline, payload,
                        record, &until);
        if (until == 0)
            return err;
        vk_clock_sleep_until(until);
        /* What failed before we waited is not our answer any more. */
        since = vk_clock_boot_ms();
    }
}

/* There is a token; a better one may be had. */
static enum vk_err
improve(const struct vk_clients *clients, const struct vk_profile *profile,
        const struct vk_wish *wish, struct vk_buf *payload,
        struct vk_record *record)
{
    if (record->boot_expires == wish->refused)
        vk_hold_dropped(profile, vk_record_age(record, vk_clock_boot()));
    vk_buf_cut(payload, 0);
    enum vk_err err = ask(clients, profile, wish, payload, record);
    if (err == VK_OK)
        return err;
    vk_buf_cut(payload, 0);
    if (vk_cache_get(profile, wish->min_validity, payload, record) != VK_OK)
        return err;
    vk_log("going on with the token of '%s' that is there", profile->name);
    return VK_OK;
}

enum vk_err
vk_ask(const struct vk_clients *clients, const struct vk_profile *profile,
       const struct vk_wish *wish, struct vk_buf *payload,
       struct vk_record *record)
{
    enum vk_err err =
        vk_cache_get(profile, wish->min_validity, payload, record);

    if (err != VK_OK && profile->origin == VK_BROKER)
        return vk_broker_ask(profile, wish,
                             deadline_of(wish, vk_clock_boot_ms()), payload,
                             record);
    if (err == VK_OK && profile->origin == VK_DIRECT &&
        is_second_best(record, wish))
        return improve(clients, profile, wish, payload, record);
    if (err == VK_OK)
        return err;
    if (err != VK_MISS && err != VK_NOKEYRING)
        return vk_fail(err, "cannot read the token of '%s'", profile->name);
    return ask(clients, profile, wish, payload, record);
}

static void
renew(const struct vk_clients *clients, const struct vk_profile *profile,
      const struct vk_record *record)
{
    int lock, out;
    pid_t pid;

    if (vk_cache_note_is(VK_HOLD_REFRESH, profile->name) ||
        !vk_turn_try(clients, profile->name, &lock))
        return;
    out = vk_file_above_stderr(memfd_create("valetkey", MFD_CLOEXEC));
    if (out < 0) {
        close(lock);
        return;
    }
    /* Should it not start, the token is still good for a while. */
    enum vk_err err =
        start("--renew", number(record->boot_expires).text, profile->name,
              DEFAULT_TIMEOUT_MS, lock, out, VK_ABANDONED, &pid);
    (void)err;
    close(out);
}

void
vk_ask_answered(const struct vk_clients *clients,
                const struct vk_profile *profile,
                const struct vk_record *record)
{
    if (record->key == 0)
        return;
    bool is_due = vk_record_refresh_in(record, vk_clock_boot()) <= 0;
    if (profile->origin == VK_BROKER) {
        if (is_due)
            vk_broker_renew(profile);
        return;
    }
    vk_count_answer(profile->client);
    if (is_due)
        renew(clients, profile, record);
}

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
#include "keyring/cache.h"
#include "keyring/hold.h"
#include "keyring/turn.h"

#define DEFAULT_TIMEOUT_MS 30000
/* The fetcher ends by itself at the deadline; this is for one that hangs. */
#define GRACE_MS 500

enum vk_err
vk_ask_write_outcome(int fd, enum vk_err outcome, struct vk_span text)
{
    enum vk_err err = vk_span_write(vk_span_str(vk_err_name(outcome)), fd);

    if (err == VK_OK)
        err = vk_span_write(VK_SPAN("\n"), fd);
    return err == VK_OK ? vk_span_write(text, fd) : err;
}

static enum vk_err
read_outcome(int fd, struct vk_buf *payload, struct vk_record *record)
{
    char word[32];

    if (lseek(fd, 0, SEEK_SET) != 0)
        return VK_INTERNAL;
    enum vk_err err = vk_buf_read(payload, fd);
    if (err != VK_OK)
        return err;
    struct vk_span text = vk_buf_span(payload);
    struct vk_span name = vk_span_cut(&text, '\n');
    if (text.ptr == NULL || name.len >= sizeof word)
        return vk_fail(VK_INTERNAL, "valetkey-fetch ended unexpectedly");
    snprintf(word, sizeof word, "%.*s", VK_ARG(name));
    err = vk_err_from_name(word);
    if (err != VK_OK)
        return vk_fail(err, "%.*s", (int)text.len, text.ptr);
    return vk_record_read(text, record);
}

struct number {
    char text[24];
};

static struct number
number(int64_t value)
{
    struct number out;

    snprintf(out.text, sizeof out.text, "%lld", (long long)value);
    return out;
}

/* Start the fetcher and wait; its outcome comes through `out`. */
static enum vk_err
run(const char *name, const struct vk_wish *wish, int64_t deadline, int lock,
    int out)
{
    struct number lock_fd = number(lock), out_fd = number(out);
    struct number timeout = number(deadline - vk_clock_boot_ms());
    struct number validity = number(wish->min_validity);
    const char *const argv[] = {
        "valetkey-fetch", "--lock-fd",    lock_fd.text, "--out-fd",
        out_fd.text,      "--timeout-ms", timeout.text, "--min-validity",
        validity.text,    name,           NULL};
    const struct vk_proc_fd fds[] = {{lock, lock}, {out, out}, {-1, -1}};
    pid_t pid;
    int status;

    enum vk_err err = vk_proc_start(argv, fds, &pid);
    /* From here on the turn is the fetcher's, even if we are killed. */
    close(lock);
    if (err == VK_OK)
        err = vk_proc_alarm_at(deadline + GRACE_MS);
    if (err == VK_OK) {
        err = vk_proc_wait(pid, deadline + GRACE_MS, &status);
        vk_proc_alarm_off();
        if (err == VK_UNREACHABLE)
            return vk_fail(err, "no token for '%s' in time", name);
    }
    return err;
}

static enum vk_err
fetch(const struct vk_profile *profile, const struct vk_wish *wish,
      int64_t deadline, int lock, struct vk_buf *payload,
      struct vk_record *record)
{
    int out = memfd_create("valetkey", MFD_CLOEXEC);

    if (out < 0) {
        close(lock);
        return vk_fail(VK_INTERNAL, "cannot make a memfd: %s",
                       strerror(errno));
    }
    enum vk_err err = run(profile->name, wish, deadline, lock, out);
    if (err == VK_OK)
        err = read_outcome(out, payload, record);
    else if (err == VK_INTERNAL)
        err = vk_fail(err, "valetkey-fetch was killed");
    close(out);
    return err;
}

/*
 * How much longer than min_validity is asked of a token can be more than any
 * token of this client has: asking again would not help.
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
    if (wish->min_validity < most)
        return VK_OK;
    return vk_fail(VK_BADREPLY,
                   "tokens of '%s' are good for %lld s; they"
                   " cannot be good for %lld s",
                   profile->name, (long long)most,
                   (long long)wish->min_validity);
}

/* Our turn: is there still no token, and nothing in the way? */
static enum vk_err
look_again(const struct vk_profile *profile, const struct vk_wish *wish,
           int64_t since, struct vk_buf *payload, struct vk_record *record)
{
    VK_AUTO_BUF text = VK_BUF(VK_RECORD_MAX);
    struct vk_hold hold;
    enum vk_err err =
        vk_cache_get(profile, wish->min_validity, payload, record);

    if (err != VK_MISS && err != VK_NOKEYRING)
        return err;
    if (vk_hold_find(profile, since, &text, &hold) == VK_OK)
        return vk_hold_fail(&hold, since);
    return VK_MISS;
}

enum vk_err
vk_ask(const struct vk_clients *clients, const struct vk_profile *profile,
       const struct vk_wish *wish, struct vk_buf *payload,
       struct vk_record *record)
{
    enum vk_err err =
        vk_cache_get(profile, wish->min_validity, payload, record);
    int64_t since, deadline;
    int lock;

    if (err == VK_OK)
        return err;
    if (err != VK_MISS && err != VK_NOKEYRING)
        return vk_fail(err, "cannot read the token of '%s'", profile->name);
    err = check_wish(profile, wish, payload);
    if (err != VK_OK)
        return err;
    since = vk_clock_boot_ms();
    deadline =
        since + (wish->timeout_ms > 0 ? wish->timeout_ms : DEFAULT_TIMEOUT_MS);
    err = vk_turn_take(clients, profile->name, deadline, &lock);
    if (err != VK_OK)
        return err;
    err = look_again(profile, wish, since, payload, record);
    if (err == VK_MISS)
        return fetch(profile, wish, deadline, lock, payload, record);
    close(lock);
    return err;
}

/* SPDX-License-Identifier: MIT */
/* The decisions: what follows from what is remembered and what happened. */
#include "oauth/governor.h"

/* How long after the first failure of a kind, and at most, in seconds. */
static const struct pause {
    enum vk_err err;
    int64_t first, most;
    bool jitter;
} pauses[] = {
    {VK_HELD, 5, 300, true},
    {VK_REFUSED, 300, 3600, false},
    /* Nothing was sent: only those who waited with it share the answer. */
    {VK_NOSTORE, 0, 0, false},
    {VK_LOCKED, 0, 0, false},
    {VK_NOSECRET, 0, 0, false},
};
static const struct pause other = {VK_OK, 1, 60, false};

/* A server that asks for more than this is not believed. */
#define RETRY_AFTER_MAX 86400
/* A failure counts as one of a row this long after the hold before it. */
#define ROW_MS ((int64_t)600 * 1000)

static const struct pause *
pause_for(enum vk_err err)
{
    for (size_t i = 0; i < sizeof pauses / sizeof pauses[0]; i++)
        if (pauses[i].err == err)
            return &pauses[i];
    return &other;
}

/* A refused secret stays refused, however long nobody asks. */
static bool
is_in_row(const struct vk_hold *previous, const struct pause *pause,
          int64_t now)
{
    if (previous == NULL || pause_for(previous->err) != pause)
        return false;
    return pause->err == VK_REFUSED || now < previous->until + ROW_MS;
}

static int64_t
asked_for(int64_t retry_after)
{
    int64_t most =
        retry_after < RETRY_AFTER_MAX ? retry_after : RETRY_AFTER_MAX;

    return most > 0 ? most * 1000 : 1000;
}

struct vk_hold
vk_governor_after(const struct vk_hold *previous,
                  const struct vk_failure *failure, int64_t now,
                  unsigned int random)
{
    const struct pause *pause = pause_for(failure->err);
    int64_t failures =
        is_in_row(previous, pause, now) ? previous->failures + 1 : 1;
    int64_t ms = vk_hold_backoff(pause->first, pause->most, failures) * 1000;

    if (pause->jitter)
        ms += ms * (int64_t)(random & 0xffff) / 655360;
    if (failure->err == VK_HELD && failure->retry_after >= 0)
        ms = asked_for(failure->retry_after);
    return (struct vk_hold){
        .until = now + ms,
        .at = now,
        .failures = failures,
        .err = failure->err,
        .secret = VK_SPAN("-"),
    };
}

int64_t
vk_governor_slot(int64_t next, int64_t now)
{
    return next > now ? next : now;
}

/* 75 % of the life, less up to 1 %: machines do not all come at once. */
int64_t
vk_governor_refresh_after(int64_t life, unsigned int random)
{
    return life * 75 / 100 - life * (int64_t)(random & 0xffff) / 6553600;
}

bool
vk_governor_was_sent(enum vk_err err)
{
    return pause_for(err)->most > 0;
}

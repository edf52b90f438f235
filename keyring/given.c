/* SPDX-License-Identifier: MIT */
#include "keyring/given.h"

#include <fcntl.h>
#include <keyutils.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "keyring/cache.h"

#define KIND "given"
#define CALLER_DIGITS 12
#define ENTRY_MAX 40
/* Its fields up to the stack, with room for what comes between. */
#define STAT_MAX 1024
/* Fields of /proc/PID/stat, counted from the one behind the name. */
#define STARTTIME 19
#define STARTSTACK 25

/* FNV-1a: to tell some callers apart, nobody gains by meeting another. */
static uint64_t
mix(uint64_t hash, struct vk_span text)
{
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char)text.ptr[i]) * 0x100000001b3;
    return (hash ^ 0xff) * 0x100000001b3;
}

uint64_t
vk_given_caller(struct vk_span stat, struct vk_span want)
{
    const char *end = stat.len > 0 ? memrchr(stat.ptr, ')', stat.len) : NULL;
    uint64_t hash = 0xcbf29ce484222325;

    if (end == NULL)
        return 0;
    size_t head = (size_t)(end - stat.ptr) + 1;
    struct vk_span rest = vk_span_from(stat, head);
    hash = mix(hash, (struct vk_span){stat.ptr, head});
    vk_span_cut(&rest, ' ');
    for (int i = 0; i <= STARTSTACK; i++) {
        struct vk_span field = vk_span_cut(&rest, ' ');
        /* What ends here is cut off, and may be half a number. */
        if (rest.ptr == NULL)
            return 0;
        if (i == STARTTIME || i == STARTSTACK)
            hash = mix(hash, field);
    }
    hash = mix(hash, want) >> (64 - 4 * CALLER_DIGITS);
    return hash != 0 ? hash : 1;
}

static struct vk_span
write_caller(uint64_t caller, char out[CALLER_DIGITS])
{
    for (size_t i = CALLER_DIGITS; i > 0; i--, caller >>= 4)
        out[i - 1] = "0123456789abcdef"[caller & 15];
    return (struct vk_span){out, CALLER_DIGITS};
}

/* What a note says of others, and of the caller. */
struct entries {
    struct vk_span rest;
    bool found;
    int64_t asked; /* 0: not yet */
};

static struct entries
find_caller(struct vk_span note, int64_t id, struct vk_span caller)
{
    struct entries out = {.rest = {NULL, 0}};
    int64_t number;

    if (!vk_span_number(vk_span_cut(&note, ' '), INT64_MAX, &number) ||
        number != id)
        return out;
    out.rest = note;
    while (!out.found && note.ptr != NULL) {
        struct vk_span asked = vk_span_cut(&note, ' ');
        if (!vk_span_same(vk_span_cut(&asked, ':'), caller))
            continue;
        out.found = true;
        if (!vk_span_number(asked, INT64_MAX, &out.asked))
            out.asked = 0;
    }
    return out;
}

/* One that does not fit is left out: the oldest are last. */
static void
add_entry(struct vk_buf *out, struct vk_span caller, int64_t asked)
{
    size_t before = out->len;
    enum vk_err err = vk_buf_add_char(out, ' ');

    if (err == VK_OK)
        err = vk_buf_add(out, caller);
    if (err == VK_OK && asked > 0)
        err = vk_buf_add_char(out, ':');
    if (err == VK_OK && asked > 0)
        err = vk_buf_add_number(out, asked);
    if (err != VK_OK)
        vk_buf_cut(out, before);
}

static void
add_others(struct vk_buf *out, struct vk_span rest, struct vk_span caller)
{
    int count = 1;

    while (rest.ptr != NULL && count < VK_GIVEN_CALLERS) {
        struct vk_span entry = vk_span_cut(&rest, ' '), asked = entry;
        if (entry.len < CALLER_DIGITS || entry.len > ENTRY_MAX ||
            vk_span_same(vk_span_cut(&asked, ':'), caller))
            continue;
        add_entry(out, entry, 0);
        count++;
    }
}

bool
vk_given_enter(struct vk_span note, const struct vk_given *given,
               struct vk_buf *out)
{
    char text[CALLER_DIGITS];
    struct vk_span caller = write_caller(given->caller, text);
    struct entries entries = find_caller(note, given->id, caller);
    bool pauses = entries.asked > 0 && entries.asked <= given->now &&
                  given->now - entries.asked < VK_GIVEN_PAUSE;
    bool again = entries.found && !pauses;

    if (entries.found && pauses)
        return false;
    if (vk_buf_add_number(out, given->id) != VK_OK)
        return again;
    add_entry(out, caller, again || given->fresh ? given->now : 0);
    add_others(out, entries.rest, caller);
    return again;
}

static uint64_t
parent(struct vk_span want)
{
    VK_STATIC_BUF(path, 32);
    VK_STATIC_BUF(stat, STAT_MAX);

    vk_buf_cut(&path, 0);
    if (vk_buf_add_str(&path, "/proc/") != VK_OK ||
        vk_buf_add_number(&path, getppid()) != VK_OK ||
        vk_buf_add(&path, (struct vk_span){"/stat", sizeof "/stat"}) != VK_OK)
        return 0;
    int fd = open(path.data, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t len = read(fd, stat.data, stat.max);
    close(fd);
    return len > 0 ? vk_given_caller((struct vk_span){stat.data, (size_t)len},
                                     want)
                   : 0;
}

/*
 * In place, which costs less than a new key and leaves none behind for the
 * quota; between the two calls it has no timeout.
 */
static void
store(const char *name, int32_t key, struct vk_span note, int64_t seconds)
{
    if (key != 0 && keyctl_update(key, note.ptr, note.len) == 0 &&
        keyctl_set_timeout(key, (unsigned int)seconds) == 0)
        return;
    /* Without it a refused token is only not noticed. */
    enum vk_err err = vk_cache_note_put(KIND, name, note, seconds);
    (void)err;
}

static bool
enter(const char *name, struct vk_given given, int64_t seconds,
      struct vk_span want)
{
    VK_STATIC_BUF(old, VK_GIVEN_MAX);
    VK_STATIC_BUF(new, VK_GIVEN_MAX);
    int32_t key = 0;

    given.caller = parent(want);
    given.now = vk_clock_boot();
    if (given.caller == 0 || seconds <= 0)
        return false;
    vk_buf_cut(&old, 0);
    vk_buf_cut(&new, 0);
    enum vk_err err = vk_cache_note_find(KIND, name, &old, &key);
    if (err == VK_NOKEYRING)
        return false;
    bool again = vk_given_enter(vk_buf_span(&old), &given, &new);
    if (new.len > 0)
        store(name, key, vk_buf_span(&new),
              seconds < INT32_MAX ? seconds : INT32_MAX);
    return again;
}

bool
vk_given_again(const char *name, int64_t id, int64_t seconds,
               struct vk_span want)
{
    return enter(name, (struct vk_given){.id = id}, seconds, want);
}

void
vk_given_instead(const char *name, int64_t id, int64_t seconds,
                 struct vk_span want)
{
    enter(name, (struct vk_given){.id = id, .fresh = true}, seconds, want);
}

/* SPDX-License-Identifier: MIT */
#include "keyring/needle.h"

#include <stdbool.h>
#include <string.h>

/* All of one byte and half of the other. */
static size_t
pair_at(const char *p)
{
    uint16_t pair;

    memcpy(&pair, p, sizeof pair);
    return pair % VK_NEEDLE_PAIRS;
}

void
vk_needle_init(struct vk_needle *needle, struct vk_span text)
{
    needle->text = text;
    memset(needle->shift, (int)(text.len - 1), sizeof needle->shift);
    for (size_t i = 1; i < text.len; i++)
        needle->shift[pair_at(text.ptr + i - 1)] =
            (unsigned char)(text.len - 1 - i);
}

/* How far there is nothing to be found; 0: look here. */
static size_t
shift_at(const struct vk_needle *needle, struct vk_span text, size_t at)
{
    return needle->shift[pair_at(text.ptr + at - 1)];
}

typedef unsigned char block __attribute__((vector_size(16)));

#define STEP (4 * sizeof(block))

static block
load(const char *p)
{
    block out;

    memcpy(&out, p, sizeof out);
    return out;
}

/* All ones where the text may begin, by its first and last byte. */
static block
match(const char *p, size_t last, block first, block final)
{
    return (block)((load(p) == first) & (load(p + last) == final));
}

static bool
is_zero(block bits)
{
    uint64_t half[2];

    memcpy(half, &bits, sizeof half);
    return (half[0] | half[1]) == 0;
}

/*
 * Each shift waits for the one before.  In a large text a look at all of it,
 * at 64 places at once, takes more instructions and a third of the time.
 * *from: where it has not looked yet.
 */
static const char *
find_in_blocks(const struct vk_needle *needle, struct vk_span text,
               size_t *from)
{
    const char *want = needle->text.ptr;
    size_t last = needle->text.len - 1;
    block first = (block){0} + (unsigned char)want[0];
    block final = (block){0} + (unsigned char)want[last];

    for (; *from + last + STEP <= text.len; *from += STEP) {
        const char *p = text.ptr + *from;
        if (is_zero(match(p, last, first, final) |
                    match(p + 16, last, first, final) |
                    match(p + 32, last, first, final) |
                    match(p + 48, last, first, final)))
            continue;
        for (size_t i = 0; i < STEP; i++)
            if (p[i] == want[0] && memcmp(p + i, want, last + 1) == 0)
                return p + i;
    }
    return NULL;
}

/* A shift of 0 stays where it is. */
static inline size_t
shift_five_times(const struct vk_needle *needle, struct vk_span text,
                 size_t at)
{
    at += shift_at(needle, text, at);
    at += shift_at(needle, text, at);
    at += shift_at(needle, text, at);
    at += shift_at(needle, text, at);
    return at + shift_at(needle, text, at);
}

/*
 * There is one look for many shifts: this loop is what most of the time of a
 * warm helper goes into.
 */
const char *
vk_needle_find(const struct vk_needle *needle, struct vk_span text,
               size_t from)
{
    if (text.len >= VK_NEEDLE_LARGE) {
        const char *found = find_in_blocks(needle, text, &from);
        if (found != NULL)
            return found;
    }

    size_t last = needle->text.len - 1, at = from + last;
    while (at < text.len) {
        if (text.len - at > 10 * last) {
            at = shift_five_times(needle, text, at);
            at = shift_five_times(needle, text, at);
        }
        size_t shift = shift_at(needle, text, at);
        const char *here = text.ptr + at - last;
        if (shift == 0 && memcmp(here, needle->text.ptr, last + 1) == 0)
            return here;
        at += shift > 0 ? shift : 1;
    }
    return NULL;
}

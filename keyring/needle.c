/* SPDX-License-Identifier: MIT */
#include "keyring/needle.h"

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

/* SPDX-License-Identifier: MIT */
#ifndef VK_TESTS_FUZZ_WORDS_H
#define VK_TESTS_FUZZ_WORDS_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "helpers/helper.h"

/* The input of a harness as a command line, a word on each line. */
struct words {
    char *text;
    char *argv[12]; /* ended by NULL */
    int argc;
};

static inline void
require(bool right)
{
    if (!right)
        abort();
}

static inline void
words_split(struct words *words, const uint8_t *data, size_t size)
{
    int most = (int)(sizeof words->argv / sizeof words->argv[0]) - 1;

    *words = (struct words){.text = malloc(size + 1)};
    require(words->text != NULL);
    if (size > 0)
        memcpy(words->text, data, size);
    words->text[size] = '\0';
    char *rest = words->text;
    while (rest != NULL && words->argc < most)
        words->argv[words->argc++] = strsep(&rest, "\n");
}

static inline void
words_clear(struct words *words)
{
    free(words->text);
}

/* As helper.c does it; false: wrong usage. */
static inline bool
words_run(struct words *words, struct vk_call *call)
{
    const char *name = vk_codec.arrange(words->argc, words->argv, call);

    for (const struct vk_verb *verb = vk_codec.verbs;
         name != NULL && verb->name != NULL; verb++) {
        if (strcmp(verb->name, name) != 0)
            continue;
        call->verb = verb->name;
        enum vk_err err = verb->run(call);
        if (err != VK_OK)
            vk_codec.fail(call, err);
        return true;
    }
    return false;
}

#endif

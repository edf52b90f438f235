/* SPDX-License-Identifier: MIT */
/* A digit for the format, then the file. */
#include <stdint.h>
#include <stdio.h>

#include "base/utf8.h"
#include "tests/unit/setup_round.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is no text does not get as far. */
static bool
is_text(struct vk_span text)
{
    while (text.len > 0) {
        size_t len = vk_utf8_length(text);
        if (len == 0 || text.ptr[0] == '\0')
            return false;
        text = vk_span_from(text, len);
    }
    return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool refused;

    if (size == 0 || data[0] < '0' || data[0] >= '0' + ROUNDS)
        return 0;
    struct vk_span text = {(const char *)data + 1, size - 1};
    const char *why = is_text(text)
                          ? check_round(&rounds[data[0] - '0'], text, &refused)
                          : NULL;
    if (why != NULL) {
        fprintf(stderr, "%s: %s\n", rounds[data[0] - '0'].name, why);
        abort();
    }
    return 0;
}

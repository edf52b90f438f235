/* SPDX-License-Identifier: MIT */
#ifndef VK_TESTS_FUZZ_FUZZ_H
#define VK_TESTS_FUZZ_FUZZ_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void
require(bool right)
{
    if (!right)
        abort();
}

static inline bool
lies_in(struct vk_span part, struct vk_span whole)
{
    return part.ptr >= whole.ptr &&
           part.ptr + part.len <= whole.ptr + whole.len;
}

static inline bool
holds(struct vk_span text, struct vk_span part)
{
    return part.len == 0 ||
           (text.len > 0 &&
            memmem(text.ptr, text.len, part.ptr, part.len) != NULL);
}

#endif

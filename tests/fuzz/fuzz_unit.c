/* SPDX-License-Identifier: MIT */
/*
 * The address of a peer; what stands in front of its first line break is the
 * unit that is allowed.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "keyring/unit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool right)
{
    if (!right)
        abort();
}

static void
lies_in(struct vk_span part, struct vk_span whole)
{
    require(part.len > 0 && part.ptr >= whole.ptr &&
            part.ptr + part.len <= whole.ptr + whole.len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vk_span address = {(const char *)data, size}, unit, id;
    struct vk_span allowed = vk_span_cut(&address, '\n');

    if (!vk_unit_read_peer(address, &unit, &id))
        return 0;
    lies_in(unit, address);
    lies_in(id, address);
    require(vk_unit_is_name(unit) && unit.ptr + unit.len + 1 == id.ptr);
    require(memchr(id.ptr, '/', id.len) == NULL);
    require(vk_unit_allows(unit, unit));
    if (vk_unit_is_name(allowed) && vk_unit_allows(allowed, unit)) {
        const char *at = memchr(allowed.ptr, '@', allowed.len);
        size_t same = at != NULL ? (size_t)(at - allowed.ptr) : allowed.len;
        require(unit.len >= allowed.len &&
                memcmp(unit.ptr, allowed.ptr, same) == 0);
    }
    return 0;
}

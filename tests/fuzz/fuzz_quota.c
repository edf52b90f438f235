/* SPDX-License-Identifier: MIT */
/* A line of /proc/key-users: nothing, or what stands there. */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>

#include "keyring/health.h"

#define UID 1000

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vk_span line = {(const char *)data, size};
    const struct vk_health none = {.error = 5};
    struct vk_health one = none, two = none;
    char again[256];

    if (!vk_health_read_quota(line, UID, &one)) {
        require(memcmp(&one, &none, sizeof one) == 0);
        return 0;
    }
    require(one.keys >= 0 && one.max_keys >= 0 && one.error == 5);
    require(one.bytes >= 0 && one.max_bytes >= 0);
    snprintf(again, sizeof again, " %d:  1 2/3 %lld/%lld %lld/%lld", UID,
             (long long)one.keys, (long long)one.max_keys,
             (long long)one.bytes, (long long)one.max_bytes);
    require(vk_health_read_quota(vk_span_str(again), UID, &two));
    require(memcmp(&one, &two, sizeof one) == 0);
    require(!vk_health_read_quota(line, UID + 1, &two));
    return 0;
}

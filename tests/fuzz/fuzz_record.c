/* SPDX-License-Identifier: MIT */
/*
 * A key's payload, which any program of the user can have written: it is no
 * record, or one that comes back from being written as it was.
 */
#include <stdint.h>
#include <stdlib.h>

#include "keyring/record.h"

#define BOOT_NOW 100000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool right)
{
    if (!right)
        abort();
}

static void
check(const struct vk_record *record)
{
    require(vk_record_is_token(record->token));
    require(vk_record_is_token(record->type));
    require(vk_record_is_token(record->config));
    require(record->expires >= 0 && record->refresh >= 0);
    require(record->boot_expires >= 0 && record->life >= 0);
    require(vk_record_margin(record->life) <= 60);
    require(vk_record_left(record, BOOT_NOW) <= record->boot_expires);
    (void)vk_record_age(record, BOOT_NOW);
    (void)vk_record_refresh_in(record, BOOT_NOW);
}

static void
check_same(const struct vk_record *a, const struct vk_record *b)
{
    require(vk_span_same(a->token, b->token));
    require(vk_span_same(a->type, b->type));
    require(vk_span_same(a->config, b->config));
    require(a->expires == b->expires && a->refresh == b->refresh);
    require(a->boot_expires == b->boot_expires && a->life == b->life);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vk_span text = {(const char *)data, size};
    VK_AUTO_BUF written = VK_BUF((size_t)4 * VK_PAYLOAD_MAX);
    struct vk_record record, again;

    if (vk_record_read(text, &record) != VK_OK)
        return 0;
    check(&record);
    require(vk_record_write(&record, &written) == VK_OK);
    require(vk_record_read(vk_buf_span(&written), &again) == VK_OK);
    check_same(&record, &again);
    return 0;
}

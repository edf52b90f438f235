/* SPDX-License-Identifier: MIT */
/*
 * A note of the governor's, which any program of the user can have written,
 * and the same bytes as a token endpoint.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "keyring/hold.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool right)
{
    if (!right)
        abort();
}

/* Up to a NUL, which printing ends at, and to the most that is written. */
static struct vk_span
printed(struct vk_span text, size_t most)
{
    text.len = text.len < most ? text.len : most;
    return (struct vk_span){text.ptr, strnlen(text.ptr, text.len)};
}

static void
check_written(const struct vk_hold *hold)
{
    VK_AUTO_BUF text = VK_BUF(VK_HOLD_MAX);
    struct vk_hold again;

    require(vk_hold_write(hold, &text) == VK_OK);
    require(vk_hold_read(vk_buf_span(&text), &again) == VK_OK);
    require(again.until == hold->until && again.at == hold->at);
    require(again.failures == hold->failures && again.err == hold->err);
    require(vk_span_same(again.secret, printed(hold->secret, 200)));
    require(vk_span_same(again.message, printed(hold->message, 700)));
}

static void
check_drop(const struct vk_hold *hold)
{
    struct vk_hold next;
    int64_t later = hold->at + 62000;

    require(!vk_hold_after_drop(hold, 60, later, &next));
    /* Made a second after the last report, or before it. */
    require(!vk_hold_after_drop(hold, 59, later - 2000, &next));
    require(vk_hold_after_drop(hold, 59, later, &next));
    require(next.until >= later + 5000 && next.until <= later + 300000);
    require(next.failures >= 1);
}

static void
check_endpoint(struct vk_span text)
{
    struct vk_profile profile = {0};
    char name[VK_HOLD_NAME_MAX + 1];

    profile.key[VK_KEY_TOKEN_URL] = (struct vk_opt){text, true};
    memset(name, 'A', sizeof name);
    vk_hold_endpoint(&profile, name);
    size_t len = strnlen(name, sizeof name);
    require(len > 1 && len < sizeof name && strchr(name, ':') != NULL);
    for (size_t i = 0; i < len; i++)
        require(name[i] < 'A' || name[i] > 'Z');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vk_span text = {(const char *)data, size};
    struct vk_hold hold;

    vk_log_keep();
    check_endpoint(text);
    if (vk_hold_read(text, &hold) != VK_OK)
        return 0;
    require(hold.until >= 0 && hold.at >= 0 && hold.failures >= 0);
    require(hold.err < VK_ERRS);
    check_written(&hold);
    check_drop(&hold);
    /* To those who waited with the fetch, and to those who come later. */
    require(vk_hold_fail("a", &hold, 0) == hold.err);
    enum vk_err later = vk_hold_fail("a", &hold, INT64_MAX);
    require(later == hold.err || (later == VK_HELD && hold.err != VK_REFUSED));
    return 0;
}

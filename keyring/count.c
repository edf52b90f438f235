/* SPDX-License-Identifier: MIT */
#include "keyring/count.h"

#include <stdint.h>
#include <stdio.h>
#include <sys/auxv.h>

#include "base/log.h"
#include "keyring/cache.h"

#define TEXT_MAX 256
#define MEMORY_S ((int64_t)30 * 86400)

static void
name_of(struct vk_span client, char out[VK_NAME_MAX + 1])
{
    vk_format(out, VK_NAME_MAX + 1, "%.*s", VK_ARG(client));
}

void
vk_count_get(struct vk_span client, struct vk_buf *text,
             struct vk_count *count)
{
    char name[VK_NAME_MAX + 1];
    struct vk_count none = {.proof = VK_SPAN("-")}, got = none;

    name_of(client, name);
    *count = none;
    vk_buf_cut(text, 0);
    if (vk_cache_note_get("count", name, text) != VK_OK)
        return;
    struct vk_span rest = vk_buf_span(text);
    if (!vk_span_number(vk_span_cut(&rest, ' '), INT64_MAX / 2,
                        &got.requests) ||
        !vk_span_number(vk_span_cut(&rest, ' '), INT64_MAX / 2, &got.answers))
        return;
    got.proof = rest;
    *count = got;
}

enum vk_err
vk_count_put(struct vk_span client, const struct vk_count *count)
{
    VK_AUTO_BUF text = VK_BUF(TEXT_MAX);
    char name[VK_NAME_MAX + 1];
    enum vk_err err =
        vk_buf_addf(&text, "%lld %lld %.*s", (long long)count->requests,
                    (long long)count->answers, VK_ARG(count->proof));

    name_of(client, name);
    if (err != VK_OK)
        return err;
    return vk_cache_note_put("count", name, vk_buf_span(&text), MEMORY_S);
}

void
vk_count_drop(struct vk_span client)
{
    char name[VK_NAME_MAX + 1];

    name_of(client, name);
    /* Where there is none it is as good as dropped. */
    enum vk_err err = vk_cache_note_drop("count", name);
    (void)err;
}

void
vk_count_answer(struct vk_span client)
{
    /* The kernel gives each program 16 random bytes (getauxval(3)). */
    const unsigned char *random =
        (const unsigned char *)(uintptr_t)getauxval(AT_RANDOM);
    struct vk_count count;

    if (random == NULL || random[0] % VK_COUNT_SAMPLE != 0)
        return;
    VK_AUTO_BUF text = VK_BUF(VK_RECORD_MAX);
    vk_count_get(client, &text, &count);
    count.answers += VK_COUNT_SAMPLE;
    /* What is lost between two who count at once is statistics. */
    enum vk_err err = vk_count_put(client, &count);
    (void)err;
}

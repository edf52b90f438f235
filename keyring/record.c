/* SPDX-License-Identifier: MIT */
#include "keyring/record.h"

#include <stddef.h>

#define MARGIN_MAX 60
/* So that no sum or difference of times runs over. */
#define TIME_MAX (INT64_MAX / 4)

bool
vk_record_is_token(struct vk_span token)
{
    if (token.len == 0 || token.len > VK_TOKEN_MAX)
        return false;
    for (size_t i = 0; i < token.len; i++)
        if (token.ptr[i] <= ' ' || token.ptr[i] > '~')
            return false;
    return true;
}

static const struct {
    const char *name;
    size_t offset;
    bool number;
} lines[] = {
    {"type", offsetof(struct vk_record, type), false},
    {"expires", offsetof(struct vk_record, expires), true},
    {"refresh", offsetof(struct vk_record, refresh), true},
    {"boot-expires", offsetof(struct vk_record, boot_expires), true},
    {"life", offsetof(struct vk_record, life), true},
    {"config", offsetof(struct vk_record, config), false},
    {"hash", offsetof(struct vk_record, hash), false},
};

#define LINES (sizeof lines / sizeof lines[0])
/* All but the hash. */
#define NEEDED ((1U << (LINES - 1)) - 1)

static enum vk_err
write_line(const struct vk_record *record, size_t i, struct vk_buf *out)
{
    const void *field = (const char *)record + lines[i].offset;
    enum vk_err err = vk_buf_add_str(out, lines[i].name);

    if (err == VK_OK)
        err = vk_buf_add(out, VK_SPAN(": "));
    if (err == VK_OK && lines[i].number)
        err = vk_buf_add_number(out, *(const int64_t *)field);
    if (err == VK_OK && !lines[i].number)
        err = vk_buf_add(out, *(const struct vk_span *)field);
    return err == VK_OK ? vk_buf_add_char(out, '\n') : err;
}

enum vk_err
vk_record_write(const struct vk_record *record, struct vk_buf *out)
{
    size_t from = out->len;
    enum vk_err err = vk_buf_add(out, record->token);

    if (err == VK_OK)
        err = vk_buf_add_char(out, '\n');
    for (size_t i = 0; i < LINES && err == VK_OK; i++)
        if ((NEEDED >> i & 1) != 0 || record->hash.len > 0)
            err = write_line(record, i, out);
    if (err != VK_OK)
        vk_buf_cut(out, from);
    return err;
}

static bool
read_line(struct vk_span line, struct vk_record *out, unsigned int *seen)
{
    struct vk_span value = line;
    struct vk_span name = vk_span_cut(&value, ':');

    for (size_t i = 0; i < LINES; i++) {
        if (!vk_span_is(name, lines[i].name))
            continue;
        void *field = (char *)out + lines[i].offset;
        value = vk_span_trim(value);
        *seen |= 1U << i;
        if (!lines[i].number) {
            *(struct vk_span *)field = value;
            return vk_record_is_token(value);
        }
        return vk_span_number(value, TIME_MAX, field);
    }
    return true;
}

enum vk_err
vk_record_read(struct vk_span text, struct vk_record *out)
{
    struct vk_record record = {.token = vk_span_cut(&text, '\n')};
    unsigned int seen = 0;

    if (!vk_record_is_token(record.token))
        return VK_BADREPLY;
    while (text.len > 0)
        if (!read_line(vk_span_cut(&text, '\n'), &record, &seen))
            return VK_BADREPLY;
    if ((seen & NEEDED) != NEEDED)
        return VK_BADREPLY;
    *out = record;
    return VK_OK;
}

int64_t
vk_record_margin(int64_t life)
{
    return life / 5 < MARGIN_MAX ? life / 5 : MARGIN_MAX;
}

int64_t
vk_record_left(const struct vk_record *record, int64_t boot_now)
{
    return record->boot_expires - boot_now - vk_record_margin(record->life);
}

int64_t
vk_record_age(const struct vk_record *record, int64_t boot_now)
{
    return record->life - (record->boot_expires - boot_now);
}

int64_t
vk_record_refresh_in(const struct vk_record *record, int64_t boot_now)
{
    int64_t ahead = record->expires - record->refresh;

    return record->boot_expires - ahead - boot_now;
}

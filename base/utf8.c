/* SPDX-License-Identifier: MIT */
#include "base/utf8.h"

static const struct {
    unsigned char mask, lead;
    unsigned int least;
} forms[] = {
    {0x80, 0x00, 0},
    {0xe0, 0xc0, 0x80},
    {0xf0, 0xe0, 0x800},
    {0xf8, 0xf0, 0x10000},
};

size_t
vk_utf8_length(struct vk_span text)
{
    const unsigned char *byte = (const unsigned char *)text.ptr;

    if (text.len == 0)
        return 0;
    for (size_t f = 0; f < sizeof forms / sizeof forms[0]; f++) {
        if ((byte[0] & forms[f].mask) != forms[f].lead)
            continue;
        if (text.len <= f)
            return 0;
        unsigned int code = byte[0] & (unsigned char)~forms[f].mask;
        for (size_t i = 1; i <= f; i++) {
            if ((byte[i] & 0xc0) != 0x80)
                return 0;
            code = code << 6 | (byte[i] & 0x3fU);
        }
        bool surrogate = code >= 0xd800 && code <= 0xdfff;
        bool fits = code >= forms[f].least && code <= 0x10ffff;
        return fits && !surrogate ? f + 1 : 0;
    }
    return 0;
}

bool
vk_utf8_is_text(struct vk_span text)
{
    for (size_t i = 0, n; i < text.len; i += n) {
        n = vk_utf8_length(vk_span_from(text, i));
        if (n == 0 || text.ptr[i] == '\0')
            return false;
    }
    return true;
}

/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/utf8.h"

#define LINE_MAX_BYTES 1000
#define CLEAN_MAX_BYTES 200

static const char *program = "valetkey";
static bool keep;
static char last[LINE_MAX_BYTES], note[LINE_MAX_BYTES];

void
vk_log_program(const char *name)
{
    program = name;
}

void
vk_log_keep(void)
{
    keep = true;
}

const char *
vk_log_last(void)
{
    return last;
}

const char *
vk_log_note(void)
{
    return note;
}

/*
 * What a terminal obeys or hides: C0, DEL, C1, and the characters that turn
 * the direction of writing or have no width (U+200B to U+200F, U+2028 to
 * U+202E, U+2060 to U+206F, U+FEFF).
 */
static bool
is_control(const unsigned char *text, size_t len)
{
    if (len == 1)
        return text[0] < 0x20 || text[0] == 0x7f;
    if (len == 2)
        return text[0] == 0xc2 && text[1] < 0xa0;
    if (len != 3)
        return false;
    if (text[0] == 0xe2 && text[1] == 0x80)
        return (text[2] >= 0x8b && text[2] <= 0x8f) ||
               (text[2] >= 0xa8 && text[2] <= 0xae);
    return (text[0] == 0xe2 && text[1] == 0x81 && text[2] >= 0xa0 &&
            text[2] <= 0xaf) ||
           (text[0] == 0xef && text[1] == 0xbb && text[2] == 0xbf);
}

static void
clean(struct vk_span text, char *out, size_t size)
{
    const unsigned char *src = (const unsigned char *)text.ptr;
    size_t at = 0, n;

    for (size_t i = 0; i < text.len; i += n) {
        n = vk_utf8_length(vk_span_from(text, i));
        bool plain = n > 0 && !is_control(src + i, n);
        if (n == 0)
            n = 1;
        size_t need = plain ? n : n * 4;
        if (at + need + 4 > size) {
            memcpy(out + at, "...", 3);
            at += 3;
            break;
        }
        if (plain)
            memcpy(out + at, src + i, n);
        else
            for (size_t k = 0; k < n; k++)
                vk_format(out + at + 4 * k, 5, "\\x%02x", src[i + k]);
        at += need;
    }
    out[at] = '\0';
}

const char *
vk_log_clean(struct vk_span text)
{
    static char out[CLEAN_MAX_BYTES + 4];

    clean(text, out, sizeof out);
    return out;
}

static void VK_PRINTF(2, 0) format(char *line, const char *fmt, va_list args)
{
    char raw[LINE_MAX_BYTES];
    int len = vsnprintf(raw, sizeof raw, fmt, args);
    size_t n = len < 0 ? 0 : (size_t)len;

    if (n >= sizeof raw)
        n = sizeof raw - 1;
    clean((struct vk_span){raw, n}, line, LINE_MAX_BYTES);
}

static void
print(const char *line)
{
    char out[LINE_MAX_BYTES + 80];
    int len = vk_format(out, sizeof out, "%.60s: %s\n", program, line);

    if (len > 0) {
        /* Nobody is left to tell if stderr does not take it. */
        enum vk_err err =
            vk_span_write((struct vk_span){out, (size_t)len}, STDERR_FILENO);
        (void)err;
    }
}

void
vk_log(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    format(note, fmt, args);
    va_end(args);
    if (!keep)
        print(note);
}

enum vk_err
vk_fail(enum vk_err err, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    format(last, fmt, args);
    va_end(args);
    if (!keep)
        print(last);
    return err;
}

/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_CAP ((size_t)256)

void
vk_wipe(void *data, size_t len)
{
    if (len > 0)
        explicit_bzero(data, len);
}

enum vk_err
vk_buf_reserve(struct vk_buf *buf, size_t more)
{
    if (more <= buf->cap - buf->len)
        return VK_OK;
    if (buf->fixed || more > buf->max - buf->len)
        return VK_TOOBIG;

    size_t cap = buf->cap < FIRST_CAP ? FIRST_CAP : buf->cap;
    while (cap - buf->len < more)
        cap *= 2;
    if (cap > buf->max)
        cap = buf->max;

    /* Not realloc, which would leave the old copy behind. */
    char *data = malloc(cap);
    if (data == NULL)
        return VK_NOMEM;
    if (buf->data != NULL) {
        memcpy(data, buf->data, buf->len);
        vk_wipe(buf->data, buf->cap);
        free(buf->data);
    }
    buf->data = data;
    buf->cap = cap;
    return VK_OK;
}

enum vk_err
vk_buf_add(struct vk_buf *buf, struct vk_span src)
{
    enum vk_err err = vk_buf_reserve(buf, src.len);
    if (err != VK_OK)
        return err;
    if (src.len > 0)
        memcpy(buf->data + buf->len, src.ptr, src.len);
    buf->len += src.len;
    return VK_OK;
}

enum vk_err
vk_buf_add_str(struct vk_buf *buf, const char *str)
{
    return vk_buf_add(buf, vk_span_str(str));
}

enum vk_err
vk_buf_add_char(struct vk_buf *buf, char c)
{
    return vk_buf_add(buf, (struct vk_span){&c, 1});
}

enum vk_err
vk_buf_add_number(struct vk_buf *buf, int64_t number)
{
    char digits[24];
    size_t at = sizeof digits;
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;

    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (number < 0)
        digits[--at] = '-';
    return vk_buf_add(buf, (struct vk_span){digits + at, sizeof digits - at});
}

enum vk_err
vk_buf_addf(struct vk_buf *buf, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (len < 0)
        return VK_INTERNAL;

    enum vk_err err = vk_buf_reserve(buf, (size_t)len + 1);
    if (err != VK_OK)
        return err;
    va_start(args, fmt);
    vsnprintf(buf->data + buf->len, (size_t)len + 1, fmt, args);
    va_end(args);
    buf->len += (size_t)len;
    return VK_OK;
}

int
vk_format(char *out, size_t size, const char *fmt, ...)
{
    char text[1024];
    va_list args;

    va_start(args, fmt);
    int len = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (len < 0 || size == 0)
        return -1;
    size_t copied = (size_t)len < sizeof text ? (size_t)len : sizeof text - 1;
    copied = copied < size ? copied : size - 1;
    memcpy(out, text, copied);
    out[copied] = '\0';
    vk_wipe(text, copied);
    return len;
}

struct vk_span
vk_buf_span(const struct vk_buf *buf)
{
    return (struct vk_span){buf->data, buf->len};
}

const char *
vk_buf_str(struct vk_buf *buf)
{
    if (vk_buf_reserve(buf, 1) != VK_OK)
        return NULL;
    buf->data[buf->len] = '\0';
    return buf->data;
}

void
vk_buf_cut(struct vk_buf *buf, size_t len)
{
    if (len >= buf->len)
        return;
    vk_wipe(buf->data + len, buf->len - len);
    buf->len = len;
}

void
vk_buf_clear(struct vk_buf *buf)
{
    if (buf->data == NULL)
        return;
    if (buf->fixed) {
        /* Only what was used: the rest was never touched. */
        vk_wipe(buf->data, buf->len);
    } else {
        vk_wipe(buf->data, buf->cap);
        free(buf->data);
        buf->data = NULL;
        buf->cap = 0;
    }
    buf->len = 0;
}

enum vk_err
vk_buf_read(struct vk_buf *buf, int fd)
{
    for (;;) {
        enum vk_err err = vk_buf_reserve(buf, 1);
        if (err == VK_TOOBIG) {
            /* Full: it is too big only if there is one byte more. */
            char probe;
            ssize_t n = read(fd, &probe, 1);
            if (n == 0)
                return VK_OK;
            vk_wipe(&probe, 1);
            if (n < 0 && errno == EINTR)
                continue;
            return n < 0 ? VK_IO : VK_TOOBIG;
        }
        if (err != VK_OK)
            return err;
        ssize_t n = read(fd, buf->data + buf->len, buf->cap - buf->len);
        if (n == 0)
            return VK_OK;
        if (n > 0)
            buf->len += (size_t)n;
        else if (errno != EINTR)
            return VK_IO;
    }
}

enum vk_err
vk_span_write(struct vk_span span, int fd)
{
    while (span.len > 0) {
        ssize_t n = write(fd, span.ptr, span.len);
        if (n > 0)
            span = vk_span_from(span, (size_t)n);
        else if (n == 0 || errno != EINTR)
            return VK_IO;
    }
    return VK_OK;
}

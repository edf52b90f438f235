/* SPDX-License-Identifier: MIT */
#ifndef VK_BASE_BUF_H
#define VK_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* A borrowed run of bytes, not ended by NUL. */
struct vk_span {
    const char *ptr;
    size_t len;
};

#define VK_SPAN(literal) ((struct vk_span){("" literal), sizeof(literal) - 1})

/* Is it one of set?  Never the NUL at its end. */
bool vk_char_in(char c, const char *set);
/* An ASCII letter or digit, or one of more. */
bool vk_char_plain(char c, const char *more);

struct vk_span vk_span_str(const char *str);
bool vk_span_is(struct vk_span span, const char *str);
bool vk_span_same(struct vk_span a, struct vk_span b);
/* ASCII letters alike in either case. */
bool vk_span_same_nocase(struct vk_span a, struct vk_span b);
bool vk_span_starts(struct vk_span span, const char *str);
/* Without blanks, tabs and CR at either end. */
struct vk_span vk_span_trim(struct vk_span span);
struct vk_span vk_span_from(struct vk_span span, size_t from);
/*
 * What stands before the first sep; *span becomes what follows it.  Without
 * a sep all of it, and *span becomes empty with a NULL pointer.
 */
struct vk_span vk_span_cut(struct vk_span *span, char sep);
/* A decimal number, digits only, 0 to max. */
bool vk_span_number(struct vk_span span, int64_t max, int64_t *out);

/*
 * An owned run of bytes that may be secret.  It grows to max, and whatever it
 * held is wiped when it is outgrown, cleared or goes out of scope: no stale
 * copy stays on the heap.  VK_STATIC_BUF has its storage in the program's own
 * data instead, so that the warm path never calls malloc.
 */
struct vk_buf {
    char *data;
    size_t len, cap, max;
    bool fixed;
};

#define VK_BUF(most)  \
    {                 \
        .max = (most) \
    }
#define VK_STATIC_BUF(name, size)     \
    static char name##_storage[size]; \
    static struct vk_buf name = {     \
        .data = name##_storage, .cap = (size), .max = (size), .fixed = true}
#define VK_AUTO_BUF __attribute__((cleanup(vk_buf_clear))) struct vk_buf

/* These leave buf as it was unless they return VK_OK. */
VK_MUST enum vk_err vk_buf_add(struct vk_buf *buf, struct vk_span src);
VK_MUST enum vk_err vk_buf_add_str(struct vk_buf *buf, const char *str);
VK_MUST enum vk_err vk_buf_add_char(struct vk_buf *buf, char c);
VK_MUST enum vk_err vk_buf_add_number(struct vk_buf *buf, int64_t number);
VK_MUST enum vk_err vk_buf_addf(struct vk_buf *buf, const char *fmt, ...)
    VK_PRINTF(2, 3);
/* Room for at least more bytes behind len. */
VK_MUST enum vk_err vk_buf_reserve(struct vk_buf *buf, size_t more);

/*
 * As snprintf(3), of at most 1,023 bytes.  Programs on the warm path use only
 * this one: two functions of the C library less for ld.so to find.
 */
int vk_format(char *out, size_t size, const char *fmt, ...) VK_PRINTF(3, 4);

struct vk_span vk_buf_span(const struct vk_buf *buf);
/* The bytes, with a NUL behind them that does not count; NULL: no memory. */
const char *vk_buf_str(struct vk_buf *buf);
/* Wipe all but the first len bytes. */
void vk_buf_cut(struct vk_buf *buf, size_t len);
void vk_buf_clear(struct vk_buf *buf);

/* The one function by which secrets are wiped. */
void vk_wipe(void *data, size_t len);

/*
 * Read fd to its end.  VK_TOOBIG past buf's max, VK_IO with errno.  Signals
 * do not end it.
 */
VK_MUST enum vk_err vk_buf_read(struct vk_buf *buf, int fd);
/* Write all of it, or VK_IO with errno. */
VK_MUST enum vk_err vk_span_write(struct vk_span span, int fd);

#endif

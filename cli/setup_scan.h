/* SPDX-License-Identifier: MIT */
#ifndef VK_CLI_SETUP_SCAN_H
#define VK_CLI_SETUP_SCAN_H

#include "base/buf.h"

/*
 * Finds the places of values in a JSON text (RFC 8259), which a parser does
 * not tell.  Strict: what is not valid JSON, or nested deeper than 100, is
 * refused.  Offsets are into the text.
 */
struct vk_scan {
    struct vk_span text;
    size_t at;
};

/* A member of an object.  The key is as it is written, without quotes. */
struct vk_scan_member {
    struct vk_span key;
    size_t start;   /* behind the '{' or ',' */
    size_t key_end; /* behind the quote */
    size_t colon;
    size_t value, end;
    bool is_last;
    size_t comma; /* unless it is the last */
};

/* The whole text is one object; *open is where its '{' stands. */
bool vk_scan_object(struct vk_span text, size_t *open);

/*
 * Member after member of an object in a valid text: scan->at is behind the
 * '{', then wherever this left it.  False: no more.
 */
bool vk_scan_next(struct vk_scan *scan, struct vk_scan_member *member);

/* The bytes from a to b. */
struct vk_span vk_scan_part(struct vk_span text, size_t a, size_t b);

/* The white space that begins at from. */
struct vk_span vk_scan_blank(struct vk_span text, size_t from);

#endif

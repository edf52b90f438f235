/* SPDX-License-Identifier: MIT */
#ifndef VK_BASE_JSON_H
#define VK_BASE_JSON_H

#include "base/buf.h"

/*
 * Writes JSON (RFC 8259) into a buffer, on one line.  Members are named by
 * key; inside an array, and for the outermost value, key is NULL.  Strings
 * come out as valid UTF-8: what is not becomes U+FFFD.  The first error
 * sticks and vk_json_end returns it.
 */
struct vk_json {
    struct vk_buf *buf;
    enum vk_err err;
    bool comma;
};

#define VK_JSON(buffer) ((struct vk_json){.buf = (buffer)})

/* bracket is '{' or '['; close with the matching one. */
void vk_json_open(struct vk_json *json, const char *key, char bracket);
void vk_json_close(struct vk_json *json, char bracket);
void vk_json_str(struct vk_json *json, const char *key, struct vk_span value);
/* The same with a key that came from outside. */
void vk_json_pair(struct vk_json *json, struct vk_span key,
                  struct vk_span value);
void vk_json_number(struct vk_json *json, const char *key, int64_t value);
/* Unix time as YYYY-MM-DDTHH:MM:SSZ (RFC 3339); years 1970 to 9999. */
void vk_json_time(struct vk_json *json, const char *key, int64_t unix_time);
void vk_json_bool(struct vk_json *json, const char *key, bool value);
void vk_json_null(struct vk_json *json, const char *key);
VK_MUST enum vk_err vk_json_end(struct vk_json *json);

#endif

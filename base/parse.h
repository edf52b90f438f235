/* SPDX-License-Identifier: MIT */
#ifndef VK_BASE_PARSE_H
#define VK_BASE_PARSE_H

#include <json-c/json.h>

#include "base/buf.h"

/*
 * Reads JSON (RFC 8259) with json-c, which only programs that use this are
 * linked with.
 */

/* One JSON object and nothing behind it but white space; json_object_put. */
bool vk_parse_object(struct vk_span text, struct json_object **out);

/*
 * A number, or a string that holds one, in whole seconds.  -1: there is
 * none, or null; INT64_MIN: something else, or not more than zero.
 */
int64_t vk_parse_seconds(struct json_object *value);

/* The string member of that name; false if there is none. */
bool vk_parse_string(struct json_object *object, const char *name,
                     struct vk_span *out);

#endif

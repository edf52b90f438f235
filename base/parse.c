/* SPDX-License-Identifier: MIT */
#include "base/parse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 16

bool
vk_parse_object(struct vk_span text, struct json_object **out)
{
    struct json_tokener *parser = json_tokener_new_ex(DEPTH_MAX);

    if (parser == NULL || text.len > INT32_MAX)
        return false;
    json_tokener_set_flags(parser,
                           JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    /* NULL unless there were no errors. */
    struct json_object *value =
        json_tokener_parse_ex(parser, text.ptr, (int)text.len);
    struct vk_span rest =
        vk_span_from(text, json_tokener_get_parse_end(parser));
    bool whole = json_object_is_type(value, json_type_object);

    json_tokener_free(parser);
    for (size_t i = 0; i < rest.len; i++)
        whole = whole && (rest.ptr[i] == ' ' || rest.ptr[i] == '\t' ||
                          rest.ptr[i] == '\r' || rest.ptr[i] == '\n');
    if (!whole) {
        json_object_put(value);
        return false;
    }
    *out = value;
    return true;
}

static int64_t
from_double(double number)
{
    if (!isfinite(number) || number < 1)
        return INT64_MIN;
    return number < 9e15 ? (int64_t)number : (int64_t)9e15;
}

static int64_t
from_text(const char *text)
{
    char *end;
    double number = strtod(text, &end);

    return *end == '\0' ? from_double(number) : INT64_MIN;
}

int64_t
vk_parse_seconds(struct json_object *value)
{
    const char *text;
    size_t len;

    switch (json_object_get_type(value)) {
    case json_type_null: return -1;
    case json_type_int:
    case json_type_double: return from_double(json_object_get_double(value));
    case json_type_string:
        text = json_object_get_string(value);
        len = (size_t)json_object_get_string_len(value);
        /* strtod(3) takes more than numbers; a NUL ends it early. */
        if (len == 0 || strspn(text, "0123456789.eE+-") != len)
            return INT64_MIN;
        return from_text(text);
    case json_type_boolean:
    case json_type_object:
    case json_type_array: break;
    }
    return INT64_MIN;
}

bool
vk_parse_string(struct json_object *object, const char *name,
                struct vk_span *out)
{
    struct json_object *value = json_object_object_get(object, name);

    if (!json_object_is_type(value, json_type_string))
        return false;
    *out = (struct vk_span){json_object_get_string(value),
                            (size_t)json_object_get_string_len(value)};
    return true;
}

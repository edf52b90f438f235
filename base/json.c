/* SPDX-License-Identifier: MIT */
#include "base/json.h"

#include "base/utf8.h"

static void
put(struct vk_json *json, struct vk_span text)
{
    if (json->err == VK_OK)
        json->err = vk_buf_add(json->buf, text);
}

static void
put_escaped(struct vk_json *json, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    const char plain[] = {'\\', (char)c};
    const char code[] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

    if (c == '"' || c == '\\')
        put(json, (struct vk_span){plain, sizeof plain});
    else
        put(json, (struct vk_span){code, sizeof code});
}

static void
put_string(struct vk_json *json, struct vk_span text)
{
    size_t from = 0;

    put(json, VK_SPAN("\""));
    for (size_t i = 0; i < text.len;) {
        unsigned char c = (unsigned char)text.ptr[i];
        bool ascii = c >= 0x20 && c < 0x7f;
        if (ascii && c != '"' && c != '\\') {
            i++;
            continue;
        }
        size_t n = vk_utf8_length(vk_span_from(text, i));
        if (n > 1) {
            i += n;
            continue;
        }
        put(json, (struct vk_span){text.ptr + from, i - from});
        if (n == 1)
            put_escaped(json, c);
        else
            put(json, VK_SPAN("\\ufffd"));
        from = ++i;
    }
    put(json, vk_span_from(text, from));
    put(json, VK_SPAN("\""));
}

static void
name(struct vk_json *json, const char *key)
{
    if (json->comma)
        put(json, VK_SPAN(","));
    json->comma = true;
    if (key != NULL) {
        put_string(json, vk_span_str(key));
        put(json, VK_SPAN(":"));
    }
}

void
vk_json_open(struct vk_json *json, const char *key, char bracket)
{
    name(json, key);
    put(json, (struct vk_span){&bracket, 1});
    json->comma = false;
}

void
vk_json_close(struct vk_json *json, char bracket)
{
    put(json, (struct vk_span){&bracket, 1});
    json->comma = true;
}

void
vk_json_str(struct vk_json *json, const char *key, struct vk_span value)
{
    name(json, key);
    put_string(json, value);
}

void
vk_json_pair(struct vk_json *json, struct vk_span key, struct vk_span value)
{
    name(json, NULL);
    put_string(json, key);
    put(json, VK_SPAN(":"));
    put_string(json, value);
}

void
vk_json_number(struct vk_json *json, const char *key, int64_t value)
{
    name(json, key);
    if (json->err == VK_OK)
        json->err = vk_buf_add_number(json->buf, value);
}

void
vk_json_bool(struct vk_json *json, const char *key, bool value)
{
    name(json, key);
    put(json, value ? VK_SPAN("true") : VK_SPAN("false"));
}

void
vk_json_null(struct vk_json *json, const char *key)
{
    name(json, key);
    put(json, VK_SPAN("null"));
}

enum vk_err
vk_json_end(struct vk_json *json)
{
    return json->err;
}

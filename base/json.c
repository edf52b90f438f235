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

static void
put_digits(char *end, int64_t number, int digits)
{
    for (; digits > 0; digits--, number /= 10)
        *--end = (char)('0' + number % 10);
}

static int64_t
days_of(int64_t year)
{
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return leap ? 366 : 365;
}

static void
put_date(char *text, int64_t days)
{
    int64_t length[] = {31, 0, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t year = 1970;
    size_t month = 0;

    while (days >= days_of(year))
        days -= days_of(year++);
    length[1] = days_of(year) - 337;
    while (days >= length[month])
        days -= length[month++];
    put_digits(text + 4, year, 4);
    put_digits(text + 7, (int64_t)month + 1, 2);
    put_digits(text + 10, days + 1, 2);
}

/* Not by gmtime(3), which looks for the time zone first. */
void
vk_json_time(struct vk_json *json, const char *key, int64_t unix_time)
{
    const int64_t day = 86400, last = 253402300799;
    char text[] = "1970-01-01T00:00:00Z";
    int64_t at = unix_time < 0 ? 0 : unix_time > last ? last : unix_time;

    put_date(text, at / day);
    put_digits(text + 13, at % day / 3600, 2);
    put_digits(text + 16, at % 3600 / 60, 2);
    put_digits(text + 19, at % 60, 2);
    vk_json_str(json, key, (struct vk_span){text, sizeof text - 1});
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

/* SPDX-License-Identifier: MIT */
#include "server/report.h"

#include <stdio.h>
#include <string.h>

#define RETRY_MAX INT32_MAX
#define MESSAGE_MAX 1000

enum vk_err
vk_report_write(const struct vk_report *report, struct vk_buf *out)
{
    bool good = report->err == VK_OK;
    enum vk_err err = vk_buf_addf(
        out, "%s\n%lld %lld %d\n", vk_err_name(report->err),
        good ? (long long)report->life : 0LL, (long long)report->retry_after,
        report->is_forbidden ? 1 : 0);

    if (err == VK_OK && good)
        err = vk_buf_add(out, report->token);
    if (err == VK_OK)
        err = vk_buf_add_char(out, '\n');
    return err == VK_OK && !good ? vk_buf_add(out, report->message) : err;
}

static bool
read_err(struct vk_span name, enum vk_err *out)
{
    char word[32];

    if (name.len >= sizeof word || memchr(name.ptr, '\0', name.len) != NULL)
        return false;
    memcpy(word, name.ptr, name.len);
    word[name.len] = '\0';
    *out = vk_err_from_name(word);
    return strcmp(vk_err_name(*out), word) == 0;
}

static bool
read_numbers(struct vk_span line, int64_t max_life, struct vk_report *out)
{
    struct vk_span life = vk_span_cut(&line, ' ');
    struct vk_span retry = vk_span_cut(&line, ' ');

    out->retry_after = -1;
    if (!vk_span_number(life, max_life, &out->life) ||
        (!vk_span_is(retry, "-1") &&
         !vk_span_number(retry, RETRY_MAX, &out->retry_after)))
        return false;
    out->is_forbidden = vk_span_is(line, "1");
    return out->is_forbidden || vk_span_is(line, "0");
}

enum vk_err
vk_report_read(struct vk_span text, int64_t max_life, struct vk_report *out)
{
    struct vk_report report;
    struct vk_span name = vk_span_cut(&text, '\n');
    struct vk_span numbers = vk_span_cut(&text, '\n');

    report.token = vk_span_cut(&text, '\n');
    report.message = text;
    if (text.ptr == NULL || text.len > MESSAGE_MAX ||
        !read_err(name, &report.err) ||
        !read_numbers(numbers, max_life, &report))
        return VK_BADREPLY;
    bool has_token = vk_record_is_token(report.token) && report.life > 0 &&
                     report.message.len == 0;
    bool has_none = report.token.len == 0 && report.life == 0;
    if (report.err == VK_OK ? !has_token : !has_none)
        return VK_BADREPLY;
    *out = report;
    return VK_OK;
}

bool
vk_report_is_probe(struct vk_span text)
{
    size_t lines = 0;

    for (size_t i = 0; i < text.len; i++)
        if (((unsigned char)text.ptr[i] < ' ' && text.ptr[i] != '\n') ||
            text.ptr[i] == 127)
            return false;
    while (text.len > 0 && lines++ < 2) {
        struct vk_span line = vk_span_cut(&text, '\n');
        /* A line that is cut off has no end. */
        if (text.ptr == NULL || line.len > MESSAGE_MAX ||
            !vk_span_starts(line, lines == 1 ? "endpoint " : "clock "))
            return false;
    }
    return lines > 0 && text.len == 0;
}

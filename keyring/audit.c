/* SPDX-License-Identifier: MIT */
#include "keyring/audit.h"

#include <string.h>
#include <syslog.h>

#define PREFIX "VALETKEY_"

static const struct {
    const char *name, *journal;
} fields[VK_AUDIT_FIELDS] = {
    [VK_AUDIT_UID] = {"uid", PREFIX "UID"},
    [VK_AUDIT_LOGINUID] = {"loginuid", PREFIX "LOGINUID"},
    [VK_AUDIT_PID] = {"pid", PREFIX "PID"},
    [VK_AUDIT_EXE] = {"exe", PREFIX "EXE"},
    [VK_AUDIT_UNIT] = {"unit", PREFIX "UNIT"},
    [VK_AUDIT_NAME] = {"name", PREFIX "NAME"},
    [VK_AUDIT_OUTCOME] = {"outcome", PREFIX "OUTCOME"},
    [VK_AUDIT_SOURCE] = {"source", PREFIX "SOURCE"},
    [VK_AUDIT_HASH] = {"hash", PREFIX "HASH"},
    [VK_AUDIT_WHY] = {"why", PREFIX "WHY"},
};

static const char hex[] = "0123456789abcdef";

const char *
vk_audit_name(enum vk_audit_field field)
{
    return fields[field].name;
}

const char *
vk_audit_journal_name(enum vk_audit_field field)
{
    return fields[field].journal;
}

static bool
is_plain(char c)
{
    return c >= ' ' && c <= '~' && c != '"' && c != '\\';
}

static enum vk_err
encode(struct vk_span value, struct vk_buf *out)
{
    size_t len =
        value.len < VK_AUDIT_VALUE_MAX ? value.len : VK_AUDIT_VALUE_MAX;
    enum vk_err err = VK_OK;

    for (size_t i = 0; i < len && err == VK_OK; i++) {
        unsigned char byte = (unsigned char)value.ptr[i];
        char text[4] = {'\\', 'x', hex[byte >> 4], hex[byte & 15]};
        err = is_plain(value.ptr[i])
                  ? vk_buf_add_char(out, value.ptr[i])
                  : vk_buf_add(out, (struct vk_span){text, sizeof text});
    }
    return err == VK_OK && len < value.len ? vk_buf_add(out, VK_SPAN("..."))
                                           : err;
}

/* name=value, or name="a value" */
static enum vk_err
write_word(const struct vk_audit *audit, enum vk_audit_field field,
           struct vk_buf *out)
{
    struct vk_span value = audit->value[field];
    const char *quote =
        value.len > 0 && memchr(value.ptr, ' ', value.len) != NULL ? "\"" : "";
    enum vk_err err = vk_buf_add_str(out, fields[field].name);

    if (err == VK_OK)
        err = vk_buf_add_char(out, '=');
    if (err == VK_OK)
        err = vk_buf_add_str(out, quote);
    if (err == VK_OK)
        err = encode(value.len > 0 ? value : VK_SPAN("-"), out);
    return err == VK_OK ? vk_buf_add_str(out, quote) : err;
}

enum vk_err
vk_audit_write(const struct vk_audit *audit, struct vk_buf *out)
{
    enum vk_err err = write_word(audit, VK_AUDIT_UID, out);

    for (unsigned int i = 1; i < VK_AUDIT_FIELDS && err == VK_OK; i++) {
        if (i == VK_AUDIT_WHY && audit->value[i].len == 0)
            continue;
        err = vk_buf_add_char(out, ' ');
        if (err == VK_OK)
            err = write_word(audit, i, out);
    }
    return err;
}

static enum vk_err
write_field(const struct vk_audit *audit, enum vk_audit_field field,
            struct vk_buf *out)
{
    enum vk_err err = vk_buf_add_str(out, fields[field].journal);

    if (err == VK_OK)
        err = vk_buf_add_char(out, '=');
    if (err == VK_OK)
        err = encode(audit->value[field], out);
    return err == VK_OK ? vk_buf_add_char(out, '\n') : err;
}

enum vk_err
vk_audit_write_entry(const struct vk_audit *audit, int level,
                     struct vk_buf *out)
{
    enum vk_err err = vk_buf_add(out, VK_SPAN("MESSAGE="));

    if (err == VK_OK)
        err = vk_audit_write(audit, out);
    if (err == VK_OK)
        err = vk_buf_add(out, VK_SPAN("\nPRIORITY="));
    if (err == VK_OK)
        err = vk_buf_add_number(out, level);
    if (err == VK_OK)
        err = vk_buf_add(out, VK_SPAN("\nSYSLOG_FACILITY="));
    if (err == VK_OK)
        err = vk_buf_add_number(out, LOG_FAC(LOG_AUTHPRIV));
    if (err == VK_OK)
        err = vk_buf_add(
            out, VK_SPAN("\nSYSLOG_IDENTIFIER=" VK_AUDIT_PROGRAM "\n"));
    for (unsigned int i = 0; i < VK_AUDIT_FIELDS && err == VK_OK; i++)
        if (audit->value[i].len > 0)
            err = write_field(audit, i, out);
    return err;
}

/* What stands behind '=': up to a blank, or in quotes. */
static bool
read_value(struct vk_span *line, struct vk_span *out)
{
    if (!vk_span_starts(*line, "\"")) {
        *out = vk_span_cut(line, ' ');
        return true;
    }
    *line = vk_span_from(*line, 1);
    *out = vk_span_cut(line, '"');
    if (line->ptr == NULL)
        return false;
    return line->len == 0 || vk_span_cut(line, ' ').len == 0;
}

bool
vk_audit_read(struct vk_span line, struct vk_audit *out)
{
    struct vk_audit audit = {0};
    struct vk_span value;

    for (unsigned int i = 0; i < VK_AUDIT_FIELDS; i++) {
        if (i == VK_AUDIT_WHY && line.len == 0)
            continue;
        if (!vk_span_is(vk_span_cut(&line, '='), fields[i].name) ||
            line.ptr == NULL || !read_value(&line, &value))
            return false;
        for (size_t k = 0; k < value.len; k++)
            if (!is_plain(value.ptr[k]) && value.ptr[k] != '\\')
                return false;
        if (!vk_span_is(value, "-"))
            audit.value[i] = value;
    }
    if (line.len > 0)
        return false;
    *out = audit;
    return true;
}

static int
digit(char c)
{
    const char *at = c != '\0' ? strchr(hex, c) : NULL;

    return at != NULL ? (int)(at - hex) : -1;
}

enum vk_err
vk_audit_decode(struct vk_span value, struct vk_buf *out)
{
    enum vk_err err = VK_OK;

    for (size_t i = 0; i < value.len && err == VK_OK; i++) {
        struct vk_span rest = vk_span_from(value, i);
        bool is_code = rest.len >= 4 && vk_span_starts(rest, "\\x") &&
                       digit(rest.ptr[2]) >= 0 && digit(rest.ptr[3]) >= 0;
        err = vk_buf_add_char(
            out, is_code ? (char)(digit(rest.ptr[2]) * 16 + digit(rest.ptr[3]))
                         : rest.ptr[0]);
        i += is_code ? 3 : 0;
    }
    return err;
}

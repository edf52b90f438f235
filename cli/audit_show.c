/* SPDX-License-Identifier: MIT */
#include "cli/audit.h"

#include <pwd.h>
#include <stdio.h>
#include <time.h>

#include "base/log.h"
#include "cli/cli.h"

#define FLUSH 65536

enum vk_err
vk_log_flush(struct vk_log_job *job, size_t least)
{
    if (job->out.len < least)
        return VK_OK;
    enum vk_err err = vk_cli_print(vk_buf_span(&job->out));
    vk_buf_cut(&job->out, 0);
    return err;
}

static void
write_value(struct vk_json *json, const struct vk_audit *audit,
            enum vk_audit_field field)
{
    VK_AUTO_BUF value = VK_BUF(VK_AUDIT_LINE_MAX);
    const char *name = vk_audit_name(field);
    int64_t number;
    bool is_number = field == VK_AUDIT_UID || field == VK_AUDIT_LOGINUID ||
                     field == VK_AUDIT_PID;

    if (vk_audit_decode(audit->value[field], &value) != VK_OK)
        json->err = VK_NOMEM;
    else if (value.len == 0)
        vk_json_null(json, name);
    else if (is_number &&
             vk_span_number(vk_buf_span(&value), UINT32_MAX, &number))
        vk_json_number(json, name, number);
    else
        vk_json_str(json, name, vk_buf_span(&value));
}

static enum vk_err
write_json(struct vk_log_job *job, const struct vk_log_entry *entry)
{
    struct vk_json *json = &job->json;

    vk_json_open(json, NULL, '{');
    if (entry->unix_time >= 0)
        vk_json_time(json, "time", entry->unix_time);
    else
        vk_json_str(json, "time", entry->time);
    for (unsigned int i = 0; i < VK_AUDIT_FIELDS; i++)
        write_value(json, &entry->audit, i);
    vk_json_close(json, '}');
    return json->err;
}

/* The name that a number has now, else the number. */
static void
name_user(struct vk_span uid, char *out, size_t size)
{
    const struct passwd *entry = NULL;
    int64_t number;

    if (vk_span_number(uid, UINT32_MAX, &number))
        entry = getpwuid((uid_t)number);
    if (entry != NULL)
        snprintf(out, size, "%s", entry->pw_name);
    else
        snprintf(out, size, "%.*s", VK_ARG(uid));
}

/* USER, or USER/LOGIN where another one had logged in. */
static void
name_users(const struct vk_audit *audit, char *out, size_t size)
{
    struct vk_span uid = audit->value[VK_AUDIT_UID];
    struct vk_span login = audit->value[VK_AUDIT_LOGINUID];
    char user[64], other[64];

    name_user(uid.len > 0 ? uid : VK_SPAN("-"), user, sizeof user);
    if (login.len == 0 || vk_span_same(uid, login)) {
        snprintf(out, size, "%s", user);
        return;
    }
    name_user(login, other, sizeof other);
    snprintf(out, size, "%s/%s", user, other);
}

static void
tell_time(const struct vk_log_entry *entry, char *out, size_t size)
{
    time_t at = (time_t)entry->unix_time;
    struct tm local;

    if (entry->unix_time < 0 || localtime_r(&at, &local) == NULL ||
        strftime(out, size, "%Y-%m-%d %H:%M:%S", &local) == 0)
        snprintf(out, size, "%.*s", VK_ARG(entry->time));
}

static enum vk_err
write_row(struct vk_log_job *job, const struct vk_log_entry *entry)
{
    static const struct {
        enum vk_audit_field field;
        int width;
    } columns[] = {{VK_AUDIT_OUTCOME, 12}, {VK_AUDIT_SOURCE, 8},
                   {VK_AUDIT_NAME, 16},    {VK_AUDIT_HASH, 12},
                   {VK_AUDIT_PID, 7},      {VK_AUDIT_UNIT, 20}};
    const struct vk_span *value = entry->audit.value;
    char when[64], who[160];
    enum vk_err err = VK_OK;

    if (!job->has_head)
        err = vk_buf_add_str(
            &job->out, "TIME                 USER          OUTCOME       "
                       "SOURCE    NAME              HASH          PID      "
                       "UNIT                  PROGRAM\n");
    job->has_head = true;
    tell_time(entry, when, sizeof when);
    name_users(&entry->audit, who, sizeof who);
    if (err == VK_OK)
        err = vk_buf_addf(&job->out, "%-19s  %-12s", when, who);
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        struct vk_span text = value[columns[i].field];
        if (text.len == 0)
            text = VK_SPAN("-");
        if (err == VK_OK)
            err = vk_buf_addf(&job->out, "  %-*.*s", columns[i].width,
                              (int)text.len, text.ptr);
    }
    struct vk_span exe = value[VK_AUDIT_EXE], why = value[VK_AUDIT_WHY];
    if (exe.len == 0)
        exe = VK_SPAN("-");
    if (err != VK_OK)
        return err;
    return vk_buf_addf(&job->out, "  %.*s%s%.*s%s\n", (int)exe.len, exe.ptr,
                       why.len > 0 ? "  (" : "", (int)why.len,
                       why.len > 0 ? why.ptr : "", why.len > 0 ? ")" : "");
}

/* Of the client and all its tokens, or of the one token. */
static bool
is_wanted(const struct vk_log_job *job, struct vk_span name)
{
    struct vk_span token = name, client = vk_span_cut(&token, '/');

    return job->name == NULL || vk_span_is(name, job->name) ||
           vk_span_is(client, job->name);
}

enum vk_err
vk_log_show(struct vk_log_job *job, struct vk_log_entry *entry,
            struct vk_span line)
{
    if (!vk_audit_read(line, &entry->audit) ||
        !is_wanted(job, entry->audit.value[VK_AUDIT_NAME]))
        return VK_OK;
    enum vk_err err =
        job->as_json ? write_json(job, entry) : write_row(job, entry);
    return err == VK_OK ? vk_log_flush(job, FLUSH) : err;
}

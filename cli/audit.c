/* SPDX-License-Identifier: MIT */
/*
 * valetkey --system log: what the broker decided (keyring/audit.h), from the
 * journal or from the file of a syslog daemon.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/proc.h"
#include "cli/audit.h"
#include "cli/cli.h"

/* Where the upcall writes to, if it is there. */
#define JOURNAL "/run/systemd/journal/socket"
#define OUT_MAX 262144

/* Where syslog daemons write authpriv to: Debian, others. */
static const char *const files[] = {"/var/log/auth.log", "/var/log/secure"};

/*
 * "Nov 21 14:33:01 HOST PROGRAM[PID]: ..." or
 * "2026-11-21T14:33:01.123456+01:00 HOST PROGRAM[PID]: ..."; what other
 * programs say can look like it only further on.
 */
static bool
read_head(struct vk_span *line, struct vk_span *when)
{
    static const size_t old = sizeof "Nov 21 14:33:01" - 1;
    struct vk_span rest = *line;
    int64_t pid;

    if (rest.len > old && rest.ptr[0] >= 'A' && rest.ptr[old] == ' ') {
        *when = (struct vk_span){rest.ptr, old};
        rest = vk_span_from(rest, old + 1);
    } else {
        *when = vk_span_cut(&rest, ' ');
        if (when->len == 0 || when->ptr[0] < '0' || when->ptr[0] > '9')
            return false;
    }
    vk_span_cut(&rest, ' ');
    if (!vk_span_is(vk_span_cut(&rest, '['), VK_AUDIT_PROGRAM) ||
        !vk_span_number(vk_span_cut(&rest, ']'), INT32_MAX, &pid) ||
        !vk_span_starts(rest, ": "))
        return false;
    *line = vk_span_from(rest, 2);
    return true;
}

static struct vk_span
chomp(const char *line, ssize_t len)
{
    struct vk_span span = {line, (size_t)len};

    if (len > 0 && line[len - 1] == '\n')
        span.len--;
    return span;
}

static enum vk_err
read_syslog(struct vk_log_job *job, FILE *file)
{
    struct vk_log_entry entry = {.unix_time = -1};
    enum vk_err err = VK_OK;
    char *text = NULL;
    size_t size = 0;
    ssize_t len;

    while (err == VK_OK && (len = getline(&text, &size, file)) >= 0) {
        struct vk_span line = chomp(text, len);
        if (read_head(&line, &entry.time))
            err = vk_log_show(job, &entry, line);
    }
    free(text);
    return err;
}

/* NAME, the length in 8 bytes, what is not text, a line break. */
static bool
skip_binary(FILE *file)
{
    uint64_t left;

    if (fread(&left, sizeof left, 1, file) != 1)
        return false;
    for (left = le64toh(left) + 1; left > 0; left--)
        if (getc(file) == EOF)
            return false;
    return true;
}

/* The export format: lines NAME=VALUE, and a blank one behind an entry. */
static enum vk_err
read_export(struct vk_log_job *job, FILE *file)
{
    VK_AUTO_BUF message = VK_BUF(VK_AUDIT_LINE_MAX);
    struct vk_log_entry entry = {.unix_time = -1};
    enum vk_err err = VK_OK;
    char *text = NULL;
    size_t size = 0;
    ssize_t len;

    while (err == VK_OK && (len = getline(&text, &size, file)) >= 0) {
        struct vk_span value = chomp(text, len);
        bool is_end = value.len == 0;
        struct vk_span name = vk_span_cut(&value, '=');
        int64_t time_us;
        if (is_end) {
            err = vk_log_show(job, &entry, vk_buf_span(&message));
            vk_buf_cut(&message, 0);
            entry.unix_time = -1;
        } else if (value.ptr == NULL) {
            if (!skip_binary(file))
                break;
        } else if (vk_span_is(name, "__REALTIME_TIMESTAMP") &&
                   vk_span_number(value, INT64_MAX, &time_us)) {
            entry.unix_time = time_us / 1000000;
        } else if (vk_span_is(name, "MESSAGE") &&
                   value.len < VK_AUDIT_LINE_MAX) {
            vk_buf_cut(&message, 0);
            err = vk_buf_add(&message, value);
        }
    }
    free(text);
    return err;
}

/* Only what root's processes wrote: anybody can write the rest. */
static enum vk_err
read_journal(struct vk_log_job *job, const char *program)
{
    const char *const argv[] = {program,
                                "--quiet",
                                "--no-pager",
                                "--output=export",
                                "--output-fields=MESSAGE",
                                "SYSLOG_IDENTIFIER=" VK_AUDIT_PROGRAM,
                                "_UID=0",
                                NULL};
    int ends[2], status = 0;
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return vk_fail(VK_INTERNAL, "cannot make a pipe: %s", strerror(errno));
    for (size_t i = 0; i < 2; i++)
        ends[i] = vk_file_above_stderr(ends[i]);
    const struct vk_proc_fd fds[] = {{ends[1], STDOUT_FILENO}, {-1, -1}};
    enum vk_err err = vk_proc_start(argv, fds, VK_ATTACHED, &pid);
    close(ends[1]);
    FILE *file = err == VK_OK ? fdopen(ends[0], "r") : NULL;
    if (file == NULL) {
        close(ends[0]);
        return err != VK_OK ? err : VK_NOMEM;
    }
    err = read_export(job, file);
    fclose(file);
    enum vk_err ended = vk_proc_wait(pid, 0, &status);
    /* Without an entry it ends with 1, and has nothing to say. */
    if (err == VK_OK && (ended != VK_OK || status > 1))
        err = vk_fail(VK_IO, "'%s' failed", program);
    return err;
}

static enum vk_err
read_file(struct vk_log_job *job, const char *path)
{
    FILE *file = fopen(path, "re");

    if (file == NULL)
        return vk_fail(VK_IO, "cannot read '%s': %s", path, strerror(errno));
    enum vk_err err = read_syslog(job, file);
    if (err == VK_OK && ferror(file))
        err = vk_fail(VK_IO, "cannot read '%s': %s", path, strerror(errno));
    fclose(file);
    return err;
}

static enum vk_err
read_any(struct vk_log_job *job)
{
    char program[VK_PATH_MAX];

    if (access(JOURNAL, F_OK) == 0 &&
        vk_cli_find_program("journalctl", program))
        return read_journal(job, program);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (access(files[i], F_OK) == 0)
            return read_file(job, files[i]);
    return vk_fail(VK_IO,
                   "there is no log to read: neither journald, nor '%s', nor"
                   " '%s'; have a syslog daemon write authpriv to a file, and"
                   " name it by --file if it is another one",
                   files[0], files[1]);
}

enum vk_err
vk_show_log(const struct vk_cli *cli)
{
    struct vk_log_job job = {.name = cli->operand,
                             .as_json = cli->option[VK_OPT_JSON] != NULL,
                             .out = VK_BUF(OUT_MAX)};
    const char *file = cli->option[VK_OPT_FILE];

    if (!vk_clients_is_machine())
        return vk_fail(VK_USAGE, "the log is that of the machine's clients;"
                                 " see it as root by 'valetkey --system log'");
    job.json = VK_JSON(&job.out);
    if (job.as_json)
        vk_json_open(&job.json, NULL, '[');
    enum vk_err err = file != NULL ? read_file(&job, file) : read_any(&job);
    if (err == VK_OK && job.as_json) {
        vk_json_close(&job.json, ']');
        err = vk_json_end(&job.json);
        if (err == VK_OK)
            err = vk_buf_add_char(&job.out, '\n');
    }
    if (err == VK_OK)
        err = vk_log_flush(&job, 1);
    vk_buf_clear(&job.out);
    return err;
}

/* SPDX-License-Identifier: MIT */
#include "tests/unit/support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "keyring/audit.h"
#include "server/audit.h"

#define LINE                                                             \
    "uid=1001 loginuid=- pid=4321 exe=/usr/bin/git unit=session-3.scope" \
    " name=prod/operate outcome=ok source=registry hash=3f9a1c22b4d0"
#define FORGED "/tmp/x\" uid=0\nVALETKEY_UID=0\n\\x0a"

static struct vk_audit
usual(void)
{
    return (struct vk_audit){{
        [VK_AUDIT_UID] = VK_SPAN("1001"),
        [VK_AUDIT_PID] = VK_SPAN("4321"),
        [VK_AUDIT_EXE] = VK_SPAN("/usr/bin/git"),
        [VK_AUDIT_UNIT] = VK_SPAN("session-3.scope"),
        [VK_AUDIT_NAME] = VK_SPAN("prod/operate"),
        [VK_AUDIT_OUTCOME] = VK_SPAN("ok"),
        [VK_AUDIT_SOURCE] = VK_SPAN("registry"),
        [VK_AUDIT_HASH] = VK_SPAN("3f9a1c22b4d0"),
    }};
}

static void
writes_a_line_and_reads_it(void **state)
{
    struct vk_audit right = usual();
    VK_AUTO_BUF out = VK_BUF(VK_AUDIT_LINE_MAX);
    struct vk_audit audit;

    (void)state;
    assert_int_equal(vk_audit_write(&right, &out), VK_OK);
    assert_span(vk_buf_span(&out), LINE);
    assert_true(vk_audit_read(EDGE(LINE), &audit));
    for (unsigned int i = 0; i < VK_AUDIT_FIELDS; i++)
        assert_true(vk_span_same(audit.value[i], right.value[i]));
    assert_true(vk_audit_read(EDGE(LINE " why=\"it is 'late'\""), &audit));
    assert_span(audit.value[VK_AUDIT_WHY], "it is 'late'");
}

static void
writes_an_entry_of_the_journal(void **state)
{
    struct vk_audit right = usual();
    VK_AUTO_BUF out = VK_BUF(VK_AUDIT_ENTRY_MAX);

    (void)state;
    assert_int_equal(vk_audit_write_entry(&right, 6, &out), VK_OK);
    assert_span(vk_buf_span(&out),
                "MESSAGE=" LINE "\nPRIORITY=6\nSYSLOG_FACILITY=10\n"
                "SYSLOG_IDENTIFIER=valetkey-upcall\nVALETKEY_UID=1001\n"
                "VALETKEY_PID=4321\nVALETKEY_EXE=/usr/bin/git\n"
                "VALETKEY_UNIT=session-3.scope\n"
                "VALETKEY_NAME=prod/operate\nVALETKEY_OUTCOME=ok\n"
                "VALETKEY_SOURCE=registry\nVALETKEY_HASH=3f9a1c22b4d0\n");
}

static size_t
lines_of(struct vk_span text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++)
        count += text.ptr[i] == '\n';
    return count;
}

static void
lets_no_name_make_lines_or_fields(void **state)
{
    struct vk_audit right = usual();
    VK_AUTO_BUF line = VK_BUF(VK_AUDIT_LINE_MAX);
    VK_AUTO_BUF entry = VK_BUF(VK_AUDIT_ENTRY_MAX);
    VK_AUTO_BUF honest = VK_BUF(VK_AUDIT_ENTRY_MAX);
    VK_AUTO_BUF value = VK_BUF(1024);
    struct vk_audit audit = usual(), got;

    (void)state;
    audit.value[VK_AUDIT_EXE] = EDGE(FORGED);
    assert_int_equal(vk_audit_write(&audit, &line), VK_OK);
    assert_int_equal(lines_of(vk_buf_span(&line)), 0);
    assert_true(vk_audit_read(vk_buf_span(&line), &got));
    assert_span(got.value[VK_AUDIT_UID], "1001");
    assert_int_equal(vk_audit_decode(got.value[VK_AUDIT_EXE], &value), VK_OK);
    assert_span(vk_buf_span(&value), FORGED);
    assert_int_equal(vk_audit_write_entry(&audit, 6, &entry), VK_OK);
    assert_int_equal(vk_audit_write_entry(&right, 6, &honest), VK_OK);
    assert_int_equal(lines_of(vk_buf_span(&entry)),
                     lines_of(vk_buf_span(&honest)));
}

static void
has_room_for_the_longest_values(void **state)
{
    static char most[VK_AUDIT_VALUE_MAX + 1];
    VK_AUTO_BUF line = VK_BUF(VK_AUDIT_LINE_MAX);
    VK_AUTO_BUF entry = VK_BUF(VK_AUDIT_ENTRY_MAX);
    VK_AUTO_BUF value = VK_BUF(1024);
    struct vk_audit audit = usual(), got;

    (void)state;
    memset(most, '\n', sizeof most);
    audit.value[VK_AUDIT_EXE] = (struct vk_span){most, sizeof most};
    audit.value[VK_AUDIT_UNIT] = (struct vk_span){most, 256};
    audit.value[VK_AUDIT_WHY] = (struct vk_span){most, VK_AUDIT_VALUE_MAX};
    assert_int_equal(vk_audit_write(&audit, &line), VK_OK);
    assert_int_equal(vk_audit_write_entry(&audit, 6, &entry), VK_OK);
    assert_true(vk_audit_read(vk_buf_span(&line), &got));
    assert_int_equal(got.value[VK_AUDIT_WHY].len, 4 * VK_AUDIT_VALUE_MAX);
    assert_int_equal(vk_audit_decode(got.value[VK_AUDIT_EXE], &value), VK_OK);
    assert_int_equal(value.len, VK_AUDIT_VALUE_MAX + 3);
    assert_memory_equal(value.data + VK_AUDIT_VALUE_MAX, "...", 3);
}

static void
reads_nothing_else(void **state)
{
    static const char *const texts[] = {
        "",
        "uid=1001",
        " " LINE,
        LINE " x=y",
        LINE " why=a b",
        LINE " why=\"a b",
        LINE " why=\"a\"b",
        LINE " why=\"a\" x=y",
        LINE "\n",
        LINE " why=\x1b[0m",
        "pid=1 uid=1001",
        "uid=1001 uid=1001",
    };
    struct vk_audit audit;

    (void)state;
    for (size_t i = 0; i < LENGTH(texts); i++)
        if (vk_audit_read(EDGE(texts[i]), &audit))
            fail_msg("read: '%s'", texts[i]);
}

static void
decodes_only_what_is_a_code(void **state)
{
    VK_AUTO_BUF out = VK_BUF(64);

    (void)state;
    assert_int_equal(vk_audit_decode(EDGE("\\x41\\x5cx41\\x4\\xg1\\"), &out),
                     VK_OK);
    assert_span(vk_buf_span(&out), "A\\x41\\x4\\xg1\\");
}

static void
finds_the_unit_of_the_system(void **state)
{
    static const struct {
        const char *cgroups, *unit;
    } cases[] = {
        {"0::/system.slice/cron.service\n", "cron.service"},
        {"0::/user.slice/user-1001.slice/session-3.scope\n",
         "session-3.scope"},
        /* What is below user@.service is the user's to name. */
        {"0::/user.slice/user-1001.slice/user@1001.service/app.slice/"
         "sshd.service\n",
         "user@1001.service"},
        {"0::/system.slice/system-a.slice/a@b.service/c.service\n",
         "a@b.service"},
        {"0::/a.slice/no-unit/b.service\n", ""},
        {"4:memory:/x.service\n1:name=systemd:/s.slice/y.service\n0::/\n",
         "y.service"},
        {"1:name=mine:/x.service\n10::/z.service\n0::/y.scope", "y.scope"},
        {"0::/../x.service\n", ""},
        {"0::/\n", ""},
        {"0::/.service\n", ""},
        {"0::\n", ""},
        {"no colon", ""},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++)
        assert_span(vk_audit_unit(EDGE(cases[i].cgroups)), cases[i].unit);
}

static int
listen_at(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

    snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

static struct vk_span
next(int fd)
{
    static char text[VK_AUDIT_ENTRY_MAX];
    ssize_t len = recv(fd, text, sizeof text, 0);

    return (struct vk_span){text, len > 0 ? (size_t)len : 0};
}

static void
tell(int error, const char *source)
{
    struct vk_requester who = {.uid = 7, .pid = getpid(), .name = "a"};
    struct vk_traces traces;

    vk_audit_look(who.pid, &traces);
    assert_int_equal(traces.exe[0], '/');
    traces = (struct vk_traces){.exe = "/x"};
    vk_audit_tell(&(struct vk_decision){&who, &traces, error, source,
                                        error == 0 ? "abc" : "", ""});
}

static bool
has(struct vk_span text, const char *part)
{
    return text.len > 0 && memmem(text.ptr, text.len, part, strlen(part));
}

static void
tells_the_journal_else_the_logger_else_nobody(void **state)
{
    const char *journal = vk_test_path("journal");
    const char *logger = vk_test_path("log");
    char line[256];

    (void)state;
    vk_audit_use(journal, logger);
    tell(0, "registry");
    int syslog = listen_at(logger);
    tell(EACCES, "registry");
    snprintf(line, sizeof line,
             "<85>valetkey-upcall[%ld]: uid=7 loginuid=- pid=%ld exe=/x unit=-"
             " name=a outcome=EACCES source=refused hash=-",
             (long)getpid(), (long)getpid());
    assert_span(next(syslog), line);
    int native = listen_at(journal);
    tell(0, "fetch");
    struct vk_span entry = next(native);
    assert_true(has(entry, "\nPRIORITY=6\n"));
    assert_true(has(entry, "\nVALETKEY_SOURCE=fetch\n"));
    assert_true(has(entry, "\nVALETKEY_HASH=abc\n"));
    assert_int_equal(next(syslog).len, 0);
    tell(EBUSY, "fetch");
    assert_true(has(next(native), "\nVALETKEY_SOURCE=busy\n"));
    tell(ECONNREFUSED, "fetch");
    assert_true(has(next(native), "\nVALETKEY_SOURCE=fetch\n"));
    close(native);
    close(syslog);
}

/* A process that waits would be ended by vk_test_child. */
static int
tell_until_it_is_full(void)
{
    for (int i = 0; i < 2000; i++)
        tell(0, "registry");
    return 0;
}

static void
waits_for_no_logger(void **state)
{
    const char *journal = vk_test_path("journal");
    const char *logger = vk_test_path("log");

    (void)state;
    vk_audit_use(journal, logger);
    int native = listen_at(journal), syslog = listen_at(logger);
    assert_int_equal(vk_test_child(tell_until_it_is_full), 0);
    assert_true(next(native).len > 0);
    assert_true(next(syslog).len > 0);
    close(native);
    close(syslog);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_a_line_and_reads_it),
        cmocka_unit_test(writes_an_entry_of_the_journal),
        cmocka_unit_test(lets_no_name_make_lines_or_fields),
        cmocka_unit_test(has_room_for_the_longest_values),
        cmocka_unit_test(reads_nothing_else),
        cmocka_unit_test(decodes_only_what_is_a_code),
        cmocka_unit_test(finds_the_unit_of_the_system),
        cmocka_unit_test_setup_teardown(
            tells_the_journal_else_the_logger_else_nobody, vk_test_enter,
            vk_test_leave),
        cmocka_unit_test_setup_teardown(waits_for_no_logger, vk_test_enter,
                                        vk_test_leave),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

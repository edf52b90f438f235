/* SPDX-License-Identifier: MIT */
#include "tests/unit/support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <keyutils.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"

#define SLOT ((size_t)64 << 10)
#define SLOTS 4
#define HANG_SECONDS 5

char vk_test_dir[64];

struct vk_span
vk_test_edge(const char *text, size_t len)
{
    static char *slot[SLOTS];
    static size_t next;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    assert_true(len <= SLOT);
    next = (next + 1) % SLOTS;
    if (slot[next] == NULL) {
        char *map = mmap(NULL, SLOT + page, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_true(map != MAP_FAILED);
        assert_int_equal(mprotect(map + SLOT, page, PROT_NONE), 0);
        slot[next] = map;
    }
    char *to = slot[next] + SLOT - len;
    memcpy(to, text, len);
    return (struct vk_span){to, len};
}

void
vk_test_assert_span(int line, struct vk_span span, const char *expected)
{
    if (vk_span_is(span, expected))
        return;
    print_error("line %d: '%.*s' is not '%s'\n", line, VK_ARG(span), expected);
    fail();
}

void
vk_test_assert_said(int line, const char *part)
{
    if (strstr(vk_log_last(), part) != NULL)
        return;
    print_error("line %d: '%s' has no '%s' in it\n", line, vk_log_last(),
                part);
    fail();
}

struct vk_clients
vk_test_clients(const char *text)
{
    return (struct vk_clients){.text = EDGE(text), .dir = "/etc/vk"};
}

int
vk_test_enter(void **state)
{
    static const char *const homes[] = {"XDG_CONFIG_HOME", "XDG_CACHE_HOME",
                                        "XDG_RUNTIME_DIR", "XDG_DATA_HOME"};
    const char *base = getenv("TMPDIR");

    (void)state;
    if (base == NULL || base[0] != '/' || strlen(base) > 40)
        base = "/tmp";
    snprintf(vk_test_dir, sizeof vk_test_dir, "%s/vk-unit-XXXXXX", base);
    if (mkdtemp(vk_test_dir) == NULL || setenv("HOME", vk_test_dir, 1) != 0)
        return -1;
    if (setenv("VALETKEY_SYSCONFDIR", vk_test_path("etc"), 1) != 0)
        return -1;
    for (size_t i = 0; i < LENGTH(homes); i++)
        if (setenv(homes[i], vk_test_path(homes[i]), 1) != 0 ||
            mkdir(vk_test_path(homes[i]), 0700) != 0)
            return -1;
    return 0;
}

static int
remove_entry(const char *path, const struct stat *st, int kind,
             struct FTW *where)
{
    (void)st;
    (void)kind;
    (void)where;
    return remove(path);
}

int
vk_test_leave(void **state)
{
    (void)state;
    return nftw(vk_test_dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

const char *
vk_test_path(const char *name)
{
    static char path[4][VK_PATH_MAX];
    static size_t next;

    next = (next + 1) % LENGTH(path);
    snprintf(path[next], VK_PATH_MAX, "%s/%s", vk_test_dir, name);
    return path[next];
}

void
vk_test_write(const char *name, const char *text, unsigned int mode)
{
    int fd = open(vk_test_path(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
                  0600);

    assert_true(fd >= 0);
    assert_int_equal(vk_span_write(vk_span_str(text), fd), VK_OK);
    assert_int_equal(fchmod(fd, (mode_t)mode), 0);
    close(fd);
}

const char *
vk_test_read(const char *name)
{
    static char text[SLOT];
    struct vk_buf buf = {
        .data = text, .cap = SLOT - 1, .max = SLOT - 1, .fixed = true};
    int fd = open(vk_test_path(name), O_RDONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(vk_buf_read(&buf, fd), VK_OK);
    close(fd);
    text[buf.len] = '\0';
    return text;
}

size_t
vk_test_count(const char *name)
{
    DIR *dir = opendir(vk_test_path(name));
    size_t count = 0;

    assert_non_null(dir);
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count - 2;
}

int
vk_test_child(int (*work)(void))
{
    int status;

    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        signal(SIGALRM, SIG_DFL);
        alarm(HANG_SECONDS);
        _exit(work());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void
vk_test_needs_keyring(void)
{
    key_serial_t key =
        add_key("user", "valetkey-test", "x", 1, KEY_SPEC_PROCESS_KEYRING);

    if (key >= 0 && keyctl_get_keyring_ID(KEY_SPEC_USER_KEYRING, 0) >= 0)
        return;
    print_message("# skipped: no kernel keys here: %s\n", strerror(errno));
    skip();
}

const char *
vk_test_key_name(void)
{
    static char name[VK_NAME_MAX + 1];

    /* A child goes by its parent's. */
    if (name[0] == '\0')
        snprintf(name, sizeof name, "unit-%ld", (long)getpid());
    return name;
}

static bool
is_ours(key_serial_t key)
{
    char text[512], name[VK_NAME_MAX + 2];
    long len = keyctl_describe(key, text, sizeof text);

    snprintf(name, sizeof name, ":%s", vk_test_key_name());
    return len > 0 && (size_t)len <= sizeof text &&
           strstr(text, ";valetkey") != NULL && strstr(text, name) != NULL;
}

static size_t
count_keys(bool unlink)
{
    static key_serial_t keys[4096];
    long len = keyctl_read(KEY_SPEC_USER_KEYRING, (char *)keys, sizeof keys);
    size_t count = 0;

    for (long i = 0; i < len / (long)sizeof keys[0]; i++) {
        if (!is_ours(keys[i]))
            continue;
        count++;
        if (unlink)
            keyctl_unlink(keys[i], KEY_SPEC_USER_KEYRING);
    }
    return count;
}

int
vk_test_forget(void **state)
{
    (void)state;
    count_keys(true);
    return 0;
}

size_t
vk_test_keys(void)
{
    return count_keys(false);
}

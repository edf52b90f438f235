/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/whole.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "keyring/clients.h"
#include "tests/fuzz/whole_keys.h"

#define INPUT_MAX ((size_t)100000)
#define FDS 100
#define OUTPUT_MAX ((size_t)1 << 20)

static const char conf[] =
    "[client prod]\ntoken-url = https://idp.example/t\nclient-id = app\n"
    "username = user\nserves = https://git.example, https://r.example,"
    " https://pypi.example, sparse+https://crates.example, https://k.example,"
    " https://*.wild.example, http://localhost:8080\n"
    "[token prod/b]\nscope = b\nserves = https://git.example/b\n"
    "[client gone]\ntoken-url = https://idp.example/t\nclient-id = app\n"
    "serves = https://gone.example\n";

static char dir[] = "/tmp/valetkey-fuzz-XXXXXX";
static char words[INPUT_MAX + 1];
static int in_fd, out_fd, err_fd, saved[3];
static bool was_open[FDS + 4];

/* Where the sanitizers are: their reports do not go where ours do. */
void __sanitizer_set_report_fd(void *fd) __attribute__((weak));

static void
clean_up(void)
{
    char path[128];

    static const char *const files[] = {
        "/valetkey/clients.conf", "/valetkey/prod.lock", "/valetkey/gone.lock",
        "/valetkey/prod+b.lock",  "/valetkey",           "",
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s%s", dir, files[i]);
        remove(path);
    }
}

static void
make_home(void)
{
    char path[128];

    require(mkdtemp(dir) != NULL);
    atexit(clean_up);
    snprintf(path, sizeof path, "%s/valetkey", dir);
    require(mkdir(path, 0700) == 0);
    snprintf(path, sizeof path, "%s/valetkey/clients.conf", dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    require(vk_span_write(vk_span_str(conf), fd) == VK_OK);
    close(fd);
}

/* The keys, as a fetch of each token would have left them. */
static void
make_keys(void)
{
    struct vk_clients clients;
    struct vk_clients_cursor cursor = {0};
    struct vk_profile profile;
    enum vk_err err = VK_OK;
    int64_t now = vk_clock_boot();

    setenv("XDG_CONFIG_HOME", dir, 1);
    require(vk_clients_open_own(&clients) == VK_OK);
    require(vk_clients_check(&clients) == VK_OK);
    while (vk_clients_next(&clients, &cursor, &profile, &err)) {
        struct vk_record record = {.token = VK_SPAN(WHOLE_TOKEN),
                                   .type = VK_SPAN("Bearer"),
                                   .expires = 1795230000,
                                   .refresh = 1795220000,
                                   .boot_expires = now + 86400,
                                   .life = 86400};
        record.config = vk_span_str(profile.fingerprint);
        if (strcmp(profile.name, "prod/b") == 0)
            record.token = VK_SPAN(WHOLE_TOKEN "-b");
        if (strcmp(profile.name, "gone") != 0)
            whole_keys_add(profile.name, &record);
    }
    require(err == VK_OK);
    vk_clients_close(&clients);
}

static void
begin(void)
{
    make_home();
    make_keys();
    in_fd = memfd_create("in", MFD_CLOEXEC);
    out_fd = memfd_create("out", MFD_CLOEXEC);
    err_fd = memfd_create("err", MFD_CLOEXEC);
    for (int i = 0; i < 3; i++)
        saved[i] = fcntl(i, F_DUPFD_CLOEXEC, FDS);
    for (int fd = 0; fd < FDS; fd++)
        was_open[fd] = fcntl(fd, F_GETFD) >= 0;
    if (__sanitizer_set_report_fd != NULL)
        __sanitizer_set_report_fd((void *)(intptr_t)saved[2]);
}

static void
set_environment(struct vk_span value)
{
    static char *none[] = {NULL};
    static char text[INPUT_MAX + 1];

    environ = none;
    setenv("HOME", dir, 1);
    setenv("XDG_CONFIG_HOME", dir, 1);
    setenv("XDG_RUNTIME_DIR", dir, 1);
    setenv("VALETKEY_SYSCONFDIR", "/nonexistent", 1);
    setenv("VALETKEY_LIBEXECDIR", "/nonexistent", 1);
    if (value.len == 0)
        return;
    memcpy(text, value.ptr, value.len);
    text[value.len] = '\0';
    setenv("KUBERNETES_EXEC_INFO", text, 1);
    setenv("CARGO_REGISTRY_INDEX_URL", text, 1);
}

/* They last as long as the program, as argv does. */
static void
set_words(struct vk_span line, struct whole *in)
{
    static char name[] = "program";
    char *rest = words;

    if (line.len > 0)
        memcpy(words, line.ptr, line.len);
    words[line.len] = '\0';
    in->argv[in->argc++] = name;
    while (rest != NULL && rest[0] != '\0' &&
           in->argc < (int)(sizeof in->argv / sizeof in->argv[0]) - 1)
        in->argv[in->argc++] = strsep(&rest, " ");
}

static struct vk_span
read_all(int fd, struct vk_buf *out)
{
    require(lseek(fd, 0, SEEK_SET) == 0);
    require(vk_buf_read(out, fd) == VK_OK);
    return vk_buf_span(out);
}

/* clients.conf stays open for as long as the program runs. */
static void
close_others(void)
{
    int next = dup(saved[0]);

    require(next >= 0);
    for (int fd = STDERR_FILENO + 1; fd <= next; fd++)
        if (!was_open[fd])
            close(fd);
}

static int
run(struct whole *in)
{
    const int fds[3] = {in_fd, out_fd, err_fd};

    for (int i = 0; i < 3; i++)
        require(ftruncate(fds[i], 0) == 0 && lseek(fds[i], 0, SEEK_SET) == 0);
    require(vk_span_write(in->input, in_fd) == VK_OK);
    require(lseek(in_fd, 0, SEEK_SET) == 0);
    fflush(stdout);
    for (int i = 0; i < 3; i++)
        require(dup2(fds[i], i) == i);
    optind = 0;
    int status = whole_main(in->argc, in->argv);
    fflush(stdout);
    for (int i = 0; i < 3; i++)
        require(dup2(saved[i], i) == i);
    whole_reset();
    close_others();
    return status;
}

/* Does it stand in a password's place of standard input, and nowhere else? */
static bool
has_secret(struct vk_span before_input, struct vk_span all)
{
    static const char *const before[] = {"password=", "\"Secret\":\"",
                                         "\"token\":\"", "\"password\":\""};
    const char *at = all.len > 0 ? memmem(all.ptr, all.len, WHOLE_SECRET,
                                          sizeof WHOLE_SECRET - 1)
                                 : NULL;
    bool found = false;

    if (at == NULL || holds(before_input, VK_SPAN("s3cret")))
        return false;
    for (size_t i = 0; i < sizeof before / sizeof before[0]; i++) {
        size_t len = strlen(before[i]);
        found |= (size_t)(at - all.ptr) >= len &&
                 memcmp(at - len, before[i], len) == 0;
    }
    struct vk_span rest = vk_span_from(all, (size_t)(at - all.ptr) + 1);
    return found && !holds(rest, VK_SPAN("s3cret"));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vk_span all = {(const char *)data, size}, rest = all;
    VK_AUTO_BUF out = VK_BUF(OUTPUT_MAX);
    VK_AUTO_BUF err = VK_BUF(OUTPUT_MAX);
    struct whole in = {.argc = 0};
    char **before = environ;

    if (size > INPUT_MAX)
        return 0;
    if (out_fd == 0)
        begin();
    struct vk_span line = vk_span_cut(&rest, '\n');
    in.environment = vk_span_cut(&rest, '\n');
    set_environment(in.environment);
    set_words(line, &in);
    in.input = rest;
    int status = run(&in);
    struct vk_span said = read_all(out_fd, &out);
    struct vk_span told = read_all(err_fd, &err);
    environ = before;

    require(status >= 0 && status < 128);
    if (holds(all, VK_SPAN(WHOLE_TOKEN)))
        return 0;
    require(!holds(told, VK_SPAN(WHOLE_TOKEN)));
    struct vk_span before_input = {all.ptr, size - rest.len};
    if (has_secret(before_input, rest))
        require(!holds(told, VK_SPAN("s3cret")) &&
                !holds(said, VK_SPAN("s3cret")));
    whole_check(&in, status, said, told);
    return 0;
}

/* No other program is started, and none takes this one's place. */
pid_t
fork(void)
{
    errno = EAGAIN;
    return -1;
}

int
execv(const char *path, char *const argv[])
{
    whole_exec(path, argv);
    errno = ENOENT;
    return -1;
}

int
execvp(const char *file, char *const argv[])
{
    return execv(file, argv);
}

/* SPDX-License-Identifier: MIT */
/*
 * What was freed is looked at by its address and through /proc/self/mem, and
 * freed through pointers that the compiler cannot see behind, so that it can
 * neither leave out the writing nor complain of the reading.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "oauth/https.h"
#include "oauth/jwt.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

#define CHUNK 65536
#define MARK_MAX 20

/*
 * What to look for: a marker, and the middle of it in base64.  Each byte has
 * its last bit turned, so that this table itself is not found.
 */
static const char *const marks[] = {
    "L`sjds,hr,rdbsdu",
    "UVGx`3WxMVm{MYOmX2Km",
};

static int memory = -1;
static void *(*volatile acquire)(size_t) = malloc;
static void *(*volatile resize)(void *, size_t) = realloc;
static void (*volatile release)(void *) = free;

/* The marker, over and over, without a NUL; for blocks of the heap only. */
static void
mark(void *block, size_t len)
{
    volatile char *byte = block;

    for (size_t i = 0; i < len; i++)
        byte[i] = (char)(marks[0][i % 16] ^ 1);
}

static bool
is_mark(const char *data, size_t len, const char *marker)
{
    size_t i = 0;

    while (marker[i] != '\0' && i < len && data[i] == (marker[i] ^ 1))
        i++;
    return marker[i] == '\0';
}

/* How often something marked stands there; nothing is where nothing is. */
static size_t
found(uintptr_t from, size_t len)
{
    char chunk[CHUNK];
    size_t count = 0;

    while (len > 0) {
        size_t want = len < CHUNK ? len : CHUNK;
        ssize_t n = pread(memory, chunk, want, (off_t)from);
        if (n <= 0)
            break;
        size_t have = (size_t)n;
        for (size_t i = 0; i < have; i++)
            for (size_t m = 0; m < sizeof marks / sizeof marks[0]; m++)
                count += is_mark(chunk + i, have - i, marks[m]);
        if (have == len)
            break;
        /* The next piece begins with what a marker may have begun in. */
        size_t step = have > MARK_MAX ? have - MARK_MAX : have;
        from += step;
        len -= step;
    }
    return count;
}

/* The same for everything that this program can write to but its stack. */
static size_t
found_anywhere(void)
{
    char maps[CHUNK], *line = maps, *next;
    size_t count = 0, len = 0;
    ssize_t n;
    int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);

    while ((n = read(fd, maps + len, sizeof maps - 1 - len)) > 0)
        len += (size_t)n;
    close(fd);
    assert_in_range(len, 1, sizeof maps - 2);
    maps[len] = '\0';
    while ((next = strchr(line, '\n')) != NULL) {
        char *end;
        *next = '\0';
        uintptr_t from = strtoul(line, &end, 16);
        uintptr_t to = strtoul(end + 1, &end, 16);
        if (strncmp(end, " rw", 3) == 0 && strstr(line, "[stack") == NULL)
            count += found(from, to - from);
        line = next + 1;
    }
    return count;
}

static const size_t sizes[] = {16, 24, 100, 1000, 5000, 70000, 1000000};

#define SIZES (sizeof sizes / sizeof sizes[0])

static void
finds_a_marker_in_a_living_block(void **state)
{
    (void)state;
    assert_int_equal(found_anywhere(), 0);
    for (size_t i = 0; i < SIZES; i++) {
        char *block = acquire(sizes[i]);
        mark(block, sizes[i]);
        assert_int_not_equal(found((uintptr_t)block, sizes[i]), 0);
        assert_int_not_equal(found_anywhere(), 0);
        release(block);
    }
}

static void
free_wipes_the_block_and_the_room_behind_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZES; i++) {
        char *block = acquire(sizes[i]);
        uintptr_t at = (uintptr_t)block;
        size_t len = malloc_usable_size(block);
        /* What the caller asked for, then what it got. */
        mark(block, sizes[i]);
        release(block);
        assert_int_equal(found(at, len), 0);
        block = acquire(sizes[i]);
        at = (uintptr_t)block;
        mark(block, malloc_usable_size(block));
        release(block);
        assert_int_equal(found(at, len), 0);
        assert_int_equal(found_anywhere(), 0);
    }
}

static void
free_leaves_errno_and_null_alone(void **state)
{
    (void)state;
    errno = EDOM;
    release(NULL);
    release(acquire(100));
    release(acquire(1000000));
    assert_int_equal(errno, EDOM);
}

/* from bytes grow or shrink to size: they stay, and nothing else does. */
static void
move(size_t from, size_t size)
{
    size_t kept = from < size ? from : size;
    char *block = acquire(from);
    uintptr_t at = (uintptr_t)block;

    mark(block, from);
    char *fresh = resize(block, size);
    assert_non_null(fresh);
    assert_true(malloc_usable_size(fresh) >= size);
    for (size_t i = 0; i < kept; i++)
        assert_int_equal(fresh[i], marks[0][i % 16] ^ 1);
    if ((uintptr_t)fresh != at)
        assert_int_equal(found(at, from), 0);
    at = (uintptr_t)fresh;
    size = malloc_usable_size(fresh);
    release(fresh);
    assert_int_equal(found(at, size), 0);
    assert_int_equal(found_anywhere(), 0);
}

static void
realloc_keeps_the_content_and_wipes_what_it_leaves(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZES; i++)
        for (size_t k = 0; k < SIZES; k++)
            move(sizes[i], sizes[k]);
    move(1000, 999);
    move(1000, 1001);
    move(1000, 1);
}

static void
realloc_to_nothing_frees_and_from_nothing_allocates(void **state)
{
    (void)state;
    char *block = resize(NULL, 1000);
    uintptr_t at = (uintptr_t)block;

    assert_non_null(block);
    mark(block, 1000);
    assert_null(resize(block, 0));
    assert_int_equal(found(at, 1000), 0);
}

static void
a_realloc_that_fails_leaves_the_block_as_it_was(void **state)
{
    (void)state;
    char *block = acquire(1000);

    mark(block, 1000);
    errno = 0;
    assert_null(resize(block, PTRDIFF_MAX));
    assert_int_equal(errno, ENOMEM);
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(block[i], marks[0][i % 16] ^ 1);
    release(block);
    assert_int_equal(found_anywhere(), 0);
}

static void
what_the_c_library_frees_is_wiped(void **state)
{
    char text[17] = "", *copy = NULL, *line = NULL;
    size_t len = 0;

    (void)state;
    mark(text, 16);
    FILE *stream = open_memstream(&copy, &len);
    for (int i = 0; i < 1000; i++)
        fputs(text, stream);
    fclose(stream);
    assert_int_equal(len, 16000);
    stream = fmemopen(copy, len, "r");
    len = 0;
    assert_int_equal(getline(&line, &len, stream), 16000);
    fclose(stream);
    stream = fopen("/dev/null", "w");
    fputs(text, stream);
    assert_int_not_equal(found_anywhere(), 0);
    fclose(stream);
    line = reallocarray(line, 2, 16000);
    release(line);
    release(copy);
    assert_int_equal(asprintf(&copy, "%s%s", text, text), 32);
    release(copy);
    assert_int_equal(found_anywhere(), 0);
}

static void
what_json_c_frees_is_wiped(void **state)
{
    VK_AUTO_BUF text = VK_BUF(65536);

    (void)state;
    assert_int_equal(vk_buf_add_str(&text, "{\"a\":\""), VK_OK);
    assert_int_equal(vk_buf_reserve(&text, 16000), VK_OK);
    mark(text.data + text.len, 16000);
    text.len += 16000;
    assert_int_equal(vk_buf_add_str(&text, "\",\"b\":{}}"), VK_OK);
    struct json_object *object = json_tokener_parse(vk_buf_str(&text));
    assert_non_null(object);
    vk_buf_clear(&text);
    assert_int_not_equal(found_anywhere(), 0);
    assert_non_null(json_object_to_json_string(object));
    json_object_put(object);
    assert_int_equal(found_anywhere(), 0);
}

static void
the_claims_of_a_jwt_are_wiped(void **state)
{
    char token[] = "e30.eyJleHAiOjc3LCJhIjoiTWFya2VyLWlzLXNlY3JldCJ9.c2ln";
    int64_t ends, issued;

    (void)state;
    assert_int_not_equal(found((uintptr_t)token, sizeof token), 0);
    assert_true(vk_jwt_times(vk_span_str(token), &ends, &issued));
    assert_int_equal(ends, 77);
    assert_int_equal(found_anywhere(), 0);
}

/* One request, up to "&end", gets one reply with the marker all over it. */
static void
serve(int listener)
{
    char text[17] = "", request[4096], reply[512];
    size_t have = 0;
    int fd = accept(listener, NULL, NULL);
    ssize_t n = 1;

    mark(text, 16);
    while (n > 0 && memmem(request, have, "&end", 4) == NULL) {
        n = read(fd, request + have, sizeof request - have);
        have += n > 0 ? (size_t)n : 0;
    }
    int len = snprintf(reply, sizeof reply,
                       "HTTP/1.1 200 OK\r\nX-Echo: %s\r\n"
                       "Content-Length: 35\r\n\r\n"
                       "{\"access_token\":\"%s\"}\n",
                       text, text);
    _exit(write(fd, reply, (size_t)len) == len ? 0 : 1);
}

static int
listen_anywhere(char *url, size_t size)
{
    struct sockaddr_in addr = {.sin_family = AF_INET};
    socklen_t len = sizeof addr;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, len), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
    snprintf(url, size, "http://127.0.0.1:%u/", ntohs(addr.sin_port));
    return fd;
}

static void
what_libcurl_frees_is_wiped(void **state)
{
    char secret[17] = "", body[64], url[64];
    struct vk_http_reply reply = VK_HTTP_REPLY;
    const char *why = "";

    (void)state;
    mark(secret, 16);
    snprintf(body, sizeof body, "client_secret=%s&end", secret);
    int listener = listen_anywhere(url, sizeof url);
    pid_t child = fork();
    if (child == 0) {
        /* It must not outlive a test that crashes. */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(listener);
    }
    close(listener);
    struct vk_exchange exchange = {
        .url = url,
        .content_type = "Content-Type: application/x-www-form-urlencoded",
        .user = "id",
        .password = secret,
        .body = vk_span_str(body),
        .timeout_ms = 30000,
    };
    enum vk_err err = vk_https_send(&exchange, &reply, &why);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_int_equal(err, VK_OK);
    assert_int_equal(reply.body.len, 35);
    assert_int_not_equal(found_anywhere(), 0);
    vk_buf_clear(&reply.body);
    assert_int_equal(found_anywhere(), 0);
}

int
main(void)
{
    static const char *const proxies[] = {"http_proxy", "all_proxy",
                                          "ALL_PROXY"};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_a_marker_in_a_living_block),
        cmocka_unit_test(free_wipes_the_block_and_the_room_behind_it),
        cmocka_unit_test(free_leaves_errno_and_null_alone),
        cmocka_unit_test(realloc_keeps_the_content_and_wipes_what_it_leaves),
        cmocka_unit_test(realloc_to_nothing_frees_and_from_nothing_allocates),
        cmocka_unit_test(a_realloc_that_fails_leaves_the_block_as_it_was),
        cmocka_unit_test(what_the_c_library_frees_is_wiped),
        cmocka_unit_test(what_json_c_frees_is_wiped),
        cmocka_unit_test(the_claims_of_a_jwt_are_wiped),
        cmocka_unit_test(what_libcurl_frees_is_wiped),
    };

    /* valgrind(1): it preloads its own, which takes the place of ours. */
    const char *preload = getenv("LD_PRELOAD");
    if (SANITIZED || (preload != NULL && strstr(preload, "vgpreload"))) {
        puts("1..0 # SKIP sanitizers and valgrind bring their own allocator");
        return 0;
    }
    for (size_t i = 0; i < sizeof proxies / sizeof proxies[0]; i++)
        unsetenv(proxies[i]);
    memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    if (memory < 0) {
        puts("1..0 # SKIP /proc/self/mem cannot be read here");
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}

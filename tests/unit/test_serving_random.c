/* SPDX-License-Identifier: MIT */
/*
 * keyring/serving.c looks for a host in the text and reads only the lines
 * round it.  Here random files are read line by line, and both must agree.
 */
#include "tests/unit/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "base/log.h"
#include "keyring/keys.h"
#include "keyring/sections.h"

#define FILES 20000
#define REQUESTS 8
#define TEXT_MAX 4096

static uint64_t seed = 20240229;

/* xorshift: the same files on every machine. */
static size_t
draw(size_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (size_t)(seed >> 33) % below;
}

#define PICK(table) ((table)[draw(LENGTH(table))])

static void
add(struct vk_buf *out, const char *text)
{
    assert_int_equal(vk_buf_add_str(out, text), VK_OK);
}

static const char *const schemes[] = {
    "", "", "https://", "http://", "HTTPS://", "grpcs://", "sparse+http://"};
static const char *const hosts[] = {
    "a.com",     "A.com",     "b.a.com",     "x.b.a.com", "com",  "xa.com",
    "a.com.com", "localhost", "a.localhost", "127.0.0.1", "[::1]"};
static const char *const wildcards[] = {"*.a.com", "*.com", "*.b.A.com"};
static const char *const ports[] = {"", "", "", ":443", ":80", ":8443"};
static const char *const paths[] = {
    "",        "",     "/",      "/x",     "/x/",     "/xy",  "/x/y",
    "/X",      "/x//", "/x/y/z", "/,",     "/x/,",    "/x,b", "/..",
    "/x/../x", "/x?q", "#f",     "/a.com", "?a.com/x"};

static void
add_url(struct vk_buf *out, const char *host)
{
    add(out, PICK(schemes));
    add(out, host);
    add(out, PICK(ports));
    add(out, PICK(paths));
}

/* One that clients.conf may hold. */
static void
add_item(struct vk_buf *out)
{
    for (;;) {
        size_t from = out->len;
        add_url(out, draw(4) == 0 ? PICK(wildcards) : PICK(hosts));
        struct vk_span item = vk_span_from(vk_buf_span(out), from);
        if (vk_key_rows[VK_KEY_SERVES].objection(item) == NULL)
            return;
        vk_buf_cut(out, from);
    }
}

static void
add_line(struct vk_buf *out)
{
    static const char *const keys[] = {
        "serves = ",  "serves = ", "serves=",    " serves\t=\t", "audience = ",
        "#serves = ", "; ",        "servers = ", "serves : ",
    };
    static const char *const commas[] = {",", ", ", " ,\t"};
    static const char *const ends[] = {"\n", "\n", "\r\n", " \n", "\n\n"};

    add(out, PICK(keys));
    add_item(out);
    while (draw(3) == 0) {
        add(out, PICK(commas));
        add_item(out);
    }
    add(out, PICK(ends));
}

static void
make_file(struct vk_buf *out)
{
    static const char *const headers[] = {"[client a]\n", " [token a/b]\n",
                                          "\t[client c]\r\n", "# [x y]\n"};

    vk_buf_cut(out, 0);
    while (out->len == 0 || (draw(6) != 0 && out->len < TEXT_MAX / 2)) {
        if (draw(20) != 0)
            add(out, PICK(headers));
        for (size_t lines = draw(3); lines > 0; lines--)
            add_line(out);
    }
    if (draw(4) == 0)
        vk_buf_cut(out, out->len - 1);
}

struct best {
    unsigned int rank;
    const char *section;
    bool tie;
};

static void
read_items(struct vk_span list, const char *section,
           const struct vk_url *request, struct best *best)
{
    while (list.ptr != NULL) {
        struct vk_url url;
        if (!vk_url_parse(vk_span_trim(vk_span_cut(&list, ',')), &url))
            continue;
        unsigned int rank = vk_url_serves(&url, request);
        if (rank > best->rank)
            *best = (struct best){rank, section, false};
        else if (rank > 0 && rank == best->rank && section != best->section)
            best->tie = true;
    }
}

/* The slow way: every item of every line. */
static enum vk_err
read_every_line(struct vk_span text, const struct vk_url *request,
                const char **section)
{
    struct vk_conf conf = VK_CONF_OF(text);
    struct vk_conf_line line;
    struct best best = {0, NULL, false};
    const char *current = NULL;
    enum vk_conf_kind kind;

    while ((kind = vk_conf_next(&conf, &line)) != VK_CONF_END) {
        if (kind == VK_CONF_SECTION)
            current = vk_span_trim(line.text).ptr;
        if (kind == VK_CONF_PAIR && vk_span_is(line.key, "serves"))
            read_items(line.value, current, request, &best);
    }
    *section = best.section;
    /* A request for a wildcard is none. */
    if (best.rank == 0 || request->host.ptr[0] == '*')
        return VK_NOCLIENT;
    return best.tie || best.section == NULL ? VK_CONFIG : VK_OK;
}

static void
compare(struct vk_span text, const char *url)
{
    struct vk_clients clients = {.text = text, .dir = "/etc/vk"};
    struct vk_span section = {NULL, 0};
    struct vk_url request;
    const char *expected;

    if (!vk_url_parse(EDGE(url), &request))
        fail_msg("'%s' is no URL", url);
    enum vk_err want = read_every_line(text, &request, &expected);
    enum vk_err err = vk_sections_serving(&clients, &request, &section);
    if (err == want && (err != VK_OK || section.ptr == expected))
        return;
    print_error("'%s': %s, line by line %s\n%.*s\n", url, vk_err_name(err),
                vk_err_name(want), (int)text.len, text.ptr);
    fail();
}

static void
agrees_with_reading_every_line(void **state)
{
    VK_STATIC_BUF(text, TEXT_MAX);
    VK_STATIC_BUF(url, 256);

    (void)state;
    for (int i = 0; i < FILES; i++) {
        make_file(&text);
        struct vk_span edge = vk_test_edge(text.data, text.len);
        for (int k = 0; k < REQUESTS; k++) {
            /* EDGE of the URL must not take the file's place. */
            if (k % 2 == 0)
                edge = vk_test_edge(text.data, text.len);
            vk_buf_cut(&url, 0);
            add_url(&url, draw(16) == 0 ? PICK(wildcards) : PICK(hosts));
            compare(edge, vk_buf_str(&url));
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_reading_every_line),
    };

    vk_log_keep();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

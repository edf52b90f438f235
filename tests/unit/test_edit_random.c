/* SPDX-License-Identifier: MIT */
/*
 * cli/edit.c: whatever the file looks like, every line outside the changed
 * sections stays, byte by byte and in order.  Blank lines do not count here.
 */
#include "tests/unit/support.h"

#include <string.h>

#include "base/log.h"
#include "cli/edit.h"
#include "tests/unit/edit_rest.h"

#define ROUNDS 20000
#define TEXT_MAX 8192
#define NEW "[client a]\ntoken-url = https://new.com\nclient-id = new\n"

static uint64_t seed = 19700101;

/* xorshift: the same files on every machine. */
static size_t
draw(size_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (size_t)(seed >> 33) % below;
}

static void
add(struct vk_buf *out, const char *text)
{
    assert_int_equal(vk_buf_add_str(out, text), VK_OK);
}

static void
add_noise(struct vk_buf *out)
{
    static const char *const noise[] = {
        "\n", "\r\n", " \t\n", "# c\n", "  ; c\r\n", "#\n", "# [client a]\n"};

    while (draw(3) != 0)
        add(out, noise[draw(LENGTH(noise))]);
}

/* Clients a, b, ab and some of their tokens, in any order. */
static void
make_file(struct vk_buf *out)
{
    static const char *const sections[] = {"[client a]\n",    "[client b]\r\n",
                                           "  [client ab]\n", "[token a/x]\n",
                                           "[token a/y]\r\n", "[token b/a]\n",
                                           "\t[token ab/a]\n"};
    bool used[LENGTH(sections)] = {false};

    vk_buf_cut(out, 0);
    add_noise(out);
    for (size_t i = 0; i < 5; i++) {
        size_t which = draw(LENGTH(sections));
        if (used[which])
            continue;
        used[which] = true;
        add(out, sections[which]);
        add_noise(out);
        add(out, draw(2) == 0 ? "scope = s\n" : " scope=s \r\n");
        add_noise(out);
        if (draw(2) == 0)
            add(out, "audience = [client a]\n");
        add_noise(out);
    }
    if (out->len > 0 && draw(3) == 0)
        vk_buf_cut(out, out->len - 1);
}

static void
assert_kept(struct vk_span before, const char *name, struct vk_span put)
{
    VK_AUTO_BUF expected = VK_BUF(TEXT_MAX);
    VK_AUTO_BUF rest = VK_BUF(TEXT_MAX);
    struct vk_edit edit = {.lock = -1, .text = VK_BUF(TEXT_MAX)};

    assert_int_equal(vk_buf_add(&edit.text, before), VK_OK);
    assert_int_equal(vk_edit_put(&edit, name, put), VK_OK);
    struct vk_span after = vk_buf_span(&edit.text);
    edit_rest(before, name, &expected);
    edit_rest(after, name, &rest);
    bool there = put.len == 0 ||
                 (after.len > 0 &&
                  memmem(after.ptr, after.len, put.ptr, put.len) != NULL);
    if (!there || !vk_span_same(vk_buf_span(&expected), vk_buf_span(&rest))) {
        print_error("BEFORE\n%.*s\nAFTER '%s'\n%.*s\n", (int)before.len,
                    before.ptr, name, (int)after.len, after.ptr);
        vk_buf_clear(&edit.text);
        fail();
    }
    vk_buf_clear(&edit.text);
}

static void
keeps_every_line_outside_the_changed_sections(void **state)
{
    VK_AUTO_BUF text = VK_BUF(TEXT_MAX);

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        make_file(&text);
        struct vk_span before = vk_test_edge(text.data, text.len);
        assert_kept(before, "a", VK_SPAN(NEW));
        assert_kept(before, "a", VK_SPAN(""));
        assert_kept(before, "a/x", VK_SPAN("[token a/x]\nscope = 9\n"));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_every_line_outside_the_changed_sections),
    };

    vk_log_keep();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

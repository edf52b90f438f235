/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "keyring/needle.h"

#define TEXT_BYTES 3000

/* The same numbers in every run. */
static unsigned int
number(unsigned int below)
{
    static unsigned int state = 1;

    state = state * 1103515245U + 12345U;
    return (state >> 16) % below;
}

/* As memmem(3) finds them. */
static void
assert_finds(struct vk_span text, struct vk_span what)
{
    struct vk_needle needle;
    size_t from = 0;
    const char *p;

    vk_needle_init(&needle, what);
    do {
        p = vk_needle_find(&needle, text, from);
        assert_ptr_equal(
            p, memmem(text.ptr + from, text.len - from, what.ptr, what.len));
        from = p != NULL ? (size_t)(p - text.ptr) + 1 : 0;
    } while (p != NULL);
}

static void
finds_what_is_there(void **state)
{
    (void)state;
    assert_finds(VK_SPAN("[client a]\n[client b]\n"), VK_SPAN("[client b]"));
    assert_finds(VK_SPAN("[client b]"), VK_SPAN("[client b]"));
    assert_finds(VK_SPAN("[client b"), VK_SPAN("[client b]"));
    assert_finds(VK_SPAN("aaaaaaaa"), VK_SPAN("aa"));
    assert_finds(VK_SPAN("abababab"), VK_SPAN("bab"));
    assert_finds(VK_SPAN("a"), VK_SPAN("ab"));
    assert_finds(VK_SPAN(""), VK_SPAN("ab"));
}

/* The table knows half of a byte: these share a place in it. */
static void
pairs_that_share_a_place_are_told_apart(void **state)
{
    (void)state;
    assert_finds(VK_SPAN("xaqx xa1x xaax"), VK_SPAN("xa1"));
    assert_finds(VK_SPAN("1x qx ax x1 xq xa"), VK_SPAN("xq"));
}

static void
finds_what_memmem_finds_in_random_text(void **state)
{
    static char text[TEXT_BYTES];

    (void)state;
    for (unsigned int round = 0; round < 3000; round++) {
        unsigned int letters = 1 + number(9);
        size_t len = number(TEXT_BYTES);
        size_t most = len < VK_NEEDLE_MAX ? len : VK_NEEDLE_MAX;
        for (size_t i = 0; i < len; i++)
            text[i] = (char)('a' + number(letters));
        if (most < 2)
            continue;
        size_t size = 2 + number((unsigned int)most - 1);
        if (round % 2 == 0 && size > 12)
            size = 12;
        size_t at = number((unsigned int)(len - size + 1));
        assert_finds((struct vk_span){text, len},
                     (struct vk_span){text + at, size});
    }
}

static void
reads_no_byte_behind_the_text(void **state)
{
    (void)state;
    for (size_t len = 0; len < 200; len++) {
        char *text = test_malloc(len > 0 ? len : 1);
        memset(text, 'a', len);
        struct vk_span span = {text, len};
        /* The sanitizers and valgrind look. */
        assert_finds(span, VK_SPAN("baaaaaaaaaaaaaaaaaaa"));
        assert_finds(span, VK_SPAN("xyz"));
        test_free(text);
    }
}

/* Text that is looked through in blocks, up to its very end. */
static void
finds_what_memmem_finds_in_a_large_text(void **state)
{
    static char text[VK_NEEDLE_LARGE + 200];

    (void)state;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)('a' + number(26));
    for (size_t size = 2; size <= VK_NEEDLE_MAX; size = size * 5 / 2)
        for (unsigned int round = 0; round < 8; round++) {
            size_t len = VK_NEEDLE_LARGE + number(200);
            size_t back = round % 2 == 0 ? number(200) : number(1 << 20);
            size_t at = len - size - (back < len - size ? back : 0);
            assert_finds((struct vk_span){text, len},
                         (struct vk_span){text + at, size});
        }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_is_there),
        cmocka_unit_test(pairs_that_share_a_place_are_told_apart),
        cmocka_unit_test(finds_what_memmem_finds_in_random_text),
        cmocka_unit_test(reads_no_byte_behind_the_text),
        cmocka_unit_test(finds_what_memmem_finds_in_a_large_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

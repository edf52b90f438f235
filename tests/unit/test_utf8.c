/* SPDX-License-Identifier: MIT */
#include "tests/unit/support.h"

#include <string.h>

#include "base/utf8.h"

/* code in the form of size bytes (RFC 3629 section 3), shortest or not. */
static void
encode(unsigned int code, size_t size, char out[4])
{
    static const unsigned char lead[] = {0, 0x00, 0xc0, 0xe0, 0xf0};

    for (size_t i = size; i > 1; i--) {
        out[i - 1] = (char)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    out[0] = (char)(lead[size] | code);
}

static size_t
shortest(unsigned int code)
{
    return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

static void
takes_every_character_in_its_shortest_form_only(void **state)
{
    (void)state;
    for (unsigned int code = 0; code <= 0x1fffff; code++) {
        bool good = code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
        for (size_t size = shortest(code); size <= 4; size++) {
            char text[4];
            encode(code, size, text);
            size_t want = good && size == shortest(code) ? size : 0;
            if (vk_utf8_length((struct vk_span){text, size}) != want)
                fail_msg("U+%04X in %zu bytes", code, size);
        }
    }
}

static void
refuses_a_sequence_cut_short(void **state)
{
    static const char *const texts[] = {"\xc3\xa9", "\xe2\x82\xac",
                                        "\xf0\x9f\x94\x91"};

    (void)state;
    for (size_t i = 0; i < LENGTH(texts); i++) {
        size_t whole = i + 2;
        for (size_t len = 0; len < whole; len++)
            assert_int_equal(vk_utf8_length(vk_test_edge(texts[i], len)), 0);
        assert_int_equal(vk_utf8_length(vk_test_edge(texts[i], whole)), whole);
    }
    assert_int_equal(vk_utf8_length((struct vk_span){NULL, 0}), 0);
}

static void
refuses_bytes_that_begin_or_continue_nothing(void **state)
{
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        char stray[4] = {(char)byte, '\x80', '\x80', '\x80'};
        char broken[3] = {'\xe2', (char)byte, '\x82'};
        bool lead = byte < 0x80 || (byte >= 0xc2 && byte <= 0xf4);
        bool wide = byte != 0xe0 && byte != 0xf0;
        bool inner = byte >= 0x80 && byte <= 0xbf;
        if (wide)
            assert_int_equal(
                vk_utf8_length(vk_test_edge(stray, sizeof stray)) > 0, lead);
        assert_int_equal(vk_utf8_length(vk_test_edge(broken, sizeof broken)),
                         inner ? 3 : 0);
    }
}

static void
looks_at_the_first_sequence_only(void **state)
{
    (void)state;
    assert_int_equal(vk_utf8_length(EDGE("a\xff")), 1);
    assert_int_equal(vk_utf8_length(EDGE("\xc3\xa9\xff")), 2);
    assert_int_equal(vk_utf8_length(vk_test_edge("\0a", 2)), 1);
}

static void
text_is_whole_and_has_no_nul(void **state)
{
    (void)state;
    assert_true(vk_utf8_is_text(EDGE("")));
    assert_true(vk_utf8_is_text((struct vk_span){NULL, 0}));
    assert_true(vk_utf8_is_text(EDGE("a\xc3\xa9\n\x7f")));
    assert_false(vk_utf8_is_text(EDGE("a\xc3")));
    assert_false(vk_utf8_is_text(EDGE("a\xff"
                                      "b")));
    assert_false(vk_utf8_is_text(vk_test_edge("a\0b", 3)));
    assert_false(vk_utf8_is_text(vk_test_edge("a\0", 2)));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_every_character_in_its_shortest_form_only),
        cmocka_unit_test(refuses_a_sequence_cut_short),
        cmocka_unit_test(refuses_bytes_that_begin_or_continue_nothing),
        cmocka_unit_test(looks_at_the_first_sequence_only),
        cmocka_unit_test(text_is_whole_and_has_no_nul),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "tests/unit/support.h"

#include <string.h>

#include "base/conf.h"

struct expected {
    enum vk_conf_kind kind;
    const char *key, *value;
};

/* text is one line. */
static void
assert_line(const char *text, size_t len, const struct expected *want)
{
    struct vk_conf conf = VK_CONF_OF(vk_test_edge(text, len));
    struct vk_conf_line line;
    enum vk_conf_kind kind = vk_conf_next(&conf, &line);

    if (kind != want->kind)
        fail_msg("'%s' is %d, not %d", text, kind, want->kind);
    assert_int_equal(conf.line, 1);
    assert_int_equal(line.text.len, len);
    if (kind == VK_CONF_SECTION || kind == VK_CONF_PAIR) {
        assert_span(line.key, want->key);
        assert_span(line.value, want->value);
    }
    assert_int_equal(vk_conf_next(&conf, &line), VK_CONF_END);
}

static void
assert_lines(const char *const texts[], const struct expected *want)
{
    for (; *texts != NULL; texts++)
        assert_line(*texts, strlen(*texts), want);
}

static void
reads_sections(void **state)
{
    static const char *const texts[] = {"[client prod]", "[client prod]\n",
                                        "[client prod]\r\n",
                                        " \t[client prod] \t", NULL};

    (void)state;
    assert_lines(texts, &(struct expected){VK_CONF_SECTION, "client", "prod"});
    assert_line("[token a/b]", 11,
                &(struct expected){VK_CONF_SECTION, "token", "a/b"});
    assert_line("[a b c]", 7, &(struct expected){VK_CONF_SECTION, "a", "b c"});
}

static void
reads_pairs(void **state)
{
    static const char *const texts[] = {"key=v", "key = v\n", "key=v\r\n",
                                        "\t key\t=  v \t\n", NULL};

    (void)state;
    assert_lines(texts, &(struct expected){VK_CONF_PAIR, "key", "v"});
    assert_line("k=", 2, &(struct expected){VK_CONF_PAIR, "k", ""});
    assert_line("k = a = b", 9,
                &(struct expected){VK_CONF_PAIR, "k", "a = b"});
    /* A value ends only with its line: no comment behind it, no quotes. */
    assert_line("k = \"a\" # b ; c", 15,
                &(struct expected){VK_CONF_PAIR, "k", "\"a\" # b ; c"});
    assert_line("k = [x]", 7, &(struct expected){VK_CONF_PAIR, "k", "[x]"});
    assert_line("k=a\tb", 5, &(struct expected){VK_CONF_PAIR, "k", "a\tb"});
    assert_line("k=\xc3\xa9", 4,
                &(struct expected){VK_CONF_PAIR, "k", "\xc3\xa9"});
}

static void
passes_over_blank_lines_and_comments(void **state)
{
    static const char *const texts[] = {
        "\n", " \t\r\n", "#", "# [a b]\n", "; k = v\n", "  #\x01 ", NULL};

    (void)state;
    assert_lines(texts, &(struct expected){VK_CONF_NOTHING, "", ""});
}

static void
refuses_lines_that_are_none_of_these(void **state)
{
    static const char *const texts[] = {"[",
                                        "]",
                                        "[]",
                                        "[client]",
                                        "[client ]",
                                        "[client prod",
                                        "key",
                                        "=",
                                        "= v",
                                        " \t= v",
                                        "[client prod] k = v",
                                        "k = a\x01"
                                        "b",
                                        "k\x1f = v",
                                        "k = \x7f",
                                        "k = a\rb",
                                        "[client \x1b]",
                                        NULL};

    (void)state;
    assert_lines(texts, &(struct expected){VK_CONF_BROKEN, "", ""});
    assert_line("k = \0", 5, &(struct expected){VK_CONF_BROKEN, "", ""});
}

static void
counts_lines_and_gives_each_whole(void **state)
{
    static const char text[] = "# c\r\n\n[client a]\n  k = v\nlast = 1";
    static const char *const lines[] = {"# c\r\n", "\n", "[client a]\n",
                                        "  k = v\n", "last = 1"};
    struct vk_conf conf = VK_CONF_OF(EDGE(text));
    struct vk_conf_line line;

    (void)state;
    for (unsigned int i = 0; i < LENGTH(lines); i++) {
        assert_int_not_equal(vk_conf_next(&conf, &line), VK_CONF_END);
        assert_int_equal(conf.line, i + 1);
        assert_span(line.text, lines[i]);
    }
    assert_int_equal(vk_conf_next(&conf, &line), VK_CONF_END);
    assert_int_equal(vk_conf_next(&conf, &line), VK_CONF_END);
}

static void
ends_at_once_where_there_is_no_text(void **state)
{
    struct vk_conf conf = VK_CONF_OF(EDGE(""));
    struct vk_conf none = VK_CONF_OF(((struct vk_span){NULL, 0}));
    struct vk_conf_line line;

    (void)state;
    assert_int_equal(vk_conf_next(&conf, &line), VK_CONF_END);
    assert_int_equal(vk_conf_next(&none, &line), VK_CONF_END);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_sections),
        cmocka_unit_test(reads_pairs),
        cmocka_unit_test(passes_over_blank_lines_and_comments),
        cmocka_unit_test(refuses_lines_that_are_none_of_these),
        cmocka_unit_test(counts_lines_and_gives_each_whole),
        cmocka_unit_test(ends_at_once_where_there_is_no_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * cli/setup_*.c: whatever a tool's file looks like, what is put in can be
 * taken out again and leaves the very bytes that were there.
 */
#include "tests/unit/support.h"

#include <string.h>

#include "tests/unit/setup_round.h"

#define FILES 20000
#define TEXT_MAX 4096

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

/* Pieces that files of a format are made of, most of which fit together. */
#define PIECES 24
static const char *const pieces[ROUNDS][PIECES] = {
    {"{", "}", "\n", "\t", " ", ",", "\"auths\": {}", "\"credHelpers\": {}",
     "\"credHelpers\": {\"x\": \"ecr\"}", "{}", "\"a\": [1, 2]", "\r\n",
     "\"psFormat\": \"\\\"{}\"", "\"credHelpers\": {\n\t\t", "\n\t}", "[", "]",
     "\"a.example\": \"other\""},
    {"users:\n",
     "users: null\n",
     "users: []\n",
     "- name: me\n",
     "  user:\n    token: x\n",
     "clusters:\n",
     "- cluster:\n    server: s\n",
     "  name: c\n",
     "# c\n",
     "\n",
     "apiVersion: v1\n",
     "kind: Config\n",
     "  - name: me\n    user: {}\n",
     "users:",
     "users: null",
     "---\n",
     "current-context: \"\"",
     "preferences: {}\n",
     "users: # me\n",
     "\r\n",
     "text: |\n  users:\n  - name: x\n"},
    {"[user]\n", "\tname = x\n", "\temail = \"a;b\" # c\n", "[a \"b\"]\n",
     "# c\n", "; c\n", "\n", "\tflag\n", "\tlong = a \\\n", "  b\n", "[a]",
     "\tx = y", "[credential]\n\thelper = store\n", "\r\n", "[core] a = b\n",
     "\tq = \"\n", "\te = \\z\n", "\t"},
    {"[registry]\n",
     "[registries.x]\n",
     "index = \"i\"\n",
     "# c\n",
     "\n",
     "global-credential-providers = [\"cargo:token\"]\n",
     "global-credential-providers = []\n",
     "global-credential-providers = [\n  \"a\", # c\n  'b',\n]\n",
     "[build]\n",
     "jobs = 2\n",
     "t = \"\"\"\n[registry]\n\"\"\"\n",
     "a.b = {c = 1, d = [1, 2]}\n",
     "registry.default = \"x\"\n",
     "registry.global-credential-providers = ['q']\n",
     "x = 1",
     "[[a]]\n",
     "\r\n",
     "[registry]",
     "\"quoted key\" = 1\n",
     "d = 1979-05-27 07:32:00\n"},
    {"plugin_cache_dir = \"x\"\n", "host \"h\" {\n", "  a = [1, \"}\"]\n",
     "}\n", "# c\n", "// c\n", "/* c\n*/", "\n", "credentials \"h\" {\n",
     "  token = \"t\"\n", "disable_checkpoint = true", "{", "\"", "/*",
     "credentials_helper \"other\" {\n  args = []\n}\n", "  b = {c = 1}\n"},
    {"[global]\n", "[install]\n", "index-url = https://x\n", "  a = b\n",
     "    more\n", "# c\n", "; c\n", "\n", "trusted-host:\n", "[global]",
     "x = y", "keyring_provider = import\n", "keyring-provider = subprocess\n",
     "nothing\n", "\r\n", "  [x]\n", "[broken\n"},
    {"registry=https://x/\n", "//a.example/:_authToken=${T}\n", "# c\n",
     "; c\n", "\n", "[section]\n", "x = y", "//a.example/:tokenHelper=/y\n",
     "list[] = 1\n", "\r\n"},
    {"build --jobs=2\n", "# c\n", "\n", "test --x \\\n", "  --y\n",
     "import %workspace%/x\n", "common --z", "\\", "\r\n"},
    {"[Service]\n", "Environment=a=b\n", "Environment=a \\\n", "  b\n",
     "# c\n", "\n", "[Unit]\n", "After=x", "nothing\n", "; c\n", "\\\n"},
};

static void
make_file(size_t format, struct vk_buf *out)
{
    size_t known = 0, count = draw(10);

    while (known < PIECES && pieces[format][known] != NULL)
        known++;
    vk_buf_cut(out, 0);
    /* Anything in JSON must stand in an object to be of use. */
    bool wrap = format == 0 && draw(4) != 0;
    static const char *const between[] = {",", ",\n\t", ", ", " ,"};
    if (wrap)
        assert_int_equal(vk_buf_add_str(out, draw(2) ? "{\n\t" : "{"), VK_OK);
    for (size_t i = 0; i < count; i++) {
        static const size_t members[] = {6, 7, 8, 10, 12};
        size_t piece = wrap ? members[draw(LENGTH(members))] : draw(known);
        if (wrap && i > 0)
            assert_int_equal(
                vk_buf_add_str(out, between[draw(LENGTH(between))]), VK_OK);
        assert_int_equal(vk_buf_add_str(out, pieces[format][piece]), VK_OK);
    }
    if (wrap)
        assert_int_equal(vk_buf_add_str(out, draw(2) ? "\n}\n" : " }"), VK_OK);
}

static void
what_is_put_in_comes_out_again(void **state)
{
    VK_AUTO_BUF text = VK_BUF(TEXT_MAX);
    size_t done[ROUNDS] = {0};

    (void)state;
    for (size_t i = 0; i < FILES * ROUNDS; i++) {
        size_t format = i % ROUNDS;
        bool refused;
        make_file(format, &text);
        struct vk_span edge =
            vk_test_edge(text.len > 0 ? text.data : "", text.len);
        const char *why = check_round(&rounds[format], edge, &refused);
        done[format] += refused ? 0 : 1;
        if (why != NULL)
            fail_msg("%s: %s:\n%.*s", rounds[format].name, why, (int)edge.len,
                     edge.ptr);
    }
    /* A test that refuses everything would be none. */
    for (size_t i = 0; i < ROUNDS; i++)
        if (done[i] < FILES / 20)
            fail_msg("%s: only %zu files were taken", rounds[i].name, done[i]);
}

static void
a_file_of_ours_is_gone_again(void **state)
{
    bool refused;

    (void)state;
    for (size_t i = 0; i < ROUNDS; i++) {
        const char *why =
            check_round(&rounds[i], (struct vk_span){NULL, 0}, &refused);
        if (why != NULL || refused)
            fail_msg("%s: %s", rounds[i].name, why ? why : "refused");
    }
}

static void
an_empty_file_is_not_ours(void **state)
{
    bool refused;

    (void)state;
    /* JSON has no empty file. */
    for (size_t i = 1; i < ROUNDS; i++) {
        const char *why = check_round(&rounds[i], EDGE(""), &refused);
        if (why != NULL || refused)
            fail_msg("%s: %s", rounds[i].name, why ? why : "refused");
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_in_comes_out_again),
        cmocka_unit_test(a_file_of_ours_is_gone_again),
        cmocka_unit_test(an_empty_file_is_not_ours),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* cli/setup_*.c: what exactly is put in, and what is refused. */
#include "tests/unit/support.h"

#include <string.h>

#include "tests/unit/setup_round.h"

#define BEGIN VK_SETUP_BEGIN "\n"
#define END VK_SETUP_END "\n"
#define GIT                                                     \
    BEGIN "[credential \"https://a.example\"]\n\thelper =\n\th" \
          "elper = valetkey\n"
#define LIST "global-credential-providers = "
#define CARGO LIST "[\"cargo:token\", \"cargo-credential-valetkey\"]\n"
#define HELPER "credentials_helper \"valetkey\" { args = [] }\n"
#define PIP "keyring-provider = subprocess\n"
#define NPM "//a.example/:tokenHelper=/x/valetkey-npm-a\n"
#define OTHER_NPM "//b.example/:tokenHelper=/x/valetkey-npm-b\n"
#define OWN_NPM                                       \
    "//a.example/:tokenHelper=/home/me/.local/share/" \
    "valetkey/npm/valetkey-npm-a\n"
#define BAZEL "common --credential_helper=a.example=/x/valetkey-bazel\n"
#define UNIT "LoadCredential=a:%t/valetkey/credentials.sock\n"
#define ITEM(in)                                                        \
    in "- name: \"valetkey-prod\"\n" in "  user:\n" in "    exec:\n" in \
       "      apiVersion: client.authentication.k8s.io/v1\n" in         \
       "      args:\n" in "      - \"prod\"\n" in                       \
       "      command: \"/x/valetkey-k8s\"\n" in                        \
       "      interactiveMode: Never\n"

static const struct round *
format(const char *name)
{
    size_t i = 0;

    while (i + 1 < ROUNDS && strcmp(rounds[i].name, name) != 0)
        i++;
    assert_string_equal(rounds[i].name, name);
    return &rounds[i];
}

struct example {
    const char *format, *now, *want, *next;
};

static void
assert_text(const char *now, struct vk_span got, const char *expected)
{
    if (!vk_span_is(got, expected))
        fail_msg("from\n%s\ncame\n%.*s\nnot\n%s", now, (int)got.len,
                 got.len > 0 ? got.ptr : "", expected);
}

static void
puts_in_exactly_this(void **state)
{
    static const struct example table[] = {
        {"json", "{\n\t\"auths\": {}\n}\n", "a\nb\n",
         "{\n\t\"credHelpers\": {\n\t\t\"a\": \"valetkey\",\n\t\t\"b\":"
         " \"valetkey\"\n\t},\n\t\"auths\": {}\n}\n"},
        {"json", "{\r\n  \"auths\": {}\r\n}\r\n", "a\n",
         "{\r\n  \"credHelpers\": {\r\n    \"a\": \"valetkey\"\r\n  },\r\n"
         "  \"auths\": {}\r\n}\r\n"},
        {"json", "{\"auths\":{}}", "a\nb\n",
         "{\"credHelpers\": {\"a\": \"valetkey\", \"b\": \"valetkey\"},"
         "\"auths\":{}}"},
        {"json", "{ \"credHelpers\": { \"x\": \"ecr\" } }", "a\n",
         "{ \"credHelpers\": { \"a\": \"valetkey\", \"x\": \"ecr\" } }"},
        {"json", "{\"credHelpers\": {\"a\": \"valetkey\"}}", "a\nb\n",
         "{\"credHelpers\": {\"b\": \"valetkey\",\"a\": \"valetkey\"}}"},
        {"json", "{}", "a\n", "{\"credHelpers\" : {\"a\": \"valetkey\"}}"},
        {"json", "{\"credHelpers\": {}}", "a\n",
         "{\"credHelpers\": {\"a\" : \"valetkey\"}}"},
        {"kube", "kind: Config\nusers:\n- name: me\n", "prod\n",
         "kind: Config\nusers:\n" ITEM("") "- name: me\n"},
        {"kube", "users:\n  - name: me\n", "prod\n",
         "users:\n" ITEM("  ") "  - name: me\n"},
        {"kube", "users: []\nkind: Config\n", "prod\n",
         "users: # []\n" ITEM("") "kind: Config\n"},
        {"kube", "kind: Config\n", "prod\n",
         "kind: Config\nusers:\n" ITEM("")},
        {"git", "[user]\n\tname = x", NULL,
         "[user]\n\tname = x\n" GIT VK_SETUP_END},
        {"cargo", "[registry] # mine\ndefault = \"x\"\n", NULL,
         "[registry] # mine\n" BEGIN CARGO END "default = \"x\"\n"},
        {"cargo", "[registry.x]\na = 1\n", NULL,
         "[registry.x]\na = 1\n" BEGIN "[registry]\n" CARGO END},
        {"cargo", "[registry]\n" LIST "['a', # c\n]\n", NULL,
         "[registry]\n" LIST "['a', \"cargo-credential-valetkey\", # c\n]\n"},
        {"cargo", "registry." LIST "[ ]\n", NULL,
         "registry." LIST "[\"cargo-credential-valetkey\" ]\n"},
        {"cargo", "[registry]\n" LIST "['cargo-credential-valetkey']\n", NULL,
         "[registry]\n" LIST "['cargo-credential-valetkey']\n"},
        {"terraform", "a = 1\n", NULL, "a = 1\n" BEGIN HELPER END},
        {"terraform", HELPER, NULL, HELPER},
        {"pip", "[install]\nx=y\n[global]\n    a=b\n[c]\n", NULL,
         "[install]\nx=y\n[global]\n" BEGIN "    " PIP END "    a=b\n[c]\n"},
        {"pip", "[global]\nKeyring_Provider: subprocess\n", NULL,
         "[global]\nKeyring_Provider: subprocess\n"},
        {"npm", "a=b\n[s]\nc=d\n", NULL, "a=b\n" BEGIN NPM END "[s]\nc=d\n"},
        /* as npm writes it */
        {"npm", NPM "a=b\n", NULL, NPM "a=b\n"},
        {"npm", NPM "a=b\n", NPM OTHER_NPM, NPM "a=b\n" BEGIN OTHER_NPM END},
        {"bazel", "build -x\n", NULL, "build -x\n" BEGIN BAZEL END},
        {"systemd", "[Unit]\n", NULL, "[Unit]\n" BEGIN "[Service]\n" UNIT END},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(table); i++) {
        const struct round *round = format(table[i].format);
        struct vk_setup_text text = round_text(
            EDGE(table[i].now), table[i].want ? table[i].want : round->want);
        assert_int_equal(round->put(&text), VK_OK);
        assert_text(table[i].now, vk_buf_span(&text.next), table[i].next);
        vk_buf_clear(&text.next);
    }
}

/* What another program, or a person, has made of it in between. */
static void
takes_out_its_own_only(void **state)
{
    static const struct example table[] = {
        {"json",
         "{\"b\":1,\"credHelpers\":{\"a\":\"valetkey\",\"x\":\"y\"},\"c\":2}",
         "", "{\"b\":1,\"credHelpers\":{\"x\":\"y\"},\"c\":2}"},
        {"json", "{\"b\":1,\"credHelpers\":{\"a\":\"valetkey\"},\"c\":2}", "",
         "{\"b\":1,\"c\":2}"},
        {"json", "{\"credHelpers\":{\"x\":\"y\",\"a\":\"valetkey\"}}", "",
         "{\"credHelpers\":{\"x\":\"y\"}}"},
        {"json",
         "{\"credHelpers\":{\"a\":\"valetkey\",\"x\":\"y\",\"b\":"
         "\"valetkey\"}}",
         "", "{\"credHelpers\":{\"x\":\"y\"}}"},
        /* as kubectl writes it */
        {"kube",
         "users:\n- name: a\n- name: valetkey-prod\n  user:\n    exec:\n"
         "      command: /old/valetkey-k8s\n- name: z\n",
         "", "users:\n- name: a\n- name: z\n"},
        /* a name like ours, but another program */
        {"kube", "users:\n- name: valetkey-x\n  user:\n    token: t\n", "",
         "users:\n- name: valetkey-x\n  user:\n    token: t\n"},
        {"kube", "users:\n# c\n" ITEM("") "# d\n- name: me\n", "",
         "users:\n# c\n# d\n- name: me\n"},
        {"git", "[a]\n" GIT END "[b]\n", "", "[a]\n[b]\n"},
        {"git", "[a]\r\n" GIT END "# mine\n[b]\n", "", "[a]\r\n# mine\n[b]\n"},
        /* as npm writes it, without the marks */
        {"npm", "b=c\n" OWN_NPM "a=b\n", "", "b=c\na=b\n"},
        {"npm", OWN_NPM "a=b\n" BEGIN OTHER_NPM END, "", "a=b\n"},
        {"npm", OWN_NPM, "", ""},
        /* another's, and what only looks so */
        {"npm", NPM "# " OWN_NPM "x=/valetkey/npm/valetkey-npm-a\n", "",
         NPM "# " OWN_NPM "x=/valetkey/npm/valetkey-npm-a\n"},
        {"cargo", "[registry]\n" LIST "['a', \"cargo-credential-valetkey\"]",
         "", "[registry]\n" LIST "['a']"},
        {"cargo", "[registry]\n" LIST "[\"cargo-credential-valetkey\", 'b']",
         "", "[registry]\n" LIST "['b']"},
        {"cargo", "[registry]\n" LIST "[\"cargo-credential-valetkey\",]", "",
         "[registry]\n" LIST "[]"},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(table); i++) {
        const struct round *round = format(table[i].format);
        struct vk_setup_text text = round_text(EDGE(table[i].now), "");
        assert_int_equal(round->take(&text), VK_OK);
        assert_text(table[i].now, vk_buf_span(&text.next), table[i].next);
        assert_false(text.is_gone);
        vk_buf_clear(&text.next);
    }
}

static void
assert_refused(const struct example *example, bool take)
{
    const struct round *round = format(example->format);
    struct vk_setup_text text =
        round_text(EDGE(example->now), take ? "" : round->want);
    enum vk_err err = take ? round->take(&text) : round->put(&text);

    if (err != VK_CONFIG || strstr(text.why, example->next) == NULL)
        fail_msg("'%s': %d, %s", example->now, err,
                 err == VK_CONFIG ? text.why : "not refused");
    vk_buf_clear(&text.next);
}

static void
refuses_what_it_is_not_sure_of(void **state)
{
    static const struct example table[] = {
        {"json", "", "", "not valid JSON"},
        {"json", "[]", "", "not valid JSON"},
        {"json", "{\"a\": 01}", "", "not valid JSON"},
        {"json", "{\"a\": \"\t\"}", "", "not valid JSON"},
        {"json", "{\"a\": \"\\x\"}", "", "not valid JSON"},
        {"json", "{\"a\": 1,}", "", "not valid JSON"},
        {"json", "{} x", "", "not valid JSON"},
        {"json", "\xef\xbb\xbf{}", "", "not valid JSON"},
        {"json", "{\"a\": \"\xff\"}", "", "not valid JSON"},
        {"json", "{\"credHelpers\": 1}", "", "not an object"},
        {"json", "{\"credhelpers\": {}}", "", "more than one"},
        {"json", "{\"credHelpers\": {}, \"credHelpers\": {}}", "",
         "more than one"},
        {"json", "{\"cred\\u0048elpers\": {}}", "", "escape"},
        {"json", "{\"credHelpers\": {\"a.example\": \"x\"}}", "",
         "another helper"},
        {"kube", "{\"users\": []}", "", "kubectl"},
        {"kube", "users: [a]\n", "", "no simple list"},
        {"kube", "users:\n", "", "no simple list"},
        {"kube", "users: &x\n- name: a\n", "", "no simple list"},
        {"kube", "users:\n  a: b\n", "", "no simple list"},
        {"kube", "users:\n- name: a\nusers:\n", "", "twice"},
        {"kube", "\xef\xbb\xbfusers:\n- name: a\n", "", "byte order"},
        {"kube", "- a\n", "", "not a mapping"},
        {"kube", "a:\n\tb: c\n", "", "tab"},
        {"kube", "a: b\n---\nc: d\n", "", "kubectl"},
        {"kube", "users:\n- name: valetkey-prod\n", "", "of that name"},
        {"git", "[a", "", "git configuration"},
        {"git", "x = y\n", "", "git configuration"},
        {"git", "[a]\nx = \"y\n", "", "git configuration"},
        {"git", "[a]\nx = y \\", "", "git configuration"},
        {"git", "[a]\nx = \\q\n", "", "git configuration"},
        {"cargo", "[a\n", "", "TOML"},
        {"cargo", "a = \n", "", "TOML"},
        {"cargo", "a = [1\n", "", "TOML"},
        {"cargo", "a = 'x\n", "", "TOML"},
        {"cargo", "registry = {a = 1}\n", "", "section of its own"},
        {"cargo", "registry.x = 1\n", "", "section of its own"},
        {"cargo", "[[registry]]\n", "", "more than one"},
        {"cargo", "[registry]\n" LIST "1\n", "", "no list"},
        {"terraform", "credentials_helper \"x\" {\n}\n", "", "only one"},
        {"terraform", "a {\n", "", "middle of a block"},
        {"terraform", "}\n", "", "HCL"},
        {"terraform", "{\"a\": 1}", "", "HCL"},
        {"terraform", "a = \"x\n\"", "", "HCL"},
        {"terraform", "/* a", "", "HCL"},
        {"pip", "a = b\n", "", "before the first section"},
        {"pip", "[a]\nb\n", "", "no option"},
        {"pip", "[global]\nkeyring-provider = import\n", "", "another"},
        {"pip", "[global]\n[global]\n", "", "twice"},
        {"npm", "//a.example/:tokenHelper=/y\n", "", "another tokenHelper"},
        {"bazel", "build \\\n", "", "continued"},
        {"systemd", "[Service]\nx\n", "", "neither"},
        /* between the marks, but another one now */
        {"pip", "[global]\n" BEGIN "keyring-provider = import\n" END, "",
         "another"},
        {"terraform", BEGIN "credentials_helper \"x\" {}\n" END, "",
         "only one"},
        {"cargo", "[registry]\n" BEGIN LIST "[\"x\"]\n" END, "", "another"},
        {"cargo", "[registry]\n" LIST "[]\n" LIST "[]\n", "", "twice"},
        {"bazel", BEGIN, "", "not a pair"},
        {"bazel", BEGIN BAZEL END BEGIN END, "", "not a pair"},
        {"bazel", END, "", "not a pair"},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(table); i++)
        assert_refused(&table[i], false);
}

/* An editor, or a person, has written in another way what we put in. */
static void
puts_nothing_in_twice(void **state)
{
    static const struct {
        const char *format, *now;
    } table[] = {
        {"git", "# valetkey: begin\r\n[credential \"https://a.example\"]\r\n"
                "\thelper =\r\n\thelper = valetkey\r\n# valetkey: end\r\n"},
        {"npm", "# valetkey: begin\r\n//a.example/:tokenHelper="
                "/x/valetkey-npm-a\r\n# valetkey: end\r\n"},
        {"pip", "[global]\r\n# valetkey: begin\r\n"
                "keyring-provider = subprocess\r\n# valetkey: end\r\n"},
        {"pip", "[global]\n" BEGIN "keyring_provider: subprocess\n" END},
        {"terraform", "# valetkey: begin\r\n"
                      "credentials_helper \"valetkey\" { args = [] }\r\n"
                      "# valetkey: end\r\n"},
        {"terraform",
         BEGIN "credentials_helper \"valetkey\" {\n  args = []\n}\n" END},
        {"cargo", BEGIN "[registry]\n" LIST "[\n  \"cargo:token\",\n"
                        "  'cargo-credential-valetkey',\n]\n" END},
        {"cargo", "[registry]\r\n# valetkey: begin\r\n" LIST
                  "[\"cargo-credential-valetkey\"]\r\n# valetkey: end\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(table); i++) {
        const struct round *round = format(table[i].format);
        struct vk_setup_text text =
            round_text(EDGE(table[i].now), round->want);
        assert_int_equal(round->put(&text), VK_OK);
        assert_text(table[i].now, vk_buf_span(&text.next), table[i].now);
        vk_buf_clear(&text.next);
    }
}

static void
does_not_take_out_what_others_put_between(void **state)
{
    static const struct example table[] = {
        {"git", GIT "\tusername = me\n" END, "", "not valetkey's"},
        {"git", GIT END "\tusername = me\n", "", "belongs to a section"},
        {"pip", BEGIN "[global]\n" PIP END "a = b\n", "",
         "belongs to a section"},
        {"bazel", BEGIN BAZEL "build\n" END, "", "not valetkey's"},
        {"bazel", BEGIN BAZEL, "", "not a pair"},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(table); i++)
        assert_refused(&table[i], true);
}

static void
refuses_json_that_is_nested_too_deep(void **state)
{
    VK_AUTO_BUF deep = VK_BUF(VK_SETUP_MAX);

    (void)state;
    assert_int_equal(vk_buf_add_str(&deep, "{\"a\":"), VK_OK);
    for (int i = 0; i < 10000; i++)
        assert_int_equal(vk_buf_add_char(&deep, '['), VK_OK);
    struct vk_setup_text text = round_text(vk_buf_span(&deep), "a\n");
    assert_int_equal(vk_setup_json_put(&text), VK_CONFIG);
    assert_string_equal(text.why, "is not valid JSON");
    vk_buf_clear(&text.next);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(puts_in_exactly_this),
        cmocka_unit_test(takes_out_its_own_only),
        cmocka_unit_test(refuses_what_it_is_not_sure_of),
        cmocka_unit_test(puts_nothing_in_twice),
        cmocka_unit_test(does_not_take_out_what_others_put_between),
        cmocka_unit_test(refuses_json_that_is_nested_too_deep),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

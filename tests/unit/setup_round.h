/* SPDX-License-Identifier: MIT */
#ifndef VK_TESTS_SETUP_ROUND_H
#define VK_TESTS_SETUP_ROUND_H

/*
 * What must hold of every format and every text: for the property test and
 * for the fuzzer, which links nothing of the unit tests.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/setup_text.h"

static const struct round {
    const char *name;
    vk_setup_edit *put, *take;
    const char *want, *more; /* more: a second time, for another client */
    bool has_comments;
} rounds[] = {
    {"json", vk_setup_json_put, vk_setup_json_take, "a.example\nb.example\n",
     "c.example\n", false},
    {"kube", vk_setup_kube_put, vk_setup_kube_take, "prod\nprod/operate\n",
     "test\n", true},
    {"git", vk_setup_git_put, vk_setup_git_take,
     "[credential \"https://a.example\"]\n\thelper =\n\thelper = valetkey\n",
     "[credential \"https://b.example\"]\n\thelper =\n\thelper = valetkey\n",
     true},
    {"cargo", vk_setup_cargo_put, vk_setup_cargo_take,
     "global-credential-providers = [\"cargo:token\","
     " \"cargo-credential-valetkey\"]\n",
     NULL, true},
    {"terraform", vk_setup_terraform_put, vk_setup_terraform_take,
     "credentials_helper \"valetkey\" { args = [] }\n", NULL, true},
    {"pip", vk_setup_pip_put, vk_setup_pip_take,
     "keyring-provider = subprocess\n", NULL, true},
    {"npm", vk_setup_npm_put, vk_setup_npm_take,
     "//a.example/:tokenHelper=/x/valetkey-npm-a\n",
     "//b.example/:tokenHelper=/x/valetkey-npm-b\n", true},
    {"bazel", vk_setup_bazel_put, vk_setup_bazel_take,
     "common --credential_helper=a.example=/x/valetkey-bazel\n",
     "common --credential_helper=b.example=/x/valetkey-bazel\n", true},
    {"systemd", vk_setup_systemd_put, vk_setup_systemd_take,
     "LoadCredential=a:%t/valetkey/credentials.sock\n",
     "LoadCredential=b:%t/valetkey/credentials.sock\n", true},
};

#define ROUNDS (sizeof rounds / sizeof rounds[0])

static struct vk_setup_text
round_text(struct vk_span now, const char *want)
{
    return (struct vk_setup_text){.now = now,
                                  .want = vk_span_str(want),
                                  .program = "/x/valetkey-k8s",
                                  .next = VK_BUF(VK_SETUP_MAX)};
}

/* NULL, or what does not hold: from is put in, and taken out again. */
static const char *
check_taken(const struct round *round, struct vk_span from,
            struct vk_span changed)
{
    struct vk_setup_text back = round_text(changed, "");
    const char *why = NULL;

    if (round->take(&back) != VK_OK)
        why = "it cannot be taken out";
    else if (from.ptr == NULL
                 ? !back.is_gone
                 : back.is_gone ||
                       !vk_span_same(vk_buf_span(&back.next), from))
        why = "what is left is not what was there";
    vk_buf_clear(&back.next);
    return why;
}

/* A line behind it all, as a person adds it in between, stays. */
static const char *
check_line_added(const struct round *round, struct vk_span from,
                 struct vk_span changed)
{
    static const char line[] = "# mine\n";
    struct vk_buf all = VK_BUF(VK_SETUP_MAX + 64);
    struct vk_buf wanted = VK_BUF(VK_SETUP_MAX + 64);
    const char *why = NULL;

    if (!round->has_comments || from.len == 0 ||
        from.ptr[from.len - 1] != '\n')
        return NULL;
    if (vk_buf_add(&all, changed) != VK_OK ||
        vk_buf_add_str(&all, line) != VK_OK ||
        vk_buf_add(&wanted, from) != VK_OK ||
        vk_buf_add_str(&wanted, line) != VK_OK)
        abort();
    why = check_taken(round, vk_buf_span(&wanted), vk_buf_span(&all));
    vk_buf_clear(&all);
    vk_buf_clear(&wanted);
    return why;
}

/* Once more, and for another client. */
static const char *
check_again(const struct round *round, struct vk_span from,
            struct vk_span changed)
{
    struct vk_setup_text again = round_text(changed, round->want);
    const char *why = NULL;

    if (round->put(&again) != VK_OK ||
        !vk_span_same(vk_buf_span(&again.next), changed))
        why = "it is not the same a second time";
    vk_buf_clear(&again.next);
    if (why != NULL || round->more == NULL)
        return why;
    again = round_text(changed, round->more);
    /* Something else may be there for that one. */
    if (round->put(&again) == VK_OK)
        why = check_taken(round, from, vk_buf_span(&again.next));
    vk_buf_clear(&again.next);
    return why;
}

/* NULL: all is well, whether it was refused (*refused) or not. */
static inline const char *
check_round(const struct round *round, struct vk_span from, bool *refused)
{
    struct vk_setup_text text = round_text(from, round->want);
    bool is_ours =
        from.len > 0 && memmem(from.ptr, from.len, "valetkey", 8) != NULL;
    const char *why = NULL;
    enum vk_err err = round->put(&text);

    *refused = err != VK_OK;
    if (*refused && err == VK_CONFIG && text.why == NULL)
        why = "it does not say why";
    if (*refused && err == VK_CONFIG && text.at > from.len)
        why = "it does not say where";
    struct vk_span next = vk_buf_span(&text.next);
    if (!*refused && next.len < from.len)
        why = "it took something out";
    if (!*refused && !is_ours) {
        why = check_taken(round, from, next);
        if (why == NULL)
            why = check_again(round, from, next);
        if (why == NULL)
            why = check_line_added(round, from, next);
    }
    vk_buf_clear(&text.next);
    /* Without ours in it nothing is taken out; with it, no crash. */
    text = round_text(from, "");
    if (from.ptr != NULL && round->take(&text) == VK_OK && !is_ours &&
        (text.is_gone || !vk_span_same(vk_buf_span(&text.next), from)))
        why = "it took out what is not its own";
    vk_buf_clear(&text.next);
    return why;
}

#endif

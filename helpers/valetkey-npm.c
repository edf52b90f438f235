/* SPDX-License-Identifier: MIT */
/*
 * valetkey-npm: the tokenHelper of pnpm (docs/protocols/npm.md), which is a
 * path without arguments.  So the name of the link by which it is called
 * says which token is wanted.  It prints the value of the header
 * Authorization.
 */
#include <string.h>

#include "base/log.h"
#include "helpers/helper.h"

#define PROGRAM "valetkey-npm"

static const char *
base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

/* PROGRAM-NAME, or PROGRAM NAME, but not both. */
static const char *
arrange(int argc, char **argv, struct vk_call *call)
{
    struct vk_span called = vk_span_str(argc > 0 ? base_name(argv[0]) : "");

    bool says = vk_span_starts(called, PROGRAM "-");

    if (argc != (says ? 1 : 2))
        return NULL;
    call->operand[0] = says ? called.ptr + sizeof PROGRAM : argv[1];
    return "get";
}

static enum vk_err
get(struct vk_call *call)
{
    char name[VK_FULL_NAME_MAX + 1];
    const char *wanted = call->operand[0];
    struct vk_token token;

    /* What is no name is not found, and that is what is said. */
    if (vk_helper_name(vk_span_str(wanted), name) == VK_OK)
        wanted = name;
    enum vk_err err = vk_helper_get_named(wanted, NULL, &token);
    if (err == VK_OK)
        err = vk_buf_add(call->out, VK_SPAN("Bearer "));
    if (err == VK_OK)
        err = vk_buf_add(call->out, token.value);
    return err != VK_OK ? err : vk_buf_add_char(call->out, '\n');
}

static void
fail(struct vk_call *call, enum vk_err err)
{
    call->exit = 1;
    vk_buf_cut(call->out, 0);
    if (vk_log_last()[0] == '\0')
        vk_log("%s", vk_err_text(err));
}

static const struct vk_verb verbs[] = {
    {"get", VK_NO_REQUEST, get},
    {NULL, VK_NO_REQUEST, NULL},
};

const struct vk_codec vk_codec = {
    .program = PROGRAM,
    .usage = "NAME|NAME@TOKEN\n"
             "or, without arguments, by a link whose name says it:\n"
             "  ln -s \"$(command -v valetkey-npm)\" DIR/valetkey-npm-NAME",
    .verbs = verbs,
    .arrange = arrange,
    .fail = fail,
};

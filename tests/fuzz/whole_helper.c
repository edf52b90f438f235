/* SPDX-License-Identifier: MIT */
/* What all helpers share, with whatever codec is linked to it. */
#include "tests/fuzz/whole.h"

#define main whole_main
#include "helpers/helper.c"
#undef main

#include "helpers/tokens.c"

#include <strings.h>

void
whole_reset(void)
{
    request.len = request.max;
    vk_buf_clear(&request);
    out.len = out.max;
    vk_buf_clear(&out);
    payload.len = payload.max;
    vk_buf_clear(&payload);
    vk_clients_close(&clients);
    memset(&clients, 0, sizeof clients);
    memset(&answered, 0, sizeof answered);
    memset(&record, 0, sizeof record);
    is_ours = false;
}

static bool
names_ours(struct vk_span text)
{
    static const char *const ours[] = {"example", "prod", "localhost"};

    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        for (size_t at = 0; at + strlen(ours[i]) <= text.len; at++)
            if (strncasecmp(text.ptr + at, ours[i], strlen(ours[i])) == 0)
                return true;
    return false;
}

static size_t
lines(struct vk_span text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++)
        count += text.ptr[i] == '\n';
    return count;
}

/*
 * A token comes out of what succeeds, for what was named.  (After one of many
 * lines has failed those before it have been answered.)
 */
void
whole_check(const struct whole *in, int status, struct vk_span said,
            struct vk_span told)
{
    bool named = names_ours(in->input) || names_ours(in->environment);

    require(told.len <= (2 + lines(in->input)) * 2200);
    if (!holds(said, VK_SPAN(WHOLE_TOKEN)))
        return;
    for (int i = 1; i < in->argc; i++)
        named |= names_ours(vk_span_str(in->argv[i]));
    require(named);
    require(status == 0 || vk_codec.verbs[0].request == VK_LINES);
    require(said.len <= OUT_MAX || vk_codec.verbs[0].request == VK_LINES);
}

void
whole_exec(const char *path, char *const argv[])
{
    (void)path;
    (void)argv;
    abort();
}

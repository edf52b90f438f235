/* SPDX-License-Identifier: MIT */
/* The command line, a word on each line; the first is what it is called by. */
#include "helpers/valetkey-npm.c"

#include "tests/fuzz/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool handed_out;

enum vk_err
vk_helper_name(struct vk_span text, char out[VK_FULL_NAME_MAX + 1])
{
    if (!vk_clients_is_name(text))
        return VK_NOCLIENT;
    memcpy(out, text.ptr, text.len);
    out[text.len] = '\0';
    return VK_OK;
}

enum vk_err
vk_helper_get_named(const char *name, const struct vk_wish *wish,
                    struct vk_token *token)
{
    (void)wish;
    if (strcmp(name, "broken") == 0)
        return VK_REFUSED;
    if (strcmp(name, "prod") != 0)
        return vk_fail(VK_NOCLIENT, "there is no '%s'", name);
    handed_out = true;
    *token = (struct vk_token){.value = VK_SPAN("t0ken")};
    return VK_OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VK_AUTO_BUF out = VK_BUF(65536);
    struct vk_call call = {.out = &out};
    struct words words;

    vk_log_keep();
    handed_out = false;
    words_split(&words, data, size);
    if (words_run(&words, &call)) {
        require(
            vk_span_is(vk_buf_span(&out), handed_out ? "Bearer t0ken\n" : ""));
        require(call.exit == (handed_out ? 0 : 1));
    }
    words_clear(&words);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* The command line, a word on each line. */
#include "base/buf.h"

/* A helper runs once and keeps its buffers; here each call has its own. */
#undef VK_STATIC_BUF
#define VK_STATIC_BUF(name, size) VK_AUTO_BUF name = VK_BUF(size)

#include "helpers/terraform-credentials-valetkey.c"

#include "tests/fuzz/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool handed_out;

static void
check_url(const struct vk_url *url)
{
    require(vk_span_is(url->scheme, "https") && vk_span_is(url->path, "/"));
    for (size_t i = 0; i < url->host.len; i++)
        require(strchr("/@\\?#%", url->host.ptr[i]) == NULL);
}

enum vk_err
vk_helper_get(const struct vk_url *url, const struct vk_wish *wish,
              struct vk_token *token)
{
    require(wish->prefers == 900);
    check_url(url);
    if (vk_span_is(url->host, "broken.example"))
        return VK_REFUSED;
    if (!vk_span_is(url->host, "tf.example"))
        return VK_NOCLIENT;
    handed_out = true;
    *token = (struct vk_token){.value = VK_SPAN("t0ken")};
    return VK_OK;
}

enum vk_err
vk_helper_drop(const struct vk_url *url, struct vk_span value)
{
    require(value.len == 0);
    check_url(url);
    return vk_span_is(url->host, "tf.example") ? VK_OK : VK_NOCLIENT;
}

enum vk_err
vk_helper_each(void (*add)(void *arg, struct vk_span url,
                           struct vk_span username),
               void *arg)
{
    add(arg, VK_SPAN("https://tf.example"), VK_SPAN("user"));
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
        struct vk_span said = vk_buf_span(&out);
        if (handed_out)
            require(vk_span_is(said, "{\"token\":\"t0ken\"}\n"));
        else if (call.exit == 0 && strcmp(call.verb, "get") == 0)
            require(vk_span_is(said, "{}\n"));
        else
            require(said.len == 0);
        require(strcmp(call.verb, "store") != 0 || call.exit == 1);
    }
    words_clear(&words);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* The command line, a word on each line. */
#include "base/buf.h"

/* A helper runs once and keeps its buffers; here each call has its own. */
#undef VK_STATIC_BUF
#define VK_STATIC_BUF(name, size) VK_AUTO_BUF name = VK_BUF(size)

#include "helpers/valetkey-keyring.c"

#include "tests/fuzz/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool handed_out;

static void
check_url(const struct vk_url *url)
{
    require(url->scheme.len > 0 || vk_url_is_loopback(url));
    for (size_t i = 0; i < url->host.len; i++)
        require(strchr("/@\\?#%", url->host.ptr[i]) == NULL);
}

enum vk_err
vk_helper_get(const struct vk_url *url, const struct vk_wish *wish,
              struct vk_token *token)
{
    (void)wish;
    check_url(url);
    if (vk_span_is(url->host, "broken.example"))
        return VK_REFUSED;
    if (!vk_span_is(url->host, "pypi.example") && !vk_url_is_loopback(url))
        return VK_NOCLIENT;
    handed_out = true;
    *token = (struct vk_token){.value = VK_SPAN("t0ken"),
                               .username = VK_SPAN("user")};
    return VK_OK;
}

enum vk_err
vk_helper_drop(const struct vk_url *url, struct vk_span value)
{
    require(value.len == 0);
    check_url(url);
    return vk_span_is(url->host, "pypi.example") ? VK_OK : VK_NOCLIENT;
}

/* The password alone, a user name before it, or either in an object. */
static void
check_answer(const struct vk_call *call, struct vk_span said)
{
    bool creds = is(call->operand[MODE], "creds");
    size_t lines = 0;

    for (size_t i = 0; i < said.len; i++)
        lines += said.ptr[i] == '\n';
    if (is(call->operand[OUTPUT], "json")) {
        require(lines == 1 && said.ptr[0] == '{');
        require(vk_span_starts(said, creds ? "{\"username\":\""
                                           : "{\"password\":\"t0ken\"}\n"));
        require(memmem(said.ptr, said.len, "\"password\":\"t0ken\"}\n", 20) !=
                NULL);
        return;
    }
    struct vk_span rest = said, line = vk_span_cut(&rest, '\n');
    require(lines == (creds ? 2 : 1));
    if (creds)
        require(vk_span_is(rest, "t0ken\n"));
    else
        require(vk_span_is(line, "t0ken"));
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
        if (handed_out && call.exit == 0)
            check_answer(&call, said);
        else if (call.exit != 0 || is(call.verb, "get"))
            require(call.exit == 1 && said.len == 0);
    }
    words_clear(&words);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* A line with the verb, then what git writes. */
#include "base/buf.h"

/* A helper runs once and keeps its buffers; here each call has its own. */
#undef VK_STATIC_BUF
#define VK_STATIC_BUF(name, size) VK_AUTO_BUF name = VK_BUF(size)

#include "helpers/git-credential-valetkey.c"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool handed_out, ours;

static void
require(bool right)
{
    if (!right)
        abort();
}

enum vk_err
vk_helper_get(const struct vk_url *url, const struct vk_wish *wish,
              struct vk_token *token)
{
    (void)wish;
    ours = vk_span_is(url->host, "broken.example");
    if (ours)
        return VK_REFUSED;
    if (vk_span_is(url->host, "unknown.example"))
        return VK_CONFIG;
    if (!vk_span_is(url->host, "git.example"))
        return VK_NOCLIENT;
    handed_out = true;
    *token = (struct vk_token){.value = VK_SPAN("t0ken"),
                               .username = VK_SPAN("user"),
                               .name = "prod",
                               .id = 4711,
                               .expires = 1795230000};
    return VK_OK;
}

enum vk_err
vk_helper_drop(const struct vk_url *url, struct vk_span value)
{
    require(url->host.len > 0 && value.len > 0);
    return vk_span_is(url->host, "git.example") ? VK_OK : VK_NOCLIENT;
}

enum vk_err
vk_helper_drop_id(const struct vk_url *url, struct vk_span name, int64_t id)
{
    require(id >= 0 && memchr(name.ptr, ':', name.len) == NULL);
    return vk_span_is(url->host, "git.example") ? VK_OK : VK_NOCLIENT;
}

bool
vk_helper_is_ours(void)
{
    return ours;
}

enum vk_err
vk_helper_each(void (*add)(void *arg, struct vk_span url,
                           struct vk_span username),
               void *arg)
{
    (void)add;
    (void)arg;
    return VK_INTERNAL;
}

/* Whole lines of key=value with nothing in them that git refuses. */
static void
check_lines(struct vk_span text)
{
    while (text.len > 0) {
        struct vk_span line = vk_span_cut(&text, '\n');
        require(text.ptr != NULL && line.len > 0);
        require(memchr(line.ptr, '\0', line.len) == NULL);
        require(memchr(line.ptr, '\r', line.len) == NULL);
        struct vk_span value = line, key = vk_span_cut(&value, '=');
        require(key.len > 0 && value.len > 0);
    }
}

static void
check(const struct vk_call *call, struct vk_span out)
{
    if (strcmp(call->verb, "capability") == 0)
        return;
    check_lines(out);
    bool told = out.len > 0 && memmem(out.ptr, out.len, "t0ken", 5) != NULL;
    require(told == handed_out);
    if (strcmp(call->verb, "get") != 0)
        require(out.len == 0);
    else if (call->exit != 0)
        require(vk_span_is(out, ours ? "quit=1\n" : ""));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vk_span request = {(const char *)data, size};
    struct vk_span name = vk_span_cut(&request, '\n');
    VK_AUTO_BUF out = VK_BUF(65536);
    struct vk_call call = {.request = request, .out = &out};

    handed_out = ours = false;
    for (const struct vk_verb *verb = verbs; verb->name != NULL; verb++) {
        if (!vk_span_is(name, verb->name))
            continue;
        call.verb = verb->name;
        enum vk_err err = verb->run(&call);
        if (err != VK_OK)
            fail(&call, err);
        check(&call, vk_buf_span(&out));
    }
    return 0;
}

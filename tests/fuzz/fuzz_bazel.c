/* SPDX-License-Identifier: MIT */
/* What Bazel writes. */
#include "helpers/valetkey-bazel.c"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool handed_out;

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
    require(wish->timeout_ms > 0 && wish->timeout_ms < 10000);
    require(url->scheme.len > 0 && url->host.len > 0);
    if (vk_span_is(url->host, "broken.example"))
        return vk_fail(VK_REFUSED, "refused");
    if (!vk_span_is(url->host, "b.example"))
        return VK_NOCLIENT;
    handed_out = true;
    /* So that every date is written. */
    *token = (struct vk_token){.value = VK_SPAN("t0\"ken"),
                               .expires = (int64_t)url->path.len * 4000037};
    return VK_OK;
}

static void
check_headers(struct json_object *answer)
{
    struct json_object *list = json_object_object_get(
        json_object_object_get(answer, "headers"), "Authorization");
    struct vk_span expires;

    require(json_object_is_type(list, json_type_array));
    require(json_object_array_length(list) == 1);
    require(strcmp(json_object_get_string(json_object_array_get_idx(list, 0)),
                   "Bearer t0\"ken") == 0);
    require(vk_parse_string(answer, "expires", &expires));
    require(expires.len == strlen("2026-01-01T00:00:00Z"));
    require(json_object_object_length(answer) == 2);
}

/* One object and nothing behind it but a line break. */
static void
check(struct vk_span out)
{
    struct json_object *answer;

    require(vk_parse_object(out, &answer));
    require(memchr(out.ptr, '\n', out.len - 1) == NULL);
    if (handed_out)
        check_headers(answer);
    else
        require(json_object_object_length(answer) == 0);
    json_object_put(answer);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VK_AUTO_BUF out = VK_BUF(65536);
    struct vk_call call = {.verb = "get", .out = &out};

    vk_log_keep();
    handed_out = false;
    call.request = (struct vk_span){(const char *)data, size};
    enum vk_err err = get(&call);
    if (err != VK_OK)
        fail(&call, err);
    require((call.exit == 0) == (out.len > 0));
    if (call.exit == 0)
        check(vk_buf_span(&out));
    else
        require(!handed_out);
    return 0;
}

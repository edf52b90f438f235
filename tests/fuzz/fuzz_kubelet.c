/* SPDX-License-Identifier: MIT */
/* A line with the kind of cache key, then what the kubelet writes. */
#include "base/buf.h"

/* A helper runs once and keeps its buffers; here each call has its own. */
#undef VK_STATIC_BUF
#define VK_STATIC_BUF(name, size) VK_AUTO_BUF name = VK_BUF(size)

#include "helpers/valetkey-kubelet.c"

#include "helpers/option.c"

#include <stdint.h>
#include <stdlib.h>

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
    (void)wish;
    require(url->host.len > 0 && url->path.len > 0 && url->scheme.len == 0);
    if (vk_span_is(url->host, "broken.example"))
        return vk_fail(VK_REFUSED, "refused");
    if (!vk_span_is(url->host, "r.example") &&
        !vk_span_is(url->host, "docker.io"))
        return VK_NOCLIENT;
    handed_out = true;
    *token = (struct vk_token){
        .value = VK_SPAN("t0ken"), .username = VK_SPAN("user"), .left = 240};
    return VK_OK;
}

bool
vk_helper_has_paths(const struct vk_url *url)
{
    return vk_span_starts(url->path, "/team/");
}

/* A key that its image begins with, but for what is added to short names. */
static void
check_auth(struct json_object *auth, struct vk_span image)
{
    struct json_object_iter member;
    struct vk_span password;

    require(json_object_object_length(auth) == 1);
    json_object_object_foreachC(auth, member)
    {
        require(vk_span_starts(image, member.key) ||
                strncmp(member.key, "docker.io", 9) == 0);
        require(json_object_object_length(member.val) == 2);
        require(vk_parse_string(member.val, "password", &password));
        require(vk_span_is(password, "t0ken"));
    }
}

/* As strict as the kubelet. */
static void
check(struct vk_span request, struct vk_buf *out)
{
    struct json_object *asked, *object;
    struct vk_span mine, version, type, image, duration;

    require(vk_parse_object(request, &asked));
    require(vk_parse_object(vk_buf_span(out), &object));
    require(json_object_object_length(object) == 5);
    require(vk_parse_string(asked, "apiVersion", &version));
    require(vk_parse_string(object, "apiVersion", &mine));
    require(vk_span_same(mine, version));
    require(vk_parse_string(object, "cacheKeyType", &type));
    require(find(cache_key_types, LENGTH(cache_key_types), type) != NULL);
    require(vk_parse_string(object, "cacheDuration", &duration));
    require(vk_parse_string(asked, "image", &image));
    require(vk_span_is(duration, handed_out ? "240s" : "0s"));
    struct json_object *auth = json_object_object_get(object, "auth");
    require((auth != NULL) == handed_out);
    if (auth != NULL)
        check_auth(auth, image);
    json_object_put(asked);
    json_object_put(object);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vk_span request = {(const char *)data, size};
    struct vk_span type = vk_span_cut(&request, '\n');
    VK_AUTO_BUF out = VK_BUF(65536);
    VK_AUTO_BUF word = VK_BUF(65536);
    struct vk_call call = {.request = request, .out = &out};

    vk_log_keep();
    handed_out = false;
    if (type.len > 0 && vk_buf_add(&word, type) == VK_OK)
        call.operand[CACHE_KEY_TYPE] = vk_buf_str(&word);
    call.verb = verbs[0].name;
    enum vk_err err = verbs[0].run(&call);
    if (err != VK_OK)
        fail(&call, err);
    require((call.exit == 0) == (out.len > 0));
    if (out.len > 0)
        check(request, &out);
    return 0;
}

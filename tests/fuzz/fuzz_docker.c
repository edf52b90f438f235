/* SPDX-License-Identifier: MIT */
/* A line with the verb, then what docker writes. */
#include "helpers/docker-credential-valetkey.c"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The request stands in for what comes from clients.conf, too. */
static struct vk_span text;

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
    if (vk_span_is(url->host, "broken.example"))
        return vk_fail(VK_REFUSED, "refused");
    if (!vk_span_is(url->host, "r.example"))
        return VK_NOCLIENT;
    *token = (struct vk_token){
        .value = VK_SPAN("t0ken"), .username = text, .expires = 1795230000};
    return VK_OK;
}

enum vk_err
vk_helper_drop(const struct vk_url *url, struct vk_span value)
{
    require(url->host.len > 0 && value.len == 0);
    return VK_NOKEYRING;
}

enum vk_err
vk_helper_each(void (*add)(void *arg, struct vk_span url,
                           struct vk_span username),
               void *arg)
{
    struct vk_span rest = text;

    while (rest.len > 0)
        add(arg, vk_span_cut(&rest, '\n'), text);
    return VK_OK;
}

/* What valetkey-store would say: of a login, or a list of them. */
enum vk_err
vk_login(const char *verb, struct vk_span request, struct vk_buf *out)
{
    if (strcmp(verb, "login-list") == 0)
        return vk_buf_add(out, text);
    return request.len % 2 == 0 ? VK_NOCLIENT : vk_fail(VK_LOCKED, "locked");
}

/* One object of strings, on one line, and nothing behind it. */
static void
check_object(struct vk_buf *out, const char *verb)
{
    struct json_tokener *parser = json_tokener_new();
    struct json_object_iter member;
    struct json_object *object;

    require(memchr(out->data, '\n', out->len) == NULL);
    json_tokener_set_flags(parser,
                           JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    object = json_tokener_parse_ex(parser, out->data, (int)out->len);
    require(json_object_is_type(object, json_type_object));
    require(json_tokener_get_parse_end(parser) == out->len);
    json_object_object_foreachC(object, member)
        require(json_object_is_type(member.val, json_type_string));
    if (strcmp(verb, "get") == 0) {
        require(json_object_object_length(object) == 3);
        require(strcmp(json_object_get_string(
                           json_object_object_get(object, "Secret")),
                       "t0ken") == 0);
    }
    json_object_put(object);
    json_tokener_free(parser);
}

static void
check(const struct vk_call *call)
{
    struct vk_span out = vk_buf_span(call->out);

    if (strcmp(call->verb, "erase") == 0)
        require(call->exit == 0 && out.len == 0);
    else if (call->exit == 0 && strcmp(call->verb, "store") == 0)
        require(out.len == 0);
    else if (call->exit != 0)
        require(out.len > 0 && memmem(out.ptr, out.len, "t0ken", 5) == NULL);
    else if (strcmp(call->verb, "version") != 0)
        check_object(call->out, call->verb);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vk_span request = {(const char *)data, size};
    struct vk_span name = vk_span_cut(&request, '\n');
    VK_AUTO_BUF out = VK_BUF(65536);
    struct vk_call call = {.request = request, .out = &out};

    vk_log_keep();
    text = request;
    for (const struct vk_verb *verb = verbs; verb->name != NULL; verb++) {
        if (!vk_span_is(name, verb->name))
            continue;
        call.verb = verb->name;
        enum vk_err err = verb->run(&call);
        if (err != VK_OK)
            fail(&call, err);
        check(&call);
    }
    return 0;
}

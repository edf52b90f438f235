/* SPDX-License-Identifier: MIT */
/*
 * valetkey-bazel: the credential helper protocol of Bazel (EngFlow's
 * credential-helper-spec, docs/protocols/bazel.md).  `valetkey-bazel get`
 * reads {"uri":...} and prints the headers for it; "{}" means that it needs
 * none.  Bazel ends a build when a helper fails, or needs 10 seconds.
 */
#include "base/json.h"
#include "base/log.h"
#include "base/parse.h"
#include "helpers/helper.h"

/* So that Bazel hears the reason before its own 10 seconds are over. */
#define TIMEOUT_MS 8000
#define HEADER_MAX 20480

/* The spans point into *request, which json_object_put releases. */
static enum vk_err
read_request(struct vk_span text, struct json_object **request,
             struct vk_span *uri)
{
    if (!vk_parse_object(text, request))
        return vk_fail(VK_USAGE, "the request is no JSON object");
    if (vk_parse_string(*request, "uri", uri))
        return VK_OK;
    json_object_put(*request);
    return vk_fail(VK_USAGE, "the request names no uri");
}

static enum vk_err
get_token(struct vk_span text, struct vk_token *token)
{
    static const struct vk_wish wish = {.timeout_ms = TIMEOUT_MS};
    struct json_object *request;
    struct vk_span uri = {NULL, 0};
    struct vk_url url;
    enum vk_err err = read_request(text, &request, &uri);

    if (err != VK_OK)
        return err;
    /* What is no URL is served by nobody. */
    err = VK_NOCLIENT;
    if (vk_url_parse(uri, &url) && url.scheme.len > 0)
        err = vk_helper_get(&url, &wish, token);
    json_object_put(request);
    return err;
}

static enum vk_err
write_nothing(struct vk_buf *out)
{
    struct vk_json json = VK_JSON(out);

    vk_json_open(&json, NULL, '{');
    vk_json_close(&json, '}');
    return vk_json_end(&json);
}

static enum vk_err
write_headers(struct vk_buf *out, const struct vk_token *token)
{
    VK_STATIC_BUF(header, HEADER_MAX);
    struct vk_json json = VK_JSON(out);
    enum vk_err err = vk_buf_add_str(&header, "Bearer ");

    if (err == VK_OK)
        err = vk_buf_add(&header, token->value);
    if (err != VK_OK)
        return err;
    vk_json_open(&json, NULL, '{');
    vk_json_open(&json, "headers", '{');
    vk_json_open(&json, "Authorization", '[');
    vk_json_str(&json, NULL, vk_buf_span(&header));
    vk_json_close(&json, ']');
    vk_json_close(&json, '}');
    vk_json_time(&json, "expires", token->expires);
    vk_json_close(&json, '}');
    vk_buf_clear(&header);
    return vk_json_end(&json);
}

static enum vk_err
get(struct vk_call *call)
{
    struct vk_token token;
    enum vk_err err = get_token(call->request, &token);

    if (err == VK_NOCLIENT)
        err = write_nothing(call->out);
    else if (err == VK_OK)
        err = write_headers(call->out, &token);
    return err == VK_OK ? vk_buf_add_char(call->out, '\n') : err;
}

static void
fail(struct vk_call *call, enum vk_err err)
{
    (void)err;
    call->exit = 1;
    vk_buf_cut(call->out, 0);
}

/* The specification wants more arguments to be let pass. */
static const char *
arrange(int argc, char **argv, struct vk_call *call)
{
    (void)call;
    return argc > 1 ? argv[1] : NULL;
}

static const struct vk_verb verbs[] = {
    {"get", VK_UNTIL_EOF, get},
    {NULL, VK_NO_REQUEST, NULL},
};

const struct vk_codec vk_codec = {
    .program = "valetkey-bazel",
    .verbs = verbs,
    .arrange = arrange,
    .fail = fail,
};

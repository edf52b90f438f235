/* SPDX-License-Identifier: MIT */
#include "oauth/reply.h"

#include "keyring/record.h"
#include "oauth/jwt.h"
#include "base/parse.h"

static enum vk_err
bad(struct vk_reply *out, const char *why)
{
    out->why = why;
    return VK_BADREPLY;
}

/* Lowest of what the server says, what the JWT says, and the cap. */
static enum vk_err
set_life(const struct vk_http_reply *http, struct json_object *object,
         int64_t lifetime, int64_t max_lifetime, struct vk_reply *out)
{
    int64_t life =
        vk_parse_seconds(json_object_object_get(object, "expires_in"));
    int64_t exp = -1, iat = -1;

    if (life == INT64_MIN)
        return bad(out, "its expires_in is not a number of seconds");
    if (life < 0)
        life = lifetime;
    if (vk_jwt_times(vk_buf_span(&out->token), &exp, &iat) && exp >= 0) {
        int64_t clock = http->date >= 0 ? http->date : iat;
        if (exp == 0 || (clock >= 0 && exp - clock < life))
            life = exp > 0 ? exp - clock : 0;
    }
    if (life <= 0)
        return bad(out, "the token has already ended, by the server's own"
                        " clock");
    out->life = life < max_lifetime ? life : max_lifetime;
    return VK_OK;
}

static enum vk_err
read_token(const struct vk_http_reply *http, struct json_object *object,
           int64_t lifetime, int64_t max_lifetime, struct vk_reply *out)
{
    struct vk_span token, type = VK_SPAN("Bearer");

    if (!vk_parse_string(object, "access_token", &token))
        return bad(out, "there is no access_token in it");
    if (!vk_record_is_token(token))
        return bad(out, "its access_token is empty, longer than 16 KiB or"
                        " has blanks or control characters");
    if (json_object_object_get(object, "token_type") != NULL &&
        !vk_parse_string(object, "token_type", &type))
        type = VK_SPAN("");
    if (!vk_span_same_nocase(type, VK_SPAN("Bearer")))
        return bad(out, "its token_type is not Bearer");
    if (vk_buf_add(&out->token, token) != VK_OK)
        return VK_NOMEM;
    return set_life(http, object, lifetime, max_lifetime, out);
}

static enum vk_err
success(const struct vk_http_reply *http, int64_t lifetime,
        int64_t max_lifetime, struct vk_reply *out)
{
    struct json_object *object;

    if (http->body.len == 0)
        return bad(out, "it is empty");
    if (!vk_parse_object(vk_buf_span(&http->body), &object))
        return bad(out, "it is not a JSON object");
    enum vk_err err = read_token(http, object, lifetime, max_lifetime, out);
    json_object_put(object);
    return err;
}

static void
keep(struct json_object *object, const char *name, struct vk_buf *out)
{
    struct vk_span text;

    if (!vk_parse_string(object, name, &text))
        return;
    if (text.len > out->max)
        text.len = out->max;
    /* A message without the server's words is still a message. */
    enum vk_err err = vk_buf_add(out, text);
    (void)err;
}

/* What the registered errors say is wrong (RFC 6749, 5.2; RFC 8707). */
static const struct {
    const char *error;
    enum vk_err err;
} errors[] = {
    {"invalid_client", VK_REFUSED}, {"unauthorized_client", VK_REFUSED},
    {"access_denied", VK_REFUSED},  {"invalid_request", VK_REQUEST},
    {"invalid_scope", VK_REQUEST},  {"invalid_target", VK_REQUEST},
    {"invalid_grant", VK_REQUEST},  {"unsupported_grant_type", VK_REQUEST},
};

/* A word that we do not know, or none: the status alone decides. */
static enum vk_err
classify(long status, struct vk_span error)
{
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        if (vk_span_is(error, errors[i].error))
            return errors[i].err;
    if (status != 400)
        return VK_REFUSED;
    return error.len > 0 ? VK_REQUEST : VK_BADREPLY;
}

static enum vk_err
refusal(const struct vk_http_reply *http, struct vk_reply *out)
{
    struct json_object *object;

    if (vk_parse_object(vk_buf_span(&http->body), &object)) {
        keep(object, "error", &out->error);
        keep(object, "error_description", &out->description);
        json_object_put(object);
    }
    enum vk_err err = classify(http->status, vk_buf_span(&out->error));
    return err == VK_BADREPLY ? bad(out, "it is an error without a reason")
                              : err;
}

enum vk_err
vk_reply_read(const struct vk_http_reply *http, int64_t lifetime,
              int64_t max_lifetime, struct vk_reply *out)
{
    long status = http->status;

    if (status == 200 || status == 201)
        return success(http, lifetime, max_lifetime, out);
    if (status == 400 || status == 401 || status == 403)
        return refusal(http, out);
    if (status == 429 || status == 503) {
        out->why = "the authorization server asked to wait";
        return VK_HELD;
    }
    if (status >= 500) {
        out->why = "failed";
        return VK_UNREACHABLE;
    }
    if (status >= 300 && status < 400)
        return bad(out, "it is a redirect, which is never followed with a"
                        " secret; set token-url to the right address");
    return bad(out, "it is no answer of a token endpoint");
}

void
vk_reply_clear(struct vk_reply *reply)
{
    vk_buf_clear(&reply->token);
    vk_buf_clear(&reply->error);
    vk_buf_clear(&reply->description);
}

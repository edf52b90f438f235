/* SPDX-License-Identifier: MIT */
#include "oauth/request.h"

#include <curl/curl.h>
#include <string.h>

#include "base/json.h"

/* Percent-encoded, which is right in a form, in Basic and in a URL. */
static enum vk_err
add_encoded(struct vk_buf *out, struct vk_span text)
{
    /* curl takes a length of 0 for strlen. */
    if (text.len == 0)
        return VK_OK;
    char *encoded = curl_easy_escape(NULL, text.ptr, (int)text.len);
    if (encoded == NULL)
        return VK_NOMEM;
    struct vk_span span = vk_span_str(encoded);
    enum vk_err err = vk_buf_add(out, span);
    vk_wipe(encoded, span.len);
    curl_free(encoded);
    return err;
}

/* The two body forms: how one starts, takes a parameter, and ends. */
struct writer {
    struct vk_buf *out;
    struct vk_json json;
    enum vk_err err;
};

static void
form_add(struct writer *writer, struct vk_span name, struct vk_span value)
{
    enum vk_err err = VK_OK;

    if (writer->out->len > 0)
        err = vk_buf_add_char(writer->out, '&');
    if (err == VK_OK)
        err = add_encoded(writer->out, name);
    if (err == VK_OK)
        err = vk_buf_add_char(writer->out, '=');
    if (err == VK_OK)
        err = add_encoded(writer->out, value);
    if (writer->err == VK_OK)
        writer->err = err;
}

static void
form_end(struct writer *writer)
{
    (void)writer;
}

static void
json_add(struct writer *writer, struct vk_span name, struct vk_span value)
{
    if (!writer->json.comma)
        vk_json_open(&writer->json, NULL, '{');
    vk_json_pair(&writer->json, name, value);
}

static void
json_end(struct writer *writer)
{
    vk_json_close(&writer->json, '}');
    if (writer->err == VK_OK)
        writer->err = vk_json_end(&writer->json);
}

static const struct body {
    const char *name, *content_type;
    void (*add)(struct writer *, struct vk_span name, struct vk_span value);
    void (*end)(struct writer *);
} bodies[] = {
    {"form", "Content-Type: application/x-www-form-urlencoded", form_add,
     form_end},
    {"json", "Content-Type: application/json", json_add, json_end},
};

static const struct body *
body_of(const struct vk_profile *profile)
{
    struct vk_span name = vk_profile_get(profile, VK_KEY_BODY);
    size_t i = 0;

    while (i + 1 < sizeof bodies / sizeof bodies[0] &&
           !vk_span_is(name, bodies[i].name))
        i++;
    return &bodies[i];
}

static void
add_parameters(const struct vk_profile *profile, const struct body *body,
               struct writer *writer)
{
    static const enum vk_key keys[] = {VK_KEY_AUDIENCE, VK_KEY_SCOPE,
                                       VK_KEY_RESOURCE};
    static const char *const names[] = {"audience", "scope", "resource"};
    struct vk_values values = vk_profile_values(profile, VK_KEY_PARAMETER);
    struct vk_span value;

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (profile->key[keys[i]].set)
            body->add(writer, vk_span_str(names[i]),
                      profile->key[keys[i]].value);
    while (vk_profile_next(&values, VK_KEY_PARAMETER, &value)) {
        struct vk_span name = vk_span_cut(&value, '=');
        body->add(writer, name, value);
    }
}

enum vk_err
vk_request_build(const struct vk_profile *profile, struct vk_span secret,
                 struct vk_request *out)
{
    const struct body *body = body_of(profile);
    struct vk_span id = vk_profile_get(profile, VK_KEY_CLIENT_ID);
    struct writer writer = {.out = &out->body, .json = VK_JSON(&out->body)};
    enum vk_err err = VK_OK;

    out->content_type = body->content_type;
    body->add(&writer, VK_SPAN("grant_type"), VK_SPAN("client_credentials"));
    if (vk_span_is(vk_profile_get(profile, VK_KEY_AUTH),
                   "client_secret_basic")) {
        err = add_encoded(&out->user, id);
        if (err == VK_OK)
            err = add_encoded(&out->password, secret);
    } else {
        body->add(&writer, VK_SPAN("client_id"), id);
        body->add(&writer, VK_SPAN("client_secret"), secret);
    }
    add_parameters(profile, body, &writer);
    body->end(&writer);
    return err != VK_OK ? err : writer.err;
}

void
vk_request_clear(struct vk_request *request)
{
    vk_buf_clear(&request->body);
    vk_buf_clear(&request->user);
    vk_buf_clear(&request->password);
}

/* SPDX-License-Identifier: MIT */
#include "oauth/request.h"

#include <curl/curl.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"

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

/* JSON has no way to write what is not UTF-8. */
static void
json_add(struct writer *writer, struct vk_span name, struct vk_span value)
{
    for (size_t i = 0, n; i < value.len; i += n) {
        n = vk_utf8_length(vk_span_from(value, i));
        if (n == 0) {
            writer->err = VK_CONFIG;
            return;
        }
    }
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

#define PART 8

static bool
holds_part(struct vk_span text, struct vk_span whole)
{
    size_t part = whole.len < PART ? whole.len : PART;

    if (part == 0 || text.len < part)
        return false;
    for (size_t i = 0; i + part <= whole.len; i++)
        if (memmem(text.ptr, text.len, whole.ptr + i, part) != NULL)
            return true;
    return false;
}

/* RFC 7617: base64 of user:password. */
static enum vk_err
make_basic(struct vk_span user, struct vk_span password, struct vk_buf *out)
{
    VK_AUTO_BUF plain = VK_BUF(VK_REQUEST_MAX);
    enum vk_err err = vk_buf_add(&plain, user);

    if (err == VK_OK)
        err = vk_buf_add_char(&plain, ':');
    if (err == VK_OK)
        err = vk_buf_add(&plain, password);
    if (err == VK_OK)
        err = vk_buf_reserve(out, plain.len / 3 * 4 + 5);
    if (err == VK_OK)
        out->len = (size_t)EVP_EncodeBlock((unsigned char *)out->data,
                                           (const unsigned char *)plain.data,
                                           (int)plain.len);
    return err;
}

/*
 * In Basic, too, even if it was not sent so: what stands between us and the
 * server may make one of the other.
 */
bool
vk_request_repeats(const struct vk_profile *profile, struct vk_span secret,
                   struct vk_span text)
{
    VK_AUTO_BUF user = VK_BUF(VK_REQUEST_MAX);
    VK_AUTO_BUF encoded = VK_BUF(VK_REQUEST_MAX);
    VK_AUTO_BUF basic = VK_BUF(VK_REQUEST_MAX);
    VK_AUTO_BUF raw = VK_BUF(VK_REQUEST_MAX);
    struct vk_span id = vk_profile_get(profile, VK_KEY_CLIENT_ID);

    if (text.len == 0)
        return false;
    /* What cannot be compared is taken for a repetition. */
    if (add_encoded(&user, id) != VK_OK ||
        add_encoded(&encoded, secret) != VK_OK ||
        make_basic(vk_buf_span(&user), vk_buf_span(&encoded), &basic) !=
            VK_OK ||
        make_basic(id, secret, &raw) != VK_OK)
        return true;
    return holds_part(text, secret) ||
           holds_part(text, vk_buf_span(&encoded)) ||
           holds_part(text, vk_buf_span(&basic)) ||
           holds_part(text, vk_buf_span(&raw));
}

void
vk_request_clear(struct vk_request *request)
{
    vk_buf_clear(&request->body);
    vk_buf_clear(&request->user);
    vk_buf_clear(&request->password);
}

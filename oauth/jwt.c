/* SPDX-License-Identifier: MIT */
#include "oauth/jwt.h"

#include <json-c/json.h>
#include <math.h>
#include <openssl/evp.h>

#include "base/parse.h"

#define PAYLOAD_MAX 16384

/* base64url without padding (RFC 7515, 2) to what libcrypto reads. */
static enum vk_err
to_base64(struct vk_span text, struct vk_buf *out)
{
    enum vk_err err = vk_buf_add(out, text);

    for (size_t i = 0; i < out->len; i++)
        out->data[i] = out->data[i] == '-'   ? '+'
                       : out->data[i] == '_' ? '/'
                                             : out->data[i];
    while (err == VK_OK && out->len % 4 != 0)
        err = vk_buf_add_char(out, '=');
    return err;
}

static enum vk_err
decode(struct vk_span text, struct vk_buf *out)
{
    VK_AUTO_BUF base64 = VK_BUF(PAYLOAD_MAX + 4);
    enum vk_err err = to_base64(text, &base64);

    if (err == VK_OK)
        err = vk_buf_reserve(out, base64.len);
    if (err != VK_OK)
        return err;
    int len =
        EVP_DecodeBlock((unsigned char *)out->data,
                        (const unsigned char *)base64.data, (int)base64.len);
    if (len < 0)
        return VK_BADREPLY;
    /* Padding decodes to zero bytes at the end, which JSON never has. */
    out->len = (size_t)len;
    while (out->len > 0 && out->data[out->len - 1] == '\0')
        out->len--;
    return VK_OK;
}

/* A NumericDate (RFC 7519, 2), 0 for one before 1970; -1: it is none. */
static int64_t
date_of(struct json_object *value)
{
    if (!json_object_is_type(value, json_type_int) &&
        !json_object_is_type(value, json_type_double))
        return -1;
    double number = json_object_get_double(value);
    if (!isfinite(number))
        return -1;
    return number < 0 ? 0 : number < 9e15 ? (int64_t)number : (int64_t)9e15;
}

bool
vk_jwt_times(struct vk_span token, int64_t *exp, int64_t *iat)
{
    VK_AUTO_BUF payload = VK_BUF(PAYLOAD_MAX);
    struct json_object *claims;

    vk_span_cut(&token, '.');
    struct vk_span part = vk_span_cut(&token, '.');
    if (token.ptr == NULL || part.len == 0 || part.len > PAYLOAD_MAX - 4 ||
        decode(part, &payload) != VK_OK ||
        !vk_parse_object(vk_buf_span(&payload), &claims))
        return false;
    *exp = date_of(json_object_object_get(claims, "exp"));
    *iat = date_of(json_object_object_get(claims, "iat"));
    json_object_put(claims);
    return true;
}

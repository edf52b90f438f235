/* SPDX-License-Identifier: MIT */
/*
 * A line "STATUS DATE" and the body of a token endpoint's answer; the body
 * is also read as a token of its own, and as the payload of a JWT.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "keyring/record.h"
#include "oauth/jwt.h"
#include "oauth/reply.h"

#define LIFETIME 300
#define MAX_LIFETIME 86400

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool right)
{
    if (!right)
        abort();
}

static void
check(enum vk_err err, const struct vk_reply *reply)
{
    static const bool expected[VK_ERRS] = {
        [VK_OK] = true,   [VK_REFUSED] = true,     [VK_REQUEST] = true,
        [VK_HELD] = true, [VK_UNREACHABLE] = true, [VK_BADREPLY] = true,
    };

    require(err < VK_ERRS && expected[err]);
    require(reply->error.len <= 256 && reply->description.len <= 1024);
    if (err == VK_OK) {
        require(vk_record_is_token(vk_buf_span(&reply->token)));
        require(reply->life >= 1 && reply->life <= MAX_LIFETIME);
    }
    if (err == VK_BADREPLY || err == VK_HELD)
        require(reply->why != NULL && reply->why[0] != '\0');
}

static void
check_times(struct vk_span token)
{
    int64_t exp = -1, iat = -1;

    if (!vk_jwt_times(token, &exp, &iat))
        require(exp == -1 && iat == -1);
    require(exp >= -1 && exp <= (int64_t)9e15);
    require(iat >= -1 && iat <= (int64_t)9e15);
}

/* HEADER.PAYLOAD.SIGNATURE, as base64url without padding. */
static void
check_payload(struct vk_span payload)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmn"
                                 "opqrstuvwxyz0123456789-_";
    VK_AUTO_BUF token = VK_BUF(32768);
    unsigned int bits = 0, held = 0;
    enum vk_err err = vk_buf_add_str(&token, "e30.");

    for (size_t i = 0; i < payload.len && err == VK_OK; i++) {
        held = held << 8 | (unsigned char)payload.ptr[i];
        for (bits += 8; bits >= 6 && err == VK_OK; bits -= 6)
            err = vk_buf_add_char(&token, digits[held >> (bits - 6) & 63]);
    }
    if (err == VK_OK && bits > 0)
        err = vk_buf_add_char(&token, digits[held << (6 - bits) & 63]);
    if (err == VK_OK && vk_buf_add_str(&token, ".x") == VK_OK)
        check_times(vk_buf_span(&token));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vk_span body = {(const char *)data, size};
    struct vk_span line = vk_span_cut(&body, '\n');
    struct vk_span status = vk_span_cut(&line, ' ');
    struct vk_http_reply http = VK_HTTP_REPLY;
    struct vk_reply reply = VK_REPLY;
    int64_t number = 200;

    if (!vk_span_number(status, 999, &number))
        number = 200;
    if (!vk_span_number(line, INT32_MAX, &http.date))
        http.date = -1;
    http.status = (long)number;
    if (vk_buf_add(&http.body, body) == VK_OK)
        check(vk_reply_read(&http, LIFETIME, MAX_LIFETIME, &reply), &reply);
    vk_reply_clear(&reply);
    vk_buf_clear(&http.body);
    check_times(body);
    check_payload(body);
    return 0;
}

/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "keyring/record.h"
#include "oauth/jwt.h"

static int64_t ends, issued;

/* base64url without padding (RFC 7515, 2). */
static void
add_base64url(struct vk_buf *out, struct vk_span text)
{
    size_t from = out->len;

    assert_int_equal(vk_buf_reserve(out, text.len / 3 * 4 + 8), VK_OK);
    int len = EVP_EncodeBlock((unsigned char *)out->data + from,
                              (const unsigned char *)text.ptr, (int)text.len);
    out->len = from + (size_t)len;
    while (out->len > from && out->data[out->len - 1] == '=')
        out->len--;
    for (size_t i = from; i < out->len; i++) {
        if (out->data[i] == '+')
            out->data[i] = '-';
        if (out->data[i] == '/')
            out->data[i] = '_';
    }
}

/* vk_jwt_times of a token with these claims. */
static bool
times(struct vk_span claims)
{
    VK_AUTO_BUF token = VK_BUF(65536);

    ends = issued = -7;
    add_base64url(&token, VK_SPAN("{\"alg\":\"RS256\",\"typ\":\"JWT\"}"));
    assert_int_equal(vk_buf_add_char(&token, '.'), VK_OK);
    add_base64url(&token, claims);
    assert_int_equal(vk_buf_add_str(&token, ".c2lnbmF0dXJl"), VK_OK);
    return vk_jwt_times(vk_buf_span(&token), &ends, &issued);
}

static void
reads_exp_and_iat(void **state)
{
    (void)state;
    assert_true(times(VK_SPAN("{\"sub\":\"x\",\"iat\":1795143600,"
                              "\"exp\":1795230000,\"aud\":[\"a\"]}")));
    assert_int_equal(ends, 1795230000);
    assert_int_equal(issued, 1795143600);
}

static void
says_where_there_is_none(void **state)
{
    (void)state;
    assert_true(times(VK_SPAN("{}")));
    assert_int_equal(ends, -1);
    assert_int_equal(issued, -1);
    assert_true(times(VK_SPAN("{\"exp\":null,\"iat\":5}")));
    assert_int_equal(ends, -1);
    assert_int_equal(issued, 5);
}

static void
takes_fractions_as_numeric_dates_may_have_them(void **state)
{
    (void)state;
    assert_true(times(VK_SPAN("{\"exp\":1795230000.75,\"iat\":1.5e9}")));
    assert_int_equal(ends, 1795230000);
    assert_int_equal(issued, 1500000000);
}

/* The header promises -1 for what is no time. */
static void
takes_a_time_that_is_none_for_absent(void **state)
{
    static const char *const values[] = {"\"abc\"", "true", "[]", "{}", "NaN"};

    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        VK_AUTO_BUF claims = VK_BUF(128);
        assert_int_equal(vk_buf_addf(&claims, "{\"exp\":%s,\"iat\":%s}",
                                     values[i], values[i]),
                         VK_OK);
        assert_true(times(vk_buf_span(&claims)));
        assert_int_equal(ends, -1);
        assert_int_equal(issued, -1);
    }
}

/* Every remainder of three, so that one to three padding cases occur. */
static void
reads_payloads_of_every_length(void **state)
{
    char claims[64] = "{\"exp\":1795230000,\"a\":\"";
    size_t len = strlen(claims);

    (void)state;
    for (size_t more = 0; more < 12; more++) {
        memset(claims + len, 'x', more);
        memcpy(claims + len + more, "\"}", 3);
        assert_true(times(vk_span_str(claims)));
        assert_int_equal(ends, 1795230000);
    }
}

static void
reads_both_letters_that_base64url_has_for_itself(void **state)
{
    struct vk_span token = VK_SPAN("e30.eyJhIjoiw7_DvsO-Pz8_fn5-IiwiZXhwIjo3fQ"
                                   ".c2ln");

    (void)state;
    assert_non_null(memchr(token.ptr, '-', token.len));
    assert_non_null(memchr(token.ptr, '_', token.len));
    assert_true(vk_jwt_times(token, &ends, &issued));
    assert_int_equal(ends, 7);
}

static void
takes_a_token_without_a_signature(void **state)
{
    (void)state;
    assert_true(vk_jwt_times(VK_SPAN("e30.eyJleHAiOjd9."), &ends, &issued));
    assert_int_equal(ends, 7);
}

/* Nothing of this is wrong with a token: it only tells no time. */
static void
tells_opaque_tokens_apart(void **state)
{
    static const char *const tokens[] = {
        "",
        ".",
        "..",
        "...",
        "opaque",
        "a.b",
        "a.b.c",
        "a..c",
        "e30.e30",
        ".e30",
        "e30.*.c",
        "e30.e30=x.c",
        "e30.W10.c",
        "e30.bnVsbA.c",
        "e30.eyJl.c",
        "e30.e.c",
        "e30.e30e30.c",
        "2YotnFZFEjr1zCsicMWpAA",
        "e30.key.iv.eyJleHAiOjd9.tag",
    };

    (void)state;
    ends = issued = -7;
    for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++)
        assert_false(vk_jwt_times(vk_span_str(tokens[i]), &ends, &issued));
    assert_false(vk_jwt_times((struct vk_span){NULL, 0}, &ends, &issued));
    assert_int_equal(ends, -7);
    assert_int_equal(issued, -7);
}

static void
refuses_claims_that_are_not_one_whole_object(void **state)
{
    (void)state;
    assert_false(times(VK_SPAN("{\"exp\":7}x")));
    assert_false(times(VK_SPAN("{\"exp\":7}{}")));
    assert_false(times(VK_SPAN("[{\"exp\":7}]")));
    assert_false(times(VK_SPAN("{\"exp\":7,\"a\":\"\xff\"}")));
    assert_false(times(VK_SPAN("{\"exp\":7,\0}")));
    assert_false(times(VK_SPAN("{\"a\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}")));
}

static void
takes_the_last_of_two_claims_of_one_name(void **state)
{
    (void)state;
    assert_true(times(VK_SPAN("{\"exp\":7,\"exp\":9}")));
    assert_int_equal(ends, 9);
}

/* A token of exactly len bytes that names exp 7. */
static bool
has_times(size_t len)
{
    VK_AUTO_BUF token = VK_BUF(65536), claims = VK_BUF(65536);

    /* What stands round the claims is nine bytes; four make three. */
    assert_int_equal(vk_buf_add_str(&claims, "{\"exp\":7,\"a\":\""), VK_OK);
    while ((claims.len + 2 + 3) / 3 * 4 + 9 <= len)
        assert_int_equal(vk_buf_add_char(&claims, 'x'), VK_OK);
    assert_int_equal(vk_buf_add_str(&claims, "\"}"), VK_OK);
    assert_int_equal(vk_buf_add_str(&token, "e30."), VK_OK);
    add_base64url(&token, vk_buf_span(&claims));
    assert_int_equal(vk_buf_add_str(&token, ".sig"), VK_OK);
    while (token.len < len)
        assert_int_equal(vk_buf_add_char(&token, 'x'), VK_OK);
    assert_int_equal(token.len, len);
    ends = -7;
    return vk_jwt_times(vk_buf_span(&token), &ends, &issued);
}

static void
reads_the_longest_token_and_stops_at_longer_payloads(void **state)
{
    (void)state;
    assert_true(has_times(VK_TOKEN_MAX));
    assert_int_equal(ends, 7);
    assert_false(has_times((size_t)2 * VK_TOKEN_MAX));
    assert_int_equal(ends, -7);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_exp_and_iat),
        cmocka_unit_test(says_where_there_is_none),
        cmocka_unit_test(takes_fractions_as_numeric_dates_may_have_them),
        cmocka_unit_test(takes_a_time_that_is_none_for_absent),
        cmocka_unit_test(reads_payloads_of_every_length),
        cmocka_unit_test(reads_both_letters_that_base64url_has_for_itself),
        cmocka_unit_test(takes_a_token_without_a_signature),
        cmocka_unit_test(tells_opaque_tokens_apart),
        cmocka_unit_test(refuses_claims_that_are_not_one_whole_object),
        cmocka_unit_test(takes_the_last_of_two_claims_of_one_name),
        cmocka_unit_test(reads_the_longest_token_and_stops_at_longer_payloads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

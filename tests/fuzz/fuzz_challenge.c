/* SPDX-License-Identifier: MIT */
/*
 * A WWW-Authenticate header.  The schemes are tokens in their order, no more
 * than there are commas, and a header of them alone has the same.
 */
#include "tests/fuzz/fuzz.h"

#include "base/challenge.h"

static void
check_again(struct vk_span list, size_t count)
{
    struct vk_span rest = list, expected = list, scheme;

    while (vk_challenge_next(&rest, &scheme)) {
        struct vk_span word = vk_span_cut(&expected, ',');
        require(count-- > 0 && vk_span_same(scheme, vk_span_trim(word)));
    }
    require(count == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vk_span text = {(const char *)data, size}, rest = text, scheme;
    VK_AUTO_BUF list = VK_BUF((size_t)3 * size + 16);
    const char *end = text.ptr;
    size_t commas = 0, count = 0;

    for (size_t i = 0; i < size; i++)
        commas += data[i] == ',';
    while (vk_challenge_next(&rest, &scheme)) {
        require(scheme.len > 0 && lies_in(scheme, text) && scheme.ptr >= end);
        end = scheme.ptr + scheme.len;
        require(vk_buf_add(&list, scheme) == VK_OK);
        require(vk_buf_add_str(&list, ", ") == VK_OK);
        require(count++ <= commas);
    }
    check_again(vk_buf_span(&list), count);
    return 0;
}

/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdlib.h>

#include "server/report.h"

#define MOST 86400

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is read can be written, and then says the same. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vk_span text = {(const char *)data, size};
    VK_AUTO_BUF out = VK_BUF(VK_REPORT_MAX);
    struct vk_report one, two;

    if (size > 0 && vk_report_is_probe(text) &&
        (data[size - 1] != '\n' || data[0] != 'e'))
        abort();
    if (size == 0 || vk_report_read(text, MOST, &one) != VK_OK)
        return 0;
    if (one.err == VK_OK && !vk_record_is_token(one.token))
        abort();
    if (vk_report_write(&one, &out) != VK_OK ||
        vk_report_read(vk_buf_span(&out), MOST, &two) != VK_OK ||
        one.err != two.err || one.life != two.life ||
        !vk_span_same(one.token, two.token) ||
        !vk_span_same(one.message, two.message))
        abort();
    return 0;
}

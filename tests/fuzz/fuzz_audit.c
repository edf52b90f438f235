/* SPDX-License-Identifier: MIT */
/*
 * A log that anybody can have written to, and names that users choose: what
 * is read can be written and says the same; what is written is one line of
 * printable text, and its fields are those that went in.
 */
#include <stdint.h>
#include <stdlib.h>

#include "keyring/audit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool right)
{
    if (!right)
        abort();
}

static void
check_line(struct vk_span line)
{
    for (size_t i = 0; i < line.len; i++)
        require(line.ptr[i] >= ' ' && line.ptr[i] <= '~');
}

/* But "-" is nothing, and what is too long is cut. */
static void
check_value(struct vk_span in, struct vk_span out)
{
    VK_AUTO_BUF decoded = VK_BUF((size_t)4 * VK_AUDIT_LINE_MAX);

    require(vk_audit_decode(out, &decoded) == VK_OK);
    if (in.len <= VK_AUDIT_VALUE_MAX && !vk_span_is(in, "-"))
        require(vk_span_same(in, vk_buf_span(&decoded)));
}

static void
check_audit(const struct vk_audit *audit)
{
    VK_AUTO_BUF line = VK_BUF((size_t)4 * VK_AUDIT_LINE_MAX);
    VK_AUTO_BUF entry = VK_BUF((size_t)4 * VK_AUDIT_ENTRY_MAX);
    struct vk_audit again;

    require(vk_audit_write(audit, &line) == VK_OK);
    check_line(vk_buf_span(&line));
    require(vk_audit_read(vk_buf_span(&line), &again));
    for (unsigned int i = 0; i < VK_AUDIT_FIELDS; i++)
        check_value(audit->value[i], again.value[i]);
    require(vk_audit_write_entry(audit, 6, &entry) == VK_OK);
    struct vk_span rest = vk_buf_span(&entry);
    while (rest.len > 0)
        check_line(vk_span_cut(&rest, '\n'));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vk_span text = {(const char *)data, size};
    struct vk_audit audit;

    if (size == 0)
        return 0;
    if (vk_audit_read(text, &audit))
        check_line(text);
    for (unsigned int i = 0; i < VK_AUDIT_FIELDS; i++)
        audit.value[i] = vk_span_from(text, size * i / VK_AUDIT_FIELDS);
    check_audit(&audit);
    return 0;
}

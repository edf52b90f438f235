/* SPDX-License-Identifier: MIT */
/* A line as /proc/PID/stat has it, then a note of who was given what. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "keyring/given.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool right)
{
    if (!right)
        abort();
}

static bool
enter(struct vk_span note, struct vk_given given, struct vk_buf *out)
{
    bool again = vk_given_enter(note, &given, out);
    size_t entries = 0;

    for (size_t i = 0; i < out->len; i++)
        entries += out->data[i] == ' ';
    require(entries <= VK_GIVEN_CALLERS);
    return again;
}

/* What was entered is found, once, and a later caller does not change it. */
static void
check_note(struct vk_span note, uint64_t caller)
{
    VK_AUTO_BUF one = VK_BUF(VK_GIVEN_MAX);
    VK_AUTO_BUF two = VK_BUF(VK_GIVEN_MAX);
    VK_AUTO_BUF three = VK_BUF(VK_GIVEN_MAX);
    VK_AUTO_BUF four = VK_BUF(VK_GIVEN_MAX);
    struct vk_given given = {caller, 90146, 1000, false}, other = given;

    bool again = enter(note, given, &one);
    require(!again || one.len > 0);
    if (one.len == 0)
        return;
    other.caller = caller ^ 1;
    enter(vk_buf_span(&one), other, &two);
    if (two.len == 0)
        require(vk_buf_add(&two, vk_buf_span(&one)) == VK_OK);
    given.now = 1001;
    require(enter(vk_buf_span(&two), given, &three) == !again);
    given.id++;
    require(!enter(vk_buf_span(&two), given, &four));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vk_span note = {(const char *)data, size};
    struct vk_span stat = vk_span_cut(&note, '\n');
    uint64_t caller = vk_given_caller(stat, VK_SPAN("https://k.example"));

    require(caller < (uint64_t)1 << 48);
    check_note(note, caller != 0 ? caller : 0xaa);
    return 0;
}

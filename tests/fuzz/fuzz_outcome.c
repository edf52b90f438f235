/* SPDX-License-Identifier: MIT */
/*
 * What valetkey-fetch and valetkey-store hand over.  Written again it says
 * the same; what came with a failure is a message on one line.
 */
#include "tests/fuzz/fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "keyring/ask.h"

static void
check_written(enum vk_err outcome, const char *note, struct vk_span text)
{
    VK_AUTO_BUF written = VK_BUF(1 << 20);
    struct vk_span rest = VK_SPAN("");
    int fd = memfd_create("fuzz", MFD_CLOEXEC);

    require(fd >= 0);
    require(vk_ask_write_outcome(fd, outcome, note, text) == VK_OK);
    require(lseek(fd, 0, SEEK_SET) == 0);
    require(vk_buf_read(&written, fd) == VK_OK);
    close(fd);
    require(vk_ask_read_outcome("program", vk_buf_span(&written), &rest) ==
            outcome);
    require(outcome != VK_OK || vk_span_same(rest, text));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vk_span text = {(const char *)data, size}, rest = VK_SPAN("");
    struct vk_span none = {NULL, 0};
    char note[128];

    vk_log_keep();
    enum vk_err err = vk_ask_read_outcome("program", text, &rest);
    require(err < VK_ERRS && strchr(vk_log_last(), '\n') == NULL);
    if (err != VK_OK)
        return 0;
    require(lies_in(rest, text));
    vk_span_cut(&text, '\n');
    struct vk_span line = vk_span_cut(&text, '\n');
    vk_format(note, sizeof note, "%s", vk_log_clean(line));
    note[strcspn(note, "\n")] = '\0';
    check_written(VK_OK, note, rest);
    for (enum vk_err other = VK_OK + 1; other < VK_ERRS; other++)
        check_written(other, note, none);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Feeds files to a fuzz harness without libFuzzer, as TAP: those that are
 * named, those in the directories that are named, or, for a program called
 * fuzz_NAME without arguments, those in $srcdir/tests/fuzz/corpus/NAME.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"

#define FILE_MAX ((size_t)16 << 20)
#define PATH_BYTES 1024

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int files, failed;

static enum vk_err
read_file(const char *path, struct vk_buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return VK_IO;
    enum vk_err err = vk_buf_read(out, fd);
    close(fd);
    return err;
}

/* A copy of its very size, so that a byte read past it is found. */
static void
feed(const char *path)
{
    VK_AUTO_BUF text = VK_BUF(FILE_MAX);
    enum vk_err err = read_file(path, &text);

    files++;
    if (err != VK_OK) {
        failed++;
        printf("not ok %d - %s: %s\n", files, path, vk_err_text(err));
        return;
    }
    uint8_t *copy = malloc(text.len > 0 ? text.len : 1);
    if (copy == NULL)
        abort();
    if (text.len > 0)
        memcpy(copy, text.data, text.len);
    /* Out before it may crash: then this file is the last one named. */
    printf("# %s\n", path);
    fflush(stdout);
    LLVMFuzzerTestOneInput(copy, text.len);
    free(copy);
    printf("ok %d - %s\n", files, path);
}

static int
is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void
feed_all(const char *path)
{
    struct dirent **entries;
    char name[PATH_BYTES];
    int count = scandir(path, &entries, is_visible, alphasort);

    if (count < 0) {
        feed(path);
        return;
    }
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "%s/%s", path, entries[i]->d_name);
        feed(name);
        free(entries[i]);
    }
    free(entries);
}

static void
feed_own_corpus(void)
{
    const char *dir = getenv("srcdir");
    const char *name = strchr(program_invocation_short_name, '_');
    char path[PATH_BYTES];

    snprintf(path, sizeof path, "%s/tests/fuzz/corpus/%s",
             dir != NULL ? dir : ".", name != NULL ? name + 1 : "");
    feed_all(path);
}

int
main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        feed_all(argv[i]);
    if (argc == 1)
        feed_own_corpus();
    if (files == 0) {
        files = failed = 1;
        puts("not ok 1 - there is no file to feed");
    }
    printf("1..%d\n", files);
    return failed > 0 ? 1 : 0;
}

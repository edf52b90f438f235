/* SPDX-License-Identifier: MIT */
/*
 * valetkey whole, as far as it does not become valetkey-cli: the words of
 * the command line on the first line.
 */
#include <sys/mman.h>

#include "tests/fuzz/whole.h"

#define main whole_main
#include "cli/warm.c"
#undef main

/* What is mapped stays so for as long as the program runs. */
static void *mapped;
static size_t mapped_len;

static void *
map(void *at, size_t len, int prot, int flags, int fd, off_t offset)
{
    mapped = mmap(at, len, prot, flags, fd, offset);
    mapped_len = len;
    return mapped;
}

#define mmap map
#include "base/file.c"
#undef mmap

void
whole_reset(void)
{
    if (mapped != NULL && mapped != MAP_FAILED)
        munmap(mapped, mapped_len);
    mapped = NULL;
}

void
whole_check(const struct whole *in, int status, struct vk_span said,
            struct vk_span told)
{
    bool is_for_token =
        in->argc > 1 && (strcmp(in->argv[1], "token") == 0 ||
                         strcmp(in->argv[1], "header") == 0 ||
                         strcmp(in->argv[1], "curl-config") == 0);

    require(status == 0 || told.len > 0 || in->argc < 2);
    require(told.len <= 4096);
    require((said.len > 0) == (status == 0 && is_for_token));
    require(said.len == 0 || holds(said, VK_SPAN(WHOLE_TOKEN)));
}

/* What a command of `run` sees: each variable once. */
void
whole_exec(const char *path, char *const argv[])
{
    (void)argv;
    if (strcmp(path, "/nonexistent/valetkey-cli") == 0)
        return;
    for (char **one = environ; *one != NULL; one++) {
        size_t name = strcspn(*one, "=");
        require(name > 0 && (*one)[name] == '=');
        for (char **two = one + 1; *two != NULL; two++)
            require(strncmp(*one, *two, name + 1) != 0);
    }
}

/* SPDX-License-Identifier: MIT */
#include "base/err.h"

#include <string.h>

static const struct {
    const char *name;
    const char *text;
    int exit;
} table[VK_ERRS] = {
    [VK_OK] = {"ok", "done", 0},
    [VK_INTERNAL] = {"internal", "internal error", 1},
    [VK_NOMEM] = {"no-memory", "out of memory", 1},
    [VK_IO] = {"io", "reading or writing failed", 1},
    [VK_TOOBIG] = {"too-big", "too large", 1},
    [VK_USAGE] = {"usage", "wrong usage", 2},
    [VK_CONFIG] = {"config", "wrong configuration", 2},
    [VK_REQUEST] = {"request", "the server refuses the request", 2},
    [VK_NOCLIENT] = {"no-client", "no such client or token", 3},
    [VK_MISS] = {"miss", "no token in the cache", 3},
    [VK_REFUSED] = {"refused", "the server refuses the credential", 4},
    [VK_HELD] = {"held", "held back, try again later", 5},
    [VK_UNREACHABLE] = {"unreachable", "the server cannot be reached", 6},
    [VK_BADREPLY] = {"bad-reply", "the server's answer is no token", 6},
    [VK_NOKEYRING] = {"no-keyring", "the kernel keyring is not available", 7},
    [VK_NOSTORE] = {"no-store", "the secret store is not available", 7},
    [VK_LOCKED] = {"locked", "the secret store is locked", 7},
    [VK_NOSECRET] = {"no-secret", "the secret store has no such secret", 7},
    [VK_NOCOMMAND] = {"no-command", "no such command", 127},
    [VK_NOEXEC] = {"no-exec", "the command cannot be run", 126},
};

const char *
vk_err_text(enum vk_err err)
{
    return table[err < VK_ERRS ? err : VK_INTERNAL].text;
}

int
vk_err_exit(enum vk_err err)
{
    return table[err < VK_ERRS ? err : VK_INTERNAL].exit;
}

const char *
vk_err_name(enum vk_err err)
{
    return table[err < VK_ERRS ? err : VK_INTERNAL].name;
}

enum vk_err
vk_err_from_name(const char *name)
{
    for (enum vk_err err = VK_OK; err < VK_ERRS; err++)
        if (strcmp(table[err].name, name) == 0)
            return err;
    return VK_INTERNAL;
}

/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/proc.h"
#include "keyring/secret.h"

/* A person may have to type the keyring's password. */
#define WAIT_MS 120000

static enum vk_err
put(const struct vk_secret_id *id)
{
    VK_AUTO_BUF secret = VK_BUF(VK_SECRET_MAX);
    enum vk_err err = vk_buf_read(&secret, STDIN_FILENO);

    if (err != VK_OK || !vk_secret_is_usable(vk_buf_span(&secret)))
        return vk_fail(VK_USAGE,
                       "the secret of '%s' is empty, too long or"
                       " not printable",
                       id->client);
    return vk_secret_put(id, vk_buf_span(&secret), WAIT_MS);
}

static enum vk_err
has(const struct vk_secret_id *id)
{
    enum vk_err err = vk_secret_has(id, WAIT_MS);

    if (err == VK_LOCKED)
        return VK_OK;
    return err == VK_NOSECRET ? VK_NOCLIENT : err;
}

static enum vk_err delete (const struct vk_secret_id *id) {
    return vk_secret_delete(id, VK_SECRET_THIS, WAIT_MS);
}

static enum vk_err
prune(const struct vk_secret_id *id)
{
    return vk_secret_delete(id, VK_SECRET_OTHERS, WAIT_MS);
}

static enum vk_err
clear(const struct vk_secret_id *id)
{
    return vk_secret_delete(id, VK_SECRET_ALL, WAIT_MS);
}

static const struct {
    const char *verb;
    int argc;
    enum vk_err (*run)(const struct vk_secret_id *id);
} verbs[] = {
    {"put", 5, put},     {"has", 5, has},     {"delete", 5, delete},
    {"prune", 5, prune}, {"clear", 3, clear},
};

enum vk_err
vk_secret_serve(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (argc == verbs[i].argc && strcmp(argv[1], verbs[i].verb) == 0)
            return verbs[i].run(&(struct vk_secret_id){
                argv[2], argc > 3 ? argv[3] : "", argc > 3 ? argv[4] : ""});
    return vk_fail(VK_USAGE,
                   "usage: %s put|has|delete|prune CLIENT CLIENT-ID TOKEN-URL"
                   " | clear CLIENT%s",
                   vk_secret_program, vk_secret_more_usage);
}

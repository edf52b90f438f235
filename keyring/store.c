/* SPDX-License-Identifier: MIT */
/*
 * valetkey-store: puts and deletes client secrets for `valetkey`, and keeps
 * logins of registries for docker-credential-valetkey; neither links
 * libsecret.  There is no verb that prints a client secret.
 *
 *     valetkey-store put CLIENT CLIENT-ID TOKEN-URL < secret
 *     valetkey-store has | delete | prune CLIENT CLIENT-ID TOKEN-URL
 *     valetkey-store clear CLIENT
 *     valetkey-store login-get | login-put | login-erase | login-list
 */
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/proc.h"
#include "keyring/logins.h"
#include "keyring/secret.h"

const char vk_secret_more_usage[] =
    " | login-get|login-put|login-erase|login-list";

static enum vk_err
run(int argc, char **argv)
{
    enum vk_err err = vk_file_refuse_setuid();

    if (err == VK_OK)
        err = vk_proc_harden();
    if (err == VK_OK && argc == 2 && strncmp(argv[1], "login-", 6) == 0)
        return vk_login_serve(argv[1]);
    return err == VK_OK ? vk_secret_serve(argc, argv) : err;
}

int
main(int argc, char **argv)
{
    vk_log_program(vk_secret_program);
    return vk_err_exit(run(argc, argv));
}

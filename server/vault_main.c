/* SPDX-License-Identifier: MIT */
/*
 * valetkey-vault: valetkey-store for the machine's clients, run by root's
 * `valetkey --system`.
 *
 *     valetkey-vault put CLIENT CLIENT-ID TOKEN-URL < secret
 *     valetkey-vault has | delete | prune CLIENT CLIENT-ID TOKEN-URL
 *     valetkey-vault clear CLIENT
 */
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/proc.h"
#include "keyring/clients.h"
#include "keyring/secret.h"

const char vk_secret_more_usage[] = "";

static enum vk_err
run(int argc, char **argv)
{
    enum vk_err err = vk_file_refuse_setuid();

    if (err == VK_OK)
        err = vk_proc_harden();
    if (err == VK_OK && geteuid() != 0)
        return vk_fail(VK_USAGE, "only root can reach the machine's secrets");
    vk_clients_use_machine(NULL);
    return err == VK_OK ? vk_secret_serve(argc, argv) : err;
}

int
main(int argc, char **argv)
{
    vk_log_program(vk_secret_program);
    return vk_err_exit(run(argc, argv));
}

/* SPDX-License-Identifier: MIT */
/* What several subcommands do. */
#include "cli/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

enum vk_err
vk_cli_print(struct vk_span text)
{
    if (vk_span_write(text, STDOUT_FILENO) != VK_OK)
        return vk_fail(VK_IO, "cannot write to standard output: %s",
                       strerror(errno));
    return VK_OK;
}

enum vk_err
vk_cli_wish(const struct vk_cli *cli, enum vk_option option,
            struct vk_wish *wish)
{
    int64_t timeout;
    enum vk_err err = vk_cli_seconds(cli, option, 0, &wish->min_validity);

    if (err == VK_OK)
        err = vk_cli_seconds(cli, VK_OPT_TIMEOUT, 0, &timeout);
    if (err != VK_OK)
        return err;
    wish->timeout_ms = timeout * 1000;
    wish->waits_for_hold = timeout > 0;
    return VK_OK;
}

enum vk_err
vk_cli_open_warm(struct vk_clients *clients)
{
    enum vk_err err = vk_clients_open(clients);

    return err == VK_NOCLIENT ? VK_OK : err;
}

enum vk_err
vk_cli_open(struct vk_clients *clients)
{
    enum vk_err err = vk_cli_open_warm(clients);

    return err == VK_OK ? vk_clients_check(clients) : err;
}

enum vk_err
vk_cli_find_name(const struct vk_clients *clients, struct vk_span name,
                 struct vk_profile *profile)
{
    enum vk_err err = vk_clients_for_name(clients, name, profile);

    if (err == VK_NOCLIENT)
        return vk_fail(err,
                       "there is no client or token '%.*s'; 'valetkey%s"
                       " list' shows what there is",
                       VK_ARG(name),
                       vk_clients_is_machine() ? " --system" : "");
    return err;
}

enum vk_err
vk_cli_find(const struct vk_cli *cli, const struct vk_clients *clients,
            struct vk_profile *profile)
{
    return vk_cli_find_name(clients, vk_span_str(cli->operand), profile);
}

enum vk_err
vk_cli_refuse_machines(const struct vk_cli *cli,
                       const struct vk_profile *profile)
{
    if (profile->origin == VK_DIRECT || vk_clients_is_machine())
        return VK_OK;
    return vk_fail(VK_USAGE,
                   "'%s' is a client of the machine; root can use 'valetkey"
                   " --system %s'",
                   profile->name, cli->command);
}

/* What 'valetkey list' shows behind the user's own is not "no client". */
enum vk_err
vk_cli_find_own(const struct vk_cli *cli, const struct vk_clients *own,
                struct vk_span name, struct vk_profile *profile)
{
    struct vk_clients all = {.text = VK_SPAN("")};

    if (vk_clients_is_machine() ||
        vk_clients_for_name(own, name, profile) != VK_NOCLIENT)
        return vk_cli_find_name(own, name, profile);
    enum vk_err err = vk_cli_open_warm(&all);
    if (err == VK_OK)
        err = vk_cli_find_name(&all, name, profile);
    if (err == VK_OK)
        err = vk_cli_refuse_machines(cli, profile);
    vk_clients_close(&all);
    return err;
}

bool
vk_cli_find_program(const char *program, char out[VK_PATH_MAX])
{
    const char *path = getenv("PATH");
    struct vk_span rest = vk_span_str(path != NULL ? path : "");

    while (rest.ptr != NULL) {
        struct vk_span dir = vk_span_cut(&rest, ':');
        if (dir.len == 0 || dir.len + strlen(program) + 2 > VK_PATH_MAX)
            continue;
        memcpy(out, dir.ptr, dir.len);
        out[dir.len] = '/';
        memcpy(out + dir.len + 1, program, strlen(program) + 1);
        if (access(out, X_OK) == 0)
            return true;
    }
    return false;
}

/* SPDX-License-Identifier: MIT */
/*
 * valetkey: what scripts run all the time.  Everything else is another
 * program's, valetkey-cli, which this one becomes: each symbol that a program
 * imports costs it time at every start.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/log.h"
#include "base/proc.h"
#include "cli/options.h"
#include "cli/warm_commands.h"

static const struct vk_cli_command commands[] = {VK_WARM_COMMANDS};

/* Its name is ours: tools are to be told of the programs beside us. */
static enum vk_err
become_cold(char **argv)
{
    char path[VK_PATH_MAX];
    enum vk_err err = vk_proc_path("valetkey-cli", path);

    if (err != VK_OK)
        return err;
    argv[0] = (char *)(uintptr_t)getauxval(AT_EXECFN);
    execv(path, argv);
    return vk_fail(VK_INTERNAL,
                   "cannot run '%s': %s; is valetkey installed"
                   " completely?",
                   path, strerror(errno));
}

static const struct vk_cli_command *
find_command(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static enum vk_err
start(int argc, char **argv)
{
    const struct vk_cli_command *command =
        argc > 1 ? find_command(argv[1]) : NULL;
    static const struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction before;
    bool wants_help = false;
    enum vk_err err = vk_file_refuse_setuid();

    if (err == VK_OK)
        err = vk_proc_hide();
    if (err != VK_OK)
        return err;
    if (command == NULL)
        return argc > 0 ? become_cold(argv) : VK_USAGE;
    /* A reader that closes early is an error like any other. */
    sigaction(SIGPIPE, &ignore, &before);
    struct vk_cli cli = {.command = command->name,
                         .had_sigpipe = before.sa_handler != SIG_IGN};
    err = vk_options_read(command, argc - 1, argv + 1, &cli, &wants_help);
    if (err != VK_OK)
        return err;
    if (!wants_help)
        return command->run(&cli);
    sigaction(SIGPIPE, &before, NULL);
    /* The words may be in another order by now. */
    char *help[] = {argv[0], argv[1], (char *)(uintptr_t) "--help", NULL};
    return become_cold(help);
}

int
main(int argc, char **argv)
{
    vk_log_program("valetkey");
    return vk_err_exit(start(argc, argv));
}

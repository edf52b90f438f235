/* SPDX-License-Identifier: MIT */
/*
 * valetkey-cli: all of valetkey(1).  The program that people run, cli/warm.c,
 * becomes this one for what is not its own; argv[0] then is that program.
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/proc.h"
#include "cli/options.h"
#include "cli/presets.h"
#include "cli/setup.h"
#include "cli/warm_commands.h"
#include "keyring/machine.h"

static const struct vk_cli_command commands[] = {
    {"import", "FILE", VK_MUST_HAVE,
     VK_OPT(NAME) | VK_OPT(REPLACE) | VK_OPT(SHRED) | VK_OPT_KEY(CA_FILE) |
         VK_OPT_KEY(ALLOW),
     vk_import, "take a downloaded credentials file ('-': stdin)"},
    {"add", "NAME[/TOKEN]", VK_MUST_HAVE,
     VK_OPT(PRESET) | VK_OPT(SECRET_STDIN) | VK_OPT(REPLACE) |
         VK_OPT(CLUSTER_ID) | VK_OPT(HOST) | VK_OPT(REALM) | VK_OPT(REGION) |
         VK_OPT(SERVER) | VK_OPT(TENANT) | VK_OPT_ANY_KEY,
     vk_add, "add a client, or another token of one\nPRESET: " VK_PRESETS},
    VK_WARM_COMMANDS,
    {"list", NULL, VK_NO_OPERAND, VK_OPT(JSON), vk_list,
     "what is configured, and the URLs that it serves"},
    {"status", "NAME[/TOKEN]", VK_MAY_HAVE, VK_OPT(JSON), vk_status,
     "which tokens are there, and for how long"},
    {"doctor", NULL, VK_NO_OPERAND, VK_OPT(JSON), vk_doctor,
     "find what is wrong, and say what to do"},
    {"log", "NAME[/TOKEN]", VK_MAY_HAVE, VK_OPT(FILE) | VK_OPT(JSON),
     vk_show_log, "who got or was refused which token (with --system)"},
    {"drop", "NAME[/TOKEN]", VK_MUST_HAVE, 0, vk_drop,
     "forget a cached token"},
    {"rotate", "NAME", VK_MUST_HAVE, VK_OPT(SECRET_STDIN), vk_rotate,
     "give a client its new secret"},
    {"retry", "NAME", VK_MUST_HAVE, 0, vk_retry,
     "lift what holds a client's requests back"},
    {"remove", "NAME[/TOKEN]", VK_MUST_HAVE, 0, vk_remove,
     "remove a client with its secret and its tokens"},
    {"setup", "TOOL [NAME]...", VK_MUST_HAVE_MORE,
     VK_OPT(PRINT) | VK_OPT(UNDO) | VK_OPT(UNIT) | VK_OPT(YES), vk_set_up,
     "make docker, git, kubectl, ... use valetkey\nTOOL: " VK_SETUP_TOOLS},
    {"systemd-socket", NULL, VK_NO_OPERAND, VK_OPT(AT_LEAST) | VK_OPT(TIMEOUT),
     vk_systemd_socket, "answer a service's LoadCredential="},
};

#define COMMANDS (sizeof commands / sizeof commands[0])

static const char *program;
static bool had_sigpipe;

static const struct vk_cli_command *
find_command(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static enum vk_err
help(const struct vk_cli_command *command)
{
    return command != NULL ? vk_options_help(command)
                           : vk_options_overview(commands, COMMANDS);
}

static enum vk_err
no_command(const char *word)
{
    return vk_fail(VK_USAGE,
                   "there is no command '%s'; see 'valetkey"
                   " --help'",
                   word);
}

static enum vk_err
help_with(const char *word)
{
    const struct vk_cli_command *command =
        word != NULL ? find_command(word) : NULL;

    if (word != NULL && command == NULL)
        return no_command(word);
    return help(command);
}

static enum vk_err
run(const struct vk_cli_command *command, int argc, char **argv)
{
    struct vk_cli cli = {.command = command->name,
                         .program = program,
                         .had_sigpipe = had_sigpipe};
    bool wants_help = false;
    enum vk_err err = vk_options_read(command, argc, argv, &cli, &wants_help);

    if (err != VK_OK)
        return err;
    return wants_help ? help(command) : command->run(&cli);
}

/* What there is of the machine's clients; tokens are for users. */
static const char *const of_machine[] = {"import", "add",  "list",   "status",
                                         "doctor", "drop", "rotate", "retry",
                                         "remove", "log"};

static enum vk_err
use_machine(const struct vk_cli_command *command)
{
    bool known = false;

    for (size_t i = 0; i < sizeof of_machine / sizeof of_machine[0]; i++)
        known |= strcmp(command->name, of_machine[i]) == 0;
    if (!known)
        return vk_fail(VK_USAGE,
                       "'valetkey --system' has no command '%s'; use"
                       " 'valetkey %s'",
                       command->name, command->name);
    if (geteuid() != 0)
        return vk_fail(VK_USAGE, "'valetkey --system' is for root");
    vk_clients_use_machine(NULL);
    /* They say themselves what is wrong, or do without. */
    bool needs_keys = command->run != vk_doctor && command->run != vk_show_log;
    return needs_keys ? vk_machine_open() : VK_OK;
}

static enum vk_err
start(int argc, char **argv)
{
    bool is_machine = argc > 1 && strcmp(argv[1], "--system") == 0;

    argc -= is_machine;
    argv += is_machine;
    const char *word = argc > 1 ? argv[1] : "--help";
    const struct vk_cli_command *command = find_command(word);
    enum vk_err err = vk_file_refuse_setuid();

    if (err == VK_OK)
        err = vk_proc_hide();
    if (err != VK_OK)
        return err;
    if (command != NULL && is_machine)
        err = use_machine(command);
    if (command != NULL)
        return err == VK_OK ? run(command, argc - 1, argv + 1) : err;
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 ||
        strcmp(word, "help") == 0) {
        err = help_with(argc > 2 ? argv[2] : NULL);
        return argc > 1 ? err : VK_USAGE;
    }
    if (strcmp(word, "--version") == 0)
        return vk_cli_print(VK_SPAN("valetkey " PACKAGE_VERSION "\n"));
    return no_command(word);
}

int
main(int argc, char **argv)
{
    /* A reader that closes early is an error like any other. */
    static const struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction before;

    vk_log_program("valetkey");
    program = argc > 0 ? argv[0] : "";
    sigaction(SIGPIPE, &ignore, &before);
    had_sigpipe = before.sa_handler != SIG_IGN;
    enum vk_err err = start(argc, argv);
    /* Nobody says so where it is found. */
    if ((err == VK_NOMEM || err == VK_TOOBIG) && vk_log_last()[0] == '\0')
        err = vk_fail(err, "%s", vk_err_text(err));
    return vk_err_exit(err);
}

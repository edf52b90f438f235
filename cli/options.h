/* SPDX-License-Identifier: MIT */
#ifndef VK_CLI_OPTIONS_H
#define VK_CLI_OPTIONS_H

#include "cli/cli.h"

/* A subcommand: one row in main.c. */
enum vk_operands {
    VK_NO_OPERAND,
    VK_MAY_HAVE,
    /* Any number, and behind "--" a command of its own. */
    VK_AND_COMMAND,
    VK_MUST_HAVE,
    VK_MUST_HAVE_MORE, /* one or more */
};

struct vk_cli_command {
    const char *name, *operand;
    enum vk_operands needs;
    uint64_t options; /* bit N: option N */
    vk_command *run;
    const char *help; /* the overview has its first line */
};

#define VK_OPT(name) (1ULL << VK_OPT_##name)
#define VK_OPT_ANY_KEY (~0ULL << VK_OPT_KEYS)
#define VK_OPT_KEY(name) (1ULL << (VK_OPT_KEYS + VK_KEY_##name))

struct vk_option_row {
    const char *name;
    const char *value; /* NULL: takes none */
    bool repeatable;
};
struct vk_option_row vk_options_row(unsigned int option);

/*
 * Read argv[1] and what follows it into cli, or set *wants_help.  VK_USAGE is
 * logged.  cli points into argv, which is put into another order.
 */
VK_MUST enum vk_err vk_options_read(const struct vk_cli_command *command,
                                    int argc, char **argv, struct vk_cli *cli,
                                    bool *wants_help);

/* --help of one command; of all. */
VK_MUST enum vk_err vk_options_help(const struct vk_cli_command *command);
VK_MUST enum vk_err vk_options_overview(const struct vk_cli_command *commands,
                                        size_t count);

#endif

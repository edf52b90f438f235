/* SPDX-License-Identifier: MIT */
#ifndef VK_CLI_CLI_H
#define VK_CLI_CLI_H

#include "keyring/ask.h"
#include "keyring/clients.h"

/*
 * The command line of valetkey(1).  main.c has a row for each subcommand,
 * options.c one for each option; a subcommand gets its operands and all
 * options at once.
 */

#define VK_OPTION_VALUES 32

enum vk_option {
    /* without a value */
    VK_OPT_JSON,
    VK_OPT_PRINT,
    VK_OPT_REPLACE,
    VK_OPT_SECRET_STDIN,
    VK_OPT_SHRED,
    VK_OPT_UNDO,
    VK_OPT_YES,
    /* with one */
    VK_OPT_AT_LEAST,
    VK_OPT_CLUSTER_ID,
    VK_OPT_ENV,
    VK_OPT_FILE,
    VK_OPT_FOR,
    VK_OPT_HOST,
    VK_OPT_MIN_VALIDITY,
    VK_OPT_NAME,
    VK_OPT_PRESET,
    VK_OPT_REALM,
    VK_OPT_REGION,
    VK_OPT_SERVER,
    VK_OPT_TENANT,
    VK_OPT_TIMEOUT,
    /* with the name and meaning of a key of clients.conf */
    VK_OPT_KEYS,
    VK_OPTIONS = VK_OPT_KEYS + VK_KEYS,
    /* one of these, for a command that sets no key */
    VK_OPT_UNIT = VK_OPT_KEYS + VK_KEY_UNIT
};

struct vk_cli {
    const char *program; /* valetkey's own path; NULL for warm commands */
    const char *command;
    const char *operand; /* the first; NULL: none */
    char *const *all_operands;
    size_t operands;
    /* What stands behind "--", where that is a command; NULL: no "--". */
    char *const *exec;
    bool had_sigpipe; /* it was not ignored when we were started */
    /* NULL: not given; "" for options without a value. */
    const char *option[VK_OPTIONS];
    /* Those that may be given more than once, in their order. */
    struct {
        unsigned int option;
        const char *value;
    } repeated[VK_OPTION_VALUES];
    size_t repeats;
};

typedef enum vk_err vk_command(const struct vk_cli *cli);

vk_command vk_add, vk_curl_config, vk_doctor, vk_drop, vk_header, vk_import,
    vk_list, vk_remove, vk_retry, vk_rotate, vk_run, vk_set_up, vk_show_log,
    vk_status, vk_systemd_socket, vk_token;

const char *vk_cli_option_name(unsigned int option);

/* The value of an option in seconds, or fallback. */
VK_MUST enum vk_err vk_cli_seconds(const struct vk_cli *cli,
                                   enum vk_option option, int64_t fallback,
                                   int64_t *out);

/* --timeout, and what option says of the validity. */
VK_MUST enum vk_err vk_cli_wish(const struct vk_cli *cli,
                                enum vk_option option, struct vk_wish *wish);

/* Open clients.conf; a missing one is empty. */
VK_MUST enum vk_err vk_cli_open_warm(struct vk_clients *clients);

/* And check all of it, which the warm path does without. */
VK_MUST enum vk_err vk_cli_open(struct vk_clients *clients);

/* The token of that name, or of the operand; VK_NOCLIENT is logged. */
VK_MUST enum vk_err vk_cli_find_name(const struct vk_clients *clients,
                                     struct vk_span name,
                                     struct vk_profile *profile);
VK_MUST enum vk_err vk_cli_find(const struct vk_cli *cli,
                                const struct vk_clients *clients,
                                struct vk_profile *profile);

/* VK_USAGE (logged) if it is for root to change it: --system is missing. */
VK_MUST enum vk_err vk_cli_refuse_machines(const struct vk_cli *cli,
                                           const struct vk_profile *profile);

/* To change it; own is the user's file, or with --system the machine's. */
VK_MUST enum vk_err vk_cli_find_own(const struct vk_cli *cli,
                                    const struct vk_clients *own,
                                    struct vk_span name,
                                    struct vk_profile *profile);

/* Where PATH has a program; false: nowhere. */
VK_MUST bool vk_cli_find_program(const char *program, char out[VK_PATH_MAX]);

/* Write to standard output, or say why that failed. */
VK_MUST enum vk_err vk_cli_print(struct vk_span text);

#endif

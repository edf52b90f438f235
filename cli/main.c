/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/cli.h"
#include "keyring/keys.h"

#define SECONDS_MAX (INT32_MAX / 1000)

static const struct {
    const char *name;
    const char *value; /* NULL: takes none */
} options[VK_OPT_KEYS] = {
    [VK_OPT_JSON] = {"json", NULL},
    [VK_OPT_PRINT] = {"print", NULL},
    [VK_OPT_REPLACE] = {"replace", NULL},
    [VK_OPT_SECRET_STDIN] = {"secret-stdin", NULL},
    [VK_OPT_SHRED] = {"shred", NULL},
    [VK_OPT_UNDO] = {"undo", NULL},
    [VK_OPT_YES] = {"yes", NULL},
    [VK_OPT_CLUSTER_ID] = {"cluster-id", "ID"},
    [VK_OPT_HOST] = {"host", "HOST"},
    [VK_OPT_MIN_VALIDITY] = {"min-validity", "SECONDS"},
    [VK_OPT_NAME] = {"name", "NAME"},
    [VK_OPT_PRESET] = {"preset", "PRESET"},
    [VK_OPT_REALM] = {"realm", "REALM"},
    [VK_OPT_REGION] = {"region", "REGION"},
    [VK_OPT_SERVER] = {"server", "ID"},
    [VK_OPT_TENANT] = {"tenant", "ID"},
    [VK_OPT_TIMEOUT] = {"timeout", "SECONDS"},
    [VK_OPT_UNIT] = {"unit", "UNIT"},
};

#define OPT(name) (1ULL << VK_OPT_##name)
#define ANY_KEY (~0ULL << VK_OPT_KEYS)
#define CA_FILE (1ULL << (VK_OPT_KEYS + VK_KEY_CA_FILE))

enum operand { NO_OPERAND, MAY_HAVE, MUST_HAVE, MUST_HAVE_MORE };

static const struct command {
    const char *name, *operand;
    enum operand needs;
    uint64_t options;
    vk_command *run;
    const char *help;
} commands[] = {
    {"import", "FILE", MUST_HAVE,
     OPT(NAME) | OPT(REPLACE) | OPT(SHRED) | CA_FILE, vk_import,
     "take a downloaded credentials file ('-': standard input)"},
    {"add", "NAME[/TOKEN]", MUST_HAVE,
     OPT(PRESET) | OPT(SECRET_STDIN) | OPT(REPLACE) | OPT(CLUSTER_ID) |
         OPT(HOST) | OPT(REALM) | OPT(REGION) | OPT(SERVER) | OPT(TENANT) |
         ANY_KEY,
     vk_add, "add a client, or another token of one"},
    {"token", "NAME[/TOKEN]", MUST_HAVE,
     OPT(MIN_VALIDITY) | OPT(TIMEOUT) | OPT(JSON), vk_token,
     "print the access token"},
    {"header", "NAME[/TOKEN]", MUST_HAVE, OPT(MIN_VALIDITY) | OPT(TIMEOUT),
     vk_header, "print 'Authorization: Bearer ...'"},
    {"list", NULL, NO_OPERAND, OPT(JSON), vk_list,
     "what is configured, and the URLs that it serves"},
    {"status", "NAME[/TOKEN]", MAY_HAVE, OPT(JSON), vk_status,
     "which tokens are there, and for how long"},
    {"doctor", NULL, NO_OPERAND, OPT(JSON), vk_doctor,
     "find what is wrong, and say what to do"},
    {"drop", "NAME[/TOKEN]", MUST_HAVE, 0, vk_drop, "forget a cached token"},
    {"rotate", "NAME", MUST_HAVE, OPT(SECRET_STDIN), vk_rotate,
     "give a client its new secret"},
    {"retry", "NAME", MUST_HAVE, 0, vk_retry,
     "lift what holds a client's requests back"},
    {"remove", "NAME[/TOKEN]", MUST_HAVE, 0, vk_remove,
     "remove a client with its secret and its tokens"},
    {"setup", "TOOL [NAME]...", MUST_HAVE_MORE,
     OPT(PRINT) | OPT(UNDO) | OPT(UNIT) | OPT(YES), vk_set_up,
     "make docker, git, kubectl, ... use valetkey"},
};

#define COMMANDS (sizeof commands / sizeof commands[0])

enum vk_err
vk_cli_print(struct vk_span text)
{
    if (vk_span_write(text, STDOUT_FILENO) != VK_OK)
        return vk_fail(VK_IO, "cannot write to standard output: %s",
                       strerror(errno));
    return VK_OK;
}

static const char *
option_name(unsigned int option, const char **value)
{
    if (option < VK_OPT_KEYS) {
        *value = options[option].value;
        return options[option].name;
    }
    *value = "VALUE";
    return vk_key_rows[option - VK_OPT_KEYS].name;
}

const char *
vk_cli_option_name(unsigned int option)
{
    const char *value;

    return option_name(option, &value);
}

static enum vk_err
add_help(const struct command *command, struct vk_buf *out)
{
    const char *value;
    enum vk_err err = vk_buf_addf(out, "usage: valetkey %s", command->name);

    if (err == VK_OK && command->operand != NULL)
        err = vk_buf_addf(out, command->needs == MAY_HAVE ? " [%s]" : " %s",
                          command->operand);
    if (err == VK_OK)
        err = vk_buf_addf(out, " [OPTION]...\n%s\n", command->help);
    for (unsigned int i = 0; i < VK_OPTIONS && err == VK_OK; i++) {
        if ((command->options >> i & 1) == 0)
            continue;
        const char *name = option_name(i, &value);
        err = vk_buf_addf(out, "  --%s%s%s\n", name, value != NULL ? " " : "",
                          value != NULL ? value : "");
    }
    return err;
}

static enum vk_err
add_overview(struct vk_buf *out)
{
    enum vk_err err = vk_buf_add_str(
        out, "usage: valetkey COMMAND [OPTION]...\n"
             "Hands tools short-lived OAuth 2.0 access tokens and keeps the"
             " client secret from them.\n\n");

    for (size_t i = 0; i < COMMANDS && err == VK_OK; i++)
        err = vk_buf_addf(out, "  %-7s %-14s %s\n", commands[i].name,
                          commands[i].operand ? commands[i].operand : "",
                          commands[i].help);
    if (err == VK_OK)
        err = vk_buf_add_str(out, "\n'valetkey COMMAND --help' lists the"
                                  " options; valetkey(1) has it all.\n");
    return err;
}

static enum vk_err
help(const struct command *command)
{
    VK_AUTO_BUF out = VK_BUF(8192);
    enum vk_err err =
        command != NULL ? add_help(command, &out) : add_overview(&out);

    return err != VK_OK ? err : vk_cli_print(vk_buf_span(&out));
}

static const struct command *
find_command(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

#define HELP_OPTION (VK_OPTIONS + 1)

static void
list_options(struct option out[VK_OPTIONS + 2])
{
    const char *value;

    for (unsigned int i = 0; i < VK_OPTIONS; i++) {
        const char *name = option_name(i, &value);
        out[i] = (struct option){
            name, value != NULL ? required_argument : no_argument, NULL,
            (int)i + 1};
    }
    out[VK_OPTIONS] = (struct option){"help", no_argument, NULL, HELP_OPTION};
    out[VK_OPTIONS + 1] = (struct option){NULL, 0, NULL, 0};
}

/*
 * getopt_long(3) takes any beginning of a name, and "--secret VALUE" for
 * --secret-stdin: what was meant must be written.
 */
static bool
is_spelled_out(char **argv, const struct option *known, int option)
{
    const char *name =
        known[option == HELP_OPTION ? VK_OPTIONS : option - 1].name;
    size_t len = strlen(name);

    for (int back = 1; back <= 2 && optind - back > 0; back++) {
        const char *word = argv[optind - back];
        if (word[0] == '-' && word[1] == '-' &&
            strncmp(word + 2, name, len) == 0 &&
            (word[2 + len] == '\0' || word[2 + len] == '='))
            return true;
    }
    return false;
}

/* What is left of an option that we do not know, without its value. */
static struct vk_span
unknown_option(char **argv)
{
    struct vk_span word = vk_span_str(argv[optind - 1]);

    if (!vk_span_starts(word, "-") && optind > 1)
        word = vk_span_str(argv[optind - 2]);
    return vk_span_cut(&word, '=');
}

static enum vk_err
take_option(const struct command *command, unsigned int option,
            struct vk_cli *cli)
{
    const char *value;
    const char *name = option_name(option, &value);
    bool repeatable =
        option >= VK_OPT_KEYS &&
        (vk_key_rows[option - VK_OPT_KEYS].flags & VK_REPEATABLE) != 0;

    if ((command->options >> option & 1) == 0)
        return vk_fail(VK_USAGE, "'valetkey %s' has no option '--%s'",
                       command->name, name);
    if (cli->option[option] != NULL && !repeatable)
        return vk_fail(VK_USAGE, "'--%s' is given twice", name);
    cli->option[option] = value != NULL ? optarg : "";
    if (!repeatable)
        return VK_OK;
    if (cli->repeats == VK_OPTION_VALUES)
        return vk_fail(VK_USAGE, "too many '--%s'", name);
    cli->repeated[cli->repeats].key = (enum vk_key)(option - VK_OPT_KEYS);
    cli->repeated[cli->repeats++].value = optarg;
    return VK_OK;
}

static enum vk_err
take_operands(const struct command *command, int argc, char **argv,
              struct vk_cli *cli)
{
    int count = argc - optind;

    if ((count > 1 && command->needs != MUST_HAVE_MORE) ||
        (count == 1 && command->needs == NO_OPERAND))
        return vk_fail(VK_USAGE, "too many operands; see 'valetkey %s --help'",
                       command->name);
    if (count == 0 && command->needs >= MUST_HAVE)
        return vk_fail(VK_USAGE,
                       "usage: valetkey %s %s; see 'valetkey %s"
                       " --help'",
                       command->name, command->operand, command->name);
    cli->operand = count > 0 ? argv[optind] : NULL;
    cli->all_operands = argv + optind;
    cli->operands = (size_t)count;
    return VK_OK;
}

static enum vk_err
run(const struct command *command, int argc, char **argv)
{
    struct vk_cli cli = {.command = command->name};
    struct option long_options[VK_OPTIONS + 2];
    enum vk_err err = VK_OK;
    int c;

    list_options(long_options);
    opterr = 0;
    while (err == VK_OK &&
           (c = getopt_long(argc, argv, ":h", long_options, NULL)) != -1) {
        if (c == 'h' || c == HELP_OPTION)
            return help(command);
        if (c == ':')
            return vk_fail(VK_USAGE, "'%s' needs a value", argv[optind - 1]);
        if (c == '?' || !is_spelled_out(argv, long_options, c))
            return vk_fail(VK_USAGE,
                           "there is no option '%.*s'; see 'valetkey"
                           " %s --help'",
                           VK_ARG(unknown_option(argv)), command->name);
        err = take_option(command, (unsigned int)c - 1, &cli);
    }
    if (err == VK_OK)
        err = take_operands(command, argc, argv, &cli);
    return err == VK_OK ? command->run(&cli) : err;
}

static enum vk_err
start(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "--help";
    const struct command *command = find_command(word);
    enum vk_err err = vk_file_refuse_setuid();

    if (err != VK_OK)
        return err;
    if (command != NULL)
        return run(command, argc - 1, argv + 1);
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 ||
        strcmp(word, "help") == 0) {
        err = help(argc > 2 ? find_command(argv[2]) : NULL);
        return argc > 1 ? err : VK_USAGE;
    }
    if (strcmp(word, "--version") == 0)
        return vk_cli_print(VK_SPAN("valetkey " PACKAGE_VERSION "\n"));
    return vk_fail(VK_USAGE,
                   "there is no command '%s'; see 'valetkey"
                   " --help'",
                   word);
}

enum vk_err
vk_cli_seconds(const struct vk_cli *cli, enum vk_option option,
               int64_t fallback, int64_t *out)
{
    const char *text = cli->option[option];

    *out = fallback;
    if (text == NULL || vk_span_number(vk_span_str(text), SECONDS_MAX, out))
        return VK_OK;
    return vk_fail(VK_USAGE, "'--%s' must be a number of seconds",
                   options[option].name);
}

enum vk_err
vk_cli_open(struct vk_clients *clients)
{
    enum vk_err err = vk_clients_open(clients);

    if (err == VK_NOCLIENT)
        return VK_OK;
    return err == VK_OK ? vk_clients_check(clients) : err;
}

enum vk_err
vk_cli_find(const struct vk_cli *cli, const struct vk_clients *clients,
            struct vk_profile *profile)
{
    enum vk_err err =
        vk_clients_for_name(clients, vk_span_str(cli->operand), profile);

    if (err == VK_NOCLIENT)
        return vk_fail(err,
                       "there is no client or token '%s'; 'valetkey"
                       " list' shows what there is",
                       cli->operand);
    return err;
}

int
main(int argc, char **argv)
{
    vk_log_program("valetkey");
    /* A reader that closes early is an error like any other. */
    signal(SIGPIPE, SIG_IGN);
    return vk_err_exit(start(argc, argv));
}

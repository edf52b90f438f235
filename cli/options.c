/* SPDX-License-Identifier: MIT */
#include "cli/options.h"

#include <getopt.h>
#include <string.h>

#include "base/log.h"
#include "keyring/keys.h"

#define SECONDS_MAX (INT32_MAX / 1000)

static const struct vk_option_row options[VK_OPT_KEYS] = {
    [VK_OPT_JSON] = {"json", NULL, false},
    [VK_OPT_PRINT] = {"print", NULL, false},
    [VK_OPT_REPLACE] = {"replace", NULL, false},
    [VK_OPT_SECRET_STDIN] = {"secret-stdin", NULL, false},
    [VK_OPT_SHRED] = {"shred", NULL, false},
    [VK_OPT_UNDO] = {"undo", NULL, false},
    [VK_OPT_YES] = {"yes", NULL, false},
    [VK_OPT_AT_LEAST] = {"at-least", "SECONDS", false},
    [VK_OPT_CLUSTER_ID] = {"cluster-id", "ID", false},
    [VK_OPT_ENV] = {"env", "VAR[=NAME]", true},
    [VK_OPT_FILE] = {"file", "PATH", false},
    [VK_OPT_FOR] = {"for", "PRESET[=NAME]", true},
    [VK_OPT_HOST] = {"host", "HOST", false},
    [VK_OPT_MIN_VALIDITY] = {"min-validity", "SECONDS", false},
    [VK_OPT_NAME] = {"name", "NAME", false},
    [VK_OPT_PRESET] = {"preset", "PRESET", false},
    [VK_OPT_REALM] = {"realm", "REALM", false},
    [VK_OPT_REGION] = {"region", "REGION", false},
    [VK_OPT_SERVER] = {"server", "ID", false},
    [VK_OPT_TENANT] = {"tenant", "ID", false},
    [VK_OPT_TIMEOUT] = {"timeout", "SECONDS", false},
};

/* What a value is, where a key of clients.conf is an option. */
static const char *const values[VK_KEYS] = {
    [VK_KEY_TOKEN_URL] = "URL",
    [VK_KEY_ISSUER] = "URL",
    [VK_KEY_CLIENT_ID] = "ID",
    [VK_KEY_AUTH] = "METHOD",
    [VK_KEY_BODY] = "form|json",
    [VK_KEY_PARAMETER] = "NAME=VALUE",
    [VK_KEY_SERVES] = "URL[,URL]",
    [VK_KEY_USERNAME] = "USER",
    [VK_KEY_UNIT] = "UNIT",
    [VK_KEY_CA_FILE] = "PATH",
    [VK_KEY_PROXY] = "URL",
    [VK_KEY_LIFETIME] = "SECONDS",
    [VK_KEY_MAX_LIFETIME] = "SECONDS",
    [VK_KEY_ALLOW] = "WHO",
};

struct vk_option_row
vk_options_row(unsigned int option)
{
    if (option < VK_OPT_KEYS)
        return options[option];
    const struct vk_key_row *key = &vk_key_rows[option - VK_OPT_KEYS];
    const char *value = values[option - VK_OPT_KEYS];
    return (struct vk_option_row){key->name, value != NULL ? value : "VALUE",
                                  (key->flags & VK_REPEATABLE) != 0};
}

const char *
vk_cli_option_name(unsigned int option)
{
    return vk_options_row(option).name;
}

#define HELP_OPTION (VK_OPTIONS + 1)

static void
list_options(struct option out[VK_OPTIONS + 2])
{
    for (unsigned int i = 0; i < VK_OPTIONS; i++) {
        struct vk_option_row row = vk_options_row(i);
        out[i] = (struct option){
            row.name, row.value != NULL ? required_argument : no_argument,
            NULL, (int)i + 1};
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

    for (int back = 1; back <= 2 && optind - back > 0; back++) {
        struct vk_span word = vk_span_str(argv[optind - back]);
        struct vk_span rest = vk_span_from(word, 2);
        if (vk_span_starts(word, "--") &&
            vk_span_is(vk_span_cut(&rest, '='), name))
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
take_option(const struct vk_cli_command *command, unsigned int option,
            struct vk_cli *cli)
{
    struct vk_option_row row = vk_options_row(option);

    if ((command->options >> option & 1) == 0)
        return vk_fail(VK_USAGE, "'valetkey %s' has no option '--%s'",
                       command->name, row.name);
    if (cli->option[option] != NULL && !row.repeatable)
        return vk_fail(VK_USAGE, "'--%s' is given twice", row.name);
    cli->option[option] = row.value != NULL ? optarg : "";
    if (!row.repeatable)
        return VK_OK;
    if (cli->repeats == VK_OPTION_VALUES)
        return vk_fail(VK_USAGE, "too many '--%s'", row.name);
    cli->repeated[cli->repeats].option = option;
    cli->repeated[cli->repeats++].value = optarg;
    return VK_OK;
}

static enum vk_err
take_operands(const struct vk_cli_command *command, int argc, char **argv,
              struct vk_cli *cli)
{
    size_t count = (size_t)(argc - optind);

    if ((count > 1 && command->needs != VK_MUST_HAVE_MORE &&
         command->needs != VK_AND_COMMAND) ||
        (count == 1 && command->needs == VK_NO_OPERAND))
        return vk_fail(VK_USAGE, "too many operands; see 'valetkey %s --help'",
                       command->name);
    if (count == 0 && command->needs >= VK_MUST_HAVE)
        return vk_fail(VK_USAGE,
                       "usage: valetkey %s %s; see 'valetkey %s"
                       " --help'",
                       command->name, command->operand, command->name);
    cli->operand = count > 0 ? argv[optind] : NULL;
    cli->all_operands = argv + optind;
    cli->operands = count;
    return VK_OK;
}

/*
 * What stands behind "--" is another command's and not looked at, nor put
 * into another order, which getopt_long would do.
 */
static int
take_command(int argc, char **argv, struct vk_cli *cli)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--") == 0) {
            cli->exec = argv + i + 1;
            return i;
        }
    return argc;
}

enum vk_err
vk_options_read(const struct vk_cli_command *command, int argc, char **argv,
                struct vk_cli *cli, bool *wants_help)
{
    struct option long_options[VK_OPTIONS + 2];
    enum vk_err err = VK_OK;
    int c;

    if (command->needs == VK_AND_COMMAND)
        argc = take_command(argc, argv, cli);
    list_options(long_options);
    opterr = 0;
    while (err == VK_OK &&
           (c = getopt_long(argc, argv, ":h", long_options, NULL)) != -1) {
        if (c == 'h' || c == HELP_OPTION) {
            *wants_help = true;
            return VK_OK;
        }
        if (c == ':')
            return vk_fail(VK_USAGE, "'%s' needs a value", argv[optind - 1]);
        if (c == '?' || !is_spelled_out(argv, long_options, c))
            return vk_fail(VK_USAGE,
                           "there is no option '%.*s'; see 'valetkey"
                           " %s --help'",
                           VK_ARG(unknown_option(argv)), command->name);
        err = take_option(command, (unsigned int)c - 1, cli);
    }
    return err == VK_OK ? take_operands(command, argc, argv, cli) : err;
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

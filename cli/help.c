/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "cli/options.h"

static enum vk_err
add_synopsis(const struct vk_cli_command *command, struct vk_buf *out)
{
    enum vk_err err = vk_buf_add_str(out, command->name);

    if (err == VK_OK && command->operand != NULL)
        err = vk_buf_addf(out, command->needs == VK_MAY_HAVE ? " [%s]" : " %s",
                          command->operand);
    return err;
}

static enum vk_err
add_help(const struct vk_cli_command *command, struct vk_buf *out)
{
    enum vk_err err = vk_buf_add_str(out, "usage: valetkey ");

    if (err == VK_OK)
        err = add_synopsis(command, out);
    if (err == VK_OK)
        err = vk_buf_addf(
            out, "%s%s\n%s\n", command->options != 0 ? " [OPTION]..." : "",
            command->needs == VK_AND_COMMAND ? " -- COMMAND [ARG]..." : "",
            command->help);
    for (unsigned int i = 0; i < VK_OPTIONS && err == VK_OK; i++) {
        if ((command->options >> i & 1) == 0)
            continue;
        struct vk_option_row row = vk_options_row(i);
        err = vk_buf_addf(out, "  --%s%s%s\n", row.name,
                          row.value != NULL ? " " : "",
                          row.value != NULL ? row.value : "");
    }
    return err;
}

static enum vk_err
print_and_clear(enum vk_err err, struct vk_buf *out)
{
    if (err == VK_OK)
        err = vk_cli_print(vk_buf_span(out));
    vk_buf_clear(out);
    return err;
}

enum vk_err
vk_options_help(const struct vk_cli_command *command)
{
    struct vk_buf out = VK_BUF(8192);

    return print_and_clear(add_help(command, &out), &out);
}

static enum vk_err
add_overview(const struct vk_cli_command *commands, size_t count,
             struct vk_buf *out)
{
    enum vk_err err = vk_buf_add_str(
        out, "usage: valetkey COMMAND [OPTION]...\n"
             "Hands tools short-lived OAuth 2.0 access tokens and keeps the"
             " client secret from them.\n\n");

    for (size_t i = 0; i < count && err == VK_OK; i++) {
        VK_AUTO_BUF synopsis = VK_BUF(64);
        err = add_synopsis(&commands[i], &synopsis);
        if (err == VK_OK)
            err = vk_buf_addf(out, "  %-24s %.*s\n", vk_buf_str(&synopsis),
                              (int)strcspn(commands[i].help, "\n"),
                              commands[i].help);
    }
    if (err == VK_OK)
        err = vk_buf_add_str(
            out, "\n'valetkey --system COMMAND' is for the machine's clients"
                 " (root).\n'valetkey COMMAND --help' lists the"
                 " options; valetkey(1) has it all.\n");
    return err;
}

enum vk_err
vk_options_overview(const struct vk_cli_command *commands, size_t count)
{
    struct vk_buf out = VK_BUF(8192);

    return print_and_clear(add_overview(commands, count, &out), &out);
}

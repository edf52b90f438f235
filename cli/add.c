/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/proc.h"
#include "cli/edit.h"
#include "cli/install.h"
#include "cli/presets.h"
#include "keyring/keys.h"

#define VALUE_MAX 4096
#define SECTIONS_MAX 65536

/* A line break in a value would be a line of its own in clients.conf. */
static enum vk_err
check_value(enum vk_key key, struct vk_span value)
{
    const struct vk_key_row *row = &vk_key_rows[key];

    for (size_t i = 0; i < value.len; i++)
        if ((unsigned char)value.ptr[i] < ' ' || value.ptr[i] == 127)
            return vk_fail(VK_USAGE, "'--%s' has control characters in it",
                           row->name);
    const char *objection =
        row->objection != NULL ? row->objection(value) : NULL;
    if (objection != NULL)
        return vk_fail(VK_USAGE, "'--%s' %s", row->name, objection);
    return VK_OK;
}

static enum vk_err
add_line(enum vk_key key, struct vk_span value, struct vk_buf *out)
{
    enum vk_err err = check_value(key, value);

    if (err == VK_OK)
        err = vk_buf_addf(out, "%s =%s", vk_key_rows[key].name,
                          value.len > 0 ? " " : "");
    if (err == VK_OK)
        err = vk_buf_add(out, value);
    return err == VK_OK ? vk_buf_add_char(out, '\n') : err;
}

static enum vk_err
add_repeated(const struct vk_cli *cli, enum vk_key key, struct vk_buf *out)
{
    enum vk_err err = VK_OK;

    for (size_t i = 0; i < cli->repeats && err == VK_OK; i++)
        if (cli->repeated[i].option == VK_OPT_KEYS + key)
            err = add_line(key, vk_span_str(cli->repeated[i].value), out);
    return err;
}

/* What was said on the command line, else what the preset says. */
static enum vk_err
add_key(const struct vk_cli *cli, const struct vk_preset *preset,
        enum vk_key key, struct vk_buf *out)
{
    VK_AUTO_BUF text = VK_BUF(VALUE_MAX);
    const char *said = cli->option[VK_OPT_KEYS + key];
    enum vk_err err;

    if (said != NULL && (vk_key_rows[key].flags & VK_REPEATABLE) != 0)
        return add_repeated(cli, key, out);
    if (said != NULL)
        return add_line(key, vk_span_str(said), out);
    if (preset->needs == key)
        return vk_fail(VK_USAGE, "preset '%s' needs '--%s'", preset->name,
                       vk_key_rows[key].name);
    if (preset->value[key] == NULL)
        return VK_OK;
    err = vk_preset_expand(preset, key, cli, &text);
    return err == VK_OK ? add_line(key, vk_buf_span(&text), out) : err;
}

static enum vk_err
add_section(const struct vk_cli *cli, const struct vk_preset *preset,
            const char *kind, struct vk_buf *out)
{
    enum vk_err err = vk_buf_addf(out, "[%s %s]\n", kind, cli->operand);

    for (enum vk_key key = 0; key < VK_KEYS && err == VK_OK; key++)
        err = add_key(cli, preset, key, out);
    return err;
}

static enum vk_err
report(const struct vk_cli *cli)
{
    VK_AUTO_BUF out = VK_BUF(VALUE_MAX);
    enum vk_err err =
        vk_clients_is_machine()
            ? vk_buf_addf(
                  &out, "Added '%s'. Who may have it: 'allow' in %s/%s\n",
                  cli->operand, vk_clients_machine_dir(), VK_CLIENTS_FILE)
            : vk_buf_addf(&out, "Added '%s'. Try: valetkey token %s\n",
                          cli->operand, cli->operand);

    return err == VK_OK ? vk_cli_print(vk_buf_span(&out)) : err;
}

/* Options that say nothing of a token would be silently lost. */
static enum vk_err
refuse_client_options(const struct vk_cli *cli)
{
    for (unsigned int i = 0; i < VK_OPTIONS; i++) {
        bool fits = i == VK_OPT_REPLACE ||
                    (i >= VK_OPT_KEYS &&
                     (vk_key_rows[i - VK_OPT_KEYS].flags & VK_IN_TOKEN) != 0);
        if (cli->option[i] != NULL && !fits)
            return vk_fail(VK_USAGE,
                           "'--%s' is an option of a client, not"
                           " of a token",
                           vk_cli_option_name(i));
    }
    return VK_OK;
}

static enum vk_err
require_client(const struct vk_cli *cli, const struct vk_clients *clients)
{
    struct vk_span token = vk_span_str(cli->operand);
    struct vk_span client = vk_span_cut(&token, '/');
    struct vk_profile profile;

    return vk_cli_find_own(cli, clients, client, &profile);
}

/* [token NAME/TOKEN] of a client that is there already. */
static enum vk_err
add_token(const struct vk_cli *cli)
{
    static const struct vk_preset none = {.needs = VK_KEYS};
    VK_AUTO_BUF text = VK_BUF(SECTIONS_MAX);
    struct vk_edit edit;
    struct vk_profile profile;
    enum vk_err err = refuse_client_options(cli);

    if (err != VK_OK)
        return err;
    err = vk_edit_begin(&edit);
    if (err == VK_OK)
        err = require_client(cli, &edit.clients);
    if (err == VK_OK &&
        vk_clients_for_name(&edit.clients, vk_span_str(cli->operand),
                            &profile) == VK_OK &&
        cli->option[VK_OPT_REPLACE] == NULL)
        err = vk_fail(VK_USAGE,
                      "there is a token '%s' already; use"
                      " --replace, or another name",
                      cli->operand);
    if (err == VK_OK)
        err = add_section(cli, &none, "token", &text);
    if (err == VK_OK)
        err = vk_edit_put(&edit, cli->operand, vk_buf_span(&text));
    if (err == VK_OK)
        err = vk_edit_save(&edit);
    vk_edit_end(&edit);
    return err == VK_OK ? report(cli) : err;
}

static enum vk_err
check_client(const struct vk_cli *cli)
{
    const char *url = cli->option[VK_OPT_KEYS + VK_KEY_TOKEN_URL];
    const char *issuer = cli->option[VK_OPT_KEYS + VK_KEY_ISSUER];

    if (cli->option[VK_OPT_KEYS + VK_KEY_CLIENT_ID] == NULL)
        return vk_fail(VK_USAGE, "'valetkey add' needs '--client-id'");
    if (cli->option[VK_OPT_PRESET] == NULL && url == NULL && issuer == NULL)
        return vk_fail(VK_USAGE, "'valetkey add' needs '--preset',"
                                 " '--token-url' or '--issuer'");
    if (url != NULL && issuer != NULL)
        return vk_fail(VK_USAGE, "'--token-url' and '--issuer' exclude each"
                                 " other");
    return VK_OK;
}

/* The endpoint as it came out, for the secret's attributes. */
static struct vk_span
endpoint(struct vk_span sections)
{
    struct vk_span line = sections, value;

    while (line.len > 0) {
        value = vk_span_cut(&line, '\n');
        struct vk_span key = vk_span_cut(&value, '=');
        key = vk_span_trim(key);
        if (vk_span_is(key, "token-url") || vk_span_is(key, "issuer"))
            return vk_span_trim(value);
    }
    return VK_SPAN("");
}

static enum vk_err
add_client(const struct vk_cli *cli)
{
    const char *preset_name = cli->option[VK_OPT_PRESET];
    VK_AUTO_BUF text = VK_BUF(SECTIONS_MAX);
    VK_AUTO_BUF url = VK_BUF(VALUE_MAX);
    VK_AUTO_BUF secret = VK_BUF(VK_CLI_SECRET_MAX);
    enum vk_err err = check_client(cli);
    const struct vk_preset *preset = NULL;

    if (err == VK_OK)
        preset = vk_preset_find(preset_name != NULL ? preset_name : "generic");
    if (preset == NULL)
        return VK_USAGE;
    err = vk_preset_check(preset, cli);
    if (err == VK_OK && preset->value[VK_KEY_TOKEN_URL] == NULL &&
        cli->option[VK_OPT_KEYS + VK_KEY_TOKEN_URL] == NULL &&
        cli->option[VK_OPT_KEYS + VK_KEY_ISSUER] == NULL)
        err = vk_fail(VK_USAGE,
                      "preset '%s' needs '--token-url' or"
                      " '--issuer'",
                      preset->name);
    if (err == VK_OK)
        err = add_section(cli, preset, "client", &text);
    if (err == VK_OK)
        err = vk_buf_add(&url, endpoint(vk_buf_span(&text)));
    if (err == VK_OK && vk_buf_str(&url) == NULL)
        err = VK_NOMEM;
    if (err != VK_OK)
        return err;
    struct vk_install client = {
        .of = {cli->operand, cli->option[VK_OPT_KEYS + VK_KEY_CLIENT_ID],
               vk_buf_str(&url)},
        .sections = vk_buf_span(&text),
    };
    bool replace = cli->option[VK_OPT_REPLACE] != NULL;
    err = vk_install_check(&client, replace);
    if (err == VK_OK)
        err = vk_cli_read_secret(cli, cli->operand, &secret);
    client.secret = vk_buf_span(&secret);
    if (err == VK_OK)
        err = vk_install(&client, 1, replace);
    return err == VK_OK ? report(cli) : err;
}

enum vk_err
vk_add(const struct vk_cli *cli)
{
    struct vk_span token = vk_span_str(cli->operand);
    struct vk_span client = vk_span_cut(&token, '/');

    if (!vk_clients_is_name(client) ||
        (token.ptr != NULL && !vk_clients_is_name(token)))
        return vk_fail(VK_USAGE,
                       "'%s' is no name: use lower case letters,"
                       " digits, '.', '_' and '-', at most 63,"
                       " beginning with a letter or digit",
                       cli->operand);
    enum vk_err err = vk_proc_harden();
    if (err != VK_OK)
        return err;
    return token.ptr != NULL ? add_token(cli) : add_client(cli);
}

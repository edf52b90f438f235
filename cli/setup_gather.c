/* SPDX-License-Identifier: MIT */
/* What a tool is to be told, from clients.conf. */
#include "base/log.h"
#include "cli/setup.h"

enum vk_err
vk_setup_want(struct vk_setup *setup, struct vk_span lines)
{
    if (vk_setup_has_lines(vk_buf_span(&setup->want), lines))
        return VK_OK;
    return vk_buf_add(&setup->want, lines);
}

enum vk_err
vk_setup_flat_name(const char *name, struct vk_buf *out)
{
    enum vk_err err = VK_OK;

    for (; err == VK_OK && *name != '\0'; name++)
        err = vk_buf_add_char(out, *name == '/' ? '@' : *name);
    return err;
}

/* A name stands for its tokens too, where URLs are what counts. */
static bool
is_chosen(const struct vk_setup *setup, const struct vk_profile *profile)
{
    const struct vk_cli *cli = setup->cli;

    if (cli->operands < 2)
        return true;
    for (size_t i = 1; i < cli->operands; i++)
        if (vk_span_is(vk_span_str(profile->name), cli->all_operands[i]) ||
            (setup->tool->by == VK_BY_URL &&
             vk_span_is(profile->client, cli->all_operands[i])))
            return true;
    return false;
}

static enum vk_err
check_names(const struct vk_setup *setup)
{
    const struct vk_cli *cli = setup->cli;
    struct vk_profile profile;

    if (cli->operands > 1 && setup->tool->by == VK_BY_NOTHING)
        return vk_fail(VK_USAGE,
                       "%s asks valetkey for every URL, and gets a token for"
                       " those that are served; give no name",
                       setup->tool->name);
    for (size_t i = 1; i < cli->operands; i++) {
        struct vk_span name = vk_span_str(cli->all_operands[i]);
        enum vk_err err = vk_clients_for_name(&setup->clients, name, &profile);
        if (err == VK_NOCLIENT)
            return vk_fail(err,
                           "there is no client or token '%s'; 'valetkey"
                           " list' shows what there is",
                           cli->all_operands[i]);
        if (err != VK_OK)
            return err;
    }
    return VK_OK;
}

/* *served: one of its URLs at least. */
static enum vk_err
gather_token(struct vk_setup *setup, const struct vk_profile *profile,
             bool *served)
{
    const struct vk_setup_tool *tool = setup->tool;
    struct vk_values values = vk_profile_values(profile, VK_KEY_SERVES);
    struct vk_span value;
    struct vk_url url;
    bool any = false;
    enum vk_err err = VK_OK;

    while (err == VK_OK && vk_profile_next(&values, VK_KEY_SERVES, &value)) {
        any = *served = true;
        if (tool->by == VK_BY_URL && vk_url_parse(value, &url))
            err = tool->want(setup, profile, &url);
    }
    /* One that is named is wanted, whatever it serves. */
    if (err == VK_OK && tool->by == VK_BY_NAME &&
        (any || setup->cli->operands > 1)) {
        *served = true;
        err = tool->want(setup, profile, NULL);
    }
    return err;
}

static enum vk_err
nothing_to_say(const struct vk_setup *setup)
{
    if (setup->left_out > 0)
        return vk_fail(VK_CONFIG,
                       "%s cannot be told of any URL that is served: %s",
                       setup->tool->name, setup->tool->limits);
    return vk_fail(VK_NOCLIENT,
                   "%s serves a URL; add 'serves = ...' to clients.conf",
                   setup->cli->operands > 1 ? "none of these" : "no client");
}

enum vk_err
vk_setup_gather(struct vk_setup *setup)
{
    struct vk_clients_cursor cursor = {0};
    struct vk_profile profile;
    bool served = false;
    enum vk_err err = vk_cli_open(&setup->clients);

    if (err == VK_OK)
        err = check_names(setup);
    while (err == VK_OK &&
           vk_clients_next(&setup->clients, &cursor, &profile, &err))
        if (err == VK_OK && is_chosen(setup, &profile))
            err = gather_token(setup, &profile, &served);
    if (err == VK_OK && served && setup->tool->line != NULL)
        err = vk_buf_add_str(&setup->want, setup->tool->line);
    if (err == VK_OK && setup->want.len == 0)
        return nothing_to_say(setup);
    if (err == VK_OK && setup->left_out > 0)
        vk_log("%s cannot be told of %zu of the URLs: %s", setup->tool->name,
               setup->left_out, setup->tool->limits);
    return err;
}

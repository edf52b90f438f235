/* SPDX-License-Identifier: MIT */
/* rotate, remove: what changes a client that is there. */
#include "base/log.h"
#include "base/proc.h"
#include "cli/edit.h"
#include "cli/install.h"
#include "keyring/cache.h"
#include "keyring/count.h"
#include "keyring/hold.h"

#define VALUE_MAX 4096

/* Its names as strings, in the three buffers. */
struct names {
    struct vk_buf client, id, url;
};

#define NAMES                                                 \
    {                                                         \
        .client = VK_BUF(VALUE_MAX), .id = VK_BUF(VALUE_MAX), \
        .url = VK_BUF(VALUE_MAX)                              \
    }

static enum vk_err
name_secret(const struct vk_profile *profile, struct names *names,
            struct vk_secret_of *of)
{
    enum vk_err err = vk_buf_add(&names->client, profile->client);

    if (err == VK_OK)
        err =
            vk_buf_add(&names->id, vk_profile_get(profile, VK_KEY_CLIENT_ID));
    if (err == VK_OK)
        err = vk_buf_add(&names->url, vk_profile_endpoint(profile));
    *of =
        (struct vk_secret_of){vk_buf_str(&names->client),
                              vk_buf_str(&names->id), vk_buf_str(&names->url)};
    if (of->client == NULL || of->client_id == NULL || of->token_url == NULL)
        return VK_NOMEM;
    return err;
}

static void
clear_names(struct names *names)
{
    vk_buf_clear(&names->client);
    vk_buf_clear(&names->id);
    vk_buf_clear(&names->url);
}

static enum vk_err
rotate(const struct vk_cli *cli, const struct vk_clients *clients,
       const struct vk_profile *profile)
{
    VK_AUTO_BUF secret = VK_BUF(VK_CLI_SECRET_MAX);
    struct names names = NAMES;
    struct vk_secret_of of;
    enum vk_err err = name_secret(profile, &names, &of);

    if (err == VK_OK)
        err = vk_cli_read_secret(cli, of.client, &secret);
    if (err == VK_OK)
        err = vk_cli_secret_put(&of, vk_buf_span(&secret));
    clear_names(&names);
    return err == VK_OK ? vk_forget_tokens(clients, profile->client) : err;
}

enum vk_err
vk_rotate(const struct vk_cli *cli)
{
    struct vk_clients clients;
    struct vk_profile profile = {0};
    enum vk_err err = vk_proc_harden();

    if (err == VK_OK)
        err = vk_cli_open(&clients);
    if (err == VK_OK)
        err = vk_cli_find(cli, &clients, &profile);
    if (err == VK_OK)
        err = vk_cli_refuse_machines(cli, &profile);
    if (err == VK_OK && profile.token.len > 0)
        return vk_fail(VK_USAGE,
                       "'%s' has the secret of its client; use"
                       " 'valetkey%s rotate %.*s'",
                       profile.name,
                       vk_clients_is_machine() ? " --system" : "",
                       VK_ARG(profile.client));
    return err == VK_OK ? rotate(cli, &clients, &profile) : err;
}

/*
 * The new file is ready before the secret goes, and takes its place after:
 * should it stop in between, the same command finishes it.
 */
static enum vk_err
remove_client(struct vk_edit *edit, const struct vk_profile *profile)
{
    struct vk_pending pending;
    enum vk_err err = vk_edit_prepare(edit, &pending);

    if (err != VK_OK)
        return err;
    err = vk_cli_secret_clear(profile->name);
    if (err != VK_OK) {
        vk_file_abort(&pending);
        return err;
    }
    err = vk_file_commit(&pending);
    if (err == VK_OK)
        err = vk_forget_tokens(&edit->clients, profile->client);
    vk_count_drop(profile->client);
    return err;
}

static enum vk_err
remove_token(struct vk_edit *edit, const struct vk_profile *profile)
{
    enum vk_err err = vk_edit_save(edit);

    if (err != VK_OK)
        return err;
    /* Where there is no keyring there is no token either. */
    err = vk_cache_drop(profile->name);
    return err == VK_MISS || err == VK_NOKEYRING ? VK_OK : err;
}

enum vk_err
vk_remove(const struct vk_cli *cli)
{
    struct vk_edit edit;
    struct vk_profile profile;
    enum vk_err err = vk_edit_begin(&edit);

    if (err == VK_OK)
        err = vk_cli_find_own(cli, &edit.clients, vk_span_str(cli->operand),
                              &profile);
    if (err == VK_OK)
        err = vk_edit_remove(&edit, cli->operand);
    if (err == VK_OK)
        err = profile.token.len > 0 ? remove_token(&edit, &profile)
                                    : remove_client(&edit, &profile);
    vk_edit_end(&edit);
    return err;
}

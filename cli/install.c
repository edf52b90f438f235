/* SPDX-License-Identifier: MIT */
#include "cli/install.h"

#include "base/log.h"
#include "cli/edit.h"
#include "keyring/cache.h"
#include "keyring/hold.h"

#define CLIENTS_MAX 2

enum vk_err
vk_forget_tokens(const struct vk_clients *clients, struct vk_span client)
{
    struct vk_clients_cursor cursor = {0};
    struct vk_profile profile;
    enum vk_err err = VK_OK;

    while (err == VK_OK && vk_clients_next(clients, &cursor, &profile, &err)) {
        if (err != VK_OK || !vk_span_same(profile.client, client))
            continue;
        /* Where there is no keyring there is no token either. */
        enum vk_err dropped = vk_cache_drop(profile.name);
        (void)dropped;
        vk_hold_drop(&profile, false);
    }
    return err;
}

static enum vk_err
prepare(struct vk_edit *edit, const struct vk_install *client, bool replace)
{
    struct vk_profile profile;
    enum vk_err err = vk_clients_for_name(
        &edit->clients, vk_span_str(client->of.client), &profile);

    if (err == VK_OK && !replace)
        return vk_fail(VK_USAGE,
                       "there is a client '%s' already; use"
                       " --replace, or another name",
                       client->of.client);
    if (err != VK_OK && err != VK_NOCLIENT)
        return err;
    return vk_edit_put(edit, client->of.client, client->sections);
}

static enum vk_err
store(const struct vk_install *client, bool *is_new)
{
    enum vk_err err = vk_cli_secret_has(&client->of);

    if (err != VK_OK && err != VK_NOCLIENT)
        return err;
    *is_new = err == VK_NOCLIENT;
    err = vk_cli_secret_put(&client->of, client->secret);
    /* What has ended too early may have stored it all the same. */
    if (err != VK_OK && err != VK_INTERNAL)
        *is_new = false;
    return err;
}

static enum vk_err
commit(struct vk_edit *edit, const struct vk_install *client, size_t count)
{
    bool is_new[CLIENTS_MAX] = {false};
    struct vk_pending pending;
    enum vk_err err = vk_edit_prepare(edit, &pending);

    if (err != VK_OK)
        return err;
    for (size_t i = 0; i < count && err == VK_OK; i++)
        err = store(&client[i], &is_new[i]);
    if (err == VK_OK)
        err = vk_file_commit(&pending);
    else
        vk_file_abort(&pending);
    for (size_t i = 0; i < count && err != VK_OK; i++)
        if (is_new[i] && vk_cli_secret_delete(&client[i].of) != VK_OK)
            vk_log("the secret of '%s' stays in the keyring",
                   client[i].of.client);
    return err;
}

/* The old secret of a replaced client, its tokens, its quarantine. */
static enum vk_err
tidy(const struct vk_edit *edit, const struct vk_install *client)
{
    struct vk_span name = vk_span_str(client->of.client);
    struct vk_clients next = edit->clients;
    enum vk_err err = vk_forget_tokens(&edit->clients, name);

    next.text = vk_buf_span(&edit->text);
    if (err == VK_OK)
        err = vk_forget_tokens(&next, name);
    if (err == VK_OK && vk_cli_secret_prune(&client->of) != VK_OK)
        vk_log("an older secret of '%s' stays in the keyring",
               client->of.client);
    return err;
}

static enum vk_err
prepare_all(struct vk_edit *edit, const struct vk_install *client,
            size_t count, bool replace)
{
    enum vk_err err = vk_edit_begin(edit);

    for (size_t i = 0; i < count && err == VK_OK; i++)
        err = prepare(edit, &client[i], replace);
    return err == VK_OK ? vk_edit_check(edit) : err;
}

enum vk_err
vk_install_check(const struct vk_install *client, bool replace)
{
    struct vk_edit edit;
    enum vk_err err = prepare_all(&edit, client, 1, replace);

    vk_edit_end(&edit);
    return err;
}

enum vk_err
vk_install(const struct vk_install *client, size_t count, bool replace)
{
    struct vk_edit edit;
    enum vk_err err = prepare_all(&edit, client, count, replace);

    if (err == VK_OK)
        err = commit(&edit, client, count);
    for (size_t i = 0; i < count && err == VK_OK; i++)
        err = tidy(&edit, &client[i]);
    vk_edit_end(&edit);
    return err;
}

/* SPDX-License-Identifier: MIT */
/* token, header, curl-config, drop, retry: what concerns a token alone. */
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "cli/cli.h"
#include "keyring/ask.h"
#include "keyring/cache.h"
#include "keyring/hold.h"

VK_STATIC_BUF(payload, VK_PAYLOAD_MAX);
VK_STATIC_BUF(out, 2 * VK_PAYLOAD_MAX);

/* Only the sections that it needs are read: this is a warm path too. */
static enum vk_err
find(const struct vk_cli *cli, struct vk_clients *clients,
     struct vk_profile *profile)
{
    enum vk_err err = vk_cli_open_warm(clients);

    return err == VK_OK ? vk_cli_find(cli, clients, profile) : err;
}

static enum vk_err
ask(const struct vk_cli *cli, struct vk_clients *clients,
    struct vk_profile *profile, struct vk_record *record)
{
    struct vk_wish wish = {0};
    enum vk_err err = vk_cli_wish(cli, VK_OPT_MIN_VALIDITY, &wish);

    if (err == VK_OK)
        err = find(cli, clients, profile);
    return err == VK_OK ? vk_ask(clients, profile, &wish, &payload, record)
                        : err;
}

static enum vk_err
write_json(const struct vk_profile *profile, const struct vk_record *record)
{
    struct vk_json json = VK_JSON(&out);

    vk_json_open(&json, NULL, '{');
    vk_json_str(&json, "name", vk_span_str(profile->name));
    vk_json_str(&json, "access_token", record->token);
    vk_json_str(&json, "token_type", record->type);
    vk_json_number(&json, "expires_in",
                   vk_record_left(record, vk_clock_boot()));
    vk_json_close(&json, '}');
    return vk_json_end(&json);
}

static enum vk_err
write_token(struct vk_span token)
{
    return vk_buf_add(&out, token);
}

static enum vk_err
write_header(struct vk_span token)
{
    enum vk_err err = vk_buf_add_str(&out, "Authorization: Bearer ");

    return err == VK_OK ? vk_buf_add(&out, token) : err;
}

/*
 * curl(1), -K.  Not a header: this option is a credential to curl, which has
 * always kept credentials from the host that a redirect leads to; headers of
 * that name only since 7.58.
 */
static enum vk_err
write_curl_config(struct vk_span token)
{
    enum vk_err err = vk_buf_add_str(&out, "oauth2-bearer = \"");

    for (size_t i = 0; i < token.len && err == VK_OK; i++) {
        if (token.ptr[i] == '"' || token.ptr[i] == '\\')
            err = vk_buf_add_char(&out, '\\');
        if (err == VK_OK)
            err = vk_buf_add_char(&out, token.ptr[i]);
    }
    return err == VK_OK ? vk_buf_add_char(&out, '"') : err;
}

static enum vk_err
print(const struct vk_cli *cli, enum vk_err (*write)(struct vk_span token))
{
    struct vk_clients clients;
    struct vk_profile profile;
    struct vk_record record;
    enum vk_err err = ask(cli, &clients, &profile, &record);

    if (err == VK_OK)
        err = cli->option[VK_OPT_JSON] != NULL ? write_json(&profile, &record)
                                               : write(record.token);
    if (err == VK_OK)
        err = vk_buf_add_char(&out, '\n');
    if (err == VK_OK)
        err = vk_cli_print(vk_buf_span(&out));
    if (err == VK_OK)
        vk_ask_answered(&clients, &profile, &record);
    vk_buf_clear(&payload);
    vk_buf_clear(&out);
    return err;
}

enum vk_err
vk_token(const struct vk_cli *cli)
{
    return print(cli, write_token);
}

enum vk_err
vk_header(const struct vk_cli *cli)
{
    return print(cli, write_header);
}

enum vk_err
vk_curl_config(const struct vk_cli *cli)
{
    return print(cli, write_curl_config);
}

enum vk_err
vk_drop(const struct vk_cli *cli)
{
    struct vk_clients clients;
    struct vk_profile profile;
    enum vk_err err = find(cli, &clients, &profile);

    if (err != VK_OK)
        return err;
    err = vk_cache_drop(profile.name);
    if (err == VK_NOKEYRING)
        return vk_fail(err,
                       "cannot drop the token of '%s': the kernel"
                       " keyring is not available",
                       profile.name);
    return err == VK_MISS ? VK_OK : err;
}

enum vk_err
vk_retry(const struct vk_cli *cli)
{
    struct vk_clients clients;
    struct vk_clients_cursor cursor = {0};
    struct vk_profile profile = {0}, other;
    enum vk_err err = vk_cli_open(&clients);

    if (err == VK_OK)
        err = vk_cli_find(cli, &clients, &profile);
    if (err == VK_OK)
        err = vk_cli_refuse_machines(cli, &profile);
    while (err == VK_OK && vk_clients_next(&clients, &cursor, &other, &err))
        if (vk_span_same(other.client, profile.client))
            vk_hold_drop(&other, true);
    return err;
}

/* SPDX-License-Identifier: MIT */
#include "base/json.h"
#include "cli/cli.h"
#include "keyring/keys.h"

#define OUT_MAX (VK_CLIENTS_MAX * 4)

static void
write_json(struct vk_json *json, const struct vk_profile *profile)
{
    static const enum vk_key keys[] = {
        VK_KEY_TOKEN_URL, VK_KEY_ISSUER, VK_KEY_CLIENT_ID, VK_KEY_AUTH,
        VK_KEY_AUDIENCE,  VK_KEY_SCOPE,  VK_KEY_RESOURCE,  VK_KEY_USERNAME,
    };
    struct vk_values values = vk_profile_values(profile, VK_KEY_SERVES);
    struct vk_span url;

    vk_json_open(json, NULL, '{');
    vk_json_str(json, "name", vk_span_str(profile->name));
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (profile->key[keys[i]].set)
            vk_json_str(json, vk_key_rows[keys[i]].name,
                        profile->key[keys[i]].value);
    vk_json_open(json, "serves", '[');
    while (vk_profile_next(&values, VK_KEY_SERVES, &url))
        vk_json_str(json, NULL, url);
    vk_json_close(json, ']');
    vk_json_close(json, '}');
}

/* A name and the URLs that it serves, one below the other. */
static enum vk_err
write_row(struct vk_buf *out, const struct vk_profile *profile, int width)
{
    struct vk_values values = vk_profile_values(profile, VK_KEY_SERVES);
    struct vk_span url;
    const char *name = profile->name;
    enum vk_err err = VK_OK;

    while (err == VK_OK && vk_profile_next(&values, VK_KEY_SERVES, &url)) {
        err = vk_buf_addf(out, "%-*s  %.*s\n", width, name, (int)url.len,
                          url.ptr);
        name = "";
    }
    if (err == VK_OK && name[0] != '\0')
        err = vk_buf_addf(out, "%-*s  (no URL)\n", width, name);
    return err;
}

static int
widest_name(const struct vk_clients *clients)
{
    struct vk_clients_cursor cursor = {0};
    struct vk_profile profile;
    enum vk_err err = VK_OK;
    int width = 4;

    while (vk_clients_next(clients, &cursor, &profile, &err)) {
        int len = (int)vk_span_str(profile.name).len;
        width = len > width ? len : width;
    }
    return width;
}

enum vk_err
vk_list(const struct vk_cli *cli)
{
    VK_AUTO_BUF out = VK_BUF(OUT_MAX);
    struct vk_json json = VK_JSON(&out);
    struct vk_clients clients;
    struct vk_clients_cursor cursor = {0};
    struct vk_profile profile;
    bool as_json = cli->option[VK_OPT_JSON] != NULL;
    enum vk_err err = vk_cli_open(&clients);
    int width = err == VK_OK ? widest_name(&clients) : 0;

    if (as_json)
        vk_json_open(&json, NULL, '[');
    else if (err == VK_OK && clients.text.len > 0)
        err = vk_buf_addf(&out, "%-*s  SERVES\n", width, "NAME");
    while (err == VK_OK &&
           vk_clients_next(&clients, &cursor, &profile, &err)) {
        if (as_json)
            write_json(&json, &profile);
        else
            err = write_row(&out, &profile, width);
    }
    if (as_json) {
        vk_json_close(&json, ']');
        if (err == VK_OK)
            err = vk_json_end(&json);
        if (err == VK_OK)
            err = vk_buf_add_char(&out, '\n');
    }
    return err == VK_OK ? vk_cli_print(vk_buf_span(&out)) : err;
}

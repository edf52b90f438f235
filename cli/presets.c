/* SPDX-License-Identifier: MIT */
#include "cli/presets.h"

#include <string.h>

#include "base/log.h"

#define TOKEN_URL [VK_KEY_TOKEN_URL]
#define AUTH [VK_KEY_AUTH]
#define AUDIENCE [VK_KEY_AUDIENCE]
#define SCOPE [VK_KEY_SCOPE]
#define SERVES [VK_KEY_SERVES]

static const struct vk_preset presets[] = {
    {"camunda-saas",
     {TOKEN_URL = "https://login.cloud.camunda.io/oauth/token",
      AUDIENCE = "zeebe.camunda.io",
      SERVES = "https://{region}.zeebe.camunda.io/{cluster-id}, "
               "https://{cluster-id}.{region}.zeebe.camunda.io"},
     VK_KEYS},
    {"camunda-console",
     {TOKEN_URL = "https://login.cloud.camunda.io/oauth/token",
      AUDIENCE = "api.cloud.camunda.io",
      SERVES = "https://api.cloud.camunda.io, "
               "https://modeler.camunda.io/api"},
     VK_KEYS},
    {"camunda-self-managed",
     {TOKEN_URL = "{host}/auth/realms/{realm=camunda-platform}"
                  "/protocol/openid-connect/token"},
     VK_KEYS},
    {"infoveave",
     {TOKEN_URL = "{host}/connect/token", SERVES = "{host}"},
     VK_KEYS},
    {"keycloak",
     {TOKEN_URL = "{host}/realms/{realm}/protocol/openid-connect/token"},
     VK_KEYS},
    {"entra",
     {TOKEN_URL =
          "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
      SCOPE = "{client-id}/.default"},
     VK_KEYS},
    /* Without an audience Auth0 gives a token that no API takes. */
    {"auth0", {TOKEN_URL = "{host}/oauth/token"}, VK_KEY_AUDIENCE},
    {"okta",
     {TOKEN_URL = "{host}/oauth2/{server=default}/v1/token",
      AUTH = "client_secret_basic"},
     VK_KEY_SCOPE},
    {"generic", {NULL}, VK_KEYS},
};

const struct vk_preset *
vk_preset_find(const char *name)
{
    for (size_t i = 0; i < sizeof presets / sizeof presets[0]; i++)
        if (strcmp(presets[i].name, name) == 0)
            return &presets[i];
    vk_fail(VK_USAGE, "there is no preset '%s'; there are " VK_PRESETS, name);
    return NULL;
}

/* The options that a template can name. */
static const struct {
    const char *name;
    unsigned int option;
} places[] = {
    {"host", VK_OPT_HOST},
    {"realm", VK_OPT_REALM},
    {"region", VK_OPT_REGION},
    {"cluster-id", VK_OPT_CLUSTER_ID},
    {"server", VK_OPT_SERVER},
    {"tenant", VK_OPT_TENANT},
    {"client-id", VK_OPT_KEYS + VK_KEY_CLIENT_ID},
};

static const char *
given(struct vk_span name, const struct vk_cli *cli)
{
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (vk_span_is(name, places[i].name))
            return cli->option[places[i].option];
    return NULL;
}

static bool
names_place(const struct vk_preset *preset, const char *place)
{
    size_t len = strlen(place);

    for (enum vk_key key = 0; key < VK_KEYS; key++) {
        const char *value = preset->value[key];
        const char *at = value != NULL ? strchr(value, '{') : NULL;
        for (; at != NULL; at = strchr(at, '{')) {
            at++;
            if (strncmp(at, place, len) == 0 &&
                (at[len] == '}' || at[len] == '='))
                return true;
        }
    }
    return false;
}

enum vk_err
vk_preset_check(const struct vk_preset *preset, const struct vk_cli *cli)
{
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (places[i].option < VK_OPT_KEYS &&
            cli->option[places[i].option] != NULL &&
            !names_place(preset, places[i].name))
            return vk_fail(VK_USAGE, "preset '%s' has no use for '--%s'",
                           preset->name, places[i].name);
    return VK_OK;
}

static enum vk_err
add_place(struct vk_span place, const struct vk_preset *preset,
          const struct vk_cli *cli, struct vk_buf *out)
{
    struct vk_span fallback = place;
    struct vk_span name = vk_span_cut(&fallback, '=');
    const char *value = given(name, cli);
    enum vk_err err = VK_OK;

    if (value == NULL && fallback.ptr != NULL)
        return vk_buf_add(out, fallback);
    if (value == NULL || *value == '\0')
        return vk_fail(VK_USAGE, "preset '%s' needs '--%.*s'", preset->name,
                       VK_ARG(name));
    struct vk_span text = vk_span_str(value);
    if (vk_span_is(name, "host")) {
        while (text.len > 0 && text.ptr[text.len - 1] == '/')
            text.len--;
        if (strstr(value, "://") == NULL)
            err = vk_buf_add(out, VK_SPAN("https://"));
    }
    return err == VK_OK ? vk_buf_add(out, text) : err;
}

enum vk_err
vk_preset_expand(const struct vk_preset *preset, enum vk_key key,
                 const struct vk_cli *cli, struct vk_buf *out)
{
    struct vk_span text = vk_span_str(preset->value[key]);
    enum vk_err err = VK_OK;

    while (err == VK_OK && text.len > 0) {
        err = vk_buf_add(out, vk_span_cut(&text, '{'));
        if (err == VK_OK && text.ptr != NULL)
            err = add_place(vk_span_cut(&text, '}'), preset, cli, out);
    }
    return err;
}

/* SPDX-License-Identifier: MIT */
#include "cli/camunda_fields.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

/*
 * The names under which a field may stand.  One with a dot is a property of
 * camunda-spring in kebab case, and stands for its camel case and for the
 * variable that Spring makes of it as well (CAMUNDA_CLIENT_AUTH_CLIENTID).
 */
#define ALIASES 8
static const char *const aliases[VK_FIELDS][ALIASES] = {
    [VK_FIELD_CLIENT_ID] = {"CAMUNDA_CLIENT_ID", "ZEEBE_CLIENT_ID",
                            "camunda.client.auth.client-id",
                            "camunda.client.cloud.client-id",
                            "zeebe.client.cloud.client-id", "zeebe.client.id"},
    [VK_FIELD_SECRET] = {"CAMUNDA_CLIENT_SECRET", "ZEEBE_CLIENT_SECRET",
                         "camunda.client.auth.client-secret",
                         "camunda.client.cloud.client-secret",
                         "zeebe.client.cloud.client-secret",
                         "zeebe.client.secret"},
    [VK_FIELD_TOKEN_URL] = {"CAMUNDA_OAUTH_URL",
                            "ZEEBE_AUTHORIZATION_SERVER_URL",
                            "CAMUNDA_AUTHORIZATION_SERVER_URL",
                            "camunda.client.auth.token-url",
                            "camunda.client.auth.issuer",
                            "zeebe.client.cloud.auth-url",
                            "zeebe.authorization.server.url"},
    [VK_FIELD_AUDIENCE] = {"CAMUNDA_TOKEN_AUDIENCE", "ZEEBE_TOKEN_AUDIENCE",
                           "CAMUNDA_ZEEBE_OAUTH_AUDIENCE",
                           "camunda.client.auth.audience",
                           "camunda.client.zeebe.audience",
                           "zeebe.token.audience"},
    [VK_FIELD_SCOPE] = {"CAMUNDA_TOKEN_SCOPE", "ZEEBE_TOKEN_SCOPE",
                        "CAMUNDA_OAUTH_SCOPE", "camunda.client.auth.scope",
                        "camunda.client.zeebe.scope",
                        "zeebe.client.cloud.scope"},
    [VK_FIELD_RESOURCE] = {"CAMUNDA_TOKEN_RESOURCE", "ZEEBE_TOKEN_RESOURCE",
                           "camunda.client.auth.resource"},
    [VK_FIELD_MODE] = {"camunda.client.mode"},
    [VK_FIELD_CLUSTER] = {"CAMUNDA_CLUSTER_ID",
                          "camunda.client.cloud.cluster-id",
                          "camunda.client.cluster-id",
                          "zeebe.client.cloud.cluster-id"},
    [VK_FIELD_REGION] = {"CAMUNDA_CLUSTER_REGION",
                         "camunda.client.cloud.region",
                         "camunda.client.region", "zeebe.client.cloud.region"},
    [VK_FIELD_REST] = {"CAMUNDA_REST_ADDRESS", "ZEEBE_REST_ADDRESS",
                       "CAMUNDA_BASE_URL", "camunda.client.rest-address",
                       "camunda.client.zeebe.rest-address",
                       "camunda.client.zeebe.base-url",
                       "zeebe.client.broker.rest-address"},
    [VK_FIELD_GRPC] = {"CAMUNDA_GRPC_ADDRESS", "ZEEBE_GRPC_ADDRESS",
                       "camunda.client.grpc-address",
                       "camunda.client.zeebe.grpc-address",
                       "camunda.client.zeebe.gateway-url",
                       "zeebe.client.broker.grpc-address"},
    [VK_FIELD_ADDRESS] = {"ZEEBE_ADDRESS",
                          "zeebe.client.broker.gateway-address"},
    [VK_FIELD_SCOPES] = {"CAMUNDA_CREDENTIALS_SCOPES"},
    [VK_FIELD_TASKLIST_URL] = {"CAMUNDA_TASKLIST_BASE_URL",
                               "camunda.client.tasklist.base-url"},
    [VK_FIELD_TASKLIST_AUDIENCE] = {"CAMUNDA_TASKLIST_OAUTH_AUDIENCE",
                                    "camunda.client.tasklist.audience"},
    [VK_FIELD_OPERATE_URL] = {"CAMUNDA_OPERATE_BASE_URL",
                              "camunda.client.operate.base-url"},
    [VK_FIELD_OPERATE_AUDIENCE] = {"CAMUNDA_OPERATE_OAUTH_AUDIENCE",
                                   "camunda.client.operate.audience"},
    [VK_FIELD_OPTIMIZE_URL] = {"CAMUNDA_OPTIMIZE_BASE_URL",
                               "camunda.client.optimize.base-url"},
    [VK_FIELD_OPTIMIZE_AUDIENCE] = {"CAMUNDA_OPTIMIZE_OAUTH_AUDIENCE",
                                    "camunda.client.optimize.audience"},
    [VK_FIELD_MODELER_URL] = {"CAMUNDA_MODELER_BASE_URL"},
    [VK_FIELD_MODELER_AUDIENCE] = {"CAMUNDA_MODELER_OAUTH_AUDIENCE"},
    [VK_FIELD_CONSOLE_ID] = {"CAMUNDA_CONSOLE_CLIENT_ID",
                             "CAMUNDA_HUB_CLIENT_ID"},
    [VK_FIELD_CONSOLE_SECRET] = {"CAMUNDA_CONSOLE_CLIENT_SECRET",
                                 "CAMUNDA_HUB_CLIENT_SECRET"},
    [VK_FIELD_CONSOLE_URL] = {"CAMUNDA_CONSOLE_BASE_URL"},
    [VK_FIELD_CONSOLE_AUDIENCE] = {"CAMUNDA_CONSOLE_OAUTH_AUDIENCE",
                                   "CAMUNDA_HUB_OAUTH_AUDIENCE"},
    [VK_FIELD_HUB_URL] = {"CAMUNDA_HUB_BASE_URL"},
};

void
vk_fields_fail(struct vk_fields *fields, const char *fmt, ...)
{
    char message[512];
    va_list args;

    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    if (fields->err == VK_OK)
        fields->err = vk_fail(VK_CONFIG, "cannot import '%s': %s",
                              fields->label, message);
}

void
vk_fields_blame(struct vk_fields *fields, const struct vk_cred_var *var,
                const char *trouble)
{
    vk_fields_fail(fields, "'%.*s' in line %u %s", VK_ARG(var->name),
                   var->line, trouble);
}

void
vk_fields_require(struct vk_fields *fields, enum vk_field field)
{
    if (fields->var[field] == NULL)
        vk_fields_fail(fields, "it sets neither '%s' nor '%s'",
                       aliases[field][0], aliases[field][1]);
}

void
vk_fields_note(struct vk_fields *fields, enum vk_err err)
{
    if (fields->err == VK_OK && err != VK_OK)
        fields->err = vk_fail(err, "cannot import '%s': %s", fields->label,
                              vk_err_text(err));
}

struct vk_span
vk_fields_get(const struct vk_fields *fields, enum vk_field field)
{
    const struct vk_cred_var *var = fields->var[field];

    return var != NULL ? var->value : VK_SPAN("");
}

bool
vk_fields_ends_with(struct vk_span text, const char *end)
{
    size_t len = strlen(end);

    return text.len >= len &&
           vk_span_same_nocase(vk_span_from(text, text.len - len),
                               vk_span_str(end));
}

struct vk_span
vk_fields_drop_slashes(struct vk_span url)
{
    while (url.len > 0 && url.ptr[url.len - 1] == '/')
        url.len--;
    return url;
}

static bool
is_property(struct vk_span name)
{
    return memchr(name.ptr, '.', name.len) != NULL;
}

static bool
is_alias(struct vk_span name, const char *alias)
{
    bool property = is_property(name);
    size_t at = 0;

    if (strchr(alias, '.') == NULL)
        return vk_span_is(name, alias);
    for (; *alias != '\0'; alias++) {
        char c = at < name.len ? name.ptr[at] : '\0';
        if (*alias == '-') {
            at += c == '-' || c == '_';
            continue;
        }
        bool letter = *alias >= 'a' && *alias <= 'z';
        char upper = (char)(letter ? *alias - ('a' - 'A') : '_');
        if (c != upper && !(property && c == *alias))
            return false;
        at++;
    }
    return at == name.len;
}

/* A URL may be written with and without a slash at its end. */
static bool
agree(enum vk_field field, struct vk_span a, struct vk_span b)
{
    if (field == VK_FIELD_TOKEN_URL || field == VK_FIELD_REST) {
        a = vk_fields_drop_slashes(a);
        b = vk_fields_drop_slashes(b);
    }
    return vk_span_same(a, b);
}

static void
set(struct vk_fields *fields, enum vk_field field,
    const struct vk_cred_var *var)
{
    const struct vk_cred_var *first = fields->var[field];

    if (is_property(var->name) && vk_span_starts(var->value, "${"))
        vk_fields_blame(fields, var,
                        "is a placeholder; write the value that it stands"
                        " for");
    else if (vk_span_trim(var->value).len != var->value.len)
        vk_fields_blame(fields, var, "begins or ends with a blank");
    else if (first == NULL)
        fields->var[field] = var;
    else if (!agree(field, first->value, var->value))
        vk_fields_fail(fields,
                       "'%.*s' in line %u and '%.*s' in line %u differ;"
                       " delete the one that is out of date",
                       VK_ARG(first->name), first->line, VK_ARG(var->name),
                       var->line);
}

void
vk_fields_gather(struct vk_fields *fields, const struct vk_credfile *file)
{
    for (enum vk_field field = 0; field < VK_FIELDS; field++)
        for (size_t i = 0; i < ALIASES && aliases[field][i] != NULL; i++)
            for (size_t v = 0; v < file->vars; v++) {
                const struct vk_cred_var *var = &file->var[v];
                if (var->value.len > 0 &&
                    is_alias(var->name, aliases[field][i]))
                    set(fields, field, var);
            }
}

static bool
is_secret(const struct vk_cred_var *var)
{
    static const char *const ends[] = {"secret", "password", "passphrase",
                                       "token", "_key"};

    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (vk_fields_ends_with(var->name, ends[i]))
            return var->value.len > 0;
    return false;
}

size_t
vk_fields_secrets(const struct vk_credfile *file,
                  const struct vk_cred_var *out[VK_CRED_VARS])
{
    size_t secrets = 0;

    for (size_t v = 0; v < file->vars; v++)
        if (is_secret(&file->var[v]))
            out[secrets++] = &file->var[v];
    return secrets;
}

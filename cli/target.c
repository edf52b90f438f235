/* SPDX-License-Identifier: MIT */
/* valetkey run --for: where programs look for a token. */
#include <string.h>

#include "base/log.h"
#include "cli/variables.h"

struct vk_target {
    const char *name;
    const char *variable; /* NULL: none that is always there */
    /* One more that the program wants to see. */
    const char *also, *value;
    /* Append the name of the variable for a URL that the token serves. */
    bool (*for_url)(const struct vk_url *url, struct vk_buf *name);
};

static enum vk_err
add_port(const struct vk_url *url, struct vk_buf *name)
{
    enum vk_err err = VK_OK;

    if (url->port != 0)
        err = vk_buf_add_char(name, ':');
    return url->port != 0 && err == VK_OK ? vk_buf_add_number(name, url->port)
                                          : err;
}

/*
 * npm takes any setting from npm_config_SETTING, also those that are for a
 * host and what is below a path: //HOST[:PORT][/PATH]/:_authToken.
 */
static bool
npm(const struct vk_url *url, struct vk_buf *name)
{
    struct vk_span path = url->path;

    while (path.len > 0 && path.ptr[path.len - 1] == '/')
        path.len--;
    return (path.len == 0 || memchr(path.ptr, '=', path.len) == NULL) &&
           vk_buf_add_str(name, "npm_config_//") == VK_OK &&
           vk_buf_add(name, url->host) == VK_OK &&
           add_port(url, name) == VK_OK && vk_buf_add(name, path) == VK_OK &&
           vk_buf_add_str(name, "/:_authToken") == VK_OK;
}

/*
 * Terraform sends its token to all of a host and speaks TLS only: what
 * serves less than that is left out.
 */
static bool
terraform(const struct vk_url *url, struct vk_buf *name)
{
    struct vk_url all = {
        .scheme = VK_SPAN("https"), .host = url->host, .port = url->port};

    if (url->host.ptr[0] == '[' || vk_url_serves(url, &all) == 0 ||
        vk_buf_add_str(name, "TF_TOKEN_") != VK_OK)
        return false;
    for (size_t i = 0; i < url->host.len; i++) {
        char c = url->host.ptr[i];
        const char *coded = c == '.' ? "_" : c == '-' ? "__" : NULL;
        if ((coded != NULL ? vk_buf_add_str(name, coded)
                           : vk_buf_add_char(name, c)) != VK_OK)
            return false;
    }
    return add_port(url, name) == VK_OK;
}

static const struct vk_target targets[] = {
    {"camunda-sdk", "CAMUNDA_OAUTH_TOKEN", "CAMUNDA_AUTH_STRATEGY", "BEARER",
     NULL},
    {"maven", "MAVEN_TOKEN", NULL, NULL, NULL},
    {"npm", "NPM_TOKEN", NULL, NULL, npm},
    {"terraform", NULL, NULL, NULL, terraform},
};

enum vk_err
vk_target_find(struct vk_span name, const struct vk_target **out)
{
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++)
        if (vk_span_is(name, targets[i].name)) {
            *out = &targets[i];
            return VK_OK;
        }
    return vk_fail(VK_USAGE,
                   "'--for %.*s' is not known; it must be " VK_TARGETS,
                   VK_ARG(name));
}

/* A variable for each host that is one and not any number of them. */
static enum vk_err
add_urls(const struct vk_target *target, const struct vk_profile *profile,
         struct vk_span token, struct vk_buf *variables, size_t *count)
{
    VK_STATIC_BUF(name, 2048);
    struct vk_values values = vk_profile_values(profile, VK_KEY_SERVES);
    struct vk_span item;
    struct vk_url url;
    enum vk_err err = VK_OK;

    while (err == VK_OK && vk_profile_next(&values, VK_KEY_SERVES, &item)) {
        vk_buf_cut(&name, 0);
        if (!vk_url_parse(item, &url) || url.host.ptr[0] == '*' ||
            !target->for_url(&url, &name))
            continue;
        err = vk_variables_add(variables, vk_buf_span(&name), token);
        ++*count;
    }
    return err;
}

enum vk_err
vk_target_add(const struct vk_target *target, const struct vk_profile *profile,
              struct vk_span token, struct vk_buf *variables)
{
    enum vk_err err = VK_OK;
    size_t count = 0;

    if (target->variable != NULL)
        err =
            vk_variables_add(variables, vk_span_str(target->variable), token);
    if (err == VK_OK && target->also != NULL)
        err = vk_variables_add(variables, vk_span_str(target->also),
                               vk_span_str(target->value));
    if (err == VK_OK && target->for_url != NULL)
        err = add_urls(target, profile, token, variables, &count);
    if (err == VK_OK && target->variable == NULL && count == 0)
        return vk_fail(VK_CONFIG,
                       "'%s' serves no host as a whole, which '--for %s'"
                       " needs; add one to 'serves' in clients.conf",
                       profile->name, target->name);
    return err;
}

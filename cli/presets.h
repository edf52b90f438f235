/* SPDX-License-Identifier: MIT */
#ifndef VK_CLI_PRESETS_H
#define VK_CLI_PRESETS_H

#include "cli/cli.h"

#define VK_PRESETS                                                    \
    "camunda-saas, camunda-console, camunda-self-managed, infoveave," \
    " keycloak, entra, auth0, okta and generic"

/*
 * What `valetkey add --preset` knows of a service.  Values are templates:
 * {option} stands for what that option was given, {option=text} for text
 * where it was not; {host} is a URL's scheme, host and port, https unless it
 * says otherwise.
 */
struct vk_preset {
    const char *name;
    const char *value[VK_KEYS]; /* NULL: nothing */
    /* A key without which the service gives no usable token; VK_KEYS: none. */
    enum vk_key needs;
};

/* NULL, logged: there is none of that name. */
const struct vk_preset *vk_preset_find(const char *name);

/* VK_USAGE, logged: an option is given that no template of it names. */
VK_MUST enum vk_err vk_preset_check(const struct vk_preset *preset,
                                    const struct vk_cli *cli);

/* Expand the template for key; VK_USAGE, logged: an option is missing. */
VK_MUST enum vk_err vk_preset_expand(const struct vk_preset *preset,
                                     enum vk_key key, const struct vk_cli *cli,
                                     struct vk_buf *out);

#endif

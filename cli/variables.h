/* SPDX-License-Identifier: MIT */
#ifndef VK_CLI_VARIABLES_H
#define VK_CLI_VARIABLES_H

#include "keyring/clients.h"

/*
 * Variables for the environment of another program.  They are kept as
 * execve(2) wants them, "NAME=value" and a NUL, in a buffer that does not
 * move: it must be a VK_STATIC_BUF, and becomes part of the environment.
 */

/* [A-Za-z_][A-Za-z0-9_]* */
bool vk_variables_is_name(struct vk_span name);

/* Logged: VK_USAGE if it is there with another value, VK_TOOBIG. */
VK_MUST enum vk_err vk_variables_add(struct vk_buf *variables,
                                     struct vk_span name,
                                     struct vk_span value);

/* Into our own environment, in the place of what has the same name. */
VK_MUST enum vk_err vk_variables_export(const struct vk_buf *variables);

/* What a program looks for a token in: the values of --for. */
struct vk_target;

/* VK_USAGE is logged. */
VK_MUST enum vk_err vk_target_find(struct vk_span name,
                                   const struct vk_target **out);

/*
 * Add its variables.  VK_CONFIG (logged): it wants hosts, and the token
 * serves none that it could be told of.
 */
VK_MUST enum vk_err vk_target_add(const struct vk_target *target,
                                  const struct vk_profile *profile,
                                  struct vk_span token,
                                  struct vk_buf *variables);

#define VK_TARGETS "camunda-sdk, maven, npm or terraform"

#endif

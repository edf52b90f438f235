/* SPDX-License-Identifier: MIT */
#ifndef VK_CLI_SETUP_TOOLS_H
#define VK_CLI_SETUP_TOOLS_H

#include "cli/setup.h"

/* What the rows of the table of tools are made of. */

typedef enum vk_err vk_setup_path(const struct vk_setup *setup,
                                  char out[VK_PATH_MAX]);
vk_setup_path vk_setup_docker_path, vk_setup_podman_path, vk_setup_git_path,
    vk_setup_kube_path, vk_setup_cargo_path, vk_setup_terraform_path,
    vk_setup_pip_path, vk_setup_npm_path, vk_setup_bazel_path,
    vk_setup_systemd_path;

typedef enum vk_err vk_setup_add_want(struct vk_setup *setup,
                                      const struct vk_profile *profile,
                                      const struct vk_url *url);
vk_setup_add_want vk_setup_docker_want, vk_setup_podman_want,
    vk_setup_git_want, vk_setup_kube_want, vk_setup_npm_want,
    vk_setup_bazel_want, vk_setup_systemd_want;

/* Directories of links. */
enum vk_err vk_setup_npm_links(char out[VK_PATH_MAX]);
enum vk_err vk_setup_terraform_links(char out[VK_PATH_MAX]);

/* ".service", or nothing if unit ends so. */
const char *vk_setup_unit_suffix(const char *unit);

#endif

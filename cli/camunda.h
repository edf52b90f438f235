/* SPDX-License-Identifier: MIT */
#ifndef VK_CLI_CAMUNDA_H
#define VK_CLI_CAMUNDA_H

#include "cli/credfile.h"
#include "keyring/clients.h"

/*
 * What a Camunda credentials file means: which clients it makes, with which
 * secret and which sections of clients.conf(5).
 *
 * A cluster's client has Zeebe as its default token and one more token for
 * each scope or base URL in the file.  The client for the Administration API
 * (CAMUNDA_CONSOLE_* and CAMUNDA_HUB_*) is a client of its own.
 */
struct vk_plan_client {
    char name[VK_NAME_MAX + 1];
    /* Into the buffer of the credfile's values, or a constant. */
    struct vk_span client_id, token_url, secret;
    struct vk_buf conf; /* its sections; text that ends with a newline */
    size_t tokens;      /* the default one counts */
};

struct vk_plan {
    struct vk_plan_client client[2];
    size_t clients; /* 1 or 2 */
    /* What in the file is worth hiding: the caller may say so. */
    const struct vk_cred_var *secret[VK_CRED_VARS];
    size_t secrets;
};

/*
 * name is the client's; the administration client gets it too if it is alone
 * in the file, else NAME-console.  The plan points into file and what file
 * points to.  VK_CONFIG or VK_USAGE (the name) is logged with label, names
 * of variables and their lines, never a value; then *out is as it was.
 */
VK_MUST enum vk_err vk_camunda_plan(const struct vk_credfile *file,
                                    const char *label, const char *name,
                                    struct vk_plan *out);
void vk_camunda_plan_clear(struct vk_plan *plan);

/*
 * The name for a file at path that was given none: "my-client" for
 * CamundaCloudMgmtAPI-Client-My Client.txt, "prod" for Prod.env, "camunda"
 * where nothing is left and for "-".
 */
void vk_camunda_name_of(const char *path, char out[VK_NAME_MAX + 1]);

#endif

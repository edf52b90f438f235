/* SPDX-License-Identifier: MIT */
#ifndef VK_CLI_CAMUNDA_FIELDS_H
#define VK_CLI_CAMUNDA_FIELDS_H

#include "cli/credfile.h"

/* What a Camunda credentials file can say, under whichever names. */
enum vk_field {
    VK_FIELD_NONE, /* never set */
    VK_FIELD_CLIENT_ID,
    VK_FIELD_SECRET,
    VK_FIELD_TOKEN_URL,
    VK_FIELD_AUDIENCE,
    VK_FIELD_SCOPE,
    VK_FIELD_RESOURCE,
    VK_FIELD_MODE,
    VK_FIELD_CLUSTER,
    VK_FIELD_REGION,
    VK_FIELD_REST,
    VK_FIELD_GRPC,
    VK_FIELD_ADDRESS,
    VK_FIELD_SCOPES,
    VK_FIELD_TASKLIST_URL,
    VK_FIELD_TASKLIST_AUDIENCE,
    VK_FIELD_OPERATE_URL,
    VK_FIELD_OPERATE_AUDIENCE,
    VK_FIELD_OPTIMIZE_URL,
    VK_FIELD_OPTIMIZE_AUDIENCE,
    VK_FIELD_MODELER_URL,
    VK_FIELD_MODELER_AUDIENCE,
    VK_FIELD_CONSOLE_ID,
    VK_FIELD_CONSOLE_SECRET,
    VK_FIELD_CONSOLE_URL,
    VK_FIELD_CONSOLE_AUDIENCE,
    VK_FIELD_HUB_URL,
    VK_FIELDS
};

/* err is the first trouble, which was logged; no later one is. */
struct vk_fields {
    const char *label; /* of the file */
    const struct vk_cred_var *var[VK_FIELDS];
    enum vk_err err;
};

/* All that say the same field must agree; an empty value says nothing. */
void vk_fields_gather(struct vk_fields *fields,
                      const struct vk_credfile *file);

/* The value, or an empty one. */
struct vk_span vk_fields_get(const struct vk_fields *fields,
                             enum vk_field field);

/* Those that hold a secret, ours or not.  Returns how many. */
size_t vk_fields_secrets(const struct vk_credfile *file,
                         const struct vk_cred_var *out[VK_CRED_VARS]);

/* Letters alike in either case. */
bool vk_fields_ends_with(struct vk_span text, const char *end);
struct vk_span vk_fields_drop_slashes(struct vk_span url);

/* Trouble: VK_CONFIG of the file, of one line, of a field that is not set. */
void vk_fields_fail(struct vk_fields *fields, const char *fmt, ...)
    VK_PRINTF(2, 3);
void vk_fields_blame(struct vk_fields *fields, const struct vk_cred_var *var,
                     const char *trouble);
void vk_fields_require(struct vk_fields *fields, enum vk_field field);
/* What a call returned, if it is not VK_OK. */
void vk_fields_note(struct vk_fields *fields, enum vk_err err);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef VK_CLI_CAMUNDA_URLS_H
#define VK_CLI_CAMUNDA_URLS_H

#include "cli/camunda_fields.h"

#define VK_CAMUNDA ".camunda.io"
#define VK_CAMUNDA_CLUSTER ".zeebe" VK_CAMUNDA

/* Whose addresses a client may serve. */
struct vk_place {
    struct vk_span cluster, region; /* labels of a DNS name, or empty */
    bool saas;                      /* at Camunda's */
    bool console;                   /* the organisation's, not a cluster's */
};

/* Where the cluster is, by what the file says and by its addresses. */
void vk_place_find(struct vk_fields *fields, struct vk_place *place);

/* Is the address, if any is given, one of Camunda's? */
bool vk_place_is_camunda(struct vk_span address);

/*
 * Append an address, which var holds, in the one form in which it may be
 * served.  Nothing is appended if a token would go there in the clear.
 */
void vk_place_spell(struct vk_fields *fields, const struct vk_place *place,
                    struct vk_span address, const struct vk_cred_var *var,
                    struct vk_buf *out);

/* Append form with the region for '%' and the cluster for '@'. */
void vk_place_fill(struct vk_fields *fields, const struct vk_place *place,
                   const char *form, struct vk_buf *out);

/*
 * Is this the first time for a URL, under either scheme?  served remembers
 * it, and is the caller's.
 */
bool vk_place_is_first(struct vk_fields *fields, struct vk_span url,
                       struct vk_buf *served);

#endif

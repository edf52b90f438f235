/* SPDX-License-Identifier: MIT */
#ifndef VK_CLI_RULE_H
#define VK_CLI_RULE_H

#include "base/buf.h"

/*
 * Which rule answers a request for a key: what request-key(8) prints with -d
 * and -v, where it tells what it would run and does not run it.  Rules are
 * ranked by how much of a description their wildcards skip, and one with a
 * mistake in it stops all: nobody can tell better than it does.
 */
struct vk_rule {
    struct vk_span place;   /* FILE:LINE of the rule, or of the mistake */
    struct vk_span program; /* empty: no rule answers it */
    bool is_wrong;          /* a rule that cannot be read */
};

/* The spans point into text. */
void vk_rule_read(struct vk_span text, struct vk_rule *out);

/* The file of the place: DIR/NAME, for those in request-key.d are bare. */
void vk_rule_file(const struct vk_rule *rule, char *out, size_t size);

#endif

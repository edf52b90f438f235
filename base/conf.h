/* SPDX-License-Identifier: MIT */
#ifndef VK_BASE_CONF_H
#define VK_BASE_CONF_H

#include "base/buf.h"

/*
 * Reads INI text, one line a call:
 *
 *     # comment (or ;), only on a line of its own
 *     [kind name]
 *     key = value up to the end of the line
 *
 * Blanks round keys and values do not count, nor does a CR before the LF.
 * Pure: the spans point into the text.
 */
enum vk_conf_kind {
    VK_CONF_END,
    VK_CONF_NOTHING, /* blank, or a comment */
    VK_CONF_SECTION, /* key is the kind, value the name */
    VK_CONF_PAIR,
    VK_CONF_BROKEN, /* none of these, or a control character */
};

struct vk_conf {
    struct vk_span rest;
    unsigned int line; /* of what vk_conf_next returned, from 1 */
};

struct vk_conf_line {
    struct vk_span key, value;
    struct vk_span text; /* the whole line with its LF */
};

#define VK_CONF_OF(span) ((struct vk_conf){.rest = (span)})

enum vk_conf_kind vk_conf_next(struct vk_conf *conf,
                               struct vk_conf_line *line);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef VK_CLI_SETUP_TOML_H
#define VK_CLI_SETUP_TOML_H

#include "base/buf.h"

/*
 * Finds the places of tables and keys in TOML 1.0, entry after entry.
 * Strict in its shape: strings, brackets, keys and line ends; a bare value
 * is not looked at more closely.  Offsets are into the text.
 */
#define VK_TOML_PARTS 8

enum vk_toml_kind { VK_TOML_END, VK_TOML_TABLE, VK_TOML_PAIR, VK_TOML_BROKEN };

struct vk_toml {
    struct vk_span text;
    size_t at;
};

struct vk_toml_entry {
    size_t from; /* where it begins */
    /* The key by its dots, without quotes; escapes are refused. */
    struct vk_span part[VK_TOML_PARTS];
    size_t parts;
    bool is_array; /* [[...]] */
    size_t value;  /* of a pair */
    size_t end;    /* behind its line */
};

enum vk_toml_kind vk_toml_next(struct vk_toml *toml,
                               struct vk_toml_entry *entry);

/*
 * The next item of an array in a valid text: *at is behind the '[', then
 * wherever this left it.  False: no more.
 */
bool vk_toml_item(struct vk_span text, size_t *at, size_t *from, size_t *to);

#endif

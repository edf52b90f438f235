/* SPDX-License-Identifier: MIT */
#ifndef VK_TESTS_FUZZ_WHOLE_KEYS_H
#define VK_TESTS_FUZZ_WHOLE_KEYS_H

#include "keyring/record.h"

/* A keyring in the place of the kernel's: these keys, and never another. */
void whole_keys_add(const char *name, const struct vk_record *record);

#endif

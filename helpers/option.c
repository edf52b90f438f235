/* SPDX-License-Identifier: MIT */
#include "helpers/helper.h"

bool
vk_helper_option(char **argv, int *at, const char *name, const char **value)
{
    const char *word = argv[*at];
    size_t len = vk_span_str(name).len;

    if (!vk_span_starts(vk_span_str(word), name))
        return false;
    if (word[len] == '=')
        *value = word + len + 1;
    else if (word[len] == '\0' && argv[*at + 1] != NULL)
        *value = argv[++*at];
    else
        return false;
    return true;
}

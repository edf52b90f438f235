/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "cli/camunda.h"

void
vk_camunda_name_of(const char *path, char out[VK_NAME_MAX + 1])
{
    static const char prefix[] = "CamundaCloudMgmtAPI-Client-";
    const char *slash = strrchr(path, '/');
    struct vk_span stem = vk_span_str(slash != NULL ? slash + 1 : path);
    const char *dot = stem.len > 0 ? strrchr(stem.ptr + 1, '.') : NULL;
    size_t most = VK_NAME_MAX - strlen("-console"), at = 0;

    if (dot != NULL)
        stem.len = (size_t)(dot - stem.ptr);
    if (vk_span_starts(stem, prefix))
        stem = vk_span_from(stem, sizeof prefix - 1);
    for (size_t i = 0; i < stem.len && at < most; i++) {
        char c = stem.ptr[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c + ('a' - 'A'));
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (plain || (at > 0 && (c == '.' || c == '_')))
            out[at++] = c;
        else if (at > 0 && out[at - 1] != '-')
            out[at++] = '-';
    }
    while (at > 0 && strchr("-._", out[at - 1]) != NULL)
        at--;
    snprintf(out + at, VK_NAME_MAX + 1 - at, "%s", at == 0 ? "camunda" : "");
}

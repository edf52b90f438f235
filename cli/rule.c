/* SPDX-License-Identifier: MIT */
#include "cli/rule.h"

#include <stdio.h>
#include <string.h>

#define DIRECTORY "/etc/request-key.d/"

/* "FILE:LINE: WHAT...": WHAT, or nothing. */
static struct vk_span
behind_place(struct vk_span line, struct vk_span *place)
{
    struct vk_span rest = line;
    int64_t number;

    vk_span_cut(&rest, ':');
    struct vk_span digits = vk_span_cut(&rest, ':');
    if (rest.ptr == NULL || !vk_span_number(digits, INT32_MAX, &number))
        return VK_SPAN("");
    *place = (struct vk_span){line.ptr,
                              (size_t)(digits.ptr - line.ptr) + digits.len};
    return vk_span_trim(rest);
}

void
vk_rule_read(struct vk_span text, struct vk_rule *out)
{
    *out = (struct vk_rule){.is_wrong = false};
    while (text.len > 0) {
        struct vk_span line = vk_span_cut(&text, '\n'), place;
        if (vk_span_starts(line, "Run ")) {
            out->program = vk_span_from(line, strlen("Run "));
            continue;
        }
        struct vk_span what = behind_place(line, &place);
        if (vk_span_starts(what, "Prefer command"))
            out->place = place;
        else if (vk_span_starts(what, "Syntax error") ||
                 vk_span_starts(what, "Line too long")) {
            *out = (struct vk_rule){.place = place, .is_wrong = true};
            return;
        }
    }
}

void
vk_rule_file(const struct vk_rule *rule, char *out, size_t size)
{
    struct vk_span rest = rule->place;
    struct vk_span file = vk_span_cut(&rest, ':');

    snprintf(out, size, "%s%.*s", vk_span_starts(file, "/") ? "" : DIRECTORY,
             (int)file.len, file.ptr != NULL ? file.ptr : "");
}

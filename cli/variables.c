/* SPDX-License-Identifier: MIT */
#include "cli/variables.h"

#include <unistd.h>

#include "base/log.h"

#define COUNT_MAX 16384

bool
vk_variables_is_name(struct vk_span name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool letter =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (i == 0 || c < '0' || c > '9'))
            return false;
    }
    return name.len > 0;
}

/* The next "NAME=value"; an empty one: no more. */
static struct vk_span
next(struct vk_span *rest)
{
    return vk_span_cut(rest, '\0');
}

static bool
find(const struct vk_buf *variables, struct vk_span name,
     struct vk_span *value)
{
    struct vk_span rest = vk_buf_span(variables);

    while ((*value = next(&rest)).len > 0)
        if (vk_span_same(vk_span_cut(value, '='), name))
            return true;
    return false;
}

enum vk_err
vk_variables_add(struct vk_buf *variables, struct vk_span name,
                 struct vk_span value)
{
    size_t before = variables->len;
    struct vk_span other;

    if (find(variables, name, &other))
        return vk_span_same(value, other)
                   ? VK_OK
                   : vk_fail(VK_USAGE,
                             "the variable '%.*s' cannot hold two tokens",
                             VK_ARG(name));
    enum vk_err err = vk_buf_add(variables, name);
    if (err == VK_OK)
        err = vk_buf_add_char(variables, '=');
    if (err == VK_OK)
        err = vk_buf_add(variables, value);
    if (err == VK_OK)
        err = vk_buf_add_char(variables, '\0');
    if (err == VK_OK)
        return err;
    vk_buf_cut(variables, before);
    return vk_fail(err, "these tokens are too much for an environment");
}

/* Not putenv(3), which calls malloc and keeps the second of two. */
enum vk_err
vk_variables_export(const struct vk_buf *variables)
{
    static char *environment[COUNT_MAX + 1];
    struct vk_span rest = vk_buf_span(variables), one;
    size_t count = 0;

    for (char **old = environ; old != NULL && *old != NULL; old++) {
        struct vk_span name = vk_span_str(*old);
        if (find(variables, vk_span_cut(&name, '='), &one))
            continue;
        if (count == COUNT_MAX)
            return vk_fail(VK_TOOBIG, "there are too many variables");
        environment[count++] = *old;
    }
    while ((one = next(&rest)).len > 0) {
        if (count == COUNT_MAX)
            return vk_fail(VK_TOOBIG, "there are too many variables");
        environment[count++] = variables->data + (one.ptr - variables->data);
    }
    environment[count] = NULL;
    environ = environment;
    return VK_OK;
}

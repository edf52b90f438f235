/* SPDX-License-Identifier: MIT */
#include "keyring/unit.h"

#include <string.h>

#define UNIT_NAME_MAX ((size_t)255)

static bool
is_unit_char(char c)
{
    return vk_char_plain(c, ":-_.\\@");
}

static bool
is_kind(struct vk_span suffix)
{
    static const char *const kinds[] = {"service", "socket", "mount", "swap"};

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (vk_span_is(suffix, kinds[i]))
            return true;
    return false;
}

/* "name@" or "name", "instance", "service" */
struct parts {
    struct vk_span name, instance, kind;
};

static bool
split(struct vk_span unit, struct parts *out)
{
    const char *dot = unit.len > 0 ? memrchr(unit.ptr, '.', unit.len) : NULL;

    if (dot == NULL)
        return false;
    size_t len = (size_t)(dot - unit.ptr);
    const char *at = memchr(unit.ptr, '@', len);
    size_t name = at != NULL ? (size_t)(at - unit.ptr) + 1 : len;
    out->name = (struct vk_span){unit.ptr, name};
    out->instance = (struct vk_span){unit.ptr + name, len - name};
    out->kind = vk_span_from(unit, len + 1);
    return true;
}

bool
vk_unit_is_name(struct vk_span name)
{
    struct parts parts;

    if (name.len > UNIT_NAME_MAX || !split(name, &parts) ||
        parts.name.len == 0 || parts.name.ptr[0] == '@')
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (!is_unit_char(name.ptr[i]))
            return false;
    return is_kind(parts.kind);
}

bool
vk_unit_allows(struct vk_span allowed, struct vk_span unit)
{
    struct parts want, have;

    if (vk_span_same(allowed, unit))
        return true;
    if (!split(allowed, &want) || !split(unit, &have))
        return false;
    return want.instance.len == 0 && vk_span_same(want.name, have.name) &&
           vk_span_same(want.kind, have.kind);
}

bool
vk_unit_read_peer(struct vk_span address, struct vk_span *unit,
                  struct vk_span *id)
{
    struct vk_span rest = vk_span_from(address, 1), random, name;

    if (address.len == 0 || address.ptr[0] != '\0')
        return false;
    random = vk_span_cut(&rest, '/');
    if (random.len == 0 || !vk_span_is(vk_span_cut(&rest, '/'), "unit"))
        return false;
    name = vk_span_cut(&rest, '/');
    if (!vk_unit_is_name(name) || rest.len == 0 ||
        memchr(rest.ptr, '/', rest.len) != NULL)
        return false;
    *unit = name;
    *id = rest;
    return true;
}

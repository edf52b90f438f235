/* SPDX-License-Identifier: MIT */

#include "base/url.h"

static bool
consists_of(struct vk_span text, const char *more)
{
    for (size_t i = 0; i < text.len; i++)
        if (!vk_char_plain(text.ptr[i], more))
            return false;
    return text.len > 0;
}

/* A '%' stays: what could be read as dots either way leads nowhere. */
static enum vk_err
add_path(struct vk_buf *out, struct vk_span path)
{
    enum vk_err err = vk_buf_add_char(out, '/');

    for (size_t i = 0; i < path.len && err == VK_OK; i++) {
        char c = path.ptr[i];
        err = vk_char_plain(c, "-._~/!$&'()*+,;=:@%")
                  ? vk_buf_add_char(out, c)
                  : vk_buf_addf(out, "%%%02X", (unsigned char)c);
    }
    return err;
}

bool
vk_url_join(struct vk_span scheme, struct vk_span host, struct vk_span path,
            struct vk_buf *text, struct vk_url *url)
{
    if (!consists_of(scheme, "+-.") || !consists_of(host, "-._:[]"))
        return false;
    enum vk_err err = vk_buf_add(text, scheme);
    if (err == VK_OK)
        err = vk_buf_add(text, VK_SPAN("://"));
    if (err == VK_OK)
        err = vk_buf_add(text, host);
    if (err == VK_OK)
        err = add_path(text, path);
    return err == VK_OK && vk_url_parse(vk_buf_span(text), url);
}

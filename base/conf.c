/* SPDX-License-Identifier: MIT */
#include "base/conf.h"

static bool
has_control(struct vk_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return true;
    }
    return false;
}

static enum vk_conf_kind
section(struct vk_span text, struct vk_conf_line *line)
{
    if (text.ptr[text.len - 1] != ']')
        return VK_CONF_BROKEN;
    line->value = (struct vk_span){text.ptr + 1, text.len - 2};
    line->key = vk_span_cut(&line->value, ' ');
    return line->value.len > 0 ? VK_CONF_SECTION : VK_CONF_BROKEN;
}

static enum vk_conf_kind
pair(struct vk_span text, struct vk_conf_line *line)
{
    line->value = text;
    line->key = vk_span_trim(vk_span_cut(&line->value, '='));
    if (line->value.ptr == NULL || line->key.len == 0)
        return VK_CONF_BROKEN;
    line->value = vk_span_trim(line->value);
    return VK_CONF_PAIR;
}

enum vk_conf_kind
vk_conf_next(struct vk_conf *conf, struct vk_conf_line *line)
{
    if (conf->rest.len == 0)
        return VK_CONF_END;

    struct vk_span whole = vk_span_cut(&conf->rest, '\n');
    struct vk_span text = vk_span_trim(whole);

    conf->line++;
    *line = (struct vk_conf_line){.text = whole};
    if (conf->rest.ptr != NULL)
        line->text.len++;
    if (text.len == 0 || text.ptr[0] == '#' || text.ptr[0] == ';')
        return VK_CONF_NOTHING;
    if (has_control(text))
        return VK_CONF_BROKEN;
    if (text.ptr[0] == '[')
        return section(text, line);
    return pair(text, line);
}

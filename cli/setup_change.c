/* SPDX-License-Identifier: MIT */
#include "cli/setup_change.h"

#include "base/log.h"

static unsigned int
line_of(struct vk_span text, size_t at)
{
    unsigned int line = 1;

    for (size_t i = 0; i < at && i < text.len; i++)
        line += text.ptr[i] == '\n' ? 1 : 0;
    return line;
}

enum vk_err
vk_change_edit(struct vk_change *change, bool undo)
{
    const struct vk_setup *setup = &change->setup;
    const struct vk_setup_tool *tool = setup->tool;
    struct vk_setup_text *text = &change->text;

    text->want = vk_buf_span(&setup->want);
    text->program = change->program;
    enum vk_err err = undo ? tool->take(text) : tool->put(text);
    if (err == VK_TOOBIG)
        return vk_fail(VK_CONFIG, "'%s' would be too large",
                       change->file.path);
    if (err != VK_CONFIG)
        return err;
    if (undo)
        return vk_fail(err, "'%s' %s (line %u); nothing was changed",
                       change->file.path, text->why,
                       line_of(text->now, text->at));
    return vk_fail(err,
                   "'%s' %s (line %u); nothing was changed, 'valetkey setup"
                   " %s --print' shows what to add",
                   change->file.path, text->why, line_of(text->now, text->at),
                   tool->name);
}

static enum vk_err
note_new_link(void *arg, const char *path, const char *target)
{
    struct vk_change *change = arg;

    switch (vk_setup_link_state(path, target)) {
    case VK_LINK_OURS: return VK_OK;
    case VK_LINK_FOREIGN:
        return vk_fail(VK_CONFIG,
                       "'%s' is there and is not valetkey's; nothing was"
                       " changed",
                       path);
    case VK_LINK_NONE:
    case VK_LINK_OLD: break;
    }
    change->links++;
    return vk_buf_addf(&change->out, "%s:\n+link to %s\n", path, target);
}

static enum vk_err
note_old_link(void *arg, const char *path, const char *target)
{
    struct vk_change *change = arg;

    (void)target;
    change->links++;
    return vk_buf_addf(&change->out, "%s:\n-link\n", path);
}

bool
vk_change_is_none(const struct vk_setup_text *text)
{
    return !text->is_gone && vk_span_same(text->now, vk_buf_span(&text->next));
}

enum vk_err
vk_change_describe(struct vk_change *change, bool undo)
{
    const struct vk_setup_file *file = &change->file;
    VK_AUTO_BUF title = VK_BUF(2 * VK_PATH_MAX);
    enum vk_err err = VK_OK;

    if (!vk_change_is_none(&change->text)) {
        err = vk_buf_addf(&title, "%s%s", file->path,
                          change->text.is_gone ? " (is removed)"
                          : file->is_there     ? ""
                                               : " (is made)");
        if (err == VK_OK)
            err = vk_setup_show(
                &change->out, vk_buf_str(&title), change->text.now,
                change->text.is_gone ? VK_SPAN("")
                                     : vk_buf_span(&change->text.next));
    }
    if (err != VK_OK)
        return err;
    return undo ? vk_setup_links_there(&change->setup, note_old_link, change)
                : vk_setup_links_wanted(&change->setup, note_new_link, change);
}

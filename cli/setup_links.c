/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cli/setup.h"
#include "cli/setup_file.h"

/* For npm the links stand in the lines, else there is one. */
static enum vk_err
next_link(const struct vk_setup *setup, const char *dir, size_t *at,
          char out[VK_PATH_MAX], bool *found)
{
    struct vk_span want = vk_buf_span(&setup->want), line;

    *found = vk_setup_line(want, at, &line);
    if (!*found)
        return VK_OK;
    if (setup->tool->by == VK_BY_NOTHING)
        return vk_file_join(dir, setup->tool->link_prefix, out);
    line = vk_setup_bare(line);
    vk_span_cut(&line, '=');
    if (line.len >= VK_PATH_MAX)
        return vk_fail(VK_CONFIG, "the path '%.*s' is too long", VK_ARG(line));
    memcpy(out, line.ptr, line.len);
    out[line.len] = '\0';
    return VK_OK;
}

enum vk_err
vk_setup_links_wanted(const struct vk_setup *setup, vk_setup_each_link *each,
                      void *arg)
{
    char dir[VK_PATH_MAX], path[VK_PATH_MAX], target[VK_PATH_MAX];
    VK_AUTO_BUF seen = VK_BUF(VK_SETUP_MAX);
    size_t at = 0;
    bool found = true;

    if (setup->tool->linked == NULL)
        return VK_OK;
    enum vk_err err = setup->tool->link_dir(dir);
    if (err == VK_OK)
        err = vk_file_join(setup->bin, setup->tool->linked, target);
    while (err == VK_OK && found) {
        size_t before = seen.len;
        err = next_link(setup, dir, &at, path, &found);
        if (err == VK_OK && found)
            err = vk_buf_addf(&seen, "%s\n", path);
        /* Several lines may name the same one. */
        struct vk_span all = vk_buf_span(&seen);
        if (err != VK_OK || !found ||
            vk_setup_has_lines((struct vk_span){all.ptr, before},
                               vk_span_from(all, before)))
            continue;
        err = each(arg, path, target);
    }
    return err;
}

/* By a line that a person wrote, or that lost its marks. */
static bool
is_named(const struct vk_setup *setup, const char *path)
{
    const char *word =
        setup->tool->link_word != NULL ? setup->tool->link_word : path;

    return setup->stays.len > 0 && memmem(setup->stays.ptr, setup->stays.len,
                                          word, strlen(word)) != NULL;
}

enum vk_err
vk_setup_links_there(const struct vk_setup *setup, vk_setup_each_link *each,
                     void *arg)
{
    char dir[VK_PATH_MAX], path[VK_PATH_MAX], target[VK_PATH_MAX];
    struct dirent **entries = NULL;

    if (setup->tool->linked == NULL)
        return VK_OK;
    enum vk_err err = setup->tool->link_dir(dir);
    if (err == VK_OK)
        err = vk_file_join(setup->bin, setup->tool->linked, target);
    int count = err == VK_OK ? scandir(dir, &entries, NULL, alphasort) : -1;
    for (int i = 0; i < count; i++) {
        bool named = vk_span_starts(vk_span_str(entries[i]->d_name),
                                    setup->tool->link_prefix);
        if (err == VK_OK && named)
            err = vk_file_join(dir, entries[i]->d_name, path);
        if (err == VK_OK && named &&
            vk_setup_link_state(path, target) != VK_LINK_FOREIGN &&
            !is_named(setup, path))
            err = each(arg, path, target);
        free(entries[i]);
    }
    free(entries);
    return err;
}

/* SPDX-License-Identifier: MIT */
#ifndef VK_CLI_SETUP_H
#define VK_CLI_SETUP_H

#include "cli/cli.h"
#include "cli/setup_text.h"

#define VK_SETUP_TOOLS                                                  \
    "docker, podman, git, kubectl, cargo, terraform, pip, npm, bazel, " \
    "systemd"

/* One run of `valetkey setup`. */
struct vk_setup {
    const struct vk_cli *cli;
    const struct vk_setup_tool *tool;
    struct vk_clients clients;
    char bin[VK_PATH_MAX]; /* where valetkey and its helpers are */
    struct vk_buf want;    /* lines for tool->put */
    size_t left_out;       /* URLs for which the tool has no words */
    struct vk_span stays;  /* of its file, after --undo */
};

/* What the lines of want are made of, and so whether names choose. */
enum vk_setup_by { VK_BY_NOTHING, VK_BY_URL, VK_BY_NAME };

struct vk_setup_tool {
    const char *name;
    enum vk_setup_by by;
    /* Its file; VK_CONFIG, logged. */
    enum vk_err (*path)(const struct vk_setup *setup, char out[VK_PATH_MAX]);
    /* Add to want for a token, and one of its URLs unless VK_BY_NAME. */
    enum vk_err (*want)(struct vk_setup *setup,
                        const struct vk_profile *profile,
                        const struct vk_url *url);
    const char *line; /* want, if VK_BY_NOTHING */
    vk_setup_edit *put, *take;
    const char *helper; /* the program that it runs by its name, or NULL */
    /* Links to a program: where, how their names begin, and which. */
    enum vk_err (*link_dir)(char out[VK_PATH_MAX]);
    const char *link_prefix, *linked;
    const char *link_word; /* how its file names a link; NULL: by its path */
    const char *limits;    /* why a URL is left out */
    /* What else there is to do, lines. */
    enum vk_err (*hint)(const struct vk_setup *setup, struct vk_buf *out);
};

/* NULL if there is none; then its name is in no row. */
const struct vk_setup_tool *vk_setup_find(const char *name);

/* Add lines to want, unless they are there. */
VK_MUST enum vk_err vk_setup_want(struct vk_setup *setup,
                                  struct vk_span lines);

/*
 * All of it, from clients.conf and the names that are given.  Nothing:
 * VK_NOCLIENT or VK_CONFIG, logged.
 */
VK_MUST enum vk_err vk_setup_gather(struct vk_setup *setup);

/* The credential of a token as systemd and links name it: NAME@TOKEN. */
VK_MUST enum vk_err vk_setup_flat_name(const char *name, struct vk_buf *out);

/*
 * Add "PATH:" and the lines that differ, with + and -.  What is not ours is
 * not shown: it may be secret.
 */
VK_MUST enum vk_err vk_setup_show(struct vk_buf *out, const char *title,
                                  struct vk_span before, struct vk_span after);

/*
 * The links that setup->want needs, or that are there and that nothing which
 * stays in the file names: path after path.
 */
typedef enum vk_err vk_setup_each_link(void *arg, const char *path,
                                       const char *target);
VK_MUST enum vk_err vk_setup_links_wanted(const struct vk_setup *setup,
                                          vk_setup_each_link *each, void *arg);
VK_MUST enum vk_err vk_setup_links_there(const struct vk_setup *setup,
                                         vk_setup_each_link *each, void *arg);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef VK_CLI_SETUP_TEXT_H
#define VK_CLI_SETUP_TEXT_H

#include "base/buf.h"

/*
 * How `valetkey setup` changes the configuration file of a tool: pure
 * functions from the text as it is to the text as it will be, a pair for
 * each format.  Everything else in it stays, byte by byte.  Taking out what
 * was put in gives the very text that was there before; parts that were
 * changed in between stay as they are.  What such a function is not sure
 * about it refuses.
 */

#define VK_SETUP_MAX ((size_t)1 << 20)
#define VK_SETUP_BEGIN "# valetkey: begin"
#define VK_SETUP_END "# valetkey: end"

struct vk_setup_text {
    struct vk_span now;  /* a NULL pointer: there is no file */
    struct vk_span want; /* what to put in, lines; the format says of what */
    const char *program; /* the path that stands in it, where one does */
    struct vk_buf next;  /* what the file becomes; made by the caller */
    bool is_gone;        /* nothing is left of it: there was no file before */
    /* After VK_CONFIG: what is wrong, "is not valid JSON", and where. */
    const char *why;
    size_t at;
};

/* VK_OK (next may be the same as now), VK_CONFIG, VK_TOOBIG, VK_NOMEM. */
typedef enum vk_err vk_setup_edit(struct vk_setup_text *text);

/* Docker's config.json, auth.json: want has the names of registries. */
vk_setup_edit vk_setup_json_put, vk_setup_json_take;
/* kubeconfig, YAML: want has names of tokens. */
vk_setup_edit vk_setup_kube_put, vk_setup_kube_take;
/*
 * The others have a block between two comments.  A line of want and those
 * after it that begin with a tab belong together.
 */
vk_setup_edit vk_setup_git_put, vk_setup_git_take;
vk_setup_edit vk_setup_cargo_put, vk_setup_cargo_take;
vk_setup_edit vk_setup_terraform_put, vk_setup_terraform_take;
vk_setup_edit vk_setup_pip_put, vk_setup_pip_take;
vk_setup_edit vk_setup_npm_put, vk_setup_npm_take;
vk_setup_edit vk_setup_bazel_put, vk_setup_bazel_take;
vk_setup_edit vk_setup_systemd_put, vk_setup_systemd_take;

/* VK_CONFIG, with why and where. */
enum vk_err vk_setup_refuse(struct vk_setup_text *text, size_t at,
                            const char *why);

/* Does text have these whole lines somewhere, indented or not? */
bool vk_setup_has_lines(struct vk_span text, struct vk_span lines);

/* The line that begins at *at, with its LF; *at moves behind it. */
bool vk_setup_line(struct vk_span text, size_t *at, struct vk_span *line);

/* Without blanks and line break at either end. */
struct vk_span vk_setup_bare(struct vk_span line);

/* The block in a text. */

/* Where a format wants it. */
struct vk_setup_place {
    size_t at;          /* at the beginning of a line, or the end */
    const char *header; /* a line before it in the block, or NULL */
    struct vk_span indent;
    bool is_done; /* what is wanted is there already, by hand */
};

/*
 * Find the place in the text (which is without the block), or refuse what
 * is broken, or has something that does not go with it.
 */
typedef enum vk_err vk_setup_look(struct vk_setup_text *text,
                                  struct vk_span rest,
                                  struct vk_setup_place *place);

VK_MUST enum vk_err vk_setup_block_put(struct vk_setup_text *text,
                                       vk_setup_look *look);

/*
 * The same for what may be there once only: if look finds it in the whole
 * text, a person has written it in the block in another way, and it stays.
 */
VK_MUST enum vk_err vk_setup_block_put_once(struct vk_setup_text *text,
                                            vk_setup_look *look);

/* Is there one?  In doubt: yes, and taking it out is refused. */
bool vk_setup_block_is_in(struct vk_span text);

/*
 * Take it out.  ours: what each of its lines may begin with, ended by NULL;
 * other lines in it are somebody else's, and nothing is done.
 */
VK_MUST enum vk_err vk_setup_block_take(struct vk_setup_text *text,
                                        const char *const *ours);

#endif

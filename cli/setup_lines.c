/* SPDX-License-Identifier: MIT */
/*
 * Files of lines: pip.conf (Python's configparser), .bazelrc and drop-ins of
 * systemd units.
 */
#include <string.h>

#include "cli/setup_text.h"

static bool
is_comment(struct vk_span bare)
{
    return bare.len == 0 || bare.ptr[0] == '#' || bare.ptr[0] == ';';
}

/* The last line that says something goes on with what comes next. */
static bool
is_continued(struct vk_span rest)
{
    size_t end = rest.len;

    while (end > 0 && (rest.ptr[end - 1] == '\n' || rest.ptr[end - 1] == '\r'))
        end--;
    return end > 0 && rest.ptr[end - 1] == '\\';
}

static struct vk_span
indent_of(struct vk_span line)
{
    struct vk_span indent = {line.ptr, 0};

    while (indent.len < line.len &&
           (line.ptr[indent.len] == ' ' || line.ptr[indent.len] == '\t'))
        indent.len++;
    return indent;
}

/* pip */

#define PROVIDER "keyring-provider"

/* configparser and pip: case, '_' and '-' do not matter. */
static bool
is_provider(struct vk_span key)
{
    if (vk_span_starts(key, "--"))
        key = vk_span_from(key, 2);
    if (key.len != strlen(PROVIDER))
        return false;
    for (size_t i = 0; i < key.len; i++) {
        char c = key.ptr[i] == '_' ? '-' : key.ptr[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c + ('a' - 'A'));
        if (c != PROVIDER[i])
            return false;
    }
    return true;
}

/* KEY = VALUE or KEY: VALUE, whichever sign comes first. */
static bool
split_option(struct vk_span bare, struct vk_span *key, struct vk_span *value)
{
    size_t at = 0;

    while (at < bare.len && bare.ptr[at] != '=' && bare.ptr[at] != ':')
        at++;
    if (at == 0 || at == bare.len)
        return false;
    *key = vk_span_trim((struct vk_span){bare.ptr, at});
    *value = vk_span_trim(vk_span_from(bare, at + 1));
    return key->len > 0;
}

struct pip {
    bool has_section, in_global, has_global;
    bool wants_indent; /* of the first option behind [global] */
    bool has_option;
    size_t indent; /* of the last option */
};

static const char *
note_header(struct pip *pip, struct vk_span bare, size_t at,
            struct vk_setup_place *place)
{
    pip->has_section = true;
    pip->has_option = false;
    pip->in_global = vk_span_is(bare, "[global]");
    if (bare.len < 3 || bare.ptr[bare.len - 1] != ']')
        return "has a broken section";
    if (!pip->in_global)
        return NULL;
    if (pip->has_global)
        return "has [global] twice";
    pip->has_global = pip->wants_indent = true;
    place->at = at;
    return NULL;
}

static const char *
note_option(struct pip *pip, struct vk_span line, struct vk_setup_place *place)
{
    struct vk_span key, value, indent = indent_of(line);

    if (!pip->has_section)
        return "has a line before the first section";
    if (pip->has_option && indent.len > pip->indent)
        return NULL; /* it continues the option before it */
    if (!split_option(vk_setup_bare(line), &key, &value))
        return "has a line that is no option";
    pip->has_option = true;
    pip->indent = indent.len;
    if (!pip->in_global)
        return NULL;
    if (pip->wants_indent)
        place->indent = indent;
    pip->wants_indent = false;
    if (!is_provider(key))
        return NULL;
    place->is_done = vk_span_is(value, "subprocess");
    return place->is_done ? NULL : "has another keyring-provider";
}

static enum vk_err
look_pip(struct vk_setup_text *text, struct vk_span rest,
         struct vk_setup_place *place)
{
    struct pip pip = {0};
    struct vk_span line;
    size_t at = 0, start = 0;

    for (; vk_setup_line(rest, &at, &line); start = at) {
        struct vk_span bare = vk_setup_bare(line);
        const char *why = NULL;
        if (is_comment(bare))
            continue;
        bool continues = pip.has_option && indent_of(line).len > pip.indent;
        if (bare.ptr[0] == '[' && !continues)
            why = indent_of(line).len > 0 ? "has an indented section"
                                          : note_header(&pip, bare, at, place);
        else
            why = note_option(&pip, line, place);
        if (why != NULL)
            return vk_setup_refuse(text, start, why);
    }
    if (!pip.has_global) {
        place->at = rest.len;
        place->header = "[global]\n";
    }
    return VK_OK;
}

enum vk_err
vk_setup_pip_put(struct vk_setup_text *text)
{
    return vk_setup_block_put_once(text, look_pip);
}

enum vk_err
vk_setup_pip_take(struct vk_setup_text *text)
{
    static const char *const ours[] = {"[global]", PROVIDER " = subprocess",
                                       NULL};

    return vk_setup_block_take(text, ours);
}

/* bazel */

static enum vk_err
look_bazel(struct vk_setup_text *text, struct vk_span rest,
           struct vk_setup_place *place)
{
    if (is_continued(rest))
        return vk_setup_refuse(text, rest.len - 1,
                               "ends with a line that is continued");
    place->at = rest.len;
    return VK_OK;
}

enum vk_err
vk_setup_bazel_put(struct vk_setup_text *text)
{
    return vk_setup_block_put(text, look_bazel);
}

enum vk_err
vk_setup_bazel_take(struct vk_setup_text *text)
{
    static const char *const ours[] = {"common --credential_helper=", NULL};

    return vk_setup_block_take(text, ours);
}

/* systemd */

static enum vk_err
look_systemd(struct vk_setup_text *text, struct vk_span rest,
             struct vk_setup_place *place)
{
    struct vk_span line, key, value;
    size_t at = 0, start = 0;
    bool continued = false;

    for (; vk_setup_line(rest, &at, &line); start = at) {
        struct vk_span bare = vk_setup_bare(line);
        if (is_comment(bare))
            continue;
        if (!continued && bare.ptr[0] != '[' &&
            !split_option(bare, &key, &value))
            return vk_setup_refuse(text, start,
                                   "has a line that is neither"
                                   " a section nor a setting");
        continued = bare.ptr[bare.len - 1] == '\\';
    }
    if (continued)
        return vk_setup_refuse(text, rest.len - 1,
                               "ends with a line that is continued");
    place->at = rest.len;
    place->header = "[Service]\n";
    return VK_OK;
}

enum vk_err
vk_setup_systemd_put(struct vk_setup_text *text)
{
    return vk_setup_block_put(text, look_systemd);
}

enum vk_err
vk_setup_systemd_take(struct vk_setup_text *text)
{
    static const char *const ours[] = {"[Service]", "LoadCredential=", NULL};

    return vk_setup_block_take(text, ours);
}

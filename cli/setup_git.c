/* SPDX-License-Identifier: MIT */
/* .gitconfig (git-config(1), "Syntax"): a block at its end. */
#include <string.h>

#include "cli/setup_text.h"

struct config {
    struct vk_span text;
    size_t at;
};

static int
peek(const struct config *config)
{
    return config->at < config->text.len
               ? (unsigned char)config->text.ptr[config->at]
               : '\n';
}

static bool
is_word(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '-';
}

static void
skip_blanks(struct config *config)
{
    while (peek(config) == ' ' || peek(config) == '\t' || peek(config) == '\r')
        config->at++;
}

static void
skip_line(struct config *config)
{
    while (peek(config) != '\n')
        config->at++;
}

/* From behind the '[': name], name "sub"] */
static bool
skip_header(struct config *config)
{
    size_t from = config->at;

    while (is_word(peek(config)) || peek(config) == '.')
        config->at++;
    if (config->at == from)
        return false;
    if (peek(config) == ' ' || peek(config) == '\t') {
        skip_blanks(config);
        if (peek(config) != '"')
            return false;
        for (config->at++; peek(config) != '"'; config->at++) {
            config->at += peek(config) == '\\' ? 1 : 0;
            if (peek(config) == '\n')
                return false;
        }
        config->at++;
    }
    return peek(config) == ']' && ++config->at > 0;
}

/* The value, over lines that are continued, to the end of the line. */
static bool
skip_value(struct config *config)
{
    bool quoted = false;

    for (;; config->at++) {
        int c = peek(config);
        if (c == '\n')
            return !quoted;
        if (!quoted && (c == '#' || c == ';')) {
            skip_line(config);
            return true;
        }
        if (c == '"')
            quoted = !quoted;
        if (c != '\\')
            continue;
        config->at++;
        if (peek(config) == '\r')
            config->at++;
        if (config->at >= config->text.len ||
            strchr("\n\"\\ntb", peek(config)) == NULL)
            return false;
    }
}

static bool
skip_variable(struct config *config)
{
    while (is_word(peek(config)))
        config->at++;
    skip_blanks(config);
    if (peek(config) == '\n')
        return true;
    if (peek(config) != '=')
        return false;
    config->at++;
    return skip_value(config);
}

static bool
skip_one(struct config *config, bool *has_section)
{
    int c = peek(config);

    if (c == '#' || c == ';') {
        skip_line(config);
        return true;
    }
    if (c == '[') {
        config->at++;
        *has_section = true;
        return skip_header(config);
    }
    return *has_section && is_word(c) && c != '-' && !(c >= '0' && c <= '9') &&
           skip_variable(config);
}

static enum vk_err
look(struct vk_setup_text *text, struct vk_span rest,
     struct vk_setup_place *place)
{
    struct config config = {.text = rest};
    bool has_section = false;

    if (vk_span_starts(rest, "\xef\xbb\xbf"))
        config.at = 3;
    while (config.at < rest.len) {
        skip_blanks(&config);
        size_t from = config.at;
        if (peek(&config) == '\n')
            config.at++;
        else if (!skip_one(&config, &has_section))
            return vk_setup_refuse(text, from,
                                   "is not a valid git configuration");
    }
    place->at = rest.len;
    return VK_OK;
}

enum vk_err
vk_setup_git_put(struct vk_setup_text *text)
{
    return vk_setup_block_put(text, look);
}

enum vk_err
vk_setup_git_take(struct vk_setup_text *text)
{
    static const char *const ours[] = {"[credential \"",
                                       "helper =", "useHttpPath = true", NULL};

    return vk_setup_block_take(text, ours);
}

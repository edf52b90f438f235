/* SPDX-License-Identifier: MIT */
#include "keyring/sections.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/conf.h"
#include "base/log.h"
#include "keyring/keys.h"
#include "keyring/needle.h"

enum vk_err
vk_sections_fail(const struct vk_clients *clients, struct vk_span at,
                 const char *fmt, ...)
{
    char message[300];
    unsigned int line = 1;
    va_list args;

    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    if (clients->is_draft)
        return vk_fail(VK_CONFIG, "%s", message);
    for (const char *p = clients->text.ptr; p < at.ptr; p++)
        line += *p == '\n';
    return vk_fail(VK_CONFIG, "%s/%s:%u: %s", clients->dir, VK_CLIENTS_FILE,
                   line, message);
}

struct vk_span
vk_sections_around(struct vk_span text, const char *p)
{
    struct vk_span section;

    while (p > text.ptr) {
        const char *from = memrchr(text.ptr, '[', (size_t)(p - text.ptr));
        if (from == NULL)
            break;
        size_t at = (size_t)(from - text.ptr);
        if (vk_sections_next(text, &at, &section) && section.ptr == from)
            return section;
        p = from;
    }
    return (struct vk_span){NULL, 0};
}

/* Only blanks stand between the start of its line and p. */
static bool
begins_line(struct vk_span text, const char *p)
{
    while (p > text.ptr && (p[-1] == ' ' || p[-1] == '\t' || p[-1] == '\r'))
        p--;
    return p == text.ptr || p[-1] == '\n';
}

bool
vk_sections_next(struct vk_span text, size_t *at, struct vk_span *section)
{
    const char *from = NULL;

    while (*at < text.len) {
        const char *p = memchr(text.ptr + *at, '[', text.len - *at);
        if (p == NULL)
            break;
        if (begins_line(text, p)) {
            if (from != NULL) {
                *at = (size_t)(p - text.ptr);
                *section = (struct vk_span){from, (size_t)(p - from)};
                return true;
            }
            from = p;
        }
        *at = (size_t)(p - text.ptr) + 1;
    }
    *at = text.len;
    if (from == NULL)
        return false;
    *section = (struct vk_span){from, text.len - (size_t)(from - text.ptr)};
    return true;
}

bool
vk_sections_is(struct vk_span section, const char *kind, struct vk_span *name)
{
    struct vk_conf conf = VK_CONF_OF(section);
    struct vk_conf_line line;

    if (vk_conf_next(&conf, &line) != VK_CONF_SECTION ||
        !vk_span_is(line.key, kind))
        return false;
    *name = line.value;
    return true;
}

bool
vk_sections_find(const struct vk_clients *clients, const char *kind,
                 struct vk_span name, struct vk_span *out)
{
    char header[VK_FULL_NAME_MAX + 16];
    struct vk_buf want = {.data = header,
                          .cap = sizeof header,
                          .max = sizeof header,
                          .fixed = true};
    struct vk_span text = clients->text;
    struct vk_needle needle;
    const char *p;
    size_t at = 0;

    if (vk_buf_add_char(&want, '[') != VK_OK ||
        vk_buf_add_str(&want, kind) != VK_OK ||
        vk_buf_add_char(&want, ' ') != VK_OK ||
        vk_buf_add(&want, name) != VK_OK ||
        vk_buf_add_char(&want, ']') != VK_OK)
        return false;
    vk_needle_init(&needle, vk_buf_span(&want));
    while ((p = vk_needle_find(&needle, text, at)) != NULL) {
        at = (size_t)(p - text.ptr);
        if (begins_line(text, p))
            return vk_sections_next(text, &at, out);
        at++;
    }
    return false;
}

static enum vk_err
set_key(const struct vk_clients *clients, const struct vk_conf_line *line,
        unsigned int where, struct vk_span section, unsigned int *seen,
        struct vk_profile *out)
{
    enum vk_key key = vk_key_find(line->key);

    if (key == VK_KEYS)
        return vk_sections_fail(clients, line->key, "unknown key '%.*s'",
                                VK_ARG(line->key));
    const struct vk_key_row *row = &vk_key_rows[key];
    if ((row->flags & where) == 0)
        return vk_sections_fail(clients, line->key,
                                "'%s' belongs in a [client] section",
                                row->name);
    if ((row->flags & VK_MACHINE) != 0 && clients->origin != VK_BROKER)
        return vk_sections_fail(clients, line->key,
                                "'%s' belongs in the machine's clients.conf",
                                row->name);
    if ((*seen & 1U << key) != 0 && (row->flags & VK_REPEATABLE) == 0)
        return vk_sections_fail(clients, line->key,
                                "'%s' stands twice in this section",
                                row->name);
    const char *objection =
        row->objection != NULL ? row->objection(line->value) : NULL;
    if (objection != NULL)
        return vk_sections_fail(clients, line->key, "'%s' %s", row->name,
                                objection);
    if (key == VK_KEY_STORE &&
        vk_span_is(line->value, "system") != (clients->origin == VK_BROKER))
        return vk_sections_fail(
            clients, line->key, "'%s' must be %s in this file", row->name,
            clients->origin == VK_BROKER ? "system" : "secret-service");
    *seen |= 1U << key;
    out->key[key] = (struct vk_opt){line->value, true};
    out->section[key] = section;
    return VK_OK;
}

static bool
is_section_name(struct vk_span name, unsigned int where)
{
    struct vk_span rest = name, first = vk_span_cut(&rest, '/');

    if (where == VK_IN_CLIENT)
        return vk_clients_is_name(name);
    return vk_clients_is_name(first) && vk_clients_is_name(rest);
}

enum vk_err
vk_sections_read(const struct vk_clients *clients, struct vk_span section,
                 unsigned int where, struct vk_span *name,
                 struct vk_profile *out)
{
    struct vk_conf conf = VK_CONF_OF(section);
    struct vk_conf_line line;
    unsigned int seen = 0;
    enum vk_err err = VK_OK;

    if (!vk_sections_is(section, where == VK_IN_CLIENT ? "client" : "token",
                        name) ||
        !is_section_name(*name, where))
        return vk_sections_fail(clients, section,
                                "not a section that"
                                " valetkey knows: use [client NAME] or"
                                " [token NAME/TOKEN], names in lower case");
    vk_conf_next(&conf, &line);
    while (err == VK_OK) {
        enum vk_conf_kind kind = vk_conf_next(&conf, &line);
        if (kind == VK_CONF_END)
            break;
        if (kind == VK_CONF_PAIR)
            err = set_key(clients, &line, where, section, &seen, out);
        else if (kind != VK_CONF_NOTHING)
            err = vk_sections_fail(clients, line.text,
                                   "neither 'key = value' nor a section");
    }
    return err;
}

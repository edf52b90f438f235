/* SPDX-License-Identifier: MIT */
/*
 * cargo's config.toml (TOML 1.0): a member of the list
 * registry.global-credential-providers, of which cargo asks the last one
 * first.  Where there is no such list a block makes it.
 */
#include "cli/setup_text.h"
#include "cli/setup_toml.h"

#define LIST "global-credential-providers"
#define OURS "cargo-credential-valetkey"

/* What there is of [registry]. */
struct registry {
    bool is_there;
    size_t begin; /* behind the line of its header */
    bool has_list;
    size_t list; /* the value */
};

static bool
is_key(const struct vk_toml_entry *entry, size_t part, const char *name)
{
    return part < entry->parts && vk_span_is(entry->part[part], name);
}

static const char *
note_header(const struct vk_toml_entry *entry, struct registry *registry)
{
    if (!is_key(entry, 0, "registry") || entry->parts > 1)
        return NULL;
    if (entry->is_array || registry->is_there)
        return "has more than one [registry]";
    registry->is_there = true;
    registry->begin = entry->end;
    return NULL;
}

static const char *
note_pair(const struct vk_toml_entry *entry, bool in_registry, bool in_root,
          struct registry *registry)
{
    bool dotted = in_root && is_key(entry, 0, "registry");
    size_t part = dotted ? 1 : 0;

    if (!dotted && !in_registry)
        return NULL;
    if (!is_key(entry, part, LIST) || entry->parts != part + 1)
        return dotted ? "sets 'registry' without a section of its own" : NULL;
    if (registry->has_list)
        return "has the list of providers twice";
    registry->has_list = true;
    registry->list = entry->value;
    return NULL;
}

static enum vk_err
find(struct vk_setup_text *text, struct vk_span in, struct registry *registry)
{
    struct vk_toml toml = {.text = in};
    struct vk_toml_entry entry;
    bool in_registry = false, in_root = true;
    enum vk_toml_kind kind;

    *registry = (struct registry){0};
    while ((kind = vk_toml_next(&toml, &entry)) != VK_TOML_END) {
        const char *why = NULL;
        if (kind == VK_TOML_BROKEN)
            why = "is not valid TOML";
        else if (kind == VK_TOML_TABLE) {
            in_root = false;
            in_registry = is_key(&entry, 0, "registry") && entry.parts == 1;
            why = note_header(&entry, registry);
        } else
            why = note_pair(&entry, in_registry, in_root, registry);
        if (why != NULL)
            return vk_setup_refuse(text, entry.from, why);
    }
    return VK_OK;
}

/* Where our member of the list is, or could be. */
struct member {
    bool is_there, is_empty, is_list;
    size_t from, to; /* it; where it would stand, if it is not there */
    size_t before;   /* the end of the one before it; 0: it is the first */
    size_t after;    /* the beginning of the next one, or 0 */
    size_t comma;    /* behind the comma after it, if there is one */
};

static struct member
find_member(struct vk_span text, size_t list)
{
    struct member member = {.is_empty = true};
    size_t at = list, from, to, last = 0;

    member.is_list = at < text.len && text.ptr[at] == '[';
    member.to = ++at;
    while (member.is_list && vk_toml_item(text, &at, &from, &to)) {
        struct vk_span item = {text.ptr + from, to - from};
        bool ours =
            vk_span_is(item, "\"" OURS "\"") || vk_span_is(item, "'" OURS "'");
        member.is_empty = false;
        if (member.is_there) {
            member.after = from;
            break;
        }
        member.to = to;
        if (ours) {
            member.is_there = true;
            member.from = from;
            member.before = last;
            member.comma = text.ptr[at - 1] == ',' ? at : to;
        }
        last = to;
    }
    return member;
}

static enum vk_err
look(struct vk_setup_text *text, struct vk_span rest,
     struct vk_setup_place *place)
{
    struct registry registry;
    enum vk_err err = find(text, rest, &registry);

    if (err != VK_OK)
        return err;
    if (registry.has_list) {
        place->is_done = find_member(rest, registry.list).is_there;
        return place->is_done ? VK_OK
                              : vk_setup_refuse(text, registry.list,
                                                "has another list of"
                                                " providers");
    }
    place->at = registry.is_there ? registry.begin : rest.len;
    place->header = registry.is_there ? NULL : "[registry]\n";
    return VK_OK;
}

static enum vk_err
add_part(struct vk_setup_text *text, size_t from, size_t to)
{
    return vk_buf_add(&text->next,
                      (struct vk_span){text->now.ptr + from, to - from});
}

enum vk_err
vk_setup_cargo_put(struct vk_setup_text *text)
{
    struct registry registry;
    enum vk_err err;

    if (vk_setup_block_is_in(text->now))
        return vk_setup_block_put_once(text, look);
    err = find(text, text->now, &registry);
    if (err != VK_OK || !registry.has_list)
        return err != VK_OK ? err : vk_setup_block_put(text, look);
    struct member member = find_member(text->now, registry.list);
    if (!member.is_list)
        return vk_setup_refuse(text, registry.list,
                               "has '" LIST "' that are no list");
    if (member.is_there)
        return add_part(text, 0, text->now.len);
    err = add_part(text, 0, member.to);
    if (err == VK_OK)
        err = vk_buf_add_str(&text->next, member.is_empty ? "\"" OURS "\""
                                                          : ", \"" OURS "\"");
    return err == VK_OK ? add_part(text, member.to, text->now.len) : err;
}

enum vk_err
vk_setup_cargo_take(struct vk_setup_text *text)
{
    static const char *const ours[] = {
        "[registry]", LIST " = [\"cargo:token\", \"" OURS "\"]", NULL};
    struct registry registry;
    enum vk_err err;

    if (vk_setup_block_is_in(text->now))
        return vk_setup_block_take(text, ours);
    err = find(text, text->now, &registry);
    if (err != VK_OK || !registry.has_list)
        return err != VK_OK ? err : add_part(text, 0, text->now.len);
    struct member member = find_member(text->now, registry.list);
    if (!member.is_there)
        return add_part(text, 0, text->now.len);
    size_t from = member.before > 0 ? member.before : member.from;
    size_t to = member.before > 0  ? member.to
                : member.after > 0 ? member.after
                                   : member.comma;
    err = add_part(text, 0, from);
    return err == VK_OK ? add_part(text, to, text->now.len) : err;
}

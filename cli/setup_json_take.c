/* SPDX-License-Identifier: MIT */
#include "cli/setup_helpers.h"

#include <string.h>

#define OURS VK_HELPERS_OURS

enum vk_err
vk_helpers_find(struct vk_setup_text *text, size_t *open,
                struct vk_scan_member *out, bool *found)
{
    struct vk_scan scan = {.text = text->now};
    struct vk_scan_member member;

    *found = false;
    if (!vk_scan_object(text->now, open))
        return vk_setup_refuse(text, 0, "is not valid JSON");
    scan.at = *open + 1;
    while (vk_scan_next(&scan, &member)) {
        if (memchr(member.key.ptr, '\\', member.key.len) != NULL)
            return vk_setup_refuse(text, member.value,
                                   "has a name with an escape in it");
        if (!vk_span_same_nocase(member.key, VK_SPAN(VK_HELPERS)))
            continue;
        if (*found || !vk_span_is(member.key, VK_HELPERS))
            return vk_setup_refuse(text, member.value,
                                   "has more than one \"" VK_HELPERS "\"");
        if (text->now.ptr[member.value] != '{')
            return vk_setup_refuse(text, member.value,
                                   "has \"" VK_HELPERS
                                   "\" that are not an object");
        *found = true;
        *out = member;
    }
    return VK_OK;
}

static enum vk_err
add_rest(struct vk_setup_text *text, size_t from)
{
    return vk_buf_add(&text->next, vk_span_from(text->now, from));
}

typedef bool is_to_go(const struct vk_scan_member *member, struct vk_span text,
                      size_t arg);

static bool
is_ours(const struct vk_scan_member *member, struct vk_span text, size_t arg)
{
    (void)arg;
    return vk_span_is(vk_scan_part(text, member->value, member->end), OURS);
}

static bool
is_at(const struct vk_scan_member *member, struct vk_span text, size_t arg)
{
    (void)text;
    return member->value == arg;
}

struct taken {
    size_t kept, taken;
    bool was_empty; /* before, by its mark */
};

/*
 * Copy the inside of the object at open, from behind its brace, without the
 * members that are to go; *at is where the copy has come to.
 */
static enum vk_err
copy_without(struct vk_setup_text *text, size_t open, is_to_go *goes,
             size_t arg, size_t *at, struct taken *taken)
{
    struct vk_scan scan = {.text = text->now, .at = open + 1};
    struct vk_scan_member member;
    enum vk_err err = VK_OK;

    *taken = (struct taken){0};
    *at = open + 1;
    while (err == VK_OK && vk_scan_next(&scan, &member)) {
        if (!goes(&member, text->now, arg)) {
            taken->kept++;
            continue;
        }
        taken->taken++;
        taken->was_empty |= member.colon > member.key_end;
        /* The first ones go with the comma behind, others with that before. */
        size_t from = taken->kept > 0 ? member.start - 1 : member.start;
        err = vk_buf_add(&text->next, vk_scan_part(text->now, *at, from));
        *at =
            taken->kept > 0 || member.is_last ? member.end : member.comma + 1;
    }
    return err;
}

/* Nothing is left of "credHelpers", nor perhaps of the file. */
static enum vk_err
take_all(struct vk_setup_text *text, size_t open, size_t value)
{
    struct taken taken;
    size_t at;

    vk_buf_cut(&text->next, 0);
    enum vk_err err =
        vk_buf_add(&text->next, vk_scan_part(text->now, 0, open + 1));
    if (err == VK_OK)
        err = copy_without(text, open, is_at, value, &at, &taken);
    if (err != VK_OK)
        return err;
    text->is_gone = taken.kept == 0 && !taken.was_empty;
    return add_rest(text, at);
}

enum vk_err
vk_setup_json_take(struct vk_setup_text *text)
{
    struct vk_scan_member helpers = {0};
    struct taken taken;
    size_t open, at;
    bool found;
    enum vk_err err = vk_helpers_find(text, &open, &helpers, &found);

    if (err != VK_OK || !found)
        return err != VK_OK ? err : add_rest(text, 0);
    err =
        vk_buf_add(&text->next, vk_scan_part(text->now, 0, helpers.value + 1));
    if (err == VK_OK)
        err = copy_without(text, helpers.value, is_ours, 0, &at, &taken);
    if (err == VK_OK && taken.taken > 0 && taken.kept == 0 && !taken.was_empty)
        return take_all(text, open, helpers.value);
    return err == VK_OK ? add_rest(text, at) : err;
}

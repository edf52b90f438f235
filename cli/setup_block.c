/* SPDX-License-Identifier: MIT */

#include "cli/setup_text.h"

/* From the begin line to the end line, as offsets. */
struct block {
    size_t from, body, end, to;
    bool is_there, is_broken, is_open_ended;
};

static struct block
find(struct vk_span text)
{
    struct block block = {0};
    struct vk_span line;
    size_t at = 0, start = 0;
    bool inside = false;

    for (; vk_setup_line(text, &at, &line); start = at) {
        struct vk_span bare = vk_setup_bare(line);
        if (vk_span_is(bare, VK_SETUP_BEGIN)) {
            if (inside || block.is_there)
                block.is_broken = true;
            block.from = start;
            block.body = at;
            inside = block.is_there = true;
        } else if (vk_span_is(bare, VK_SETUP_END)) {
            if (!inside)
                block.is_broken = true;
            inside = false;
            block.end = start;
            block.to = at;
            block.is_open_ended = line.ptr[line.len - 1] != '\n';
        }
    }
    block.is_broken |= inside;
    block.is_there |= block.is_broken;
    return block;
}

bool
vk_setup_block_is_in(struct vk_span text)
{
    return find(text).is_there;
}

static struct vk_span
body_of(struct vk_span text, const struct block *block)
{
    return (struct vk_span){text.ptr + block->body, block->end - block->body};
}

/*
 * A text that does not end with a line break gets a block that does not
 * either, and a line break before it, which goes again with the block.
 */
static size_t
cut_from(struct vk_span text, const struct block *block)
{
    bool joined = block->is_open_ended && block->from > 0 &&
                  text.ptr[block->from - 1] == '\n';

    return block->from - (joined ? 1 : 0);
}

static enum vk_err
add_indented(struct vk_buf *out, struct vk_span indent, struct vk_span lines)
{
    struct vk_span line;
    size_t at = 0;
    enum vk_err err = VK_OK;

    while (err == VK_OK && vk_setup_line(lines, &at, &line)) {
        err = vk_buf_add(out, indent);
        if (err == VK_OK)
            err = vk_buf_add(out, line);
    }
    return err;
}

/* The next line and those that belong to it. */
static bool
next_chunk(struct vk_span want, size_t *at, struct vk_span *chunk)
{
    size_t start = *at;
    struct vk_span line;

    if (!vk_setup_line(want, at, &line))
        return false;
    while (*at < want.len && want.ptr[*at] == '\t')
        if (!vk_setup_line(want, at, &line))
            break;
    *chunk = (struct vk_span){want.ptr + start, *at - start};
    return true;
}

static enum vk_err
add_missing(struct vk_setup_text *text, struct vk_span body,
            struct vk_span indent, struct vk_buf *out)
{
    struct vk_span chunk;
    size_t at = 0;
    enum vk_err err = VK_OK;

    while (err == VK_OK && next_chunk(text->want, &at, &chunk))
        if (!vk_setup_has_lines(body, chunk))
            err = add_indented(out, indent, chunk);
    return err;
}

/* What is there of it stays; what is missing comes at its end. */
static enum vk_err
extend(struct vk_setup_text *text, const struct block *block)
{
    struct vk_span body = body_of(text->now, block), indent = body;
    VK_AUTO_BUF more = VK_BUF(VK_SETUP_MAX);

    indent.len = 0;
    while (indent.len < body.len &&
           (body.ptr[indent.len] == ' ' || body.ptr[indent.len] == '\t'))
        indent.len++;
    enum vk_err err = add_missing(text, body, indent, &more);
    if (err == VK_OK)
        err = vk_buf_add(&text->next,
                         (struct vk_span){text->now.ptr, block->end});
    if (err == VK_OK)
        err = vk_buf_add(&text->next, vk_buf_span(&more));
    if (err == VK_OK)
        err = vk_buf_add(&text->next, vk_span_from(text->now, block->end));
    return err;
}

static enum vk_err
insert(struct vk_setup_text *text, const struct vk_setup_place *place)
{
    struct vk_span now = text->now, head = {now.ptr, place->at};
    struct vk_buf *out = &text->next;
    bool at_end = now.ptr != NULL && place->at == now.len;
    bool ended = !at_end || (now.len > 0 && now.ptr[now.len - 1] == '\n') ||
                 now.ptr == NULL;
    enum vk_err err = vk_buf_add(out, head);

    if (err == VK_OK && !ended && now.len > 0)
        err = vk_buf_add_char(out, '\n');
    if (err == VK_OK)
        err = vk_buf_add_str(out, VK_SETUP_BEGIN "\n");
    if (err == VK_OK && place->header != NULL)
        err = vk_buf_add_str(out, place->header);
    if (err == VK_OK)
        err = add_indented(out, place->indent, text->want);
    if (err == VK_OK)
        err = vk_buf_add_str(out, ended ? VK_SETUP_END "\n" : VK_SETUP_END);
    return err == VK_OK ? vk_buf_add(out, vk_span_from(now, place->at)) : err;
}

enum vk_err
vk_setup_block_put(struct vk_setup_text *text, vk_setup_look *look)
{
    struct block block = find(text->now);
    struct vk_setup_place place = {0};
    VK_AUTO_BUF rest = VK_BUF(VK_SETUP_MAX);

    if (block.is_broken)
        return vk_setup_refuse(text, block.from,
                               "has valetkey's marks, but not a pair");
    size_t from = block.is_there ? cut_from(text->now, &block) : 0;
    enum vk_err err = vk_buf_add(&rest, (struct vk_span){text->now.ptr, from});
    if (err == VK_OK)
        err = vk_buf_add(&rest, vk_span_from(text->now, block.to));
    if (err == VK_OK)
        err = look(text, vk_buf_span(&rest), &place);
    if (err != VK_OK)
        return err;
    if (block.is_there)
        return extend(text, &block);
    return place.is_done ? vk_buf_add(&text->next, text->now)
                         : insert(text, &place);
}

enum vk_err
vk_setup_block_put_once(struct vk_setup_text *text, vk_setup_look *look)
{
    struct block block = find(text->now);
    struct vk_setup_place place = {0};
    enum vk_err err = VK_OK;

    if (block.is_there && !block.is_broken)
        err = look(text, text->now, &place);
    if (err != VK_OK)
        return err;
    return place.is_done ? vk_buf_add(&text->next, text->now)
                         : vk_setup_block_put(text, look);
}

static bool
begins_with_any(struct vk_span line, const char *const *words)
{
    for (; *words != NULL; words++)
        if (vk_span_starts(line, *words))
            return true;
    return false;
}

/* The first line in the block that is not ours; the length of text if none. */
static size_t
foreign_line(struct vk_span text, const struct block *block,
             const char *const *ours, bool *has_header)
{
    struct vk_span line;
    size_t at = block->body, start = at;

    *has_header = false;
    for (; start < block->end && vk_setup_line(text, &at, &line); start = at) {
        struct vk_span bare = vk_setup_bare(line);
        if (bare.len > 0 && !begins_with_any(bare, ours))
            return start;
        *has_header |= vk_span_starts(bare, "[");
    }
    return text.len;
}

/* Would what follows come under another header? */
static bool
is_followed(struct vk_span text, size_t at, size_t *where)
{
    struct vk_span line;

    for (*where = at; vk_setup_line(text, &at, &line); *where = at) {
        struct vk_span bare = vk_setup_bare(line);
        if (bare.len == 0 || bare.ptr[0] == '#' || bare.ptr[0] == ';')
            continue;
        return bare.ptr[0] != '[';
    }
    return false;
}

enum vk_err
vk_setup_block_take(struct vk_setup_text *text, const char *const *ours)
{
    struct block block = find(text->now);
    bool has_header;
    size_t where;

    if (!block.is_there)
        return vk_buf_add(&text->next, text->now);
    if (block.is_broken)
        return vk_setup_refuse(text, block.from,
                               "has valetkey's marks, but not a pair");
    where = foreign_line(text->now, &block, ours, &has_header);
    if (where < text->now.len)
        return vk_setup_refuse(text, where,
                               "has a line between valetkey's marks that is"
                               " not valetkey's");
    if (has_header && is_followed(text->now, block.to, &where))
        return vk_setup_refuse(text, where,
                               "has a line that belongs to a section of"
                               " valetkey's");
    size_t from = cut_from(text->now, &block);
    text->is_gone =
        from == 0 && block.to == text->now.len && !block.is_open_ended;
    enum vk_err err =
        vk_buf_add(&text->next, (struct vk_span){text->now.ptr, from});
    return err == VK_OK
               ? vk_buf_add(&text->next, vk_span_from(text->now, block.to))
               : err;
}

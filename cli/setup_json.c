/* SPDX-License-Identifier: MIT */
/*
 * "credHelpers" of docker's config.json and of auth.json.  What is put in
 * goes behind a brace, with a comma after it if something follows, so that
 * it can be taken out again as it was put in.  An object that was there and
 * empty gets its first member with a blank before the colon: that is how it
 * is told, later, from one that was not there.
 */
#include "cli/setup_helpers.h"

#include <string.h>

#define HELPERS VK_HELPERS
#define OURS VK_HELPERS_OURS

/* How the members of an object are set apart. */
struct style {
    struct vk_buf lead;  /* before each */
    struct vk_buf close; /* before the brace that ends it */
    bool was_empty;
};

static void
clear_style(struct style *style)
{
    vk_buf_clear(&style->lead);
    vk_buf_clear(&style->close);
}

#define AUTO_STYLE __attribute__((cleanup(clear_style))) struct style
#define STYLE                                                       \
    {                                                               \
        .lead = VK_BUF(VK_SETUP_MAX), .close = VK_BUF(VK_SETUP_MAX) \
    }

/* From the last line break on; all of it if there is none. */
static struct vk_span
last_line(struct vk_span blank)
{
    for (size_t at = blank.len; at > 0; at--)
        if (blank.ptr[at - 1] == '\n') {
            at -= at > 1 && blank.ptr[at - 2] == '\r' ? 2 : 1;
            return vk_span_from(blank, at);
        }
    return blank;
}

/* Learn from the object whose brace is at open. */
static enum vk_err
learn(struct vk_span text, size_t open, struct style *style)
{
    struct vk_span lead = last_line(vk_scan_blank(text, open + 1));
    size_t next = open + 1 + vk_scan_blank(text, open + 1).len;
    bool has_lines = lead.len > 0 && memchr(lead.ptr, '\n', lead.len) != NULL;

    style->was_empty = text.ptr[next] == '}';
    enum vk_err err = vk_buf_add(&style->lead, lead);
    if (err == VK_OK && style->was_empty && has_lines)
        err = vk_buf_add_char(&style->lead, '\t');
    return err;
}

/* That of an object which is a member of one in the style outer. */
static enum vk_err
nest(const struct style *outer, struct style *inner)
{
    struct vk_span lead = vk_buf_span(&outer->lead), indent = lead;
    bool has_lines = false;

    for (size_t i = 0; i < lead.len; i++)
        if (lead.ptr[i] == '\n') {
            has_lines = true;
            indent = vk_span_from(lead, i + 1);
        }
    if (!has_lines)
        return VK_OK;
    enum vk_err err = vk_buf_add(&inner->lead, lead);
    if (err == VK_OK)
        err = vk_buf_add(&inner->lead, indent);
    return err == VK_OK ? vk_buf_add(&inner->close, lead) : err;
}

static enum vk_err
add_key(struct vk_buf *out, struct vk_span key, bool was_empty)
{
    enum vk_err err = vk_buf_add_char(out, '"');

    if (err == VK_OK)
        err = vk_buf_add(out, key);
    return err == VK_OK ? vk_buf_add_str(out, was_empty ? "\" : " : "\": ")
                        : err;
}

/* A member for each line of hosts. */
static enum vk_err
add_hosts(struct vk_buf *out, struct vk_span hosts, const struct style *style,
          bool goes_on)
{
    struct vk_span line;
    size_t at = 0;
    enum vk_err err = VK_OK;

    while (err == VK_OK && vk_setup_line(hosts, &at, &line)) {
        bool alone = style->lead.len == 0 && line.ptr != hosts.ptr;
        err = vk_buf_add(out, vk_buf_span(&style->lead));
        if (err == VK_OK && alone)
            err = vk_buf_add_char(out, ' ');
        if (err == VK_OK)
            err = add_key(out, vk_setup_bare(line), style->was_empty);
        if (err == VK_OK)
            err = vk_buf_add_str(out, OURS);
        if (err == VK_OK && (goes_on || at < hosts.len))
            err = vk_buf_add_char(out, ',');
    }
    return err;
}

static enum vk_err
add_helpers(struct vk_buf *out, struct vk_span hosts,
            const struct style *outer)
{
    AUTO_STYLE inner = STYLE;
    enum vk_err err = nest(outer, &inner);

    if (err == VK_OK)
        err = vk_buf_add(out, vk_buf_span(&outer->lead));
    if (err == VK_OK)
        err = add_key(out, VK_SPAN(HELPERS), outer->was_empty);
    if (err == VK_OK)
        err = vk_buf_add_char(out, '{');
    if (err == VK_OK)
        err = add_hosts(out, hosts, &inner, false);
    if (err == VK_OK)
        err = vk_buf_add(out, vk_buf_span(&inner.close));
    return err == VK_OK ? vk_buf_add_char(out, '}') : err;
}

/* A file of its own, as docker writes them. */
static enum vk_err
make_file(struct vk_setup_text *text)
{
    AUTO_STYLE style = STYLE;
    enum vk_err err = vk_buf_add_str(&style.lead, "\n\t");

    if (err == VK_OK)
        err = vk_buf_add_char(&text->next, '{');
    if (err == VK_OK)
        err = add_helpers(&text->next, text->want, &style);
    return err == VK_OK ? vk_buf_add_str(&text->next, "\n}\n") : err;
}

/* What is wanted and not there yet. */
static enum vk_err
find_missing(struct vk_setup_text *text, size_t open, struct vk_buf *out)
{
    struct vk_span host;
    enum vk_err err = VK_OK;

    for (size_t at = 0;
         err == VK_OK && vk_setup_line(text->want, &at, &host);) {
        struct vk_scan scan = {.text = text->now, .at = open + 1};
        struct vk_scan_member member;
        bool is_there = false;
        while (vk_scan_next(&scan, &member)) {
            if (!vk_span_same(member.key, vk_setup_bare(host)))
                continue;
            is_there = true;
            if (!vk_span_is(vk_scan_part(text->now, member.value, member.end),
                            OURS))
                return vk_setup_refuse(text, member.value,
                                       "names another helper for one of"
                                       " the hosts");
        }
        if (!is_there)
            err = vk_buf_add(out, host);
    }
    return err;
}

static enum vk_err
add_rest(struct vk_setup_text *text, size_t from)
{
    return vk_buf_add(&text->next, vk_span_from(text->now, from));
}

enum vk_err
vk_setup_json_put(struct vk_setup_text *text)
{
    AUTO_STYLE style = STYLE;
    VK_AUTO_BUF missing = VK_BUF(VK_SETUP_MAX);
    struct vk_scan_member helpers = {0};
    size_t open;
    bool found;

    if (text->now.ptr == NULL)
        return make_file(text);
    enum vk_err err = vk_helpers_find(text, &open, &helpers, &found);
    if (err == VK_OK && found) {
        open = helpers.value;
        err = find_missing(text, open, &missing);
        if (err == VK_OK && missing.len == 0)
            return add_rest(text, 0);
    }
    if (err == VK_OK)
        err = learn(text->now, open, &style);
    if (err == VK_OK)
        err = vk_buf_add(&text->next, vk_scan_part(text->now, 0, open + 1));
    if (err == VK_OK)
        err = found ? add_hosts(&text->next, vk_buf_span(&missing), &style,
                                !style.was_empty)
                    : add_helpers(&text->next, text->want, &style);
    if (err == VK_OK && !found && !style.was_empty)
        err = vk_buf_add_char(&text->next, ',');
    return err == VK_OK ? add_rest(text, open + 1) : err;
}

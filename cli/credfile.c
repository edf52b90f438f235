/* SPDX-License-Identifier: MIT */
#include "cli/credfile.h"

#include <string.h>

#include "base/log.h"
#include "base/utf8.h"
#include "cli/shellword.h"

#define BOM "\xef\xbb\xbf"
#define BLANKS " \t"
#define NO_ASSIGNMENT \
    "is no assignment; is this the credentials file as it was downloaded"

struct reader {
    struct vk_span rest; /* of the line */
    unsigned int line;
    const char *trouble; /* what is wrong with the line, or NULL */
    struct vk_buf *values;
    struct vk_credfile out;
};

/* With nothing left of the line every loop ends. */
static void
fail(struct reader *r, const char *trouble)
{
    if (r->trouble == NULL)
        r->trouble = trouble;
    r->rest.len = 0;
}

static void
skip(struct reader *r, size_t len)
{
    r->rest = vk_span_from(r->rest, len);
}

static void
skip_blanks(struct reader *r)
{
    r->rest = vk_span_trim(r->rest);
}

/* Letters, digits, '_' and those of more. */
static struct vk_span
name_of(struct vk_span text, const char *more)
{
    struct vk_span name = {text.ptr, 0};

    for (; name.len < text.len; name.len++) {
        if (!vk_char_plain(text.ptr[name.len], "_") &&
            !vk_shellword_begins(vk_span_from(text, name.len), more))
            break;
    }
    return name;
}

static bool
is_at_end(const struct reader *r)
{
    return r->rest.len == 0 || vk_shellword_begins(r->rest, BLANKS ";");
}

/*
 * The value is what was added to the values behind the first from bytes;
 * trouble is what was wrong with it, or NULL.
 */
static void
keep(struct reader *r, struct vk_span name, size_t from, const char *trouble)
{
    struct vk_span value = vk_span_from(vk_buf_span(r->values), from);

    if (trouble != NULL)
        fail(r, trouble);
    else if (name.len > VK_CRED_NAME_MAX || value.len > VK_CRED_VALUE_MAX)
        fail(r, "is too long");
    else if (value.len > 0 && memchr(value.ptr, '\t', value.len) != NULL)
        fail(r, "has a tab in its value");
    else if (r->out.vars == VK_CRED_VARS)
        fail(r, "is one assignment too many");
    else
        r->out.var[r->out.vars++] = (struct vk_cred_var){name, value, r->line};
}

static void
forget(struct reader *r, struct vk_span name)
{
    size_t kept = 0;

    for (size_t i = 0; i < r->out.vars; i++)
        if (!vk_span_same(r->out.var[i].name, name))
            r->out.var[kept++] = r->out.var[i];
    r->out.vars = kept;
}

/* What may stand before names; the longer of two comes first. */
static const struct verb {
    const char *text;
    bool removes;
} verbs[] = {
    {"export ", false},  {"declare -x ", false}, {"typeset -x ", false},
    {"unset -v ", true}, {"unset ", true},
};

static const struct verb *
take_verb(struct reader *r)
{
    skip_blanks(r);
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (!vk_span_starts(r->rest, verbs[i].text))
            continue;
        skip(r, strlen(verbs[i].text));
        return &verbs[i];
    }
    return NULL;
}

/* NAME=word; after a verb also NAME, without one also NAME = word. */
static void
shell_item(struct reader *r, const struct verb *verb)
{
    struct vk_span name = name_of(r->rest, "");
    size_t from = r->values->len;

    skip(r, name.len);
    bool spaced = verb == NULL && vk_shellword_begins(r->rest, BLANKS);
    if (spaced)
        skip_blanks(r);
    bool sets = vk_shellword_begins(r->rest, "=");
    bool removes = verb != NULL && verb->removes;
    if (name.len == 0 || (name.ptr[0] >= '0' && name.ptr[0] <= '9') ||
        (sets ? removes : verb == NULL || !is_at_end(r))) {
        fail(r, NO_ASSIGNMENT);
        return;
    }
    if (removes)
        forget(r, name);
    if (!sets)
        return;
    skip(r, 1);
    if (spaced)
        skip_blanks(r);
    const char *trouble = vk_shellword_take(&r->rest, r->values);
    if (trouble == NULL && !is_at_end(r))
        trouble = NO_ASSIGNMENT;
    keep(r, name, from, trouble);
}

static void
shell_line(struct reader *r)
{
    const struct verb *verb = take_verb(r);

    for (skip_blanks(r); r->rest.len > 0; skip_blanks(r)) {
        if (r->rest.ptr[0] == '#')
            return;
        if (r->rest.ptr[0] != ';') {
            shell_item(r, verb);
            continue;
        }
        skip(r, 1);
        verb = take_verb(r);
    }
}

static void
read_line(struct reader *r)
{
    struct vk_span name = name_of(r->rest, ".-");
    struct vk_span after = vk_span_from(r->rest, name.len);

    if (vk_shellword_begins(r->rest, "#!") || vk_span_starts(r->rest, "//"))
        return;
    if (vk_shellword_begins(after, ":") &&
        (after.len == 1 || after.ptr[1] == ' ')) {
        fail(r, "is YAML, which is not read; use application.properties");
        return;
    }
    after = vk_span_trim(after);
    if (!vk_shellword_begins(after, "=") ||
        name_of(r->rest, "").len == name.len) {
        shell_line(r);
        return;
    }
    size_t from = r->values->len;
    r->rest = vk_span_trim(vk_span_from(after, 1));
    keep(r, name, from, vk_shellword_take_property(&r->rest, r->values));
}

static bool
is_text(struct vk_span line)
{
    size_t n;

    for (size_t i = 0; i < line.len; i += n) {
        unsigned char c = (unsigned char)line.ptr[i];
        n = vk_utf8_length(vk_span_from(line, i));
        if (n == 0 || (c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static enum vk_err
read_all(struct reader *r, struct vk_span text, const char *label)
{
    while (text.len > 0) {
        r->line++;
        r->rest = vk_span_trim(vk_span_cut(&text, '\n'));
        if (is_text(r->rest))
            read_line(r);
        else
            fail(r, "holds bytes that are not text; save it as UTF-8");
        if (r->trouble != NULL)
            return vk_fail(VK_CONFIG, "cannot import '%s': line %u %s", label,
                           r->line, r->trouble);
    }
    if (r->out.vars == 0)
        return vk_fail(VK_CONFIG,
                       "cannot import '%s': it sets no variable;"
                       " download the credentials file again",
                       label);
    return VK_OK;
}

enum vk_err
vk_credfile_parse(struct vk_span text, const char *label,
                  struct vk_buf *values, struct vk_credfile *out)
{
    struct reader reader = {.values = values};
    size_t had = values->len;

    if (vk_span_starts(text, BOM))
        text = vk_span_from(text, sizeof BOM - 1);
    if (text.len > VK_CRED_MAX)
        return vk_fail(VK_CONFIG,
                       "cannot import '%s': it is too large for a"
                       " credentials file",
                       label);
    /* No value is longer than its line: the buffer will stay in place. */
    enum vk_err err = vk_buf_reserve(values, text.len);
    if (err != VK_OK)
        return vk_fail(err, "cannot import '%s': %s", label, vk_err_text(err));
    err = read_all(&reader, text, label);
    if (err == VK_OK)
        *out = reader.out;
    else
        vk_buf_cut(values, had);
    return err;
}

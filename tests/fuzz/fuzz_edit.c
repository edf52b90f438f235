/* SPDX-License-Identifier: MIT */
/*
 * A line with a name, lines to put into its section up to a NUL, then a
 * clients.conf.  Whatever is put or taken out, what is another's stays byte
 * by byte, and what was put is read back as it was meant.
 */
#include "tests/fuzz/fuzz.h"

#include "base/log.h"
#include "cli/edit.h"
#include "tests/unit/edit_rest.h"

#define TEXT_MAX ((size_t)65536)

static bool
is_good(struct vk_span text)
{
    struct vk_clients clients = {.text = text, .dir = "/dir"};

    return vk_clients_check(&clients) == VK_OK;
}

static void
start(struct vk_edit *edit, struct vk_span text)
{
    *edit = (struct vk_edit){.lock = -1, .text = VK_BUF(TEXT_MAX)};
    edit->clients.text = VK_SPAN("");
    require(vk_buf_add(&edit->text, text) == VK_OK);
}

static void
check_rest(struct vk_span before, struct vk_span after, const char *name)
{
    VK_AUTO_BUF one = VK_BUF(TEXT_MAX);
    VK_AUTO_BUF two = VK_BUF(TEXT_MAX);

    edit_rest(before, name, &one);
    edit_rest(after, name, &two);
    require(vk_span_same(vk_buf_span(&one), vk_buf_span(&two)));
}

static bool
is_of(const struct vk_profile *profile, const char *name)
{
    return strcmp(profile->name, name) == 0 ||
           vk_span_is(profile->client, name);
}

/* What is another's means what it meant. */
static void
check_others(struct vk_span before, struct vk_span after, const char *name)
{
    struct vk_clients old = {.text = before, .dir = "/dir"};
    struct vk_clients new = {.text = after, .dir = "/dir"};
    struct vk_clients_cursor cursor = {0};
    struct vk_profile profile, again;
    enum vk_err err = VK_OK;

    while (vk_clients_next(&old, &cursor, &profile, &err)) {
        require(err == VK_OK);
        enum vk_err found =
            vk_clients_for_name(&new, vk_span_str(profile.name), &again);
        if (is_of(&profile, name))
            continue;
        require(found == VK_OK);
        require(strcmp(profile.fingerprint, again.fingerprint) == 0);
    }
}

static void
check_remove(struct vk_span file, const char *name)
{
    struct vk_edit edit;
    struct vk_profile gone;

    start(&edit, file);
    require(vk_edit_remove(&edit, name) == VK_OK);
    struct vk_span after = vk_buf_span(&edit.text);
    check_rest(file, after, name);
    if (after.len > 0 && is_good(after)) {
        struct vk_clients clients = {.text = after, .dir = "/dir"};
        check_others(file, after, name);
        require(vk_clients_for_name(&clients, vk_span_str(name), &gone) ==
                VK_NOCLIENT);
    }
    vk_edit_end(&edit);
}

/* A client alone in a file is what it is among others. */
static void
check_meaning(struct vk_span sections, struct vk_span after, const char *name)
{
    struct vk_clients alone = {.text = sections, .dir = "/dir"};
    struct vk_clients all = {.text = after, .dir = "/dir"};
    struct vk_profile one, two;

    if (strchr(name, '/') != NULL)
        return;
    require(vk_clients_for_name(&alone, vk_span_str(name), &one) == VK_OK);
    require(vk_clients_for_name(&all, vk_span_str(name), &two) == VK_OK);
    require(strcmp(one.fingerprint, two.fingerprint) == 0);
}

/* But for blank lines. */
static void
check_same(struct vk_span one, struct vk_span two)
{
    check_rest(one, two, "");
}

static void
check_put(struct vk_span file, const char *name, struct vk_span sections)
{
    struct vk_edit edit;
    VK_AUTO_BUF once = VK_BUF(TEXT_MAX);

    start(&edit, file);
    require(vk_edit_put(&edit, name, sections) == VK_OK);
    struct vk_span after = vk_buf_span(&edit.text);
    require(holds(after, sections));
    check_rest(file, after, name);
    if (is_good(after)) {
        check_others(file, after, name);
        check_meaning(sections, after, name);
    }
    require(vk_buf_add(&once, after) == VK_OK);
    require(vk_edit_put(&edit, name, sections) == VK_OK);
    check_same(vk_buf_span(&once), vk_buf_span(&edit.text));
    vk_edit_end(&edit);
}

/* As `valetkey add` writes them: whole lines, none of which is a header. */
static bool
make_sections(const char *name, struct vk_span lines, struct vk_buf *out)
{
    bool is_token = strchr(name, '/') != NULL;
    struct vk_conf conf = VK_CONF_OF(lines);
    struct vk_conf_line line;
    enum vk_conf_kind kind;

    require(vk_buf_addf(out, "[%s %s]\n", is_token ? "token" : "client",
                        name) == VK_OK);
    while ((kind = vk_conf_next(&conf, &line)) != VK_CONF_END)
        if (kind != VK_CONF_PAIR || line.text.ptr[line.text.len - 1] != '\n')
            return false;
    return vk_buf_add(out, lines) == VK_OK &&
           (is_token || is_good(vk_buf_span(out)));
}

static bool
read_name(struct vk_span name, char out[VK_FULL_NAME_MAX + 1])
{
    struct vk_span token = name, client = vk_span_cut(&token, '/');

    if (!vk_clients_is_name(client) ||
        (token.ptr != NULL && !vk_clients_is_name(token)))
        return false;
    memcpy(out, name.ptr, name.len);
    out[name.len] = '\0';
    return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vk_span file = {(const char *)data, size};
    struct vk_span first = vk_span_cut(&file, '\n');
    struct vk_span lines = vk_span_cut(&file, '\0');
    VK_AUTO_BUF sections = VK_BUF(TEXT_MAX);
    char name[VK_FULL_NAME_MAX + 1];

    vk_log_keep();
    if (size > TEXT_MAX / 4 || !read_name(first, name) || file.ptr == NULL ||
        !is_good(file))
        return 0;
    check_remove(file, name);
    if (make_sections(name, lines, &sections))
        check_put(file, name, vk_buf_span(&sections));
    return 0;
}

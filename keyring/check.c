/* SPDX-License-Identifier: MIT */
/* The whole of clients.conf: what the warm path does not look at. */
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "base/log.h"
#include "keyring/clients.h"
#include "keyring/keys.h"
#include "keyring/sections.h"

/* Something of which there may be only one, and where it stands. */
struct entry {
    size_t at, len; /* its canonical form in the book's text */
    struct vk_span where;
};

struct book {
    struct vk_buf text, entries;
};

#define BOOK_MAX (VK_CLIENTS_MAX * 4)

static enum vk_err
note(struct book *book, size_t from, struct vk_span where)
{
    struct entry entry = {from, book->text.len - from, where};

    return vk_buf_add(&book->entries,
                      (struct vk_span){(const char *)&entry, sizeof entry});
}

static int
compare(const void *left, const void *right, void *arg)
{
    const struct entry *a = left, *b = right;
    const struct book *book = arg;
    size_t len = a->len < b->len ? a->len : b->len;
    int order = memcmp(book->text.data + a->at, book->text.data + b->at, len);

    if (order != 0)
        return order;
    if (a->len != b->len)
        return a->len < b->len ? -1 : 1;
    return a->where.ptr < b->where.ptr ? -1 : 1;
}

/* Its name: "a" or "a/b". */
static struct vk_span
section_of(const struct vk_clients *clients, const struct entry *entry)
{
    struct vk_span header =
        vk_sections_around(clients->text, entry->where.ptr);

    vk_span_cut(&header, ' ');
    return vk_span_cut(&header, ']');
}

static enum vk_err
refuse_pair(const struct vk_clients *clients, const struct book *book,
            const struct entry *first, const struct entry *second)
{
    struct vk_span one = section_of(clients, first);
    struct vk_span two = section_of(clients, second);

    if (vk_span_starts(
            (struct vk_span){book->text.data + first->at, first->len},
            "serves ") &&
        !vk_span_same(one, two))
        return vk_sections_fail(
            clients, second->where,
            "'%.*s' is served twice: by '%.*s' and by '%.*s'",
            VK_ARG(second->where), VK_ARG(one), VK_ARG(two));
    return vk_sections_fail(clients, second->where,
                            "'%.*s' stands twice in this file",
                            VK_ARG(second->where));
}

static enum vk_err
refuse_twice(const struct vk_clients *clients, struct book *book)
{
    struct entry *entry = (struct entry *)(void *)book->entries.data;
    size_t count = book->entries.len / sizeof *entry;

    if (count == 0)
        return VK_OK;
    qsort_r(entry, count, sizeof *entry, compare, book);
    for (size_t i = 1; i < count; i++)
        if (vk_span_same(
                (struct vk_span){book->text.data + entry[i - 1].at,
                                 entry[i - 1].len},
                (struct vk_span){book->text.data + entry[i].at, entry[i].len}))
            return refuse_pair(clients, book, &entry[i - 1], &entry[i]);
    return VK_OK;
}

static enum vk_err
note_name(struct book *book, const struct vk_profile *profile,
          struct vk_span header)
{
    size_t from = book->text.len;
    enum vk_err err = vk_buf_addf(&book->text, "name %s", profile->name);

    return err != VK_OK ? err : note(book, from, header);
}

/* Two items that vk_url_serves could not tell apart have the same form. */
static enum vk_err
note_port(struct book *book, struct vk_span item, struct vk_url url,
          unsigned int port)
{
    size_t from = book->text.len;

    while (url.path.len > 0 && url.path.ptr[url.path.len - 1] == '/')
        url.path.len--;
    enum vk_err err = vk_buf_addf(&book->text, "serves %u %.*s", port,
                                  (int)url.host.len, url.host.ptr);
    if (err != VK_OK)
        return err;
    for (size_t i = from; i < book->text.len; i++)
        if (book->text.data[i] >= 'A' && book->text.data[i] <= 'Z')
            book->text.data[i] = (char)(book->text.data[i] + ('a' - 'A'));
    err = vk_buf_add(&book->text, url.path);
    return err != VK_OK ? err : note(book, from, item);
}

/* Without scheme and port one of loopback serves both usual ports. */
static enum vk_err
note_item(struct book *book, struct vk_span item)
{
    static const struct {
        struct vk_span scheme;
        unsigned int port;
    } usual[] = {{{"http", 4}, 80}, {{"https", 5}, 443}};
    struct vk_url url;
    enum vk_err err = VK_OK;

    if (!vk_url_parse(item, &url))
        return VK_INTERNAL;
    if (url.port != 0)
        return note_port(book, item, url, url.port);
    for (size_t i = 0; i < 2 && err == VK_OK; i++) {
        struct vk_url request = url;
        request.scheme = usual[i].scheme;
        if (vk_url_serves(&url, &request) > 0)
            err = note_port(book, item, url, usual[i].port);
    }
    return err;
}

static enum vk_err
note_section(const struct vk_clients *clients, struct vk_clients_cursor *at,
             struct book *book, bool *more)
{
    struct vk_profile profile;
    struct vk_span header = {clients->text.ptr + at->at, 0}, item;
    enum vk_err err = VK_OK;

    *more = vk_clients_next(clients, at, &profile, &err);
    if (!*more || err != VK_OK)
        return err;
    struct vk_conf conf = VK_CONF_OF(
        vk_span_from(clients->text, (size_t)(header.ptr - clients->text.ptr)));
    struct vk_conf_line line;
    while (vk_conf_next(&conf, &line) == VK_CONF_NOTHING)
        continue;
    err = note_name(book, &profile, vk_span_trim(line.value));

    struct vk_values values = vk_profile_values(&profile, VK_KEY_SERVES);
    while (err == VK_OK && vk_profile_next(&values, VK_KEY_SERVES, &item))
        err = note_item(book, item);
    return err;
}

/* Nothing but comments may stand before the first section. */
static enum vk_err
check_head(const struct vk_clients *clients)
{
    struct vk_conf conf = VK_CONF_OF(clients->text);
    struct vk_conf_line line;
    enum vk_conf_kind kind;

    do
        kind = vk_conf_next(&conf, &line);
    while (kind == VK_CONF_NOTHING);
    if (kind == VK_CONF_END || kind == VK_CONF_SECTION)
        return VK_OK;
    return vk_sections_fail(clients, line.text,
                            "a [client NAME] section must come first");
}

enum vk_err
vk_clients_check(const struct vk_clients *given)
{
    struct vk_clients alone = *given;
    const struct vk_clients *clients = &alone;
    struct book book = {VK_BUF(BOOK_MAX), VK_BUF(BOOK_MAX)};
    struct vk_clients_cursor at = {0};
    bool more = true;
    enum vk_err err = check_head(clients);

    alone.machine = NULL;
    while (err == VK_OK && more)
        err = note_section(clients, &at, &book, &more);
    if (err == VK_OK)
        err = refuse_twice(clients, &book);
    vk_buf_clear(&book.text);
    vk_buf_clear(&book.entries);
    return err;
}

/* SPDX-License-Identifier: MIT */
/*
 * Which section serves a URL?  Looking for the host's name in the text, and
 * reading only the lines where it stands, costs a fraction of reading them
 * all: a warm helper does nothing longer than this.
 */
#include <string.h>

#include "base/conf.h"
#include "base/log.h"
#include "keyring/keys.h"
#include "keyring/sections.h"

#define HOST_MAX 255

struct search {
    const struct vk_clients *clients;
    const struct vk_url *request;
    unsigned int best;
    const char *where; /* the item that fits best */
    bool tie;          /* one of another section fits as well */
};

static struct vk_span
line_around(struct vk_span text, const char *p)
{
    const char *end = text.ptr + text.len;
    const char *before = memrchr(text.ptr, '\n', (size_t)(p - text.ptr));
    const char *from = before != NULL ? before + 1 : text.ptr;
    const char *to = memchr(p, '\n', (size_t)(end - p));

    return (struct vk_span){from, (size_t)((to != NULL ? to : end) - from)};
}

static struct vk_span
section_around(struct vk_span text, const char *p)
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

/* p is where the host of an item of a `serves` line may stand. */
static void
consider(struct search *search, const char *p)
{
    struct vk_conf conf = VK_CONF_OF(line_around(search->clients->text, p));
    struct vk_conf_line line;
    struct vk_url url;

    if (vk_conf_next(&conf, &line) != VK_CONF_PAIR ||
        !vk_span_is(line.key, vk_key_rows[VK_KEY_SERVES].name))
        return;
    struct vk_span item = vk_span_cut(&line.value, ',');
    while (item.ptr + item.len <= p && line.value.ptr != NULL)
        item = vk_span_cut(&line.value, ',');
    if (!vk_url_parse(vk_span_trim(item), &url) || url.host.ptr != p)
        return;
    unsigned int rank = vk_url_serves(&url, search->request);
    if (rank == 0 || rank < search->best)
        return;
    if (rank > search->best) {
        search->best = rank;
        search->where = p;
        search->tie = false;
    } else if (section_around(search->clients->text, p).ptr !=
               section_around(search->clients->text, search->where).ptr) {
        search->tie = true;
    }
}

static unsigned char
fold(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

/*
 * A cheap look before consider(): the host must end here, and a path that
 * follows must be one that the request begins with.
 */
static bool
is_promising(const struct search *search, struct vk_span rest)
{
    struct vk_span path = search->request->path;
    size_t i = 0;

    if (rest.len == 0 || strchr(":, \t\r\n", rest.ptr[0]) != NULL)
        return true;
    if (rest.ptr[0] != '/')
        return false;
    while (i < rest.len && strchr(", \t\r\n", rest.ptr[i]) == NULL) {
        if (i >= path.len || rest.ptr[i] != path.ptr[i])
            return rest.ptr[i] == '/';
        i++;
    }
    return true;
}

/* Boyer-Moore-Horspool, with letters alike in either case. */
static void
find_host(struct search *search, struct vk_span host)
{
    struct vk_span text = search->clients->text;
    unsigned char shift[256];

    memset(shift, (int)host.len, sizeof shift);
    for (size_t i = 0; i + 1 < host.len; i++) {
        unsigned char c = fold(host.ptr[i]);
        shift[c] = (unsigned char)(host.len - 1 - i);
        if (c >= 'a' && c <= 'z')
            shift[c - ('a' - 'A')] = shift[c];
    }
    unsigned char last = fold(host.ptr[host.len - 1]);
    size_t at = host.len - 1;
    while (at < text.len) {
        char c = text.ptr[at];
        struct vk_span here = {text.ptr + at + 1 - host.len, host.len};
        if (fold(c) == last && vk_span_same_nocase(here, host) &&
            is_promising(search, vk_span_from(text, at + 1)))
            consider(search, here.ptr);
        at += shift[(unsigned char)c];
    }
}

static void
find_wildcards(struct search *search)
{
    struct vk_span text = search->clients->text;
    size_t at = 0;

    while (at < text.len) {
        const char *p = memchr(text.ptr + at, '*', text.len - at);
        if (p == NULL)
            return;
        at = (size_t)(p - text.ptr) + 1;
        if (at < text.len && text.ptr[at] == '.')
            consider(search, p);
    }
}

enum vk_err
vk_sections_serving(const struct vk_clients *clients,
                    const struct vk_url *request, struct vk_span *out)
{
    struct search search = {.clients = clients, .request = request};
    struct vk_span host = request->host;

    if (host.len > HOST_MAX || vk_span_starts(host, "*"))
        return VK_NOCLIENT;
    find_host(&search, host);
    if (search.best == 0)
        find_wildcards(&search);
    if (search.best == 0)
        return VK_NOCLIENT;
    *out = section_around(clients->text, search.where);
    if (out->ptr == NULL)
        return vk_sections_fail(clients, (struct vk_span){search.where, 0},
                                "'serves' stands before any section");
    if (search.tie)
        return vk_sections_fail(clients, (struct vk_span){search.where, 0},
                                "another section serves the same URL");
    return VK_OK;
}

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

#define HOST_MAX 253
/* Its shifts fit a byte. */
#define NEEDLE_MAX 256

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

static bool
is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/*
 * A cheap look before consider(), for files in which hundreds of items share
 * a host: it must begin and end here, and a path that follows must be one
 * that the request begins with.
 */
static bool
is_promising(const struct search *search, const char *host)
{
    struct vk_span text = search->clients->text;
    struct vk_span path = search->request->path;
    size_t at = (size_t)(host - text.ptr) + search->request->host.len;
    struct vk_span rest = vk_span_from(text, at);
    size_t i = 0;

    if (host > text.ptr && !is_one_of(host[-1], "/ \t=,"))
        return false;
    while (i < rest.len && i < path.len && rest.ptr[i] == path.ptr[i])
        i++;
    if (i == 0 && rest.len > 0 && rest.ptr[0] == ':')
        return true;
    return i == rest.len || is_one_of(rest.ptr[i], "/, \t\r\n");
}

/*
 * What is looked for, and for each pair of bytes how far it is from its last
 * place in there to the end: Boyer-Moore-Horspool on pairs, which are rarer
 * than bytes and so skip further.  memmem(3) works alike but makes its table
 * anew at each hit.
 */
struct needle {
    struct vk_span text;
    unsigned char shift[256];
};

static unsigned char
pair_at(const char *p)
{
    return (unsigned char)((unsigned char)p[0] * 31U + (unsigned char)p[1]);
}

static void
needle_init(struct needle *needle, struct vk_span text)
{
    needle->text = text;
    memset(needle->shift, (int)(text.len - 1), sizeof needle->shift);
    for (size_t i = 1; i < text.len; i++)
        needle->shift[pair_at(text.ptr + i - 1)] =
            (unsigned char)(text.len - 1 - i);
}

/* The next place at or after from; NULL: none. */
static const char *
needle_find(const struct needle *needle, struct vk_span text, size_t from)
{
    size_t last = needle->text.len - 1;

    for (size_t at = from + last; at < text.len;) {
        unsigned char shift = needle->shift[pair_at(text.ptr + at - 1)];
        const char *here = text.ptr + at - last;
        if (shift > 0) {
            at += shift;
            continue;
        }
        if (memcmp(here, needle->text.ptr, last + 1) == 0)
            return here;
        at++;
    }
    return NULL;
}

/* Consider every place where the host stands, followed by more. */
static void
find_host(struct search *search, struct vk_span more)
{
    struct vk_span text = search->clients->text;
    struct needle needle;
    const char *p;
    size_t at = 0;

    needle_init(&needle, more);
    while ((p = needle_find(&needle, text, at)) != NULL) {
        if (is_promising(search, p))
            consider(search, p);
        at = (size_t)(p - text.ptr) + 1;
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

/* The path up to its second slash: "/group" of "/group/project.git". */
static size_t
first_segment(struct vk_span path)
{
    size_t len = path.len > 0 ? 1 : 0;

    while (len < path.len && path.ptr[len] != '/')
        len++;
    return len;
}

static enum vk_err
search_all(struct search *search, struct vk_span *out)
{
    const struct vk_clients *clients = search->clients;
    char host[NEEDLE_MAX];
    struct vk_span path = search->request->path;
    struct vk_span more = {host, search->request->host.len};
    size_t segment = first_segment(path);

    /* With the first segment the needle is longer and hits are fewer; only
     * where it has none does a host without a path count. */
    memcpy(host, search->request->host.ptr, more.len);
    if (segment > 1 && more.len + segment <= sizeof host) {
        memcpy(host + more.len, path.ptr, segment);
        find_host(search, (struct vk_span){host, more.len + segment});
    }
    if (search->best == 0)
        find_host(search, more);
    if (search->best == 0)
        find_wildcards(search);
    if (search->best == 0)
        return VK_NOCLIENT;
    *out = section_around(clients->text, search->where);
    if (out->ptr == NULL)
        return vk_sections_fail(clients, (struct vk_span){search->where, 0},
                                "'serves' stands before any section");
    if (search->tie)
        return vk_sections_fail(clients, (struct vk_span){search->where, 0},
                                "another section serves the same URL");
    return VK_OK;
}

enum vk_err
vk_sections_serving(const struct vk_clients *clients,
                    const struct vk_url *request, struct vk_span *out)
{
    char host[HOST_MAX];
    struct vk_url lower = *request;
    struct search search = {.clients = clients, .request = &lower};

    if (request->host.len < 2 || request->host.len > HOST_MAX ||
        request->host.ptr[0] == '*')
        return VK_NOCLIENT;
    for (size_t i = 0; i < request->host.len; i++) {
        char c = request->host.ptr[i];
        host[i] = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
    }
    lower.host.ptr = host;
    return search_all(&search, out);
}

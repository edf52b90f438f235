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
#include "keyring/needle.h"
#include "keyring/sections.h"

#define HOST_MAX ((size_t)253)

struct search {
    const struct vk_clients *clients;
    const struct vk_url *request;
    unsigned int best;
    const char *where; /* the item that fits best */
    bool tie;          /* one of another section fits as well */
    bool paths, found; /* look for any path of the host instead */
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

/* The item of a `serves` line whose host stands at p. */
static bool
item_at(struct vk_span text, const char *p, struct vk_url *url)
{
    struct vk_conf conf = VK_CONF_OF(line_around(text, p));
    struct vk_conf_line line;

    if (vk_conf_next(&conf, &line) != VK_CONF_PAIR ||
        !vk_span_is(line.key, vk_key_rows[VK_KEY_SERVES].name))
        return false;
    struct vk_span item = vk_span_cut(&line.value, ',');
    while (item.ptr + item.len <= p && line.value.ptr != NULL)
        item = vk_span_cut(&line.value, ',');
    return vk_url_parse(vk_span_trim(item), url) && url->host.ptr == p;
}

/* p is where the host of an item of a `serves` line may stand. */
static void
consider(struct search *search, const char *p)
{
    struct vk_url url;

    if (!item_at(search->clients->text, p, &url))
        return;
    if (search->paths) {
        bool is_path = url.path.len > 1;
        url.path.len = 0;
        search->found = is_path && vk_url_serves(&url, search->request) > 0;
        return;
    }
    unsigned int rank = vk_url_serves(&url, search->request);
    if (rank == 0 || rank < search->best)
        return;
    if (rank > search->best) {
        search->best = rank;
        search->where = p;
        search->tie = false;
    } else if (vk_sections_around(search->clients->text, p).ptr !=
               vk_sections_around(search->clients->text, search->where).ptr) {
        search->tie = true;
    }
}

/*
 * A cheap look before consider(), for files in which hundreds of items share
 * a host: it must begin here, and a path that follows the name must be one
 * that the request begins with.
 */
static bool
is_promising(const struct search *search, const char *host, size_t len)
{
    struct vk_span text = search->clients->text;
    struct vk_span path = search->request->path;
    struct vk_span rest = vk_span_from(text, (size_t)(host - text.ptr) + len);
    size_t i = 0;

    if (host > text.ptr && !vk_char_in(host[-1], "/ \t=,"))
        return false;
    while (i < rest.len && i < path.len && rest.ptr[i] == path.ptr[i] &&
           rest.ptr[i] != ',')
        i++;
    return i == rest.len || vk_char_in(rest.ptr[i], "/?#, \t\r\n");
}

/* What is searched for: host[:port], and of a path its first segment. */
struct name {
    char text[VK_NEEDLE_MAX];
    size_t host, all;
};

/* Consider every place where the first len bytes of the name stand. */
static void
find_name(struct search *search, const struct name *name, size_t len)
{
    struct vk_span text = search->clients->text;
    struct vk_needle needle;
    const char *p;
    size_t at = 0;

    vk_needle_init(&needle, (struct vk_span){name->text, len});
    while (!search->found && (p = vk_needle_find(&needle, text, at)) != NULL) {
        if (is_promising(search, p, name->host))
            consider(search, p);
        at = (size_t)(p - text.ptr) + 1;
    }
}

static void
find_wildcards(struct search *search)
{
    struct vk_span text = search->clients->text;
    size_t at = 0;

    while (!search->found && at < text.len) {
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

    while (len < path.len && !vk_char_in(path.ptr[len], "/,"))
        len++;
    return len;
}

static enum vk_err
make_name(const struct vk_url *request, unsigned int port, struct name *name)
{
    size_t segment = first_segment(request->path);
    /* cppcheck-suppress ctuuninitvar ; name is filled here, by way of out */
    struct vk_buf out = {.data = name->text,
                         .cap = VK_NEEDLE_MAX,
                         .max = VK_NEEDLE_MAX,
                         .fixed = true};
    enum vk_err err = vk_buf_add(&out, request->host);

    for (size_t i = 0; i < out.len; i++)
        if (out.data[i] >= 'A' && out.data[i] <= 'Z')
            out.data[i] = (char)(out.data[i] + ('a' - 'A'));
    if (err == VK_OK && port != 0)
        err = vk_buf_add_char(&out, ':');
    if (err == VK_OK && port != 0)
        err = vk_buf_add_number(&out, port);
    name->host = name->all = out.len;
    if (err != VK_OK || segment < 2 || out.len + segment > VK_NEEDLE_MAX)
        return err;
    memcpy(name->text + out.len, request->path.ptr, segment);
    name->all += segment;
    return VK_OK;
}

/*
 * With the first segment the needle is longer and hits are fewer; only where
 * it has none does an item without a path count.
 */
static void
find_exact(struct search *search, unsigned int port)
{
    struct name name;

    if (make_name(search->request, port, &name) != VK_OK)
        return;
    unsigned int before = search->best;
    if (name.all > name.host)
        find_name(search, &name, name.all);
    if (search->best == before)
        find_name(search, &name, name.host);
}

enum vk_err
vk_sections_serving(const struct vk_clients *clients,
                    const struct vk_url *request, struct vk_span *out)
{
    struct search search = {.clients = clients, .request = request};
    unsigned int port = request->port;

    if (request->host.len < 2 || request->host.len > HOST_MAX ||
        request->host.ptr[0] == '*')
        return VK_NOCLIENT;
    /* Items name no usual port (clients.conf(5)). */
    find_exact(&search, vk_url_is_usual_port(port) ? 0 : port);
    if (vk_url_is_usual_port(port) &&
        (search.best == 0 || request->scheme.len == 0))
        find_exact(&search, port);
    if (search.best == 0)
        find_wildcards(&search);
    if (search.best == 0)
        return VK_NOCLIENT;
    *out = vk_sections_around(clients->text, search.where);
    if (out->ptr == NULL)
        return vk_sections_fail(clients, (struct vk_span){search.where, 0},
                                "'serves' stands before any section");
    if (search.tie)
        return vk_sections_fail(clients, (struct vk_span){search.where, 0},
                                "another section serves the same URL");
    return VK_OK;
}

bool
vk_clients_has_paths(const struct vk_clients *clients,
                     const struct vk_url *url)
{
    struct vk_url host = *url;
    struct search search = {
        .clients = clients, .request = &host, .paths = true};

    host.path = VK_SPAN("");
    if (host.host.len < 2 || host.host.len > HOST_MAX)
        return false;
    find_exact(&search, vk_url_is_usual_port(host.port) ? 0 : host.port);
    if (vk_url_is_usual_port(host.port))
        find_exact(&search, host.port);
    find_wildcards(&search);
    return search.found;
}

/* SPDX-License-Identifier: MIT */
#include "base/url.h"

#include <string.h>

#define PORT_MAX 65535
#define URL_MAX_BYTES 2048

static bool
consists_of(struct vk_span text, const char *more)
{
    for (size_t i = 0; i < text.len; i++)
        if (!vk_char_plain(text.ptr[i], more))
            return false;
    return true;
}

static bool
is_printable(struct vk_span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= ' ' || text.ptr[i] > '~')
            return false;
    return true;
}

static bool
is_host(struct vk_span host)
{
    if (host.len > 2 && host.ptr[0] == '[')
        return host.ptr[host.len - 1] == ']' &&
               consists_of((struct vk_span){host.ptr + 1, host.len - 2}, ":.");
    if (vk_span_starts(host, "*."))
        host = vk_span_from(host, 2);
    return host.len > 0 && host.ptr[0] != '.' && consists_of(host, "-._");
}

/* The path up to a query or fragment; text starts with '/' or is empty. */
static struct vk_span
path_of(struct vk_span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '?' || text.ptr[i] == '#')
            return (struct vk_span){text.ptr, i};
    return text;
}

static size_t
authority_length(struct vk_span text)
{
    size_t len = 0;

    while (len < text.len && !vk_char_in(text.ptr[len], "/?#"))
        len++;
    return len;
}

static bool
split_port(struct vk_span *host, unsigned int *port)
{
    size_t at = host->len;
    int64_t number;

    while (at > 0 && host->ptr[at - 1] >= '0' && host->ptr[at - 1] <= '9')
        at--;
    if (at == 0 || host->ptr[at - 1] != ':')
        return true;
    if (!vk_span_number(vk_span_from(*host, at), PORT_MAX, &number) ||
        number == 0)
        return false;
    *port = (unsigned int)number;
    host->len = at - 1;
    return true;
}

bool
vk_url_parse(struct vk_span text, struct vk_url *url)
{
    struct vk_url out = {.host = text};

    if (text.len > URL_MAX_BYTES || !is_printable(text))
        return false;
    for (size_t i = 0; i + 3 <= text.len && text.ptr[i] != '/'; i++) {
        if (memcmp(text.ptr + i, "://", 3) != 0)
            continue;
        out.scheme = (struct vk_span){text.ptr, i};
        if (i == 0 || !consists_of(out.scheme, "+-."))
            return false;
        out.host = vk_span_from(text, i + 3);
        break;
    }
    size_t len = authority_length(out.host);
    out.path = path_of(vk_span_from(out.host, len));
    out.host.len = len;
    if (!split_port(&out.host, &out.port) || !is_host(out.host))
        return false;
    *url = out;
    return true;
}

bool
vk_url_is_loopback(const struct vk_url *url)
{
    struct vk_span host = url->host, part;
    int64_t number;

    if (vk_span_same_nocase(host, VK_SPAN("localhost")) ||
        vk_span_is(host, "[::1]"))
        return true;
    if (!vk_span_starts(host, "127."))
        return false;
    for (int i = 0; i < 4; i++) {
        part = vk_span_cut(&host, '.');
        /* 127.0.0.09 is a name, which a DNS server may answer for. */
        if (!vk_span_number(part, 255, &number) ||
            (part.len > 1 && part.ptr[0] == '0'))
            return false;
    }
    return host.ptr == NULL;
}

static bool
is_scheme(struct vk_span scheme, const char *name)
{
    return vk_span_same_nocase(scheme, vk_span_str(name));
}

bool
vk_url_is_safe(struct vk_span text)
{
    struct vk_url url;

    if (!vk_url_parse(text, &url) || vk_span_starts(url.host, "*."))
        return false;
    return is_scheme(url.scheme, "https") ||
           (is_scheme(url.scheme, "http") && vk_url_is_loopback(&url));
}

/* What a scheme says of the way: nothing, plain text, TLS. */
enum way { ANY_WAY, PLAIN, TLS, NO_WAY };

static enum way
way_of(struct vk_span scheme)
{
    static const struct {
        const char *scheme;
        enum way way;
    } table[] = {
        {"", ANY_WAY},          {"https", TLS},  {"grpcs", TLS},
        {"sparse+https", TLS},  {"http", PLAIN}, {"grpc", PLAIN},
        {"sparse+http", PLAIN},
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (is_scheme(scheme, table[i].scheme))
            return table[i].way;
    return NO_WAY;
}

static bool
way_fits(enum way pattern, enum way request, const struct vk_url *url)
{
    if (pattern == NO_WAY || request == NO_WAY)
        return false;
    /* A token never crosses a network in plain text. */
    if ((request == PLAIN || pattern == PLAIN) && !vk_url_is_loopback(url))
        return false;
    return pattern == ANY_WAY || request == ANY_WAY || pattern == request;
}

static unsigned int
port_of(const struct vk_url *url, enum way way)
{
    return url->port != 0 ? url->port : way == PLAIN ? 80 : 443;
}

static bool
host_fits(struct vk_span pattern, struct vk_span host)
{
    if (!vk_span_starts(pattern, "*."))
        return vk_span_same_nocase(pattern, host);
    size_t tail = pattern.len - 1;
    return host.len > tail &&
           vk_span_same_nocase(vk_span_from(pattern, 1),
                               vk_span_from(host, host.len - tail));
}

/* Of a path segment that has only dots, how many; up to a ';'. */
static size_t
count_dots(struct vk_span segment)
{
    size_t dots = 0;

    segment = vk_span_cut(&segment, ';');
    while (segment.len > 0) {
        bool coded =
            vk_span_starts(segment, "%2e") || vk_span_starts(segment, "%2E");
        if (!coded && segment.ptr[0] != '.')
            return 0;
        segment = vk_span_from(segment, coded ? 3 : 1);
        dots++;
    }
    return dots;
}

/* "%2f" and "%5c" and "\", which only some servers take for a separator. */
static bool
is_separator(struct vk_span text)
{
    if (text.ptr[0] == '\\')
        return true;
    if (text.ptr[0] != '%' || text.len < 3)
        return false;
    struct vk_span code = {text.ptr + 1, 2};
    return vk_span_same_nocase(code, VK_SPAN("2f")) ||
           vk_span_same_nocase(code, VK_SPAN("5c"));
}

/* Could a server resolve it to another path? */
static bool
is_doubtful(struct vk_span path)
{
    for (size_t i = 0; i < path.len; i++)
        if (is_separator(vk_span_from(path, i)))
            return true;
    while (path.len > 0) {
        size_t dots = count_dots(vk_span_cut(&path, '/'));
        if (dots == 1 || dots == 2)
            return true;
    }
    return false;
}

static bool
path_fits(struct vk_span pattern, struct vk_span path)
{
    if (pattern.len == 0)
        return true;
    return path.len >= pattern.len &&
           memcmp(pattern.ptr, path.ptr, pattern.len) == 0 &&
           (path.len == pattern.len || path.ptr[pattern.len] == '/') &&
           !is_doubtful(path);
}

unsigned int
vk_url_serves(const struct vk_url *pattern, const struct vk_url *request)
{
    enum way want = way_of(pattern->scheme), way = way_of(request->scheme);
    struct vk_span path = pattern->path;

    while (path.len > 0 && path.ptr[path.len - 1] == '/')
        path.len--;
    if (!way_fits(want, way, request) ||
        !host_fits(pattern->host, request->host) ||
        !path_fits(path, request->path))
        return 0;
    if (want == ANY_WAY)
        want = way;
    if (way == ANY_WAY)
        way = want;
    if (port_of(pattern, want) != port_of(request, way))
        return 0;

    unsigned int rank = (unsigned int)path.len + 1;
    if (!vk_span_starts(pattern->host, "*."))
        return rank + (1U << 24);
    /* Among wildcards the longer host counts before the path. */
    return rank + ((unsigned int)pattern->host.len << 12);
}

bool
vk_url_is_usual_port(unsigned int port)
{
    return port == 80 || port == 443;
}

bool
vk_url_names_usual_port(const struct vk_url *url)
{
    struct vk_url bare = *url;
    enum way way = way_of(url->scheme);

    bare.port = 0;
    return way == ANY_WAY ? vk_url_is_usual_port(url->port)
                          : url->port == port_of(&bare, way);
}

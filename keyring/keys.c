/* SPDX-License-Identifier: MIT */
#include "keyring/keys.h"

#include <string.h>

#include "keyring/unit.h"

#define SECONDS_MAX 1000000000

static const char *
safe_url(struct vk_span value)
{
    return vk_url_is_safe(value)
               ? NULL
               : "must be an https URL (http only for a loopback host)";
}

static const char *
not_empty(struct vk_span value)
{
    return value.len > 0 ? NULL : "must not be empty";
}

static const char *
auth(struct vk_span value)
{
    if (vk_span_is(value, "client_secret_post") ||
        vk_span_is(value, "client_secret_basic"))
        return NULL;
    return "must be client_secret_post or client_secret_basic";
}

static const char *
body(struct vk_span value)
{
    return vk_span_is(value, "form") || vk_span_is(value, "json")
               ? NULL
               : "must be form or json";
}

static const char *
parameter(struct vk_span value)
{
    struct vk_span name = vk_span_cut(&value, '=');

    return name.len > 0 && value.ptr != NULL ? NULL : "must be NAME=VALUE";
}

/* The warm path looks for hosts byte by byte. */
static bool
has_capital(struct vk_span host)
{
    for (size_t i = 0; i < host.len; i++)
        if (host.ptr[i] >= 'A' && host.ptr[i] <= 'Z')
            return true;
    return false;
}

static const char *
serves(struct vk_span value)
{
    static const char must[] =
        "must be [scheme://]host[:port][/path], the host in lower case, http"
        " only for loopback";

    while (value.ptr != NULL) {
        struct vk_url url;
        struct vk_span item = vk_span_trim(vk_span_cut(&value, ','));
        if (!vk_url_parse(item, &url) || has_capital(url.host) ||
            url.host.len < 2)
            return must;
        if (vk_url_names_usual_port(&url))
            return "must leave out port 80 or 443, or name the scheme that "
                   "does not"
                   " have it anyway";
        /* What serves its own URL is one that a request can have. */
        if (vk_url_serves(&url, &url) == 0)
            return must;
    }
    return NULL;
}

static const char *
username(struct vk_span value)
{
    /* RFC 7617: a user name for Basic cannot hold a colon. */
    return value.len > 0 && memchr(value.ptr, ':', value.len) == NULL
               ? NULL
               : "must not be empty and must not hold a colon";
}

static const char *
unit(struct vk_span value)
{
    return vk_unit_is_name(value)
               ? NULL
               : "must be the name of a systemd unit, such as"
                 " NAME.service or NAME@.service";
}

static const char *
path(struct vk_span value)
{
    return vk_span_starts(value, "/") ? NULL : "must be an absolute path";
}

/* What libcurl would take for something else is refused: a path, no port. */
static bool
is_proxy(struct vk_span value)
{
    static const char *const schemes[] = {"http", "https", "socks5h"};
    struct vk_url url;
    bool known = false;

    if (!vk_url_parse(value, &url) || vk_span_starts(url.host, "*."))
        return false;
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
        known = known || vk_span_is(url.scheme, schemes[i]);
    return known && url.port != 0 &&
           (url.path.len == 0 || vk_span_is(url.path, "/")) &&
           url.path.ptr + url.path.len == value.ptr + value.len;
}

static const char *
proxy(struct vk_span value)
{
    if (value.len == 0)
        return NULL;
    if (memchr(value.ptr, '@', value.len) != NULL)
        return "must not hold a user or password: this file never holds a "
               "secret";
    return is_proxy(value)
               ? NULL
               : "must be empty, or http://, https:// or socks5h:// with"
                 " HOST:PORT";
}

static const char *
store(struct vk_span value)
{
    return vk_span_is(value, "secret-service") || vk_span_is(value, "system")
               ? NULL
               : "must be secret-service or system";
}

/* A name of passwd(5) or group(5), or one as directories have them. */
static bool
is_account(struct vk_span name)
{
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.ptr[i] <= ' ' || name.ptr[i] == 127 ||
            vk_char_in(name.ptr[i], ":,#"))
            return false;
    return name.len > 0 && name.len < 256 && name.ptr[0] != '@';
}

static const char *
allow(struct vk_span value)
{
    while (value.ptr != NULL) {
        struct vk_span item = vk_span_trim(vk_span_cut(&value, ','));
        int64_t number;
        bool good =
            vk_span_starts(item, "#")   ? vk_span_number(vk_span_from(item, 1),
                                                         UINT32_MAX - 1, &number)
            : vk_span_starts(item, "@") ? is_account(vk_span_from(item, 1))
                                        : is_account(item);
        if (!good)
            return "must name users, @groups or #uids";
    }
    return NULL;
}

static const char *
seconds(struct vk_span value)
{
    int64_t number;

    return vk_span_number(value, SECONDS_MAX, &number) && number > 0
               ? NULL
               : "must be a number of seconds, 1 to 1000000000";
}

#define BOTH (VK_IN_CLIENT | VK_IN_TOKEN)

const struct vk_key_row vk_key_rows[VK_KEYS] = {
    [VK_KEY_TOKEN_URL] = {"token-url", VK_IN_CLIENT | VK_SHAPES, "", safe_url},
    [VK_KEY_ISSUER] = {"issuer", VK_IN_CLIENT | VK_SHAPES, "", safe_url},
    [VK_KEY_CLIENT_ID] = {"client-id", VK_IN_CLIENT | VK_SHAPES, "",
                          not_empty},
    [VK_KEY_AUTH] = {"auth", VK_IN_CLIENT | VK_SHAPES, "client_secret_post",
                     auth},
    [VK_KEY_BODY] = {"body", VK_IN_CLIENT | VK_SHAPES, "form", body},
    [VK_KEY_AUDIENCE] = {"audience", BOTH | VK_SHAPES, "", NULL},
    [VK_KEY_SCOPE] = {"scope", BOTH | VK_SHAPES, "", NULL},
    [VK_KEY_RESOURCE] = {"resource", BOTH | VK_SHAPES, "", NULL},
    [VK_KEY_PARAMETER] = {"parameter", BOTH | VK_SHAPES | VK_REPEATABLE, "",
                          parameter},
    [VK_KEY_SERVES] = {"serves", BOTH | VK_REPEATABLE | VK_LIST, "", serves},
    [VK_KEY_USERNAME] = {"username", BOTH, "oauth2accesstoken", username},
    [VK_KEY_UNIT] = {"unit", BOTH | VK_REPEATABLE, "", unit},
    [VK_KEY_CA_FILE] = {"ca-file", VK_IN_CLIENT, "", path},
    [VK_KEY_PROXY] = {"proxy", VK_IN_CLIENT, "", proxy},
    [VK_KEY_STORE] = {"store", VK_IN_CLIENT, "secret-service", store},
    [VK_KEY_LIFETIME] = {"lifetime", BOTH, "300", seconds},
    [VK_KEY_MAX_LIFETIME] = {"max-lifetime", BOTH, "86400", seconds},
    [VK_KEY_ALLOW] = {"allow", BOTH | VK_REPEATABLE | VK_LIST | VK_MACHINE, "",
                      allow},
};

enum vk_key
vk_key_find(struct vk_span name)
{
    for (enum vk_key key = 0; key < VK_KEYS; key++)
        if (vk_span_is(name, vk_key_rows[key].name))
            return key;
    return VK_KEYS;
}

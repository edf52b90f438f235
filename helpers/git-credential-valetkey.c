/* SPDX-License-Identifier: MIT */
/*
 * git-credential-valetkey: the protocol of gitcredentials(7) and
 * git-credential(1) (docs/protocols/git.md): lines of key=value up to a blank
 * line.  git uses what was printed whatever the exit status says, and takes
 * silence for "not mine, ask the next helper".
 */
#include <string.h>

#include "base/log.h"
#include "helpers/helper.h"

/* What git says of the credential that it wants. */
struct description {
    struct vk_span protocol, host, path, username, password, credential;
    bool can_authtype;              /* git 2.46 or newer */
    bool wants_bearer, wants_basic; /* by the server's WWW-Authenticate */
};

/* An empty value takes back what the list held so far. */
static void
note_capability(struct description *desc, struct vk_span value)
{
    if (vk_span_is(value, "authtype"))
        desc->can_authtype = true;
    else if (value.len == 0)
        desc->can_authtype = false;
}

static void
note_challenge(struct description *desc, struct vk_span value)
{
    struct vk_span scheme = vk_span_cut(&value, ' ');

    if (scheme.len == 0)
        desc->wants_bearer = desc->wants_basic = false;
    if (vk_span_same_nocase(scheme, VK_SPAN("Bearer")))
        desc->wants_bearer = true;
    if (vk_span_same_nocase(scheme, VK_SPAN("Basic")))
        desc->wants_basic = true;
}

static const struct {
    const char *key;
    size_t offset;
} fields[] = {
    {"protocol", offsetof(struct description, protocol)},
    {"host", offsetof(struct description, host)},
    {"path", offsetof(struct description, path)},
    {"username", offsetof(struct description, username)},
    {"password", offsetof(struct description, password)},
    {"credential", offsetof(struct description, credential)},
};

/* Keys that we do not know are newer than we are, and ignored. */
static void
note_line(struct description *desc, struct vk_span line)
{
    struct vk_span value = line;
    struct vk_span key = vk_span_cut(&value, '=');

    if (vk_span_is(key, "capability[]"))
        note_capability(desc, value);
    else if (vk_span_is(key, "wwwauth[]"))
        note_challenge(desc, value);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (vk_span_is(key, fields[i].key))
            *(struct vk_span *)(void *)((char *)desc + fields[i].offset) =
                value;
}

#define URL_MAX 4096

static bool
is_plain(char c, const char *more)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || (c != '\0' && strchr(more, c) != NULL);
}

static bool
consists_of(struct vk_span text, const char *more)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_plain(text.ptr[i], more))
            return false;
    return text.len > 0;
}

/*
 * git hands the path over decoded; clients.conf has it as in the URL.  A '%'
 * stays: what could be read as dots either way leads nowhere.
 */
static enum vk_err
add_path(struct vk_buf *out, struct vk_span path)
{
    enum vk_err err = vk_buf_add_char(out, '/');

    for (size_t i = 0; i < path.len && err == VK_OK; i++) {
        char c = path.ptr[i];
        err = is_plain(c, "-._~/!$&'()*+,;=:@%")
                  ? vk_buf_add_char(out, c)
                  : vk_buf_addf(out, "%%%02X", (unsigned char)c);
    }
    return err;
}

/* protocol://host/path in url_text, which the URL's spans point into. */
static enum vk_err
parse(struct vk_call *call, struct description *desc, struct vk_buf *url_text,
      struct vk_url *url)
{
    struct vk_span rest = call->request, line;
    enum vk_err err;

    *desc = (struct description){0};
    while ((line = vk_span_cut(&rest, '\n')).len > 0)
        note_line(desc, line);
    if (!consists_of(desc->protocol, "+-.") ||
        !consists_of(desc->host, "-._:[]"))
        return VK_NOCLIENT;
    err = vk_buf_add(url_text, desc->protocol);
    if (err == VK_OK)
        err = vk_buf_add(url_text, VK_SPAN("://"));
    if (err == VK_OK)
        err = vk_buf_add(url_text, desc->host);
    if (err == VK_OK)
        err = add_path(url_text, desc->path);
    /* Too long or no URL: nobody serves it. */
    if (err != VK_OK || !vk_url_parse(vk_buf_span(url_text), url))
        return VK_NOCLIENT;
    return VK_OK;
}

static void
say(struct vk_call *call, enum vk_err *err, const char *key,
    struct vk_span value)
{
    if (*err == VK_OK)
        *err = vk_buf_add_str(call->out, key);
    if (*err == VK_OK)
        *err = vk_buf_add_char(call->out, '=');
    if (*err == VK_OK)
        *err = vk_buf_add(call->out, value);
    if (*err == VK_OK)
        *err = vk_buf_add_char(call->out, '\n');
}

/*
 * Bearer only to a git that knows it, and not to a server that offers Basic
 * alone.  The capability is echoed, or git would store and erase without the
 * credential; "ephemeral" keeps other helpers from saving it.
 */
static enum vk_err
write_token(struct vk_call *call, const struct description *desc,
            const struct vk_token *token)
{
    VK_STATIC_BUF(expiry, 32);
    enum vk_err err = vk_buf_add_number(&expiry, token->expires);

    if (desc->can_authtype && (desc->wants_bearer || !desc->wants_basic)) {
        say(call, &err, "capability[]", VK_SPAN("authtype"));
        say(call, &err, "authtype", VK_SPAN("Bearer"));
        say(call, &err, "credential", token->value);
        say(call, &err, "ephemeral", VK_SPAN("1"));
    } else {
        /* A user name in the URL is the user's own choice. */
        if (desc->username.len == 0)
            say(call, &err, "username", token->username);
        say(call, &err, "password", token->value);
    }
    say(call, &err, "password_expiry_utc", vk_buf_span(&expiry));
    return err;
}

static enum vk_err
get(struct vk_call *call)
{
    VK_STATIC_BUF(url_text, URL_MAX);
    struct description desc;
    struct vk_token token;
    struct vk_url url;
    enum vk_err err = parse(call, &desc, &url_text, &url);

    if (err == VK_OK)
        err = vk_helper_get(&url, NULL, &token);
    if (err == VK_NOCLIENT)
        return VK_OK;
    return err != VK_OK ? err : write_token(call, &desc, &token);
}

/* git offers what it used to every helper; ours came from us. */
static enum vk_err
store(struct vk_call *call)
{
    (void)call;
    return VK_OK;
}

/*
 * The server refused it.  Only the token that was refused is dropped: by now
 * another process may have fetched a new one.
 */
static enum vk_err
erase(struct vk_call *call)
{
    VK_STATIC_BUF(url_text, URL_MAX);
    struct description desc;
    struct vk_url url;
    enum vk_err err = parse(call, &desc, &url_text, &url);
    struct vk_span refused =
        desc.password.len > 0 ? desc.password : desc.credential;

    if (err == VK_OK && refused.len > 0)
        err = vk_helper_drop(&url, refused);
    return err == VK_NOCLIENT ? VK_OK : err;
}

static enum vk_err
capability(struct vk_call *call)
{
    return vk_buf_add_str(call->out, "version 0\ncapability authtype\n");
}

/*
 * The host is ours, but there is no token: with "quit" git stops instead of
 * asking for a password that nobody has.
 */
static void
fail(struct vk_call *call, enum vk_err err)
{
    call->exit = 1;
    vk_buf_cut(call->out, 0);
    /* Only once it is certain that the host is ours. */
    bool unknown = err == VK_TOOBIG || err == VK_IO || err == VK_CONFIG;
    if (call->verb[0] == 'g' && !unknown)
        err = vk_buf_add_str(call->out, "quit=1\n");
    (void)err;
}

static const struct vk_verb verbs[] = {
    {"get", VK_UNTIL_BLANK_LINE, get},
    {"store", VK_UNTIL_BLANK_LINE, store},
    {"erase", VK_UNTIL_BLANK_LINE, erase},
    {"capability", VK_NO_REQUEST, capability},
    {NULL, VK_NO_REQUEST, NULL},
};

const struct vk_codec vk_codec = {
    .program = "git-credential-valetkey",
    .verbs = verbs,
    .ignores_unknown_verbs = true,
    .fail = fail,
};

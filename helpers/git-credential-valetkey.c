/* SPDX-License-Identifier: MIT */
/*
 * git-credential-valetkey: the protocol of gitcredentials(7) and
 * git-credential(1) (docs/protocols/git.md): lines of key=value up to a blank
 * line.  git uses what was printed whatever the exit status says, and takes
 * silence for "not mine, ask the next helper".
 */
#include <string.h>

#include "base/challenge.h"
#include "helpers/helper.h"

/* What git says of the credential that it wants. */
struct description {
    struct vk_span protocol, host, path, username, password, credential;
    struct vk_span state;           /* ours, without its prefix */
    bool can_authtype, can_state;   /* git 2.46 or newer */
    bool wants_bearer, wants_basic; /* by the server's WWW-Authenticate */
};

/*
 * What is said of the token besides: its name and id, which are no secret.
 * git shows it to other helpers, too, and theirs to us.
 */
#define STATE_PREFIX "valetkey:"

/* An empty value takes back what the list held so far. */
static void
note_capability(struct description *desc, struct vk_span value)
{
    if (vk_span_is(value, "authtype"))
        desc->can_authtype = true;
    else if (vk_span_is(value, "state"))
        desc->can_state = true;
    else if (value.len == 0)
        desc->can_authtype = desc->can_state = false;
}

/* Each helper has one; it counts only behind its capability. */
static void
note_state(struct description *desc, struct vk_span value)
{
    if (value.len == 0)
        desc->state = value;
    else if (desc->can_state && vk_span_starts(value, STATE_PREFIX))
        desc->state = vk_span_from(value, sizeof STATE_PREFIX - 1);
}

static void
note_challenge(struct description *desc, struct vk_span value)
{
    struct vk_span scheme;

    if (value.len == 0)
        desc->wants_bearer = desc->wants_basic = false;
    while (vk_challenge_next(&value, &scheme)) {
        if (vk_span_same_nocase(scheme, VK_SPAN("Bearer")))
            desc->wants_bearer = true;
        if (vk_span_same_nocase(scheme, VK_SPAN("Basic")))
            desc->wants_basic = true;
    }
}

static const struct {
    const char *key;
    void (*note)(struct description *desc, struct vk_span value);
} lists[] = {
    {"capability[]", note_capability},
    {"state[]", note_state},
    {"wwwauth[]", note_challenge},
};

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

    if (value.ptr == NULL)
        return;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        if (vk_span_is(key, lists[i].key))
            lists[i].note(desc, value);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (vk_span_is(key, fields[i].key))
            *(struct vk_span *)(void *)((char *)desc + fields[i].offset) =
                value;
}

#define URL_MAX 4096

/* protocol://host/path in url_text, which the URL's spans point into. */
static enum vk_err
parse(struct vk_call *call, struct description *desc, struct vk_buf *url_text,
      struct vk_url *url)
{
    struct vk_span rest = call->request, line;

    *desc = (struct description){0};
    while ((line = vk_span_cut(&rest, '\n')).len > 0)
        note_line(desc, line);
    /* No URL: nobody serves it. */
    return vk_url_join(desc->protocol, desc->host, desc->path, url_text, url)
               ? VK_OK
               : VK_NOCLIENT;
}

static void
put(struct vk_call *call, enum vk_err *err, struct vk_span text)
{
    if (*err == VK_OK)
        *err = vk_buf_add(call->out, text);
}

static void
say(struct vk_call *call, enum vk_err *err, const char *key,
    struct vk_span value)
{
    put(call, err, vk_span_str(key));
    put(call, err, VK_SPAN("="));
    put(call, err, value);
    put(call, err, VK_SPAN("\n"));
}

static void
say_number(struct vk_call *call, enum vk_err *err, struct vk_span before,
           int64_t number)
{
    put(call, err, before);
    if (*err == VK_OK)
        *err = vk_buf_add_number(call->out, number);
    put(call, err, VK_SPAN("\n"));
}

/*
 * Bearer only to a git that knows it, and what the server offers.  Where
 * nobody has said what that is (git may ask before the server has been), a
 * user name speaks for Basic: nothing else has a use for it.
 */
static bool
is_for_bearer(const struct description *desc, const struct vk_token *token)
{
    if (!desc->can_authtype)
        return false;
    if (desc->wants_bearer || desc->wants_basic)
        return desc->wants_bearer;
    return !token->names_user && desc->username.len == 0;
}

/*
 * Capabilities come first and are echoed, or git would store and erase
 * without the credential and the state; "ephemeral" keeps other helpers from
 * saving it.
 */
static enum vk_err
write_token(struct vk_call *call, const struct description *desc,
            const struct vk_token *token)
{
    bool bearer = is_for_bearer(desc, token);
    enum vk_err err = VK_OK;

    if (bearer)
        say(call, &err, "capability[]", VK_SPAN("authtype"));
    if (desc->can_state)
        say(call, &err, "capability[]", VK_SPAN("state"));
    if (bearer) {
        say(call, &err, "authtype", VK_SPAN("Bearer"));
        say(call, &err, "credential", token->value);
        say(call, &err, "ephemeral", VK_SPAN("1"));
    } else {
        /* A user name in the URL is the user's own choice. */
        if (desc->username.len == 0)
            say(call, &err, "username", token->username);
        say(call, &err, "password", token->value);
    }
    say_number(call, &err, VK_SPAN("password_expiry_utc="), token->expires);
    if (desc->can_state) {
        put(call, &err, VK_SPAN("state[]=" STATE_PREFIX));
        put(call, &err, vk_span_str(token->name));
        say_number(call, &err, VK_SPAN(":"), token->id);
    }
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

/* Which token is meant tells the state alone; what it cannot be is none. */
static enum vk_err
drop_by_state(const struct vk_url *url, struct vk_span state)
{
    struct vk_span id = state;
    struct vk_span name = vk_span_cut(&id, ':');
    int64_t number;

    if (!vk_span_number(id, INT64_MAX, &number))
        return VK_OK;
    return vk_helper_drop_id(url, name, number);
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
    else if (err == VK_OK && desc.can_state && desc.state.len > 0)
        err = drop_by_state(&url, desc.state);
    return err == VK_NOCLIENT ? VK_OK : err;
}

static enum vk_err
capability(struct vk_call *call)
{
    return vk_buf_add_str(call->out, "version 0\ncapability authtype\n"
                                     "capability state\n");
}

/*
 * Where the host is ours and there is no token, "quit" makes git stop instead
 * of asking for a password that nobody has, which other helpers would then
 * save.  While that is not certain (clients.conf cannot be read or trusted)
 * git goes on: the host may be another helper's.
 */
static void
fail(struct vk_call *call, enum vk_err err)
{
    call->exit = 1;
    vk_buf_cut(call->out, 0);
    if (call->verb[0] == 'g' && vk_helper_is_ours())
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

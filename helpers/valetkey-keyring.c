/* SPDX-License-Identifier: MIT */
/*
 * valetkey-keyring: the command line of `keyring`, as far as pip, uv and PDM
 * use it (docs/protocols/keyring.md).  They run whatever keyring comes first
 * on PATH.  No login is status 1 and silence, wrong usage is status 2.
 */
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "helpers/helper.h"

enum operand { SERVICE, USER, MODE, OUTPUT };

static const struct {
    const char *name, *values[2]; /* the first is what it is by default */
    enum operand operand;
} options[] = {
    {"--mode", {"password", "creds"}, MODE},
    {"--output", {"plain", "json"}, OUTPUT},
};

static bool
is(const char *a, const char *b)
{
    return a != NULL && strcmp(a, b) == 0;
}

/* --NAME VALUE or --NAME=VALUE.  How many words it takes; 0: not one. */
static int
take_option(char **words, struct vk_call *call)
{
    struct vk_span value = vk_span_str(words[0]);
    struct vk_span name = vk_span_cut(&value, '=');
    int taken = value.ptr != NULL ? 1 : 2;

    if (taken == 2 && words[1] != NULL)
        value = vk_span_str(words[1]);
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        for (size_t k = 0; k < 2; k++)
            if (vk_span_is(name, options[i].name) &&
                vk_span_is(value, options[i].values[k])) {
                call->operand[options[i].operand] = options[i].values[k];
                return taken;
            }
    return 0;
}

/* A password needs a user to belong to. */
static bool
is_complete(const char *verb, const struct vk_call *call)
{
    bool takes = is(verb, "get") || is(verb, "set") || is(verb, "del");
    bool any_user = is(verb, "get") && is(call->operand[MODE], "creds");

    if (!takes)
        return call->operand[SERVICE] == NULL;
    return call->operand[SERVICE] != NULL &&
           (call->operand[USER] != NULL || any_user);
}

/* Options that stand for a verb. */
static bool
is_flag(const char *word)
{
    return is(word, "--list-backends") || is(word, "--disable");
}

/* Options stand anywhere: VERB SERVICE USER, in this order. */
static const char *
arrange(int argc, char **argv, struct vk_call *call)
{
    const char *verb = NULL;
    int taken = 1;

    for (int i = 1; i < argc; i += taken) {
        taken = 1;
        if (argv[i][0] == '-' && (verb != NULL || !is_flag(argv[i])))
            taken = take_option(argv + i, call);
        else if (verb == NULL)
            verb = argv[i];
        else if (call->operand[SERVICE] == NULL)
            call->operand[SERVICE] = argv[i];
        else if (call->operand[USER] == NULL)
            call->operand[USER] = argv[i];
        else
            taken = 0;
        if (taken == 0)
            return NULL;
    }
    return verb != NULL && is_complete(verb, call) ? verb : NULL;
}

/* RFC 3986, 3.2.1 */
static bool
is_user_info(struct vk_span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!vk_char_plain(text.ptr[i], "-._~!$&'()*+,;=:%"))
            return false;
    return true;
}

/*
 * The URL without user information.  What has other characters there than
 * may be is served by nobody: programs differ on where its host begins.
 */
static enum vk_err
strip(struct vk_span service, struct vk_buf *out)
{
    const char *colon = memmem(service.ptr, service.len, "://", 3);
    size_t start = colon != NULL ? (size_t)(colon - service.ptr) + 3 : 0;
    struct vk_span rest = vk_span_from(service, start), head = rest;
    enum vk_err err = vk_buf_add(out, (struct vk_span){service.ptr, start});

    for (size_t i = 0; i < head.len; i++)
        if (vk_char_in(head.ptr[i], "/?#"))
            head.len = i;
    struct vk_span host = head, user = vk_span_cut(&host, '@');
    if (host.ptr != NULL && !is_user_info(user))
        return VK_NOCLIENT;
    if (host.ptr != NULL)
        rest = vk_span_from(rest, user.len + 1);
    return err == VK_OK && vk_buf_add(out, rest) == VK_OK ? VK_OK
                                                          : VK_NOCLIENT;
}

#define URL_MAX 4096

/*
 * pip asks for the bare host, too, after the URL.  It may be that of a plain
 * http index, which got no token by its URL; only on loopback that does not
 * matter.
 */
static enum vk_err
parse(const struct vk_call *call, struct vk_buf *url_text, struct vk_url *url)
{
    enum vk_err err = strip(vk_span_str(call->operand[SERVICE]), url_text);

    if (err != VK_OK || !vk_url_parse(vk_buf_span(url_text), url) ||
        (url->scheme.len == 0 && !vk_url_is_loopback(url)))
        return VK_NOCLIENT;
    return VK_OK;
}

static enum vk_err
write_plain(struct vk_call *call, struct vk_span username,
            const struct vk_token *token)
{
    enum vk_err err = VK_OK;

    if (is(call->operand[MODE], "creds")) {
        err = vk_buf_add(call->out, username);
        if (err == VK_OK)
            err = vk_buf_add_char(call->out, '\n');
    }
    if (err == VK_OK)
        err = vk_buf_add(call->out, token->value);
    return err != VK_OK ? err : vk_buf_add_char(call->out, '\n');
}

static enum vk_err
write_json(struct vk_call *call, struct vk_span username,
           const struct vk_token *token)
{
    struct vk_json json = VK_JSON(call->out);

    vk_json_open(&json, NULL, '{');
    if (is(call->operand[MODE], "creds"))
        vk_json_str(&json, "username", username);
    vk_json_str(&json, "password", token->value);
    vk_json_close(&json, '}');
    enum vk_err err = vk_json_end(&json);
    return err != VK_OK ? err : vk_buf_add_char(call->out, '\n');
}

/* It is one line of the answer. */
static bool
is_line(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return false;
    return true;
}

/* A user name that is given is the user's own choice. */
static enum vk_err
get(struct vk_call *call)
{
    VK_STATIC_BUF(url_text, URL_MAX);
    const char *user = call->operand[USER];
    struct vk_token token;
    struct vk_url url;
    enum vk_err err = user != NULL && !is_line(user)
                          ? VK_NOCLIENT
                          : parse(call, &url_text, &url);

    if (err == VK_OK)
        err = vk_helper_get(&url, NULL, &token);
    if (err != VK_OK)
        return err;
    struct vk_span username =
        user != NULL ? vk_span_str(user) : token.username;
    return is(call->operand[OUTPUT], "json")
               ? write_json(call, username, &token)
               : write_plain(call, username, &token);
}

static enum vk_err
set(struct vk_call *call)
{
    (void)call;
    return vk_fail(VK_USAGE, "cannot store a password: valetkey makes tokens"
                             " and stores none; see 'valetkey add --serves'");
}

static enum vk_err
del(struct vk_call *call)
{
    VK_STATIC_BUF(url_text, URL_MAX);
    struct vk_url url;
    enum vk_err err = parse(call, &url_text, &url);

    if (err == VK_OK)
        err = vk_helper_drop(&url, VK_SPAN(""));
    /* It is not named: there may be a password in it. */
    return err == VK_NOCLIENT ? vk_fail(err, "no client serves this URL")
                              : err;
}

static enum vk_err
diagnose(struct vk_call *call)
{
    return vk_buf_add_str(call->out,
                          "valetkey " PACKAGE_VERSION
                          ", which makes tokens for pip and uv; 'valetkey"
                          " list' shows for which URLs\n");
}

static enum vk_err
list_backends(struct vk_call *call)
{
    return vk_buf_add_str(call->out, "valetkey\n");
}

static enum vk_err
disable(struct vk_call *call)
{
    (void)call;
    return vk_fail(VK_USAGE, "cannot disable this keyring; take its directory"
                             " off PATH");
}

/* "No login here" is silence; everything else has been logged. */
static void
fail(struct vk_call *call, enum vk_err err)
{
    call->exit = 1;
    vk_buf_cut(call->out, 0);
    if (err != VK_NOCLIENT && vk_log_last()[0] == '\0')
        vk_log("%s", vk_err_text(err));
}

static const struct vk_verb verbs[] = {
    {"get", VK_NO_REQUEST, get},
    {"set", VK_NO_REQUEST, set},
    {"del", VK_NO_REQUEST, del},
    {"diagnose", VK_NO_REQUEST, diagnose},
    {"--list-backends", VK_NO_REQUEST, list_backends},
    {"--disable", VK_NO_REQUEST, disable},
    {NULL, VK_NO_REQUEST, NULL},
};

const struct vk_codec vk_codec = {
    .program = "valetkey-keyring",
    .usage = "[--mode password|creds] [--output plain|json] get SERVICE USER\n"
             "       valetkey-keyring --mode creds get SERVICE\n"
             "       valetkey-keyring set|del SERVICE USER\n"
             "       valetkey-keyring diagnose|--list-backends|--disable",
    .verbs = verbs,
    .arrange = arrange,
    .usage_exit = 2,
    .fail = fail,
};

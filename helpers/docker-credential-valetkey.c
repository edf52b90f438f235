/* SPDX-License-Identifier: MIT */
/*
 * docker-credential-valetkey: the protocol of docker-credential-helpers
 * (docs/protocols/docker.md).  Docker, podman, skopeo, buildah, helm and
 * others run it as `docker-credential-valetkey get` with the registry's name
 * on standard input.  Failures are told on standard output, exit status 1;
 * one phrase, word for word, means "no login here" and is no error.
 */
#include "base/json.h"
#include "base/log.h"
#include "helpers/helper.h"
#include "keyring/login.h"
#include "keyring/registry.h"

#define NOT_FOUND "credentials not found in native keychain"
#define NO_SERVER "no credentials server URL"

static enum vk_err
parse_server(struct vk_call *call, struct vk_span *server, struct vk_url *url)
{
    struct vk_span rest = call->request;

    *server = vk_span_trim(vk_span_cut(&rest, '\n'));
    if (server->len == 0)
        return vk_fail(VK_USAGE, NO_SERVER);
    /* What is no URL is served by nobody. */
    return vk_registry_url(*server, url) ? VK_OK : VK_NOCLIENT;
}

static enum vk_err
get(struct vk_call *call)
{
    struct vk_json json = VK_JSON(call->out);
    struct vk_span server;
    struct vk_token token;
    struct vk_url url;
    enum vk_err err = parse_server(call, &server, &url);

    if (err == VK_OK)
        do
            err = vk_helper_get(&url, NULL, &token);
        while (err == VK_NOCLIENT && vk_registry_other(&url));
    if (err == VK_NOCLIENT)
        return vk_login("login-get", server, call->out);
    if (err != VK_OK)
        return err;
    vk_json_open(&json, NULL, '{');
    vk_json_str(&json, "ServerURL", server);
    vk_json_str(&json, "Username", token.username);
    vk_json_str(&json, "Secret", token.value);
    vk_json_close(&json, '}');
    return vk_json_end(&json);
}

/* What is served gets tokens, which are made and not stored. */
static enum vk_err
store(struct vk_call *call)
{
    return vk_login("login-put", call->request, call->out);
}

/* Must never fail: clients of Debian 12 crash when it does. */
static enum vk_err
erase(struct vk_call *call)
{
    struct vk_span server;
    struct vk_url url;
    enum vk_err err = parse_server(call, &server, &url);

    if (err == VK_OK)
        do
            err = vk_helper_drop(&url, (struct vk_span){NULL, 0});
        while (err == VK_NOCLIENT && vk_registry_other(&url));
    if (err == VK_NOCLIENT)
        err = vk_login("login-erase", server, call->out);
    (void)err;
    return VK_OK;
}

static void
list_one(void *arg, struct vk_span url, struct vk_span username)
{
    vk_json_pair(arg, url, username);
}

static enum vk_err
list(struct vk_call *call)
{
    VK_AUTO_BUF logins = VK_BUF(VK_LOGIN_MAX);
    struct vk_json json = VK_JSON(call->out);

    vk_json_open(&json, NULL, '{');
    enum vk_err err = vk_helper_each(list_one, &json);
    if (err == VK_OK)
        err = vk_login("login-list", VK_SPAN(""), &logins);
    struct vk_span rest = vk_buf_span(&logins);
    while (rest.len > 0) {
        struct vk_span server = vk_span_cut(&rest, '\0');
        vk_json_pair(&json, server, vk_span_cut(&rest, '\0'));
    }
    vk_json_close(&json, '}');
    return err != VK_OK ? err : vk_json_end(&json);
}

static enum vk_err
version(struct vk_call *call)
{
    return vk_buf_add_str(
        call->out,
        "docker-credential-valetkey (valetkey) " PACKAGE_VERSION "\n");
}

static void
fail(struct vk_call *call, enum vk_err err)
{
    const char *said = vk_log_last();

    vk_buf_cut(call->out, 0);
    /* It never fails, not even where its request cannot be read. */
    call->exit = call->verb[0] == 'e' ? 0 : 1;
    if (call->exit == 0)
        return;
    if (err == VK_NOCLIENT)
        said = NOT_FOUND;
    else if (said[0] == '\0')
        said = vk_err_text(err);
    err = vk_buf_add_str(call->out, said);
    /* Without it the client still sees the exit status. */
    (void)err;
}

static const struct vk_verb verbs[] = {
    {"get", VK_UNTIL_EOF, get},          {"store", VK_UNTIL_EOF, store},
    {"erase", VK_UNTIL_EOF, erase},      {"list", VK_NO_REQUEST, list},
    {"version", VK_NO_REQUEST, version}, {NULL, VK_NO_REQUEST, NULL},
};

const struct vk_codec vk_codec = {
    .program = "docker-credential-valetkey",
    .verbs = verbs,
    .fail = fail,
};

/* SPDX-License-Identifier: MIT */
/*
 * valetkey-k8s: the exec plugins of client-go, ExecCredential in
 * client.authentication.k8s.io v1 and v1beta1 (docs/protocols/k8s.md).
 * kubectl and others run it with $KUBERNETES_EXEC_INFO; standard input may be
 * the user's terminal and is never read.  After a 401 they run it again, and
 * do not say so.
 */
#include <stdlib.h>

#include "base/json.h"
#include "base/log.h"
#include "base/parse.h"
#include "helpers/helper.h"
#include "keyring/given.h"

#define INFO "KUBERNETES_EXEC_INFO"
#define KIND "ExecCredential"
#define GROUP "client.authentication.k8s.io/"
#define NAMES "or name a client in \"args\""

/*
 * A client asks again once the wall clock says that the token has ended,
 * which by the boot clock can be a second too early.  That is not refused.
 */
#define NEARLY_OVER 2

enum operand { NAME, API_VERSION };

static const char *const versions[] = {GROUP "v1", GROUP "v1beta1"};

struct request {
    struct json_object *info; /* owns what the spans point to */
    const char *version;
    struct vk_span server;
};

/* By its name, or where it is short by what follows the group. */
static enum vk_err
find_version(struct vk_span text, bool is_short, const char **out)
{
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        if (!vk_span_is(text, versions[i]) &&
            !(is_short && vk_span_is(text, versions[i] + sizeof GROUP - 1)))
            continue;
        *out = versions[i];
        return VK_OK;
    }
    return vk_fail(VK_USAGE,
                   "the apiVersion '%.*s' is not known; " GROUP
                   "v1 and v1beta1 are",
                   VK_ARG(text));
}

/* Members that we do not know are newer than we are, and ignored. */
static enum vk_err
read_info(const char *text, struct request *out)
{
    struct vk_span kind, version;

    if (!vk_parse_object(vk_span_str(text), &out->info))
        return vk_fail(VK_USAGE, INFO " is not a JSON object");
    if (!vk_parse_string(out->info, "kind", &kind) || !vk_span_is(kind, KIND))
        return vk_fail(VK_USAGE, INFO " is not an " KIND);
    if (!vk_parse_string(out->info, "apiVersion", &version))
        return vk_fail(VK_USAGE, INFO " has no apiVersion");
    struct json_object *cluster = json_object_object_get(
        json_object_object_get(out->info, "spec"), "cluster");
    if (!vk_parse_string(cluster, "server", &out->server))
        out->server = VK_SPAN("");
    return find_version(version, false, &out->version);
}

static enum vk_err
read_request(const struct vk_call *call, struct request *out)
{
    const char *version = call->operand[API_VERSION], *info = getenv(INFO);
    enum vk_err err = VK_OK;

    *out = (struct request){.version = versions[0]};
    if (version != NULL)
        err = find_version(vk_span_str(version), true, &out->version);
    /* Not all set it. */
    if (err == VK_OK && info != NULL && info[0] != '\0')
        err = read_info(info, out);
    return err;
}

/*
 * A name is the user's word that this cluster may have the token, but not
 * that it may cross a network in plain text.
 */
static bool
is_plain(struct vk_span server)
{
    struct vk_span rest = server, scheme = vk_span_cut(&rest, ':');

    return vk_span_same_nocase(scheme, VK_SPAN("http")) &&
           !vk_url_is_safe(server);
}

static enum vk_err
take(const struct vk_call *call, const struct request *request,
     const struct vk_wish *wish, struct vk_token *token)
{
    struct vk_url url;

    if (call->operand[NAME] != NULL && is_plain(request->server))
        return vk_fail(VK_USAGE, "no token goes to the cluster's server, which"
                                 " is no https URL");
    if (call->operand[NAME] != NULL)
        return vk_helper_get_named(call->operand[NAME], wish, token);
    if (request->server.len == 0)
        return vk_fail(VK_USAGE, "it is not said which cluster this is for;"
                                 " set \"provideClusterInfo: true\", " NAMES);
    /* It may have a password in it, and is not shown. */
    if (!vk_url_parse(request->server, &url))
        return vk_fail(VK_USAGE, "the cluster's server is not a URL that can"
                                 " be served; correct it, " NAMES);
    enum vk_err err = vk_helper_get(&url, wish, token);
    if (err == VK_NOCLIENT)
        return vk_fail(err,
                       "no client serves '%.*s'; add it to a \"serves\" of"
                       " clients.conf, " NAMES,
                       VK_ARG(request->server));
    return err;
}

/* Another one, if this caller had this one before. */
static enum vk_err
take_another(const struct vk_call *call, const struct request *request,
             struct vk_token *token)
{
    struct vk_wish wish = {.prefers = NEARLY_OVER};
    enum vk_err err = take(call, request, &wish, token);

    if (err != VK_OK ||
        !vk_given_again(token->name, token->id, token->left, request->server))
        return err;
    wish.refused = token->id;
    err = take(call, request, &wish, token);
    if (err == VK_OK && token->id != wish.refused)
        vk_given_instead(token->name, token->id, token->left, request->server);
    return err;
}

static enum vk_err
write_token(struct vk_call *call, const char *version,
            const struct vk_token *token)
{
    struct vk_json json = VK_JSON(call->out);

    vk_json_open(&json, NULL, '{');
    vk_json_str(&json, "kind", VK_SPAN(KIND));
    vk_json_str(&json, "apiVersion", vk_span_str(version));
    vk_json_open(&json, "status", '{');
    vk_json_time(&json, "expirationTimestamp", token->expires);
    vk_json_str(&json, "token", token->value);
    vk_json_close(&json, '}');
    vk_json_close(&json, '}');
    enum vk_err err = vk_json_end(&json);
    return err == VK_OK ? vk_buf_add_char(call->out, '\n') : err;
}

static enum vk_err
get(struct vk_call *call)
{
    struct request request;
    struct vk_token token = {.name = NULL};
    enum vk_err err = read_request(call, &request);

    if (err == VK_OK)
        err = take_another(call, &request, &token);
    if (err == VK_OK)
        err = write_token(call, request.version, &token);
    json_object_put(request.info);
    return err;
}

static const char *
arrange(int argc, char **argv, struct vk_call *call)
{
    for (int i = 1; i < argc; i++) {
        if (vk_helper_option(argv, &i, "--api-version",
                             &call->operand[API_VERSION]))
            continue;
        if (argv[i][0] == '-' || call->operand[NAME] != NULL)
            return NULL;
        call->operand[NAME] = argv[i];
    }
    return "get";
}

static void
fail(struct vk_call *call, enum vk_err err)
{
    call->exit = 1;
    vk_buf_cut(call->out, 0);
    if (vk_log_last()[0] == '\0')
        vk_log("%s", vk_err_text(err));
}

static const struct vk_verb verbs[] = {
    {"get", VK_NO_REQUEST, get},
    {NULL, VK_NO_REQUEST, NULL},
};

const struct vk_codec vk_codec = {
    .program = "valetkey-k8s",
    .usage = "[--api-version VERSION] [NAME[/TOKEN]]",
    .verbs = verbs,
    .arrange = arrange,
    .fail = fail,
};

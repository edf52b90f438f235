/* SPDX-License-Identifier: MIT */
#include "cli/camunda.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cli/camunda_urls.h"

#define LOGIN "https://login.cloud" VK_CAMUNDA "/oauth/token"
#define API_HOST "api.cloud" VK_CAMUNDA
#define CONF_MAX ((size_t)128 << 10)
#define ADDRESS_MAX 256 /* of those below */

/* clients.conf takes a URL once, and this one is every cluster's. */
#define SECRETS_REMARK                                                       \
    "# The same for all clusters, so that one token at most can serve it:\n" \
    "# serves = https://cluster-api.cloud.camunda.io/secrets\n"

/* What the cluster's APIs have in common at Camunda's. */
#define SHARED(api) "https://%." api VK_CAMUNDA "/@"

/* A token: what its section gets of the file, and without that on SaaS. */
#define SERVES 3
struct token {
    const char *name; /* NULL: the default one of its client */
    const char *remark;
    enum vk_field audience, scope, resource;
    const char *saas; /* the audience there */
    struct {
        enum vk_field field[2];
        const char *saas; /* %: the region, @: the cluster */
    } serves[SERVES];
};

static const struct token cluster = {
    .audience = VK_FIELD_AUDIENCE,
    .scope = VK_FIELD_SCOPE,
    .resource = VK_FIELD_RESOURCE,
    .saas = "zeebe" VK_CAMUNDA,
    .serves = {{{VK_FIELD_REST}, SHARED("zeebe")},
               {{VK_FIELD_GRPC, VK_FIELD_ADDRESS},
                "https://@.%" VK_CAMUNDA_CLUSTER}},
};

/* The organisation's: for the Administration and Web Modeler APIs. */
static const struct token console = {
    .audience = VK_FIELD_CONSOLE_AUDIENCE,
    .saas = API_HOST,
    .serves = {{{VK_FIELD_CONSOLE_URL}, "https://" API_HOST},
               {{VK_FIELD_HUB_URL}, NULL},
               {{VK_FIELD_MODELER_URL}, "https://modeler" VK_CAMUNDA "/api"}},
};

/* The other tokens of a cluster's client. */
static const struct token apis[] = {
    {.name = "tasklist",
     .audience = VK_FIELD_TASKLIST_AUDIENCE,
     .saas = "tasklist" VK_CAMUNDA,
     .serves = {{{VK_FIELD_TASKLIST_URL}, SHARED("tasklist")}}},
    {.name = "operate",
     .audience = VK_FIELD_OPERATE_AUDIENCE,
     .saas = "operate" VK_CAMUNDA,
     .serves = {{{VK_FIELD_OPERATE_URL}, SHARED("operate")}}},
    {.name = "optimize",
     .audience = VK_FIELD_OPTIMIZE_AUDIENCE,
     .saas = "optimize" VK_CAMUNDA,
     .serves = {{{VK_FIELD_OPTIMIZE_URL}, SHARED("optimize")}}},
    {.name = "secrets",
     .remark = SECRETS_REMARK,
     .saas = "secrets" VK_CAMUNDA},
    /* On SaaS this one belongs to the organisation's client. */
    {.name = "modeler",
     .audience = VK_FIELD_MODELER_AUDIENCE,
     .serves = {{{VK_FIELD_MODELER_URL}, NULL}}},
};

struct work {
    struct vk_fields fields;
    struct vk_place place;
    struct vk_plan_client *client; /* that is being made */
    int width;                     /* of the keys in its section */
    struct vk_buf *served; /* URLs, each in a line without its scheme */
};

static void
note(struct work *w, enum vk_err err)
{
    vk_fields_note(&w->fields, err);
}

static void
add_key(struct work *w, const char *key, struct vk_span value)
{
    struct vk_buf *conf = &w->client->conf;

    if (value.len == 0 || w->fields.err != VK_OK)
        return;
    note(w, vk_buf_addf(conf, "%-*s = ", w->width, key));
    note(w, vk_buf_add(conf, value));
    note(w, vk_buf_add_char(conf, '\n'));
}

/* Let the token that is being made serve an address, which var holds. */
static void
serve(struct work *w, struct vk_span address, const struct vk_cred_var *var)
{
    VK_AUTO_BUF url = VK_BUF(2 * VK_CRED_VALUE_MAX);

    if (w->fields.err == VK_OK)
        vk_place_spell(&w->fields, &w->place, address, var, &url);
    if (w->fields.err != VK_OK)
        return;
    /* Only an address from the file can be one that is not served. */
    if (url.len == 0 && var != NULL)
        note(w, vk_buf_addf(&w->client->conf,
                            "# %.*s is not served: tokens"
                            " never go over plain http.\n",
                            VK_ARG(var->name)));
    else if (url.len > 0 &&
             vk_place_is_first(&w->fields, vk_buf_span(&url), w->served))
        add_key(w, "serves", vk_buf_span(&url));
}

static bool
serve_field(struct work *w, enum vk_field field)
{
    const struct vk_cred_var *var = w->fields.var[field];

    if (var != NULL)
        serve(w, var->value, var);
    return var != NULL;
}

/* An address that Camunda has and the file does not say. */
static void
serve_known(struct work *w, const char *form)
{
    VK_AUTO_BUF address = VK_BUF(ADDRESS_MAX);

    vk_place_fill(&w->fields, &w->place, form, &address);
    serve(w, vk_buf_span(&address), NULL);
}

static void
add_token(struct work *w, const struct token *token)
{
    struct vk_span audience = vk_fields_get(&w->fields, token->audience);

    if (audience.len == 0 && w->place.saas)
        audience = vk_span_str(token->saas);
    add_key(w, "audience", audience);
    add_key(w, "scope", vk_fields_get(&w->fields, token->scope));
    add_key(w, "resource", vk_fields_get(&w->fields, token->resource));
    for (size_t i = 0; i < SERVES; i++) {
        bool said = serve_field(w, token->serves[i].field[0]);
        said |= serve_field(w, token->serves[i].field[1]);
        if (!said && w->place.saas && token->serves[i].saas != NULL)
            serve_known(w, token->serves[i].saas);
    }
}

static void
add_client(struct work *w, struct vk_plan *plan, const char *name,
           enum vk_field id, enum vk_field secret)
{
    struct vk_plan_client *client = &plan->client[plan->clients++];
    const struct vk_cred_var *url = w->fields.var[VK_FIELD_TOKEN_URL];

    w->client = client;
    w->width = (int)strlen("token-url");
    client->conf = (struct vk_buf)VK_BUF(CONF_MAX);
    client->tokens = 1;
    vk_fields_require(&w->fields, id);
    vk_fields_require(&w->fields, secret);
    if (!w->place.saas)
        vk_fields_require(&w->fields, VK_FIELD_TOKEN_URL);
    snprintf(client->name, sizeof client->name, "%s", name);
    client->client_id = vk_fields_get(&w->fields, id);
    client->secret = vk_fields_get(&w->fields, secret);
    client->token_url = url != NULL ? url->value : VK_SPAN(LOGIN);
    if (!vk_url_is_safe(client->token_url))
        vk_fields_blame(&w->fields, url,
                        "is no https URL (http only on loopback)");
    note(w, vk_buf_addf(&client->conf, "[client %s]\n", client->name));
    add_key(w, "token-url", client->token_url);
    add_key(w, "client-id", client->client_id);
}

static bool
has_scope(const struct work *w, const char *name)
{
    struct vk_span list = vk_fields_get(&w->fields, VK_FIELD_SCOPES);

    while (list.len > 0)
        if (vk_span_same_nocase(vk_span_trim(vk_span_cut(&list, ',')),
                                vk_span_str(name)))
            return true;
    return false;
}

static bool
is_asked_for(const struct work *w, const struct token *api)
{
    bool set = w->fields.var[api->audience] != NULL ||
               w->fields.var[api->serves[0].field[0]] != NULL;

    if (!w->place.saas)
        return set;
    return api->saas != NULL && (set || has_scope(w, api->name));
}

static void
plan_cluster(struct work *w, struct vk_plan *plan, const char *name)
{
    vk_place_find(&w->fields, &w->place);
    if (w->fields.err != VK_OK)
        return;
    add_client(w, plan, name, VK_FIELD_CLIENT_ID, VK_FIELD_SECRET);
    add_token(w, &cluster);
    w->width = (int)strlen("audience");
    for (size_t i = 0; i < sizeof apis / sizeof apis[0]; i++) {
        if (!is_asked_for(w, &apis[i]))
            continue;
        w->client->tokens++;
        note(w, vk_buf_addf(&w->client->conf, "\n[token %s/%s]\n%s", name,
                            apis[i].name,
                            apis[i].remark != NULL ? apis[i].remark : ""));
        add_token(w, &apis[i]);
    }
}

static void
plan_console(struct work *w, struct vk_plan *plan, const char *name)
{
    char own_name[VK_NAME_MAX + sizeof "-console"];
    struct vk_span url = vk_fields_get(&w->fields, VK_FIELD_CONSOLE_URL);

    snprintf(own_name, sizeof own_name, "%s%s", name,
             plan->clients > 0 ? "-console" : "");
    if (strlen(own_name) > VK_NAME_MAX)
        vk_fields_fail(&w->fields, "the name '%s' is too long", own_name);
    if (url.len == 0)
        url = vk_fields_get(&w->fields, VK_FIELD_TOKEN_URL);
    w->place.console = true;
    w->place.saas = vk_place_is_camunda(url);
    add_client(w, plan, own_name, VK_FIELD_CONSOLE_ID,
               VK_FIELD_CONSOLE_SECRET);
    add_token(w, &console);
}

enum vk_err
vk_camunda_plan(const struct vk_credfile *file, const char *label,
                const char *name, struct vk_plan *out)
{
    VK_AUTO_BUF served = VK_BUF(CONF_MAX);
    struct work w = {.fields = {.label = label}, .served = &served};
    struct vk_plan plan = {.clients = 0};

    if (!vk_clients_is_name(vk_span_str(name)))
        return vk_fail(VK_USAGE,
                       "'%s' is no name for a client; use letters in"
                       " lower case, digits, '.', '_' and '-'",
                       name);
    vk_fields_gather(&w.fields, file);
    plan.secrets = vk_fields_secrets(file, plan.secret);
    const struct vk_cred_var **var = w.fields.var;
    bool organisation = var[VK_FIELD_CONSOLE_ID] != NULL ||
                        var[VK_FIELD_CONSOLE_SECRET] != NULL;
    if (var[VK_FIELD_CLIENT_ID] != NULL || var[VK_FIELD_SECRET] != NULL)
        plan_cluster(&w, &plan, name);
    else if (!organisation)
        vk_fields_fail(&w.fields,
                       "it names no client of Camunda's; is this the"
                       " credentials file as it was downloaded");
    if (organisation && w.fields.err == VK_OK)
        plan_console(&w, &plan, name);
    if (w.fields.err == VK_OK)
        *out = plan;
    else
        vk_camunda_plan_clear(&plan);
    return w.fields.err;
}

void
vk_camunda_plan_clear(struct vk_plan *plan)
{
    for (size_t i = 0; i < plan->clients; i++)
        vk_buf_clear(&plan->client[i].conf);
    *plan = (struct vk_plan){.clients = 0};
}

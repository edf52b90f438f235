/* SPDX-License-Identifier: MIT */
#include "cli/camunda.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "keyring/keys.h"

#define DOMAIN ".camunda.io"
#define CLUSTER_HOST ".zeebe" DOMAIN
#define API_HOST "api.cloud" DOMAIN
#define LOGIN "https://login.cloud" DOMAIN "/oauth/token"
#define CONF_MAX ((size_t)128 << 10)
#define LABEL_MAX 63 /* of a DNS name, which a cluster's id is part of */

enum field {
    CLIENT_ID,
    SECRET,
    TOKEN_URL,
    AUDIENCE,
    SCOPE,
    RESOURCE,
    MODE,
    CLUSTER,
    REGION,
    REST,
    GRPC,
    ADDRESS,
    SCOPES,
    TASKLIST_URL,
    TASKLIST_AUDIENCE,
    OPERATE_URL,
    OPERATE_AUDIENCE,
    OPTIMIZE_URL,
    OPTIMIZE_AUDIENCE,
    MODELER_URL,
    MODELER_AUDIENCE,
    CONSOLE_ID,
    CONSOLE_SECRET,
    CONSOLE_URL,
    CONSOLE_AUDIENCE,
    HUB_URL,
    FIELDS
};

/*
 * The names under which a field may stand.  One with a dot is a property of
 * camunda-spring in kebab case, and stands for its camel case and for the
 * variable that Spring makes of it as well (CAMUNDA_CLIENT_AUTH_CLIENTID).
 */
#define ALIASES 8
static const char *const aliases[FIELDS][ALIASES] = {
    [CLIENT_ID] = {"CAMUNDA_CLIENT_ID", "ZEEBE_CLIENT_ID",
                   "camunda.client.auth.client-id",
                   "camunda.client.cloud.client-id",
                   "zeebe.client.cloud.client-id", "zeebe.client.id"},
    [SECRET] = {"CAMUNDA_CLIENT_SECRET", "ZEEBE_CLIENT_SECRET",
                "camunda.client.auth.client-secret",
                "camunda.client.cloud.client-secret",
                "zeebe.client.cloud.client-secret", "zeebe.client.secret"},
    [TOKEN_URL] = {"CAMUNDA_OAUTH_URL", "ZEEBE_AUTHORIZATION_SERVER_URL",
                   "CAMUNDA_AUTHORIZATION_SERVER_URL",
                   "camunda.client.auth.token-url",
                   "camunda.client.auth.issuer", "zeebe.client.cloud.auth-url",
                   "zeebe.authorization.server.url"},
    [AUDIENCE] = {"CAMUNDA_TOKEN_AUDIENCE", "ZEEBE_TOKEN_AUDIENCE",
                  "CAMUNDA_ZEEBE_OAUTH_AUDIENCE",
                  "camunda.client.auth.audience",
                  "camunda.client.zeebe.audience", "zeebe.token.audience"},
    [SCOPE] = {"CAMUNDA_TOKEN_SCOPE", "ZEEBE_TOKEN_SCOPE",
               "CAMUNDA_OAUTH_SCOPE", "camunda.client.auth.scope",
               "camunda.client.zeebe.scope", "zeebe.client.cloud.scope"},
    [RESOURCE] = {"CAMUNDA_TOKEN_RESOURCE", "ZEEBE_TOKEN_RESOURCE",
                  "camunda.client.auth.resource"},
    [MODE] = {"camunda.client.mode"},
    [CLUSTER] = {"CAMUNDA_CLUSTER_ID", "camunda.client.cloud.cluster-id",
                 "camunda.client.cluster-id", "zeebe.client.cloud.cluster-id"},
    [REGION] = {"CAMUNDA_CLUSTER_REGION", "camunda.client.cloud.region",
                "camunda.client.region", "zeebe.client.cloud.region"},
    [REST] = {"CAMUNDA_REST_ADDRESS", "ZEEBE_REST_ADDRESS", "CAMUNDA_BASE_URL",
              "camunda.client.rest-address",
              "camunda.client.zeebe.rest-address",
              "camunda.client.zeebe.base-url",
              "zeebe.client.broker.rest-address"},
    [GRPC] = {"CAMUNDA_GRPC_ADDRESS", "ZEEBE_GRPC_ADDRESS",
              "camunda.client.grpc-address",
              "camunda.client.zeebe.grpc-address",
              "camunda.client.zeebe.gateway-url",
              "zeebe.client.broker.grpc-address"},
    [ADDRESS] = {"ZEEBE_ADDRESS", "zeebe.client.broker.gateway-address"},
    [SCOPES] = {"CAMUNDA_CREDENTIALS_SCOPES"},
    [TASKLIST_URL] = {"CAMUNDA_TASKLIST_BASE_URL",
                      "camunda.client.tasklist.base-url"},
    [TASKLIST_AUDIENCE] = {"CAMUNDA_TASKLIST_OAUTH_AUDIENCE",
                           "camunda.client.tasklist.audience"},
    [OPERATE_URL] = {"CAMUNDA_OPERATE_BASE_URL",
                     "camunda.client.operate.base-url"},
    [OPERATE_AUDIENCE] = {"CAMUNDA_OPERATE_OAUTH_AUDIENCE",
                          "camunda.client.operate.audience"},
    [OPTIMIZE_URL] = {"CAMUNDA_OPTIMIZE_BASE_URL",
                      "camunda.client.optimize.base-url"},
    [OPTIMIZE_AUDIENCE] = {"CAMUNDA_OPTIMIZE_OAUTH_AUDIENCE",
                           "camunda.client.optimize.audience"},
    [MODELER_URL] = {"CAMUNDA_MODELER_BASE_URL"},
    [MODELER_AUDIENCE] = {"CAMUNDA_MODELER_OAUTH_AUDIENCE"},
    [CONSOLE_ID] = {"CAMUNDA_CONSOLE_CLIENT_ID", "CAMUNDA_HUB_CLIENT_ID"},
    [CONSOLE_SECRET] = {"CAMUNDA_CONSOLE_CLIENT_SECRET",
                        "CAMUNDA_HUB_CLIENT_SECRET"},
    [CONSOLE_URL] = {"CAMUNDA_CONSOLE_BASE_URL"},
    [CONSOLE_AUDIENCE] = {"CAMUNDA_CONSOLE_OAUTH_AUDIENCE",
                          "CAMUNDA_HUB_OAUTH_AUDIENCE"},
    [HUB_URL] = {"CAMUNDA_HUB_BASE_URL"},
};

/* clients.conf takes a URL once, and this one is every cluster's. */
#define SECRETS_REMARK                                                       \
    "# The same for all clusters, so that one token at most can serve it:\n" \
    "# serves = https://cluster-api.cloud.camunda.io/secrets\n"

/* The other tokens of a cluster's client; saas is the audience there. */
static const struct api {
    const char *name, *saas;
    enum field url, audience;
} apis[] = {
    {"tasklist", "tasklist" DOMAIN, TASKLIST_URL, TASKLIST_AUDIENCE},
    {"operate", "operate" DOMAIN, OPERATE_URL, OPERATE_AUDIENCE},
    {"optimize", "optimize" DOMAIN, OPTIMIZE_URL, OPTIMIZE_AUDIENCE},
    {"secrets", "secrets" DOMAIN, FIELDS, FIELDS}, /* no variables */
    /* On SaaS this one belongs to the administration client. */
    {"modeler", NULL, MODELER_URL, MODELER_AUDIENCE},
};

struct work {
    const struct vk_credfile *file;
    const char *label;
    const struct vk_cred_var *set[FIELDS + 1]; /* the last stays NULL */
    struct vk_span cluster, region;
    bool saas;
    bool elsewhere;                /* an address is not one of Camunda's */
    struct vk_plan_client *client; /* that is being made */
    bool is_console;
    int width;             /* of the keys in its section */
    struct vk_buf *served; /* URLs, each in a line without its scheme */
    enum vk_err err;       /* the first one: what follows does nothing */
};

static void fail(struct work *w, const char *fmt, ...) VK_PRINTF(2, 3);

static void
fail(struct work *w, const char *fmt, ...)
{
    char message[512];
    va_list args;

    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    if (w->err == VK_OK)
        w->err =
            vk_fail(VK_CONFIG, "cannot import '%s': %s", w->label, message);
}

static void
blame(struct work *w, const struct vk_cred_var *var, const char *trouble)
{
    fail(w, "'%.*s' in line %u %s", VK_ARG(var->name), var->line, trouble);
}

static void
note(struct work *w, enum vk_err err)
{
    if (w->err == VK_OK && err != VK_OK)
        w->err =
            vk_fail(err, "cannot import '%s': %s", w->label, vk_err_text(err));
}

static void
require(struct work *w, enum field field)
{
    if (w->set[field] == NULL)
        fail(w, "it sets neither '%s' nor '%s'", aliases[field][0],
             aliases[field][1]);
}

static struct vk_span
value_of(const struct work *w, enum field field)
{
    return w->set[field] != NULL ? w->set[field]->value : VK_SPAN("");
}

static bool
ends_with(struct vk_span text, const char *end)
{
    size_t len = strlen(end);

    return text.len >= len &&
           vk_span_same_nocase(vk_span_from(text, text.len - len),
                               vk_span_str(end));
}

static bool
is_alias(struct vk_span name, const char *alias)
{
    bool property = memchr(name.ptr, '.', name.len) != NULL;
    size_t at = 0;

    if (strchr(alias, '.') == NULL)
        return vk_span_is(name, alias);
    for (; *alias != '\0'; alias++) {
        char c = at < name.len ? name.ptr[at] : '\0';
        if (*alias == '-') {
            at += c == '-' || c == '_';
            continue;
        }
        bool letter = *alias >= 'a' && *alias <= 'z';
        char upper = (char)(letter ? *alias - ('a' - 'A') : '_');
        if (c != upper && !(property && c == *alias))
            return false;
        at++;
    }
    return at == name.len;
}

/* A URL may be written with and without a slash at its end. */
static bool
agree(enum field field, struct vk_span a, struct vk_span b)
{
    bool slash = field == TOKEN_URL || field == REST;

    while (slash && a.len > 0 && a.ptr[a.len - 1] == '/')
        a.len--;
    while (slash && b.len > 0 && b.ptr[b.len - 1] == '/')
        b.len--;
    return vk_span_same(a, b);
}

static void
set(struct work *w, enum field field, const struct vk_cred_var *var)
{
    const struct vk_cred_var *first = w->set[field];

    if (memchr(var->name.ptr, '.', var->name.len) != NULL &&
        vk_span_starts(var->value, "${"))
        blame(w, var, "is a placeholder; write the value that it stands for");
    else if (vk_span_trim(var->value).len != var->value.len)
        blame(w, var, "begins or ends with a blank");
    else if (first == NULL)
        w->set[field] = var;
    else if (!agree(field, first->value, var->value))
        fail(w,
             "'%.*s' in line %u and '%.*s' in line %u differ;"
             " delete the one that is out of date",
             VK_ARG(first->name), first->line, VK_ARG(var->name), var->line);
}

static void
gather(struct work *w)
{
    for (enum field field = 0; field < FIELDS; field++)
        for (size_t i = 0; i < ALIASES && aliases[field][i] != NULL; i++)
            for (size_t v = 0; v < w->file->vars; v++) {
                const struct vk_cred_var *var = &w->file->var[v];
                if (var->value.len > 0 &&
                    is_alias(var->name, aliases[field][i]))
                    set(w, field, var);
            }
}

/* What the file must not be left lying about for, ours or not. */
static void
list_secrets(const struct vk_credfile *file, struct vk_plan *plan)
{
    static const char *const ends[] = {"secret", "password", "passphrase",
                                       "token", "_key"};

    for (size_t v = 0; v < file->vars; v++)
        for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
            if (file->var[v].value.len > 0 &&
                ends_with(file->var[v].name, ends[i])) {
                plan->secret[plan->secrets++] = &file->var[v];
                break;
            }
}

/* A part of a cluster's address, of which there must be one only. */
static void
set_part(struct work *w, struct vk_span *part, struct vk_span value,
         const struct vk_cred_var *var)
{
    bool plain = value.len > 0 && value.len <= LABEL_MAX;

    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        plain &= (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                 (c >= '0' && c <= '9') || c == '-';
    }
    if (!plain)
        blame(w, var, "names no cluster and region of Camunda's");
    else if (part->len > 0 && !vk_span_same_nocase(*part, value))
        blame(w, var, "names another cluster or region than other lines do");
    else
        *part = value;
}

/* CLUSTER.REGION.zeebe.camunda.io, or REGION.zeebe.camunda.io/CLUSTER. */
static void
locate(struct work *w, enum field field)
{
    const struct vk_cred_var *var = w->set[field];
    struct vk_url url;

    if (var == NULL)
        return;
    if (!vk_url_parse(var->value, &url)) {
        blame(w, var, "is no address");
        return;
    }
    w->elsewhere |= !ends_with(url.host, DOMAIN);
    if (!ends_with(url.host, CLUSTER_HOST))
        return;
    struct vk_span region = {url.host.ptr,
                             url.host.len - strlen(CLUSTER_HOST)};
    struct vk_span cluster = vk_span_cut(&region, '.');
    if (region.ptr == NULL) {
        region = cluster;
        url.path = vk_span_from(url.path, 1);
        cluster = vk_span_cut(&url.path, '/');
    }
    set_part(w, &w->region, region, var);
    if (cluster.len > 0)
        set_part(w, &w->cluster, cluster, var);
}

static void
locate_all(struct work *w)
{
    static const enum field addresses[] = {REST, GRPC, ADDRESS};

    if (w->set[CLUSTER] != NULL)
        set_part(w, &w->cluster, value_of(w, CLUSTER), w->set[CLUSTER]);
    if (w->set[REGION] != NULL)
        set_part(w, &w->region, value_of(w, REGION), w->set[REGION]);
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++)
        locate(w, addresses[i]);
    w->saas = !w->elsewhere &&
              (w->cluster.len > 0 || vk_span_is(value_of(w, MODE), "saas"));
    if (w->saas && w->cluster.len == 0)
        require(w, CLUSTER);
    if (w->saas && w->region.len == 0)
        require(w, REGION);
}

static void
add_key(struct work *w, const char *key, struct vk_span value)
{
    struct vk_buf *conf = &w->client->conf;

    if (value.len == 0 || w->err != VK_OK)
        return;
    note(w, vk_buf_addf(conf, "%-*s = ", w->width, key));
    note(w, vk_buf_add(conf, value));
    note(w, vk_buf_add_char(conf, '\n'));
}

/* https, or http on this machine; NULL: a token would go in the clear. */
static const char *
scheme_of(const struct vk_url *url)
{
    bool loopback = vk_url_is_loopback(url);
    bool tls = vk_span_same_nocase(url->scheme, VK_SPAN("https")) ||
               vk_span_same_nocase(url->scheme, VK_SPAN("grpcs")) ||
               (url->scheme.len == 0 && !loopback);

    return tls ? "https" : loopback ? "http" : NULL;
}

/*
 * The clusters of a region share Camunda's hosts, so an address must name
 * this cluster, as the first part of its host or of its path.  Returns what
 * the path lacks for that.
 */
static struct vk_span
missing_cluster(struct work *w, const struct vk_url *url,
                const struct vk_cred_var *var)
{
    struct vk_span host = url->host, path = vk_span_from(url->path, 1);
    struct vk_span label = vk_span_cut(&host, '.');
    struct vk_span first = vk_span_cut(&path, '/');

    if (!ends_with(url->host, DOMAIN))
        return VK_SPAN("");
    /* api.cloud.camunda.io and modeler.camunda.io are the organisation's. */
    if (w->is_console !=
        (host.len < strlen(DOMAIN) || ends_with(host, "cloud" DOMAIN)))
        blame(w, var, "is an address of the other kind of client");
    if (w->is_console)
        return VK_SPAN("");
    if (w->cluster.len == 0)
        blame(w, var, "is a cluster's, but no line names that cluster");
    else if (vk_span_same_nocase(label, w->cluster) ||
             vk_span_same(first, w->cluster))
        return VK_SPAN("");
    else if (first.len > 0)
        blame(w, var, "does not name the cluster that other lines name");
    return w->cluster;
}

/* In one form only, so that no URL is served twice. */
static enum vk_err
spell(struct vk_buf *out, const char *scheme, const struct vk_url *url)
{
    unsigned int usual = strcmp(scheme, "https") == 0 ? 443 : 80;
    struct vk_span path = url->path;
    enum vk_err err = vk_buf_addf(out, "%s://%.*s", scheme, (int)url->host.len,
                                  url->host.ptr);

    for (size_t i = 0; err == VK_OK && i < out->len; i++)
        if (out->data[i] >= 'A' && out->data[i] <= 'Z')
            out->data[i] = (char)(out->data[i] + ('a' - 'A'));
    if (err == VK_OK && url->port != 0 && url->port != usual)
        err = vk_buf_addf(out, ":%u", url->port);
    while (path.len > 0 && path.ptr[path.len - 1] == '/')
        path.len--;
    return err == VK_OK ? vk_buf_add(out, path) : err;
}

/* Let the token that is being made serve an address, which var holds. */
static void
serve(struct work *w, struct vk_span address, const struct vk_cred_var *var)
{
    VK_AUTO_BUF text = VK_BUF(2 * VK_CRED_VALUE_MAX);
    struct vk_url url;

    if (w->err != VK_OK)
        return;
    if (!vk_url_parse(address, &url)) {
        blame(w, var, "is no address");
        return;
    }
    const char *scheme = scheme_of(&url);
    if (scheme == NULL) {
        note(w, vk_buf_addf(&w->client->conf,
                            "# %.*s is not served: tokens"
                            " never go over plain http.\n",
                            VK_ARG(var->name)));
        return;
    }
    struct vk_span cluster = missing_cluster(w, &url, var);
    note(w, spell(&text, scheme, &url));
    if (cluster.len > 0) {
        note(w, vk_buf_add_char(&text, '/'));
        note(w, vk_buf_add(&text, cluster));
    }
    struct vk_span value = vk_buf_span(&text);
    if (!vk_url_is_safe(value) || memchr(value.ptr, ',', value.len) ||
        vk_key_rows[VK_KEY_SERVES].objection(value) != NULL)
        blame(w, var, "is no address");
    note(w, vk_buf_add_char(&text, '\n'));
    struct vk_span line = vk_span_from(vk_buf_span(&text), strlen(scheme));
    if (w->err != VK_OK ||
        (w->served->len > 0 &&
         memmem(w->served->data, w->served->len, line.ptr, line.len) != NULL))
        return;
    note(w, vk_buf_add(w->served, line));
    add_key(w, "serves", (struct vk_span){text.data, text.len - 1});
}

static bool
serve_field(struct work *w, enum field field)
{
    if (w->set[field] != NULL)
        serve(w, value_of(w, field), w->set[field]);
    return w->set[field] != NULL;
}

static void serve_known(struct work *w, const char *fmt, ...) VK_PRINTF(2, 3);

/* An address that Camunda has and the file does not say. */
static void
serve_known(struct work *w, const char *fmt, ...)
{
    char address[4 * LABEL_MAX];
    va_list args;

    va_start(args, fmt);
    vsnprintf(address, sizeof address, fmt, args);
    va_end(args);
    serve(w, vk_span_str(address), NULL);
}

/* What the cluster's APIs have in common there. */
static void
serve_path(struct work *w, const char *api)
{
    serve_known(w, "https://%.*s.%s" DOMAIN "/%.*s", VK_ARG(w->region), api,
                VK_ARG(w->cluster));
}

static void
add_client(struct work *w, struct vk_plan *plan, const char *name,
           enum field id, enum field secret)
{
    struct vk_plan_client *client = &plan->client[plan->clients++];

    w->client = client;
    w->width = (int)strlen("token-url");
    client->conf = (struct vk_buf)VK_BUF(CONF_MAX);
    client->tokens = 1;
    require(w, id);
    require(w, secret);
    if (!w->saas)
        require(w, TOKEN_URL);
    snprintf(client->name, sizeof client->name, "%s", name);
    client->client_id = value_of(w, id);
    client->secret = value_of(w, secret);
    client->token_url =
        w->set[TOKEN_URL] != NULL ? value_of(w, TOKEN_URL) : VK_SPAN(LOGIN);
    if (!vk_url_is_safe(client->token_url))
        blame(w, w->set[TOKEN_URL], "is no https URL (http only on loopback)");
    note(w, vk_buf_addf(&client->conf, "[client %s]\n", client->name));
    add_key(w, "token-url", client->token_url);
    add_key(w, "client-id", client->client_id);
}

/* The value, else what it is at Camunda's, else nothing. */
static void
add_audience(struct work *w, enum field field, const char *saas)
{
    if (w->set[field] != NULL)
        add_key(w, "audience", value_of(w, field));
    else if (w->saas)
        add_key(w, "audience", vk_span_str(saas));
}

static bool
has_scope(const struct work *w, const char *name)
{
    struct vk_span list = value_of(w, SCOPES);

    while (list.len > 0)
        if (vk_span_same_nocase(vk_span_trim(vk_span_cut(&list, ',')),
                                vk_span_str(name)))
            return true;
    return false;
}

static void
add_token(struct work *w, const struct api *api)
{
    bool asked = w->saas && has_scope(w, api->name);

    asked |= w->set[api->url] != NULL || w->set[api->audience] != NULL;
    if (!asked || (w->saas && api->saas == NULL))
        return;
    w->width = (int)strlen("audience");
    w->client->tokens++;
    note(w, vk_buf_addf(&w->client->conf, "\n[token %s/%s]\n", w->client->name,
                        api->name));
    add_audience(w, api->audience, api->saas);
    if (api->url == FIELDS)
        note(w, vk_buf_add_str(&w->client->conf, SECRETS_REMARK));
    else if (!serve_field(w, api->url) && w->saas)
        serve_path(w, api->name);
}

static void
plan_cluster(struct work *w, struct vk_plan *plan, const char *name)
{
    locate_all(w);
    if (w->err != VK_OK)
        return;
    add_client(w, plan, name, CLIENT_ID, SECRET);
    add_audience(w, AUDIENCE, "zeebe" DOMAIN);
    add_key(w, "scope", value_of(w, SCOPE));
    add_key(w, "resource", value_of(w, RESOURCE));
    if (!serve_field(w, REST) && w->saas)
        serve_path(w, "zeebe");
    bool grpc = serve_field(w, GRPC);
    if (!serve_field(w, ADDRESS) && !grpc && w->saas)
        serve_known(w, "https://%.*s.%.*s" CLUSTER_HOST, VK_ARG(w->cluster),
                    VK_ARG(w->region));
    for (size_t i = 0; i < sizeof apis / sizeof apis[0]; i++)
        add_token(w, &apis[i]);
}

static bool
is_at_camunda(const struct work *w, enum field field)
{
    struct vk_url url;

    return w->set[field] == NULL || (vk_url_parse(value_of(w, field), &url) &&
                                     ends_with(url.host, DOMAIN));
}

/* The organisation's client: for the Administration and Web Modeler APIs. */
static void
plan_console(struct work *w, struct vk_plan *plan, const char *name)
{
    char own_name[VK_NAME_MAX + sizeof "-console"];

    snprintf(own_name, sizeof own_name, "%s%s", name,
             plan->clients > 0 ? "-console" : "");
    if (strlen(own_name) > VK_NAME_MAX)
        fail(w, "the name '%s' is too long", own_name);
    w->is_console = true;
    w->saas = is_at_camunda(w, w->set[CONSOLE_URL] != NULL ? CONSOLE_URL
                                                           : TOKEN_URL);
    add_client(w, plan, own_name, CONSOLE_ID, CONSOLE_SECRET);
    add_audience(w, CONSOLE_AUDIENCE, API_HOST);
    if (!serve_field(w, CONSOLE_URL) && w->saas)
        serve_known(w, "https://" API_HOST);
    serve_field(w, HUB_URL);
    if (!serve_field(w, MODELER_URL) && w->saas)
        serve_known(w, "https://modeler" DOMAIN "/api");
}

enum vk_err
vk_camunda_plan(const struct vk_credfile *file, const char *label,
                const char *name, struct vk_plan *out)
{
    VK_AUTO_BUF served = VK_BUF(CONF_MAX);
    struct work w = {.file = file, .label = label, .served = &served};
    struct vk_plan plan = {.clients = 0};

    if (!vk_clients_is_name(vk_span_str(name)))
        return vk_fail(VK_USAGE,
                       "'%s' is no name for a client; use letters in"
                       " lower case, digits, '.', '_' and '-'",
                       name);
    gather(&w);
    list_secrets(file, &plan);
    bool console = w.set[CONSOLE_ID] != NULL || w.set[CONSOLE_SECRET] != NULL;
    if (w.set[CLIENT_ID] != NULL || w.set[SECRET] != NULL)
        plan_cluster(&w, &plan, name);
    else if (!console)
        fail(&w, "it names no client of Camunda's; is this the credentials"
                 " file as it was downloaded");
    if (console && w.err == VK_OK)
        plan_console(&w, &plan, name);
    if (w.err == VK_OK)
        *out = plan;
    else
        vk_camunda_plan_clear(&plan);
    return w.err;
}

void
vk_camunda_plan_clear(struct vk_plan *plan)
{
    for (size_t i = 0; i < plan->clients; i++)
        vk_buf_clear(&plan->client[i].conf);
    *plan = (struct vk_plan){.clients = 0};
}

void
vk_camunda_name_of(const char *path, char out[VK_NAME_MAX + 1])
{
    static const char prefix[] = "CamundaCloudMgmtAPI-Client-";
    const char *slash = strrchr(path, '/');
    struct vk_span stem = vk_span_str(slash != NULL ? slash + 1 : path);
    const char *dot = stem.len > 0 ? strrchr(stem.ptr + 1, '.') : NULL;
    size_t most = VK_NAME_MAX - strlen("-console"), at = 0;

    if (dot != NULL)
        stem.len = (size_t)(dot - stem.ptr);
    if (vk_span_starts(stem, prefix))
        stem = vk_span_from(stem, sizeof prefix - 1);
    for (size_t i = 0; i < stem.len && at < most; i++) {
        char c = stem.ptr[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c + ('a' - 'A'));
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (plain || (at > 0 && (c == '.' || c == '_')))
            out[at++] = c;
        else if (at > 0 && out[at - 1] != '-')
            out[at++] = '-';
    }
    while (at > 0 && strchr("-._", out[at - 1]) != NULL)
        at--;
    snprintf(out + at, VK_NAME_MAX + 1 - at, "%s", at == 0 ? "camunda" : "");
}

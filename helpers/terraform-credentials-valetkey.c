/* SPDX-License-Identifier: MIT */
/*
 * terraform-credentials-valetkey: the credentials helper protocol of
 * terraform and OpenTofu (docs/protocols/terraform.md).  The command line is
 * a verb and a host, the answer to get is JSON.  terraform asks for every
 * host that it talks to and keeps the answer until it ends.
 */

#include "base/json.h"
#include "base/log.h"
#include "helpers/helper.h"

/* terraform never asks twice in a run, and a run is long. */
#define RUN_SECONDS 900

/* A host name has at most 253 characters. */
#define HOST_MAX 512

static const char *
arrange(int argc, char **argv, struct vk_call *call)
{
    if (argc != 3)
        return NULL;
    call->operand[0] = argv[2];
    return argv[1];
}

static bool
is_host(struct vk_span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!vk_char_plain(text.ptr[i], "-._:[]"))
            return false;
    return text.len > 0;
}

/* https://HOST/ in url_text, which the URL's spans point into. */
static enum vk_err
parse(const struct vk_call *call, struct vk_buf *url_text, struct vk_url *url)
{
    struct vk_span host = vk_span_str(call->operand[0]);

    if (!is_host(host) || vk_buf_add(url_text, VK_SPAN("https://")) != VK_OK ||
        vk_buf_add(url_text, host) != VK_OK ||
        vk_buf_add_char(url_text, '/') != VK_OK ||
        !vk_url_parse(vk_buf_span(url_text), url))
        return VK_NOCLIENT;
    return VK_OK;
}

/* An empty object says that there is no token; a failure would be shown. */
static enum vk_err
get(struct vk_call *call)
{
    static const struct vk_wish wish = {.prefers = RUN_SECONDS};
    VK_STATIC_BUF(url_text, HOST_MAX);
    struct vk_json json = VK_JSON(call->out);
    struct vk_token token;
    struct vk_url url;
    enum vk_err err = parse(call, &url_text, &url);

    if (err == VK_OK)
        err = vk_helper_get(&url, &wish, &token);
    if (err != VK_OK && err != VK_NOCLIENT)
        return err;
    vk_json_open(&json, NULL, '{');
    if (err == VK_OK)
        vk_json_str(&json, "token", token.value);
    vk_json_close(&json, '}');
    err = vk_json_end(&json);
    return err != VK_OK ? err : vk_buf_add_char(call->out, '\n');
}

struct search {
    struct vk_url url;
    bool found;
};

static void
note_served(void *arg, struct vk_span url, struct vk_span username)
{
    struct search *search = arg;
    struct vk_url pattern;

    (void)username;
    if (vk_url_parse(url, &pattern) &&
        vk_url_serves(&pattern, &search->url) > 0)
        search->found = true;
}

/* What `terraform login` got is not even read: ours is made, not stored. */
static enum vk_err
store(struct vk_call *call)
{
    VK_STATIC_BUF(url_text, HOST_MAX);
    struct search search = {.found = false};
    const char *host = vk_log_clean(vk_span_str(call->operand[0]));
    enum vk_err err = parse(call, &url_text, &search.url);

    if (err == VK_OK)
        err = vk_helper_each(note_served, &search);
    if (err != VK_OK && err != VK_NOCLIENT)
        return err;
    if (search.found)
        return vk_fail(VK_USAGE,
                       "cannot store a token for '%s': valetkey makes"
                       " the tokens of this host; no login is needed",
                       host);
    return vk_fail(
        VK_USAGE,
        "cannot store a token for '%s': valetkey makes tokens and"
        " stores none, and no client serves this host; see 'valetkey"
        " add --serves'",
        host);
}

static enum vk_err
forget(struct vk_call *call)
{
    VK_STATIC_BUF(url_text, HOST_MAX);
    struct vk_url url;
    enum vk_err err = parse(call, &url_text, &url);

    if (err == VK_OK)
        err = vk_helper_drop(&url, VK_SPAN(""));
    return err == VK_NOCLIENT ? VK_OK : err;
}

/* terraform shows standard error; it must not be empty. */
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
    {"store", VK_NO_REQUEST, store},
    {"forget", VK_NO_REQUEST, forget},
    {NULL, VK_NO_REQUEST, NULL},
};

const struct vk_codec vk_codec = {
    .program = "terraform-credentials-valetkey",
    .usage = "get|store|forget HOST[:PORT]",
    .verbs = verbs,
    .arrange = arrange,
    .fail = fail,
};

/* SPDX-License-Identifier: MIT */
/*
 * cargo-credential-valetkey: cargo's protocol for credential providers
 * (docs/protocols/cargo.md).  With --cargo-plugin a greeting, then a line of
 * JSON for each line of JSON.  Errors are answers: cargo takes an exit status
 * for a crash and does not look at what was said.  In any other way it is a
 * program for cargo:token-from-stdout and prints the header's value.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/parse.h"
#include "helpers/helper.h"

/*
 * cargo keeps an answer until 60 seconds before its expiration, and asks
 * again and again after that; so a token should be good for longer.
 */
#define PREFERS 120
#define HEADER_MAX 20480
/* Called by its old index, whose host may be ours for something else. */
#define CRATES_IO "https://github.com/rust-lang/crates.io-index"
#define SCHEME "--scheme="

/* What was asked for, in cargo's configuration and by cargo. */
struct choice {
    const char *scheme; /* of the header; "": the token stands alone */
    const char *name;   /* of the token; NULL: the one that serves the index */
    const char *index;  /* the registry's URL */
};

static struct choice asked; /* on the command line */

static bool
is_scheme(const char *word)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    const char *end = word;

    while (*end != '\0' && strchr(letters, *end) != NULL)
        end++;
    return end > word && *end == '\0';
}

/* An index, too, where cargo has not named it already. */
static enum vk_err
note_word(struct choice *choice, const char *word)
{
    bool sets = vk_span_starts(vk_span_str(word), SCHEME);

    if (sets && is_scheme(word + strlen(SCHEME)))
        choice->scheme = word + strlen(SCHEME);
    else if (strcmp(word, "--no-scheme") == 0)
        choice->scheme = "";
    else if (strchr(word, ':') != NULL && choice->index == NULL)
        choice->index = word;
    else if (word[0] != '-' && word[0] != '\0' && choice->name == NULL)
        choice->name = word;
    else
        return vk_fail(VK_USAGE,
                       "wrong argument '%s'; there are --scheme=WORD,"
                       " --no-scheme and the name of a token",
                       word);
    return VK_OK;
}

/* cargo says before the URL of what kind the index is. */
static struct vk_span
url_of(const char *index)
{
    static const char *const kinds[] = {"registry+", "sparse+"};
    struct vk_span url = vk_span_str(index);

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (vk_span_starts(url, kinds[i]))
            url = vk_span_from(url, strlen(kinds[i]));
    return url;
}

/* There may be a password in it. */
static const char *
shown(const char *index)
{
    return strchr(index, '@') != NULL ? "a URL with a login in it" : index;
}

/*
 * A name is the user's word that this registry may have the token, but not
 * that it may cross a network in plain text.
 */
static enum vk_err
get_named(const struct choice *choice, const struct vk_wish *wish,
          struct vk_token *token)
{
    if (!vk_url_is_safe(url_of(choice->index)))
        return vk_fail(VK_USAGE,
                       "no token goes to '%s', which is no https URL",
                       shown(choice->index));
    enum vk_err err = vk_helper_get_named(choice->name, wish, token);
    /* Nothing that the next provider could help with. */
    return err == VK_NOCLIENT ? VK_CONFIG : err;
}

/* Not what is no URL, nor crates.io. */
static bool
can_be_served(const char *index, struct vk_url *url)
{
    struct vk_span text = url_of(index);

    return !vk_span_is(text, CRATES_IO) && vk_url_parse(text, url) &&
           url->scheme.len > 0;
}

static enum vk_err
get_token(const struct choice *choice, struct vk_token *token)
{
    static const struct vk_wish wish = {.prefers = PREFERS};
    struct vk_url url;

    if (choice->name != NULL)
        return get_named(choice, &wish, token);
    return can_be_served(choice->index, &url)
               ? vk_helper_get(&url, &wish, token)
               : VK_NOCLIENT;
}

/* The whole value of the header Authorization. */
static enum vk_err
add_header(struct vk_buf *out, const struct choice *choice,
           const struct vk_token *token)
{
    enum vk_err err = vk_buf_add_str(out, choice->scheme);

    if (err == VK_OK && choice->scheme[0] != '\0')
        err = vk_buf_add_char(out, ' ');
    return err == VK_OK ? vk_buf_add(out, token->value) : err;
}

/* For cargo:token-from-stdout. */
static enum vk_err
print(struct vk_call *call)
{
    struct vk_token token = {.name = NULL};
    enum vk_err err = get_token(&asked, &token);

    if (err == VK_NOCLIENT)
        return vk_fail(err,
                       "no client serves '%s'; 'valetkey list' shows"
                       " what is served",
                       shown(asked.index));
    if (err == VK_OK)
        err = add_header(call->out, &asked, &token);
    return err == VK_OK ? vk_buf_add_char(call->out, '\n') : err;
}

static enum vk_err
end(struct vk_json *json)
{
    vk_json_close(json, '}');
    vk_json_close(json, '}');
    enum vk_err err = vk_json_end(json);
    return err == VK_OK ? vk_buf_add_char(json->buf, '\n') : err;
}

static enum vk_err
write_get(struct vk_buf *out, const struct choice *choice,
          const struct vk_token *token)
{
    VK_STATIC_BUF(header, HEADER_MAX);
    struct vk_json json = VK_JSON(out);

    /* One that was too long is still in it. */
    vk_buf_cut(&header, 0);
    enum vk_err err = add_header(&header, choice, token);
    if (err != VK_OK)
        return err;
    vk_json_open(&json, NULL, '{');
    vk_json_open(&json, "Ok", '{');
    vk_json_str(&json, "kind", VK_SPAN("get"));
    vk_json_str(&json, "token", vk_buf_span(&header));
    vk_json_str(&json, "cache", VK_SPAN("expires"));
    vk_json_number(&json, "expiration", token->expires);
    /* One for reading, publishing and all that may come. */
    vk_json_bool(&json, "operation_independent", true);
    vk_buf_clear(&header);
    return end(&json);
}

static enum vk_err
write_refusal(struct vk_buf *out, const char *kind, const char *message)
{
    struct vk_json json = VK_JSON(out);

    vk_json_open(&json, NULL, '{');
    vk_json_open(&json, "Err", '{');
    vk_json_str(&json, "kind", vk_span_str(kind));
    if (message != NULL)
        vk_json_str(&json, "message", vk_span_str(message));
    return end(&json);
}

/* NULL: no string, or one that hides something behind a NUL. */
static const char *
text_of(struct json_object *value)
{
    if (!json_object_is_type(value, json_type_string))
        return NULL;
    const char *text = json_object_get_string(value);
    return strlen(text) == (size_t)json_object_get_string_len(value) ? text
                                                                     : NULL;
}

static enum vk_err
read_args(struct json_object *args, struct choice *choice)
{
    enum vk_err err = VK_OK;

    if (args != NULL && !json_object_is_type(args, json_type_array))
        return vk_fail(VK_USAGE, "the request's args are no list");
    size_t count = args != NULL ? json_object_array_length(args) : 0;
    for (size_t i = 0; i < count && err == VK_OK; i++) {
        const char *word = text_of(json_object_array_get_idx(args, i));
        err = word != NULL
                  ? note_word(choice, word)
                  : vk_fail(VK_USAGE, "the request's args are no words");
    }
    return err;
}

static const char *
index_of(struct json_object *request)
{
    return text_of(json_object_object_get(
        json_object_object_get(request, "registry"), "index-url"));
}

static enum vk_err
get(struct vk_call *call, struct json_object *request)
{
    struct choice choice = {.scheme = "Bearer"};
    struct vk_token token = {.name = NULL};

    choice.index = index_of(request);
    if (choice.index == NULL)
        return vk_fail(VK_USAGE, "the request names no registry");
    enum vk_err err =
        read_args(json_object_object_get(request, "args"), &choice);
    if (err == VK_OK)
        err = get_token(&choice, &token);
    if (err == VK_NOCLIENT)
        return write_refusal(call->out, "not-found", NULL);
    return err == VK_OK ? write_get(call->out, &choice, &token) : err;
}

/*
 * login and logout: tokens are made, and none is kept for cargo.  It asks no
 * other provider then, so of a registry that is not ours something else is
 * said, or nobody could log in to crates.io any more.
 */
static enum vk_err
refuse(struct vk_call *call, struct json_object *request)
{
    struct json_object *args = json_object_object_get(request, "args");
    const char *index = index_of(request), *kind = "operation-not-supported";
    struct vk_url url;
    enum vk_err err = VK_OK;

    /* Arguments are for us: it was configured for this registry. */
    if (index != NULL && (!json_object_is_type(args, json_type_array) ||
                          json_object_array_length(args) == 0))
        err =
            can_be_served(index, &url) ? vk_helper_serves(&url) : VK_NOCLIENT;
    if (err == VK_NOCLIENT)
        kind = "url-not-supported";
    else if (err != VK_OK)
        return err;
    return write_refusal(call->out, kind, NULL);
}

static enum vk_err
answer_to(struct vk_call *call, struct json_object *request)
{
    struct json_object *version = json_object_object_get(request, "v");
    const char *kind = text_of(json_object_object_get(request, "kind"));

    if (!json_object_is_type(version, json_type_int) ||
        json_object_get_int64(version) != 1)
        return vk_fail(VK_USAGE, "the request is not of version 1 of cargo's "
                                 "protocol; no other is known");
    if (kind != NULL && strcmp(kind, "get") == 0)
        return get(call, request);
    return refuse(call, request);
}

static enum vk_err
answer(struct vk_call *call)
{
    struct json_object *request;

    if (!vk_parse_object(call->request, &request))
        return vk_fail(VK_USAGE, "the request is no JSON object");
    enum vk_err err = answer_to(call, request);
    json_object_put(request);
    return err;
}

static void
fail(struct vk_call *call, enum vk_err err)
{
    const char *said = vk_log_last();

    vk_buf_cut(call->out, 0);
    call->exit = 1;
    if (call->verb[0] == 'p')
        return;
    if (said[0] == '\0')
        said = vk_err_text(err);
    if (write_refusal(call->out, "other", said) == VK_OK)
        call->exit = 0;
}

static const char *
arrange(int argc, char **argv, struct vk_call *call)
{
    enum vk_err err = VK_OK;

    (void)call;
    if (argc == 2 && strcmp(argv[1], "--cargo-plugin") == 0)
        return "answer";
    asked = (struct choice){.scheme = "Bearer"};
    for (int i = 1; i < argc && err == VK_OK; i++)
        err = note_word(&asked, argv[i]);
    if (asked.index == NULL)
        asked.index = getenv("CARGO_REGISTRY_INDEX_URL");
    return err == VK_OK && asked.index != NULL ? "print" : NULL;
}

static const struct vk_verb verbs[] = {
    {"answer", VK_LINES, answer},
    {"print", VK_NO_REQUEST, print},
    {NULL, VK_NO_REQUEST, NULL},
};

const struct vk_codec vk_codec = {
    .program = "cargo-credential-valetkey",
    .usage = "--cargo-plugin\n"
             "       cargo-credential-valetkey [--scheme=WORD | --no-scheme]"
             " [NAME] [INDEX-URL]",
    .verbs = verbs,
    .greeting = "{\"v\":[1]}\n",
    .arrange = arrange,
    .fail = fail,
};

/* SPDX-License-Identifier: MIT */
/*
 * What cargo writes, line by line; what begins with a NUL is a command line
 * instead, word after NUL.
 */
#include "helpers/cargo-credential-valetkey.c"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool handed_out;

static void
require(bool right)
{
    if (!right)
        abort();
}

static enum vk_err
come_to(struct vk_token *token)
{
    handed_out = true;
    *token =
        (struct vk_token){.value = VK_SPAN("t0\"ken"), .expires = 1795230000};
    return VK_OK;
}

enum vk_err
vk_helper_get(const struct vk_url *url, const struct vk_wish *wish,
              struct vk_token *token)
{
    require(wish->prefers > 60 && url->scheme.len > 0 && url->host.len > 0);
    if (vk_span_is(url->host, "broken.example"))
        return vk_fail(VK_REFUSED, "refused");
    return vk_span_is(url->host, "crates.example") ? come_to(token)
                                                   : VK_NOCLIENT;
}

enum vk_err
vk_helper_get_named(const char *name, const struct vk_wish *wish,
                    struct vk_token *token)
{
    require(wish->prefers > 60 && name[0] != '\0' && name[0] != '-');
    return strcmp(name, "prod") == 0 ? come_to(token)
                                     : vk_fail(VK_NOCLIENT, "no '%s'", name);
}

enum vk_err
vk_helper_serves(const struct vk_url *url)
{
    require(url->scheme.len > 0 && url->host.len > 0);
    return vk_span_is(url->host, "crates.example") ? VK_OK : VK_NOCLIENT;
}

static struct json_object *
member(struct json_object *object, const char *name, enum json_type type)
{
    struct json_object *value = json_object_object_get(object, name);

    require(json_object_is_type(value, type));
    return value;
}

static void
check_get(struct json_object *answer)
{
    const char *token =
        json_object_get_string(member(answer, "token", json_type_string));
    size_t len = strlen(token);

    require(json_object_object_length(answer) == 5);
    require(len >= 6 && strcmp(token + len - 6, "t0\"ken") == 0);
    require(len == 6 || token[len - 7] == ' ');
    require(json_object_get_int64(
                member(answer, "expiration", json_type_int)) == 1795230000);
    require(json_object_get_boolean(
        member(answer, "operation_independent", json_type_boolean)));
}

static void
check_refusal(struct json_object *answer)
{
    const char *kind =
        json_object_get_string(member(answer, "kind", json_type_string));
    bool tells = strcmp(kind, "other") == 0;

    require(tells || strcmp(kind, "not-found") == 0 ||
            strcmp(kind, "url-not-supported") == 0 ||
            strcmp(kind, "operation-not-supported") == 0);
    require(json_object_object_length(answer) == (tells ? 2 : 1));
    if (tells)
        member(answer, "message", json_type_string);
}

/* One object on one line. */
static void
check_line(struct vk_span line)
{
    struct json_object *answer, *ok;

    require(line.len > 0 && line.ptr[line.len - 1] == '\n');
    require(memchr(line.ptr, '\n', line.len - 1) == NULL);
    require(vk_parse_object(line, &answer));
    require(json_object_object_length(answer) == 1);
    ok = json_object_object_get(answer, "Ok");
    require((ok != NULL) == handed_out);
    if (ok != NULL)
        check_get(ok);
    else
        check_refusal(member(answer, "Err", json_type_object));
    json_object_put(answer);
}

static void
serve(const struct vk_verb *verb, struct vk_span request)
{
    VK_AUTO_BUF out = VK_BUF(65536);
    struct vk_call call = {.verb = verb->name, .request = request};

    call.out = &out;
    handed_out = false;
    enum vk_err err = verb->run(&call);
    if (err != VK_OK)
        fail(&call, err);
    if (verb == &verbs[0]) {
        require(call.exit == 0);
        check_line(vk_buf_span(&out));
    } else {
        require((call.exit == 0) == handed_out);
        require((out.len > 0) == handed_out);
    }
}

static void
serve_words(const char *text, size_t size)
{
    VK_AUTO_BUF words = VK_BUF(65536);
    struct vk_call call = {.verb = NULL};
    char *argv[16] = {NULL};
    int argc = 1;

    if (vk_buf_add(&words, (struct vk_span){text, size}) != VK_OK ||
        vk_buf_add_char(&words, '\0') != VK_OK)
        return;
    for (size_t at = 0; at < words.len && argc < 16;
         at += strlen(words.data + at) + 1)
        argv[argc++] = words.data + at;
    const char *name = arrange(argc, argv, &call);
    if (name != NULL && strcmp(name, "print") == 0)
        serve(&verbs[1], VK_SPAN(""));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vk_span rest = {(const char *)data, size};

    vk_log_keep();
    unsetenv("CARGO_REGISTRY_INDEX_URL");
    if (size > 0 && data[0] == 0)
        serve_words(rest.ptr + 1, size - 1);
    else
        while (rest.len > 0)
            serve(&verbs[0], vk_span_cut(&rest, '\n'));
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* A line with the words of the command line, then $KUBERNETES_EXEC_INFO. */
#include <stdlib.h>

static char *environment;

static char *
take_info(const char *name)
{
    (void)name;
    return environment;
}

#define getenv take_info
#include "helpers/valetkey-k8s.c"
#undef getenv

#include "helpers/option.c"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WORDS 8

static void
require(bool right)
{
    if (!right)
        abort();
}

static enum vk_err
hand_out(const struct vk_wish *wish, struct vk_token *token)
{
    *token = (struct vk_token){.value = VK_SPAN("t0ken"),
                               .name = "prod",
                               .expires = 1795230000,
                               .left = 600,
                               .id = wish->refused + 1};
    return VK_OK;
}

enum vk_err
vk_helper_get(const struct vk_url *url, const struct vk_wish *wish,
              struct vk_token *token)
{
    require(url->host.len > 0);
    if (!vk_span_is(url->host, "k.example"))
        return VK_NOCLIENT;
    return hand_out(wish, token);
}

enum vk_err
vk_helper_get_named(const char *name, const struct vk_wish *wish,
                    struct vk_token *token)
{
    if (name[0] != 'p')
        return vk_fail(VK_NOCLIENT, "there is no '%s'", name);
    return hand_out(wish, token);
}

bool
vk_given_again(const char *name, int64_t id, int64_t seconds,
               struct vk_span want)
{
    (void)name;
    (void)id;
    (void)seconds;
    return want.len % 2 != 0;
}

void
vk_given_instead(const char *name, int64_t id, int64_t seconds,
                 struct vk_span want)
{
    (void)name;
    (void)seconds;
    require(id == 2 && want.len % 2 != 0);
}

static struct json_object *
get_member(struct json_object *object, const char *name, size_t members)
{
    struct json_object *value = json_object_object_get(object, name);

    require(value != NULL);
    require((size_t)json_object_object_length(object) == members);
    return value;
}

/* One line with one object, in a version that is known. */
static void
check(struct vk_buf *out)
{
    struct json_object *object;
    struct vk_span version, token;
    const char *known;

    require(out->data[out->len - 1] == '\n');
    require(memchr(out->data, '\n', out->len - 1) == NULL);
    require(vk_parse_object(vk_buf_span(out), &object));
    require(vk_parse_string(object, "apiVersion", &version));
    require(find_version(version, false, &known) == VK_OK);
    struct json_object *status = get_member(object, "status", 3);
    get_member(status, "expirationTimestamp", 2);
    require(vk_parse_string(status, "token", &token));
    require(vk_span_is(token, "t0ken"));
    json_object_put(object);
}

static int
split(char *text, char **argv)
{
    char *at = text;
    int argc = 1;

    argv[0] = text + strlen(text);
    while (argc < WORDS - 1 && at != NULL) {
        argv[argc++] = at;
        at = strchr(at, ' ');
        if (at != NULL)
            *at++ = '\0';
    }
    argv[argc] = NULL;
    return argc;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VK_AUTO_BUF out = VK_BUF(65536);
    struct vk_call call = {.out = &out};
    char *argv[WORDS], *text = malloc(size + 1);

    require(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    vk_log_keep();
    environment = strchr(text, '\n');
    if (environment != NULL)
        *environment++ = '\0';
    int argc = split(text, argv);
    call.verb = vk_codec.arrange(argc, argv, &call);
    if (call.verb != NULL) {
        enum vk_err err = verbs[0].run(&call);
        if (err != VK_OK)
            fail(&call, err);
        require((call.exit == 0) == (out.len > 0));
        if (out.len > 0)
            check(&out);
        else
            require(vk_log_last()[0] != '\0');
    }
    free(text);
    return 0;
}

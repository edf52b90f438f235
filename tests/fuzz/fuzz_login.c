/* SPDX-License-Identifier: MIT */
/* A line with the verb, then what the helper sends to valetkey-store. */
#include "keyring/login_verbs.c"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the Secret Service gives, and what was put there. */
static struct vk_span text;
VK_STATIC_BUF(kept, 2 * VK_LOGIN_MAX);

static void
require(bool right)
{
    if (!right)
        abort();
}

/* A D-Bus string. */
static void
require_text(struct vk_span span)
{
    require(vk_utf8_is_text(span));
}

bool
vk_logins_can_ask(void)
{
    return true;
}

enum vk_err
vk_logins_get(const struct vk_span *servers, size_t count,
              struct vk_buf *username, struct vk_buf *secret)
{
    require(count >= 1 && count <= VK_REGISTRY_NAMES);
    for (size_t i = 0; i < count; i++)
        require_text(servers[i]);
    enum vk_err err = vk_buf_add(username, text);
    return err == VK_OK ? vk_buf_add(secret, text) : err;
}

enum vk_err
vk_logins_put(const struct vk_login *login)
{
    require_text(login->server);
    require_text(login->username);
    require_text(login->secret);
    require(login->server.len > 0 && login->username.len > 0);
    return write_login(&kept, login);
}

enum vk_err
vk_logins_delete(const struct vk_span *servers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        require_text(servers[i]);
    return VK_OK;
}

enum vk_err
vk_logins_each(void (*add)(void *arg, struct vk_span server,
                           struct vk_span username),
               void *arg)
{
    struct vk_span rest = text;

    while (rest.len > 0)
        add(arg, vk_span_cut(&rest, '\n'), VK_SPAN("me"));
    return VK_OK;
}

/* What was put is what comes out, read as it was read. */
static void
check_kept(void)
{
    VK_AUTO_BUF again = VK_BUF(2 * VK_LOGIN_MAX);
    struct json_object *object = NULL;
    struct vk_login login;

    require(vk_parse_object(vk_buf_span(&kept), &object));
    require(read_login(object, &login) == VK_OK);
    require(write_login(&again, &login) == VK_OK);
    require(vk_span_same(vk_buf_span(&again), vk_buf_span(&kept)));
    json_object_put(object);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vk_span request = {(const char *)data, size};
    struct vk_span name = vk_span_cut(&request, '\n');
    VK_AUTO_BUF answer = VK_BUF(ANSWER_MAX);

    vk_log_keep();
    setenv("HOME", "/nonexistent", 1);
    setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
    text = request;
    vk_buf_clear(&kept);
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (vk_span_is(name, verbs[i].name) &&
            verbs[i].run(request, &answer) == VK_OK && kept.len > 0)
            check_kept();
    return 0;
}

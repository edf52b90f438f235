/* SPDX-License-Identifier: MIT */
/* The verbs of keyring/login.h, on the side of valetkey-store. */
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/utf8.h"
#include "keyring/ask.h"
#include "keyring/clients.h"
#include "keyring/login.h"
#include "keyring/logins.h"
#include "keyring/registry.h"

/* Of an answer, so that the outcome's head and another name fit, too. */
#define ANSWER_MAX (VK_LOGIN_MAX - 2048)

/* VK_OK: by *profile.  VK_NOCLIENT: by none.  Else clients.conf is wrong. */
static enum vk_err
find_client(const struct vk_clients *clients, struct vk_span server,
            struct vk_profile *profile)
{
    struct vk_url url;

    if (!vk_registry_url(server, &url))
        return VK_NOCLIENT;
    enum vk_err err;
    do
        err = vk_clients_for_url(clients, &url, profile);
    while (err == VK_NOCLIENT && vk_registry_other(&url));
    return err;
}

static enum vk_err
find_server(struct vk_span server, struct vk_profile *profile)
{
    struct vk_clients clients;
    enum vk_err err = vk_clients_open(&clients);

    if (err != VK_OK)
        return err;
    err = find_client(&clients, server, profile);
    vk_clients_close(&clients);
    return err;
}

/* "docker login" sent it: RFC 8259, members as they are named there. */
static enum vk_err
read_login(struct json_object *object, struct vk_login *out)
{
    *out = (struct vk_login){{NULL, 0}, {NULL, 0}, {"", 0}};
    if (!vk_parse_string(object, "ServerURL", &out->server) ||
        out->server.len == 0)
        return vk_fail(VK_USAGE, "no credentials server URL");
    if (!vk_parse_string(object, "Username", &out->username) ||
        out->username.len == 0)
        return vk_fail(VK_USAGE, "no credentials username");
    if (json_object_object_get(object, "Secret") != NULL &&
        !vk_parse_string(object, "Secret", &out->secret))
        return vk_fail(VK_USAGE, "the password is not a string");
    if (!vk_utf8_is_text(out->server) || !vk_utf8_is_text(out->username) ||
        !vk_utf8_is_text(out->secret))
        return vk_fail(VK_USAGE, "there is a NUL in the login");
    return VK_OK;
}

static enum vk_err
write_login(struct vk_buf *out, const struct vk_login *login)
{
    struct vk_json json = VK_JSON(out);

    vk_json_open(&json, NULL, '{');
    vk_json_str(&json, "ServerURL", login->server);
    vk_json_str(&json, "Username", login->username);
    vk_json_str(&json, "Secret", login->secret);
    vk_json_close(&json, '}');
    return vk_json_end(&json);
}

/* What could not be handed out again is not taken. */
static enum vk_err
check_size(const struct vk_login *login)
{
    VK_AUTO_BUF answer = VK_BUF(ANSWER_MAX);
    enum vk_err err = write_login(&answer, login);

    if (err == VK_TOOBIG)
        return vk_fail(err, "the login is too large");
    return err;
}

static enum vk_err
keep(const struct vk_login *login)
{
    struct vk_profile profile;
    enum vk_err err = find_server(login->server, &profile);

    if (err == VK_OK)
        /* Its password may be the very token that we handed out. */
        vk_log("'%s' gets the tokens of '%s'; this login is not stored",
               vk_log_clean(login->server), profile.name);
    if (err != VK_NOCLIENT)
        return err;
    if (!vk_logins_can_ask())
        return vk_fail(VK_NOSTORE,
                       "cannot store the login of '%s': there is no session"
                       " bus, and so no Secret Service",
                       vk_log_clean(login->server));
    return vk_logins_put(login);
}

static enum vk_err
put(struct vk_span request, struct vk_buf *answer)
{
    struct json_object *object;
    struct vk_login login;

    (void)answer;
    if (!vk_parse_object(request, &object))
        return vk_fail(VK_USAGE, "the login is not a JSON object");
    enum vk_err err = read_login(object, &login);
    if (err == VK_OK)
        err = check_size(&login);
    if (err == VK_OK)
        err = keep(&login);
    json_object_put(object);
    return err;
}

/* Where nobody can be asked, the answer is as good as "none". */
static enum vk_err
doubt(enum vk_err err)
{
    if (err != VK_NOSTORE)
        return err;
    vk_log("%s", vk_log_last());
    return VK_NOCLIENT;
}

static enum vk_err
get(struct vk_span request, struct vk_buf *answer)
{
    VK_AUTO_BUF username = VK_BUF(VK_LOGIN_MAX);
    VK_AUTO_BUF secret = VK_BUF(VK_LOGIN_MAX);
    struct vk_span names[VK_REGISTRY_NAMES];
    size_t count = vk_registry_names(request, names);

    if (!vk_utf8_is_text(request) || !vk_logins_can_ask())
        return VK_NOCLIENT;
    enum vk_err err = vk_logins_get(names, count, &username, &secret);
    if (err != VK_OK)
        return doubt(err);
    return write_login(answer,
                       &(struct vk_login){request, vk_buf_span(&username),
                                          vk_buf_span(&secret)});
}

static enum vk_err
erase(struct vk_span request, struct vk_buf *answer)
{
    struct vk_span names[VK_REGISTRY_NAMES];
    size_t count = vk_registry_names(request, names);

    (void)answer;
    if (!vk_utf8_is_text(request) || !vk_logins_can_ask())
        return VK_OK;
    return vk_logins_delete(names, count);
}

struct listing {
    struct vk_clients clients;
    struct vk_buf *answer;
    enum vk_err err;
};

static void
list_one(void *arg, struct vk_span server, struct vk_span username)
{
    struct listing *listing = arg;
    struct vk_profile profile;

    if (listing->err != VK_OK)
        return;
    listing->err = find_client(&listing->clients, server, &profile);
    if (listing->err != VK_NOCLIENT)
        return;
    const struct vk_span parts[] = {server, VK_SPAN("\0"), username,
                                    VK_SPAN("\0")};
    listing->err = VK_OK;
    for (size_t i = 0; i < 4 && listing->err == VK_OK; i++)
        listing->err = vk_buf_add(listing->answer, parts[i]);
}

static enum vk_err
list(struct vk_span request, struct vk_buf *answer)
{
    struct listing listing = {.answer = answer};
    enum vk_err err = VK_OK;

    (void)request;
    listing.err = vk_clients_open(&listing.clients);
    if (listing.err == VK_NOCLIENT)
        listing.err = VK_OK;
    if (listing.err == VK_OK && vk_logins_can_ask())
        err = doubt(vk_logins_each(list_one, &listing));
    vk_clients_close(&listing.clients);
    if (listing.err != VK_OK)
        return listing.err;
    return err == VK_NOCLIENT ? VK_OK : err;
}

static const struct {
    const char *name;
    enum vk_err (*run)(struct vk_span request, struct vk_buf *answer);
    unsigned int seconds; /* at the very most */
} verbs[] = {
    {"login-get", get, 60},
    {"login-put", put, 180},
    {"login-erase", erase, 60},
    {"login-list", list, 60},
};

static enum vk_err
run(const char *name, struct vk_buf *answer)
{
    VK_AUTO_BUF request = VK_BUF(VK_LOGIN_MAX);

    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(verbs[i].name, name) != 0)
            continue;
        /* Should a library wait for ever, this ends the program. */
        alarm(verbs[i].seconds);
        enum vk_err err = vk_buf_read(&request, STDIN_FILENO);
        return err == VK_OK ? verbs[i].run(vk_buf_span(&request), answer)
                            : err;
    }
    return vk_fail(VK_USAGE, "there is no verb '%s'", name);
}

enum vk_err
vk_login_serve(const char *verb)
{
    VK_AUTO_BUF answer = VK_BUF(ANSWER_MAX);

    vk_log_keep();
    enum vk_err err = run(verb, &answer);
    const char *said = vk_log_last();
    struct vk_span text = vk_buf_span(&answer);
    if (err != VK_OK && said[0] == '\0')
        said = vk_err_text(err);
    if (err != VK_OK)
        text = err == VK_NOCLIENT ? VK_SPAN("") : vk_span_str(said);
    if (vk_ask_write_outcome(STDOUT_FILENO, err, vk_log_note(), text) != VK_OK)
        return VK_IO;
    return err;
}

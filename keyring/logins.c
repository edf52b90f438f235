/* SPDX-License-Identifier: MIT */
#include "keyring/logins.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/utf8.h"
#include "keyring/talk.h"

#define SERVICE_MS 5000
#define PERSON_MS 30000
#define STORE_MS 120000

#define SCHEMA "io.docker.Credentials"
#define LABEL "Docker Credentials"

static const SecretSchema schema = {
    SCHEMA,
    SECRET_SCHEMA_NONE,
    {
        {"label", SECRET_SCHEMA_ATTRIBUTE_STRING},
        {"server", SECRET_SCHEMA_ATTRIBUTE_STRING},
        {"username", SECRET_SCHEMA_ATTRIBUTE_STRING},
        {"docker_cli", SECRET_SCHEMA_ATTRIBUTE_STRING},
        {NULL, SECRET_SCHEMA_ATTRIBUTE_STRING},
    },
    0,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
};

/* Without one GLib would start a bus of its own, which has no logins. */
bool
vk_logins_can_ask(void)
{
    const char *bus = getenv("DBUS_SESSION_BUS_ADDRESS");
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    const char *display = getenv("DISPLAY");
    char path[VK_PATH_MAX];

    if ((bus != NULL && bus[0] != '\0') ||
        (display != NULL && display[0] != '\0'))
        return true;
    return runtime != NULL && vk_file_join(runtime, "bus", path) == VK_OK &&
           access(path, F_OK) == 0;
}

/* Nothing came of the question; nobody was to be asked for a password. */
static enum vk_err
fail_to_ask(enum vk_err err, const struct vk_talk *talk)
{
    const GError *error = talk->error;
    const char *why = error != NULL ? error->message : "no answer";

    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        why = "the Secret Service does not answer";
    if (talk->of == NULL)
        return vk_fail(err, "cannot %s the logins: %s", talk->verb,
                       vk_log_clean(vk_span_str(why)));
    return vk_fail(err, "cannot %s the login of '%s': %s", talk->verb,
                   talk->of, vk_log_clean(vk_span_str(why)));
}

/* There is one, or there is to be one, but it is out of reach. */
static enum vk_err
fail_to_reach(const struct vk_talk *talk)
{
    const GError *error = talk->error;

    if (error == NULL ||
        g_error_matches(error, SECRET_ERROR, SECRET_ERROR_IS_LOCKED) ||
        g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        return vk_fail(VK_LOCKED,
                       "cannot %s the login of '%s': the keyring is locked;"
                       " unlock it and try again",
                       talk->verb, talk->of);
    return vk_fail(VK_LOCKED, "cannot %s the login of '%s': %s", talk->verb,
                   talk->of, vk_log_clean(vk_span_str(error->message)));
}

static bool
is_login(SecretItem *item)
{
    gchar *name = secret_item_get_schema_name(item);
    /* What the service tells of one that was never unlocked may be wrong. */
    bool is = secret_item_get_locked(item) || g_strcmp0(name, SCHEMA) == 0;

    g_free(name);
    return is;
}

/* The items of a server, NULL: all.  Unlocks nothing, reads no secret. */
static enum vk_err
find(const char *server, const char *verb, GList **out)
{
    struct vk_talk talk = vk_talk_start(server, verb, SERVICE_MS);
    GHashTable *want = secret_attributes_build(
        &schema, "docker_cli", "1", server != NULL ? "server" : NULL, server,
        NULL);
    GList *items = secret_service_search_sync(
        NULL, NULL, want, SECRET_SEARCH_ALL, talk.cancel, &talk.error);
    enum vk_err err = VK_OK;

    g_hash_table_unref(want);
    for (GList *at = items, *next; at != NULL; at = next) {
        next = at->next;
        if (is_login(at->data))
            continue;
        g_object_unref(at->data);
        items = g_list_delete_link(items, at);
    }
    if (talk.error != NULL)
        err = fail_to_ask(VK_NOSTORE, &talk);
    else
        *out = items;
    vk_talk_end(&talk);
    return err;
}

static void
forget(GList **items)
{
    g_list_free_full(*items, g_object_unref);
    *items = NULL;
}

/* Of two of the same second the later in the list, as the original does. */
static SecretItem *
last_stored(const GList *items)
{
    SecretItem *last = NULL;

    for (; items != NULL; items = items->next)
        if (last == NULL || secret_item_get_modified(items->data) >=
                                secret_item_get_modified(last))
            last = items->data;
    return last;
}

/* Whether that is done the item itself tells, when it is looked for again. */
static enum vk_err
unlock(SecretItem *item, const char *server)
{
    struct vk_talk talk = vk_talk_start(server, "read", PERSON_MS);
    GList list = {.data = item};
    enum vk_err err = VK_OK;

    secret_service_unlock_sync(NULL, &list, talk.cancel, NULL, &talk.error);
    if (talk.error != NULL)
        err = fail_to_reach(&talk);
    vk_talk_end(&talk);
    return err;
}

static enum vk_err
take_value(SecretItem *item, const char *server, struct vk_buf *out)
{
    SecretValue *value = secret_item_get_secret(item);
    gsize len = 0;
    const gchar *text = value != NULL ? secret_value_get(value, &len) : NULL;
    struct vk_span span = {text, len};
    enum vk_err err = VK_NOCLIENT;

    /* Changed on its way into JSON it would be another password. */
    if (len > 0 && !vk_utf8_is_text(span))
        err = vk_fail(VK_BADREPLY,
                      "the password of the login of '%s' is not text; log in"
                      " again",
                      server);
    else if (len > 0)
        err = vk_buf_add(out, span);
    if (value != NULL)
        secret_value_unref(value);
    return err;
}

static enum vk_err
take_username(SecretItem *item, struct vk_buf *out)
{
    GHashTable *have = secret_item_get_attributes(item);
    const char *username = g_hash_table_lookup(have, "username");
    enum vk_err err = vk_buf_add_str(out, username != NULL ? username : "");

    g_hash_table_unref(have);
    return err;
}

static enum vk_err
take(SecretItem *item, const char *server, struct vk_buf *username,
     struct vk_buf *secret)
{
    struct vk_talk talk = vk_talk_start(server, "read", SERVICE_MS);
    enum vk_err err = VK_OK;

    if (secret_item_get_locked(item))
        err = fail_to_reach(&talk);
    else if (!secret_item_load_secret_sync(item, talk.cancel, &talk.error))
        err = fail_to_ask(VK_LOCKED, &talk);
    vk_talk_end(&talk);
    if (err == VK_OK)
        err = take_value(item, server, secret);
    return err == VK_OK ? take_username(item, username) : err;
}

static enum vk_err
get_one(const char *server, struct vk_buf *username, struct vk_buf *secret)
{
    GList *items = NULL;
    enum vk_err err = find(server, "look for", &items);
    SecretItem *item = last_stored(items);

    if (err == VK_OK && item == NULL)
        err = VK_NOCLIENT;
    if (err == VK_OK && secret_item_get_locked(item)) {
        err = unlock(item, server);
        /* Only now are its attributes and times known for certain. */
        forget(&items);
        if (err == VK_OK)
            err = find(server, "look for", &items);
        item = last_stored(items);
        if (err == VK_OK && item == NULL)
            err = VK_NOCLIENT;
    }
    if (err == VK_OK)
        err = take(item, server, username, secret);
    forget(&items);
    return err;
}

enum vk_err
vk_logins_get(const struct vk_span *servers, size_t count,
              struct vk_buf *username, struct vk_buf *secret)
{
    enum vk_err err = VK_NOCLIENT;

    for (size_t i = 0; i < count && err == VK_NOCLIENT; i++) {
        gchar *server = g_strndup(servers[i].ptr, servers[i].len);
        err = get_one(server, username, secret);
        g_free(server);
    }
    return err;
}

static enum vk_err
put(const struct vk_login *login, const char *server, const char *username)
{
    struct vk_talk talk = vk_talk_start(server, "store", STORE_MS);
    GHashTable *set =
        secret_attributes_build(&schema, "label", LABEL, "server", server,
                                "username", username, "docker_cli", "1", NULL);
    SecretValue *value = secret_value_new(
        login->secret.ptr, (gssize)login->secret.len, "text/plain");
    enum vk_err err = VK_OK;

    if (!secret_service_store_sync(NULL, &schema, set,
                                   SECRET_COLLECTION_DEFAULT, server, value,
                                   talk.cancel, &talk.error))
        err = fail_to_reach(&talk);
    secret_value_unref(value);
    g_hash_table_unref(set);
    vk_talk_end(&talk);
    return err;
}

enum vk_err
vk_logins_put(const struct vk_login *login)
{
    gchar *server = g_strndup(login->server.ptr, login->server.len);
    gchar *username = g_strndup(login->username.ptr, login->username.len);
    GList *items = NULL;
    /* A service that does not answer is not waited for like a person. */
    enum vk_err err = find(server, "store", &items);

    forget(&items);
    if (err == VK_OK)
        err = put(login, server, username);
    g_free(server);
    g_free(username);
    return err;
}

static enum vk_err
delete_one(const char *server)
{
    GList *items = NULL;
    enum vk_err err = find(server, "delete", &items);

    if (items != NULL) {
        struct vk_talk talk = vk_talk_start(server, "delete", PERSON_MS);
        for (GList *at = items; at != NULL && err == VK_OK; at = at->next)
            if (!secret_item_delete_sync(at->data, talk.cancel, &talk.error))
                err = fail_to_reach(&talk);
        vk_talk_end(&talk);
    }
    forget(&items);
    return err;
}

enum vk_err
vk_logins_delete(const struct vk_span *servers, size_t count)
{
    enum vk_err err = VK_OK;

    for (size_t i = 0; i < count && err == VK_OK; i++) {
        gchar *server = g_strndup(servers[i].ptr, servers[i].len);
        err = delete_one(server);
        g_free(server);
    }
    return err;
}

/* The items by their servers, of each server the last one stored. */
static GHashTable *
by_server(const GList *items)
{
    GHashTable *out =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    bool is_hidden = false;

    for (; items != NULL; items = items->next) {
        GHashTable *have = secret_item_get_attributes(items->data);
        const char *server = g_hash_table_lookup(have, "server");
        SecretItem *other =
            server != NULL ? g_hash_table_lookup(out, server) : NULL;
        GList pair[2] = {{.data = other}, {.data = items->data}};
        pair[0].next = &pair[1];
        if (server != NULL)
            g_hash_table_replace(
                out, g_strdup(server),
                last_stored(other != NULL ? &pair[0] : &pair[1]));
        else
            is_hidden = true;
        g_hash_table_unref(have);
    }
    if (is_hidden)
        vk_log("not all logins are listed: the keyring is locked");
    return out;
}

enum vk_err
vk_logins_each(void (*add)(void *arg, struct vk_span server,
                           struct vk_span username),
               void *arg)
{
    GList *items = NULL;
    enum vk_err err = find(NULL, "list", &items);
    GHashTable *servers = by_server(items);
    GList *names =
        g_list_sort(g_hash_table_get_keys(servers), (GCompareFunc)g_strcmp0);

    for (GList *at = names; at != NULL; at = at->next) {
        SecretItem *item = g_hash_table_lookup(servers, at->data);
        GHashTable *have = secret_item_get_attributes(item);
        const char *username = g_hash_table_lookup(have, "username");
        add(arg, vk_span_str(at->data),
            vk_span_str(username != NULL ? username : ""));
        g_hash_table_unref(have);
    }
    g_list_free(names);
    g_hash_table_unref(servers);
    forget(&items);
    return err;
}

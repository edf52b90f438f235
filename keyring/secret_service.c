/* SPDX-License-Identifier: MIT */
#include "keyring/secret.h"

#include <libsecret/secret.h>
#include <string.h>

#include "base/log.h"
#include "base/utf8.h"
#include "keyring/talk.h"

static const SecretSchema schema = {
    "org.valetkey.ClientSecret",
    SECRET_SCHEMA_NONE,
    {
        {"client", SECRET_SCHEMA_ATTRIBUTE_STRING},
        {"client-id", SECRET_SCHEMA_ATTRIBUTE_STRING},
        {"token-url", SECRET_SCHEMA_ATTRIBUTE_STRING},
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

const char vk_secret_program[] = "valetkey-store";
const char vk_secret_none[] = "there is none in the Secret Service";

bool
vk_secret_is_usable(struct vk_span secret)
{
    if (secret.len == 0 || secret.len > VK_SECRET_MAX)
        return false;
    for (size_t i = 0, n; i < secret.len; i += n) {
        unsigned char c = (unsigned char)secret.ptr[i];
        n = vk_utf8_length(vk_span_from(secret, i));
        if (n == 0 || c < 0x20 || c == 0x7f)
            return false;
    }
    return true;
}

static enum vk_err
talk_fail(const struct vk_talk *talk)
{
    const GError *error = talk->error;
    const char *why = error != NULL ? error->message : "no answer";
    bool locked =
        g_error_matches(error, SECRET_ERROR, SECRET_ERROR_IS_LOCKED) ||
        g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

    if (locked)
        return vk_fail(VK_LOCKED,
                       "cannot %s the secret of '%s': the"
                       " keyring is locked; unlock it and try"
                       " again",
                       talk->verb, talk->of);
    return vk_fail(VK_NOSTORE,
                   "the secret store of '%s' is not available:"
                   " %s; is a Secret Service running in this session?",
                   talk->of, vk_log_clean(vk_span_str(why)));
}

static GHashTable *
attributes(const struct vk_secret_id *id, bool whole_client)
{
    if (whole_client)
        return secret_attributes_build(&schema, "client", id->client, NULL);
    return secret_attributes_build(&schema, "client", id->client, "client-id",
                                   id->client_id, "token-url", id->token_url,
                                   NULL);
}

/* The items found; talk->error is set on failure. */
static GList *
search(struct vk_talk *talk, const struct vk_secret_id *id, bool whole_client,
       SecretSearchFlags flags)
{
    GHashTable *want = attributes(id, whole_client);
    GList *items = secret_service_search_sync(NULL, &schema, want, flags,
                                              talk->cancel, &talk->error);

    g_hash_table_unref(want);
    return items;
}

static enum vk_err
take_value(const struct vk_talk *talk, SecretValue *value,
           struct vk_buf *secret)
{
    gsize len;
    const gchar *text = secret_value_get(value, &len);
    struct vk_span span = {text, len};

    if (vk_secret_is_usable(span))
        return vk_buf_add(secret, span);
    return vk_fail(VK_NOSECRET,
                   "the keyring's secret of '%s' is not"
                   " usable; run 'valetkey rotate %s'",
                   talk->of, talk->of);
}

/* Is there none, or is the one that is there still locked? */
static enum vk_err
explain_none(struct vk_talk *talk, const struct vk_secret_id *id)
{
    GList *items = talk->error == NULL
                       ? search(talk, id, false, SECRET_SEARCH_NONE)
                       : NULL;

    if (items != NULL)
        g_set_error(&talk->error, SECRET_ERROR, SECRET_ERROR_IS_LOCKED, "-");
    g_list_free_full(items, g_object_unref);
    if (talk->error != NULL)
        return talk_fail(talk);
    return vk_fail(VK_NOSECRET,
                   "the keyring has no secret of '%s' for"
                   " this client-id and token-url; run"
                   " 'valetkey rotate %s'",
                   talk->of, talk->of);
}

/*
 * A lookup, not a search that loads secrets, which makes an object of each
 * item and asks for all that is known of it.
 */
enum vk_err
vk_secret_get(const struct vk_secret_id *id, int64_t wait_ms,
              struct vk_buf *secret)
{
    struct vk_talk start = vk_talk_start(id->client, "read", wait_ms);
    struct vk_talk *talk = &start;
    GHashTable *want = attributes(id, false);
    SecretValue *value = secret_service_lookup_sync(
        NULL, &schema, want, talk->cancel, &talk->error);
    enum vk_err err = value != NULL ? take_value(talk, value, secret)
                                    : explain_none(talk, id);

    if (value != NULL)
        secret_value_unref(value);
    g_hash_table_unref(want);
    vk_talk_end(talk);
    return err;
}

enum vk_err
vk_secret_has(const struct vk_secret_id *id, int64_t wait_ms)
{
    struct vk_talk start = vk_talk_start(id->client, "look for", wait_ms);
    struct vk_talk *talk = &start;
    GList *items = search(talk, id, false, SECRET_SEARCH_NONE);
    enum vk_err err = VK_NOSECRET;

    if (items != NULL)
        err = secret_item_get_locked(items->data) ? VK_LOCKED : VK_OK;
    if (talk->error != NULL)
        err = talk_fail(talk);
    g_list_free_full(items, g_object_unref);
    vk_talk_end(talk);
    return err;
}

enum vk_err
vk_secret_put(const struct vk_secret_id *id, struct vk_span secret,
              int64_t wait_ms)
{
    struct vk_talk start = vk_talk_start(id->client, "store", wait_ms);
    struct vk_talk *talk = &start;
    GHashTable *set = attributes(id, false);
    SecretValue *value =
        secret_value_new(secret.ptr, (gssize)secret.len, "text/plain");
    gchar *label = g_strdup_printf("valetkey: client secret of %s (%s)",
                                   id->client, id->token_url);
    enum vk_err err = VK_OK;

    if (!secret_service_store_sync(NULL, &schema, set,
                                   SECRET_COLLECTION_DEFAULT, label, value,
                                   talk->cancel, &talk->error))
        err = talk_fail(talk);
    g_free(label);
    secret_value_unref(value);
    g_hash_table_unref(set);
    vk_talk_end(talk);
    return err;
}

static bool
is_this(SecretItem *item, const struct vk_secret_id *id)
{
    GHashTable *have = secret_item_get_attributes(item);
    bool same =
        g_strcmp0(g_hash_table_lookup(have, "client-id"), id->client_id) ==
            0 &&
        g_strcmp0(g_hash_table_lookup(have, "token-url"), id->token_url) == 0;

    g_hash_table_unref(have);
    return same;
}

enum vk_err
vk_secret_delete(const struct vk_secret_id *id, enum vk_secret_which which,
                 int64_t wait_ms)
{
    struct vk_talk start = vk_talk_start(id->client, "delete", wait_ms);
    struct vk_talk *talk = &start;
    GList *items = search(talk, id, which != VK_SECRET_THIS,
                          SECRET_SEARCH_ALL | SECRET_SEARCH_UNLOCK);

    for (GList *at = items; at != NULL && talk->error == NULL; at = at->next)
        if (which != VK_SECRET_OTHERS || !is_this(at->data, id))
            secret_item_delete_sync(at->data, talk->cancel, &talk->error);
    enum vk_err err = talk->error != NULL ? talk_fail(talk) : VK_OK;
    g_list_free_full(items, g_object_unref);
    vk_talk_end(talk);
    return err;
}

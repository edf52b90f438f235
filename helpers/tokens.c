/* SPDX-License-Identifier: MIT */
/* Which token a helper hands out, and which one it drops. */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "helpers/helper.h"
#include "keyring/cache.h"
#include "keyring/hold.h"

/* In the program's data: the warm path does without malloc. */
VK_STATIC_BUF(payload, VK_PAYLOAD_MAX);
static struct vk_clients clients;

/* What the answer was made of, for what is done after it is out. */
static struct vk_profile answered;
static struct vk_record record;
static bool is_ours;

static enum vk_err
open_clients(void)
{
    return clients.dir[0] == '\0' ? vk_clients_open(&clients) : VK_OK;
}

static enum vk_err
find(const struct vk_url *url, struct vk_profile *profile)
{
    enum vk_err err = open_clients();

    is_ours = false;
    if (err != VK_OK)
        return err;
    err = vk_clients_for_url(&clients, url, profile);
    is_ours = err != VK_NOCLIENT;
    return err;
}

bool
vk_helper_is_ours(void)
{
    return is_ours;
}

static enum vk_err
hand_out(const struct vk_wish *wish, struct vk_token *token)
{
    static const struct vk_wish none;

    vk_buf_cut(&payload, 0);
    enum vk_err err = vk_ask(&clients, &answered, wish != NULL ? wish : &none,
                             &payload, &record);

    if (err != VK_OK)
        return err;
    int64_t left = vk_record_left(&record, vk_clock_boot());
    *token = (struct vk_token){
        .value = record.token,
        .username = vk_profile_get(&answered, VK_KEY_USERNAME),
        .names_user = answered.key[VK_KEY_USERNAME].set,
        .name = answered.name,
        .expires = vk_clock_unix() + left,
        .left = left,
        .id = record.boot_expires,
    };
    return VK_OK;
}

enum vk_err
vk_helper_get(const struct vk_url *url, const struct vk_wish *wish,
              struct vk_token *token)
{
    enum vk_err err = find(url, &answered);

    return err != VK_OK ? err : hand_out(wish, token);
}

enum vk_err
vk_helper_get_named(const char *name, const struct vk_wish *wish,
                    struct vk_token *token)
{
    enum vk_err err = open_clients();

    if (err == VK_OK)
        err = vk_clients_for_name(&clients, vk_span_str(name), &answered);
    if (err == VK_NOCLIENT)
        return vk_fail(err,
                       "there is no client or token '%s'; 'valetkey"
                       " list' shows what there is",
                       name);
    return err != VK_OK ? err : hand_out(wish, token);
}

enum vk_err
vk_helper_name(struct vk_span text, char name_out[VK_FULL_NAME_MAX + 1])
{
    struct vk_span token = text;
    struct vk_span name = vk_span_cut(&token, '@');

    if (!vk_clients_is_name(name) ||
        (token.ptr != NULL && !vk_clients_is_name(token)))
        return VK_NOCLIENT;
    memcpy(name_out, text.ptr, text.len);
    name_out[text.len] = '\0';
    if (token.ptr != NULL)
        name_out[name.len] = '/';
    return VK_OK;
}

enum vk_err
vk_helper_serves(const struct vk_url *url)
{
    struct vk_profile profile;

    return find(url, &profile);
}

static enum vk_err
drop(const struct vk_profile *profile)
{
    enum vk_err err = vk_cache_drop(profile->name);

    return err == VK_MISS ? VK_OK : err;
}

/* Only if it is the cached one; value empty: the id tells. */
static enum vk_err
drop_refused(const struct vk_profile *profile, struct vk_span value,
             int64_t id)
{
    struct vk_record have;

    if (vk_cache_get(profile, 0, &payload, &have) != VK_OK)
        return VK_OK;
    if (value.len > 0 ? !vk_span_same(have.token, value)
                      : have.boot_expires != id)
        return VK_OK;
    if (profile->origin == VK_BROKER)
        /* Else each user could have all others' token taken away. */
        vk_log("the machine has this token of '%s' for all its users; if it is"
               " refused, root can have another one made: valetkey --system"
               " drop %s",
               profile->name, profile->name);
    else
        vk_hold_dropped(profile, vk_record_age(&have, vk_clock_boot()));
    return drop(profile);
}

enum vk_err
vk_helper_drop(const struct vk_url *url, struct vk_span value)
{
    struct vk_profile profile;
    enum vk_err err = find(url, &profile);

    if (err != VK_OK)
        return err;
    return value.len > 0 ? drop_refused(&profile, value, 0) : drop(&profile);
}

enum vk_err
vk_helper_drop_id(const struct vk_url *url, struct vk_span name, int64_t id)
{
    struct vk_profile profile;
    enum vk_err err = find(url, &profile);

    if (err != VK_OK)
        return err;
    return vk_span_is(name, profile.name)
               ? drop_refused(&profile, (struct vk_span){NULL, 0}, id)
               : VK_OK;
}

bool
vk_helper_has_paths(const struct vk_url *url)
{
    return open_clients() == VK_OK && vk_clients_has_paths(&clients, url);
}

enum vk_err
vk_helper_each(void (*add)(void *arg, struct vk_span url,
                           struct vk_span username),
               void *arg)
{
    struct vk_clients_cursor cursor = {0};
    struct vk_profile profile;
    struct vk_span url;
    enum vk_err err = vk_clients_open(&clients);

    if (err == VK_NOCLIENT)
        return VK_OK;
    while (err == VK_OK &&
           vk_clients_next(&clients, &cursor, &profile, &err)) {
        struct vk_values values = vk_profile_values(&profile, VK_KEY_SERVES);
        while (err == VK_OK && vk_profile_next(&values, VK_KEY_SERVES, &url))
            add(arg, url, vk_profile_get(&profile, VK_KEY_USERNAME));
    }
    return err;
}

void
vk_helper_answered(void)
{
    vk_ask_answered(&clients, &answered, &record);
    record.key = 0;
    vk_buf_clear(&payload);
}

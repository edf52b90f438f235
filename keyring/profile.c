/* SPDX-License-Identifier: MIT */
#include "base/conf.h"
#include "keyring/clients.h"
#include "keyring/keys.h"
#include "keyring/sections.h"

struct vk_values
vk_profile_values(const struct vk_profile *profile, enum vk_key key)
{
    struct vk_span none = {NULL, 0};

    return (struct vk_values){
        .section = profile->key[key].set ? profile->section[key] : none,
    };
}

bool
vk_profile_next(struct vk_values *values, enum vk_key key,
                struct vk_span *value)
{
    while (values->list.len == 0) {
        struct vk_conf conf = VK_CONF_OF(values->section);
        struct vk_conf_line line;
        enum vk_conf_kind kind = vk_conf_next(&conf, &line);
        if (kind == VK_CONF_END)
            return false;
        values->section = conf.rest;
        if (kind == VK_CONF_PAIR &&
            vk_span_is(line.key, vk_key_rows[key].name))
            values->list = line.value;
    }
    if ((vk_key_rows[key].flags & VK_LIST) != 0) {
        *value = vk_span_trim(vk_span_cut(&values->list, ','));
    } else {
        *value = values->list;
        values->list = (struct vk_span){NULL, 0};
    }
    return true;
}

struct vk_span
vk_profile_get(const struct vk_profile *profile, enum vk_key key)
{
    if (profile->key[key].set)
        return profile->key[key].value;
    return vk_span_str(vk_key_rows[key].fallback);
}

struct vk_span
vk_profile_endpoint(const struct vk_profile *profile)
{
    return vk_profile_get(profile, profile->key[VK_KEY_ISSUER].set
                                       ? VK_KEY_ISSUER
                                       : VK_KEY_TOKEN_URL);
}

struct vk_span
vk_profile_proxy(const struct vk_profile *profile)
{
    /* Root's environment must not be what a client of the machine works by. */
    if (!profile->key[VK_KEY_PROXY].set && profile->origin == VK_DIRECT)
        return (struct vk_span){NULL, 0};
    return vk_profile_get(profile, VK_KEY_PROXY);
}

int64_t
vk_profile_seconds(const struct vk_profile *profile, enum vk_key key)
{
    int64_t number = 0;

    /* Checked when the section was read. */
    if (!vk_span_number(vk_profile_get(profile, key), INT64_MAX, &number))
        return 0;
    return number;
}

/* FNV-1a, 64 bits: tells two configurations apart, and nothing more. */
static uint64_t
hash_byte(uint64_t hash, unsigned char byte)
{
    return (hash ^ byte) * 0x100000001b3;
}

static uint64_t
hash_span(uint64_t hash, struct vk_span span)
{
    for (size_t i = 0; i < span.len; i++)
        hash = hash_byte(hash, (unsigned char)span.ptr[i]);
    return hash_byte(hash, 0);
}

static uint64_t
hash_key(uint64_t hash, const struct vk_profile *profile, enum vk_key key)
{
    struct vk_values values = vk_profile_values(profile, key);
    struct vk_span value;

    hash = hash_byte(hash, profile->key[key].set ? 1 : 0);
    if ((vk_key_rows[key].flags & VK_REPEATABLE) == 0)
        return hash_span(hash, vk_profile_get(profile, key));
    while (vk_profile_next(&values, key, &value))
        hash = hash_span(hash, value);
    return hash_byte(hash, 0);
}

void
vk_profile_set_fingerprint(struct vk_profile *profile)
{
    static const char hex[] = "0123456789abcdef";
    uint64_t hash = 0xcbf29ce484222325;

    for (enum vk_key key = 0; key < VK_KEYS; key++)
        if ((vk_key_rows[key].flags & VK_SHAPES) != 0)
            hash = hash_key(hash, profile, key);
    for (size_t i = 0; i < 16; i++)
        profile->fingerprint[i] = hex[hash >> (60 - 4 * i) & 15];
    profile->fingerprint[16] = '\0';
}

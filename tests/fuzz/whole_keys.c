/* SPDX-License-Identifier: MIT */
/* libkeyutils' functions, as far as a helper uses them. */
#include "tests/fuzz/whole_keys.h"

#include <errno.h>
#include <keyutils.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>

#include "tests/fuzz/fuzz.h"

#define KEYS_MAX 4
#define FIRST 1000

static struct {
    char description[160];
    struct vk_buf payload;
} keys[KEYS_MAX];
static size_t count;

void
whole_keys_add(const char *name, const struct vk_record *record)
{
    require(count < KEYS_MAX);
    keys[count].payload = (struct vk_buf)VK_BUF(VK_RECORD_MAX);
    snprintf(keys[count].description, sizeof keys[count].description,
             "valetkey:%s", name);
    require(vk_record_write(record, &keys[count++].payload) == VK_OK);
}

static long
no(int error)
{
    errno = error;
    return -1;
}

long
keyctl_search(key_serial_t ring, const char *type, const char *description,
              key_serial_t to)
{
    (void)ring;
    (void)to;
    require(strcmp(type, "user") == 0 || strcmp(type, "keyring") == 0);
    for (size_t i = 0; i < count; i++)
        if (strcmp(keys[i].description, description) == 0)
            return FIRST + (long)i;
    return no(ENOKEY);
}

long
keyctl_describe(key_serial_t id, char *buffer, size_t size)
{
    char text[256];

    if (id < FIRST || id >= FIRST + (key_serial_t)count)
        return no(ENOKEY);
    snprintf(text, sizeof text, "user;%lu;0;3f0b0000;%s", getauxval(AT_EUID),
             keys[id - FIRST].description);
    if (strlen(text) < size)
        memcpy(buffer, text, strlen(text) + 1);
    return (long)strlen(text) + 1;
}

long
keyctl_read(key_serial_t id, char *buffer, size_t size)
{
    if (id < FIRST || id >= FIRST + (key_serial_t)count)
        return no(ENOKEY);
    struct vk_span payload = vk_buf_span(&keys[id - FIRST].payload);
    memcpy(buffer, payload.ptr, payload.len < size ? payload.len : size);
    return (long)payload.len;
}

long
keyctl_invalidate(key_serial_t id)
{
    require(id >= FIRST && id < FIRST + (key_serial_t)count);
    return 0;
}

key_serial_t
keyctl_get_keyring_ID(key_serial_t id, int create)
{
    (void)id;
    (void)create;
    return (key_serial_t)no(ENOKEY);
}

long
keyctl_link(key_serial_t id, key_serial_t ring)
{
    (void)id;
    (void)ring;
    return no(EACCES);
}

long
keyctl_unlink(key_serial_t id, key_serial_t ring)
{
    (void)id;
    (void)ring;
    return no(EACCES);
}

long
keyctl_update(key_serial_t id, const void *payload, size_t size)
{
    (void)id;
    (void)payload;
    (void)size;
    return no(EACCES);
}

long
keyctl_set_timeout(key_serial_t key, unsigned int timeout)
{
    (void)key;
    (void)timeout;
    return no(EACCES);
}

long
keyctl_setperm(key_serial_t id, key_perm_t perm)
{
    (void)id;
    (void)perm;
    return no(EACCES);
}

key_serial_t
add_key(const char *type, const char *description, const void *payload,
        size_t size, key_serial_t ring)
{
    (void)type;
    (void)description;
    (void)payload;
    (void)size;
    (void)ring;
    return (key_serial_t)no(ENOSYS);
}

key_serial_t
request_key(const char *type, const char *description, const char *info,
            key_serial_t ring)
{
    (void)type;
    (void)description;
    (void)info;
    (void)ring;
    return (key_serial_t)no(ENOKEY);
}

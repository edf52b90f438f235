/* SPDX-License-Identifier: MIT */
/*
 * A file of the system store, unsealed.  What is put comes back, what is
 * deleted is gone, and the secrets of other endpoints stay as they are.
 */
#include "server/vault.c"

#include <fcntl.h>
#include <sys/mman.h>

#include "tests/fuzz/fuzz.h"

#define SECRET "s3cret-of-the-fuzzer"

static const struct vk_secret_id id = {"prod", "id", "https://a.example/t"};
VK_STATIC_BUF(text, VK_SEAL_MAX);
static bool exists;

enum vk_err
vk_vault_read(const char *client, struct vk_buf *raw)
{
    require(strcmp(client, "prod") == 0);
    return exists ? vk_buf_add(raw, vk_buf_span(&text)) : VK_NOSECRET;
}

enum vk_err
vk_vault_lock(int64_t wait_ms, int *out)
{
    (void)wait_ms;
    *out = memfd_create("lock", MFD_CLOEXEC);
    return *out >= 0 ? VK_OK : VK_IO;
}

enum vk_err
vk_vault_write(const char *client, struct vk_span plain)
{
    require(strcmp(client, "prod") == 0);
    exists = true;
    vk_buf_cut(&text, 0);
    return vk_buf_add(&text, plain);
}

enum vk_err
vk_vault_remove(const char *client)
{
    (void)client;
    exists = false;
    return VK_OK;
}

enum vk_err
vk_unseal(const char *name, struct vk_span sealed, struct vk_buf *out)
{
    (void)name;
    (void)sealed;
    (void)out;
    return VK_NOSTORE;
}

/* Everything but what is of id, as it is kept. */
static void
list_others(struct vk_buf *out)
{
    struct vk_span rest = vk_buf_span(&text);
    struct entry entry;

    if (!exists || !vk_span_starts(rest, HEAD))
        return;
    rest = vk_span_from(rest, sizeof HEAD - 1);
    while (next_entry(&rest, &entry))
        if (!is_of(&entry, &id))
            require(add_entry(&entry, out) == VK_OK);
}

static void
check_put(void)
{
    VK_AUTO_BUF before = VK_BUF(VK_SEAL_MAX);
    VK_AUTO_BUF after = VK_BUF(VK_SEAL_MAX);
    VK_AUTO_BUF secret = VK_BUF(VK_SECRET_MAX);

    list_others(&before);
    enum vk_err err = vk_secret_put(&id, VK_SPAN(SECRET), 0);
    require(err == VK_OK || err == VK_TOOBIG);
    if (err != VK_OK)
        return;
    list_others(&after);
    require(vk_span_same(vk_buf_span(&before), vk_buf_span(&after)));
    require(vk_secret_has(&id, 0) == VK_OK);
    require(vk_secret_get(&id, 0, &secret) == VK_OK);
    require(vk_span_is(vk_buf_span(&secret), SECRET));
    require(vk_secret_delete(&id, VK_SECRET_THIS, 0) == VK_OK);
    require(vk_secret_has(&id, 0) == VK_NOSECRET);
    vk_buf_cut(&after, 0);
    list_others(&after);
    require(vk_span_same(vk_buf_span(&before), vk_buf_span(&after)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VK_AUTO_BUF secret = VK_BUF(VK_SECRET_MAX);
    struct vk_span input = {(const char *)data, size};

    vk_log_keep();
    if (size > VK_SEAL_PLAIN_MAX / 2)
        return 0;
    require(vk_vault_write("prod", input) == VK_OK);
    enum vk_err err = vk_secret_get(&id, 0, &secret);
    require((err == VK_OK) == (secret.len > 0));
    if (err == VK_OK)
        require(vk_secret_is_usable(vk_buf_span(&secret)) &&
                holds(input, vk_buf_span(&secret)));
    if (holds(input, VK_SPAN(SECRET)))
        return 0;
    check_put();
    require(!holds(vk_span_str(vk_log_last()), VK_SPAN(SECRET)));
    return 0;
}

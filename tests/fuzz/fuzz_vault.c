/* SPDX-License-Identifier: MIT */
/*
 * A file of the system store, unsealed.  What is put comes back, what is
 * deleted is gone, and the secrets of other endpoints stay as they are.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"

static int open_text(int at, const char *path, int flags);
static int stat_text(int fd, struct stat *out);

#define openat open_text
#define fstat stat_text
#define vk_file_replace replace
#define vk_file_make_dir make_dir
#define unlink remove_text
static enum vk_err replace(const char *dir, const char *name,
                           struct vk_span text);
static enum vk_err make_dir(const char *dir);
static int remove_text(const char *path);

#include "server/vault.c"
#undef openat
#undef fstat

#include <sys/mman.h>

#include "tests/fuzz/fuzz.h"

#define SECRET "s3cret-of-the-fuzzer"

static const struct vk_secret_id id = {"prod", "id", "https://a.example/t"};
VK_STATIC_BUF(text, VK_SEAL_MAX);
static bool exists;

static int
open_text(int at, const char *path, int flags)
{
    (void)at;
    (void)path;
    if ((flags & O_DIRECTORY) != 0)
        return open("/", O_PATH | O_CLOEXEC);
    errno = ENOENT;
    if (!exists)
        return -1;
    int fd = memfd_create("text", MFD_CLOEXEC);
    require(fd >= 0 && vk_span_write(vk_buf_span(&text), fd) == VK_OK);
    require(lseek(fd, 0, SEEK_SET) == 0);
    return fd;
}

static int
stat_text(int fd, struct stat *out)
{
    bool is_dir = (fcntl(fd, F_GETFL) & O_PATH) != 0;

    *out = (struct stat){.st_mode = is_dir ? S_IFDIR | 0700 : S_IFREG | 0600,
                         .st_uid = geteuid(),
                         .st_nlink = 1};
    return 0;
}

static enum vk_err
replace(const char *dir, const char *name, struct vk_span span)
{
    (void)dir;
    require(strcmp(name, "prod.cred") == 0);
    exists = true;
    vk_buf_cut(&text, 0);
    return vk_buf_add(&text, span);
}

static enum vk_err
make_dir(const char *dir)
{
    (void)dir;
    return VK_OK;
}

static int
remove_text(const char *path)
{
    (void)path;
    exists = false;
    return 0;
}

enum vk_err
vk_seal(const char *name, struct vk_span plain, struct vk_buf *out)
{
    (void)name;
    (void)plain;
    (void)out;
    return VK_NOSTORE;
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
    require(replace("", "prod.cred", input) == VK_OK);
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

/* SPDX-License-Identifier: MIT */
#include "keyring/health.h"

#include <errno.h>
#include <fcntl.h>
#include <keyutils.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "keyring/cache.h"

#define QUOTA_FILE "/proc/key-users"
#define QUOTA_MAX ((size_t)16 << 20) /* 60 bytes for each user */
#define KIND "doctor"
#define NAME "test"

static bool
read_pair(struct vk_span text, int64_t *used, int64_t *most)
{
    struct vk_span rest = text;

    return vk_span_number(vk_span_cut(&rest, '/'), INT64_MAX, used) &&
           vk_span_number(rest, INT64_MAX, most);
}

static struct vk_span
next_word(struct vk_span *rest)
{
    *rest = vk_span_trim(*rest);
    return vk_span_cut(rest, ' ');
}

/* "  UID: usage made/instantiated keys/max bytes/max" */
bool
vk_health_read_quota(struct vk_span line, int64_t uid, struct vk_health *out)
{
    struct vk_span rest = line;
    struct vk_span owner = vk_span_trim(vk_span_cut(&rest, ':'));
    struct vk_health got;
    int64_t number;

    if (!vk_span_number(owner, UINT32_MAX, &number) || number != uid)
        return false;
    next_word(&rest);
    next_word(&rest);
    if (!read_pair(next_word(&rest), &got.keys, &got.max_keys) ||
        !read_pair(next_word(&rest), &got.bytes, &got.max_bytes))
        return false;
    out->keys = got.keys;
    out->max_keys = got.max_keys;
    out->bytes = got.bytes;
    out->max_bytes = got.max_bytes;
    return true;
}

static void
read_quota(struct vk_health *out)
{
    VK_AUTO_BUF text = VK_BUF(QUOTA_MAX);
    int fd = open(QUOTA_FILE, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return;
    enum vk_err err = vk_buf_read(&text, fd);
    struct vk_span rest = vk_buf_span(&text);
    close(fd);
    while (err == VK_OK && rest.len > 0)
        if (vk_health_read_quota(vk_span_cut(&rest, '\n'),
                                 (int64_t)getauxval(AT_EUID), out))
            return;
}

void
vk_health_look(struct vk_health *out)
{
    VK_AUTO_BUF text = VK_BUF(VK_RECORD_MAX);
    char description[64];

    *out = (struct vk_health){0};
    out->is_session_revoked =
        keyctl_describe(KEY_SPEC_SESSION_KEYRING, description,
                        sizeof description) < 0 &&
        errno == EKEYREVOKED;
    errno = 0;
    if (vk_cache_note_put(KIND, NAME, VK_SPAN("-"), 5) != VK_OK ||
        vk_cache_note_get(KIND, NAME, &text) != VK_OK)
        out->error = errno != 0 ? errno : ENOKEY;
    /* It ends by itself where it cannot be dropped. */
    enum vk_err err = vk_cache_note_drop(KIND, NAME);
    (void)err;
    read_quota(out);
}

/* SPDX-License-Identifier: MIT */
#include "server/quarantine.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "keyring/cache.h"
#include "keyring/hold.h"

#define KIND "refused"
/* Longer than any quarantine, without which it says nothing. */
#define MEMORY_S 7200

struct vk_sight
vk_quarantine_look(const struct vk_profile *profile)
{
    struct vk_sight sight = {""};
    char file[VK_NAME_MAX + 16], path[VK_PATH_MAX];
    struct stat st;

    snprintf(file, sizeof file, "secrets/%.*s.cred", VK_ARG(profile->client));
    if (vk_file_join(vk_clients_machine_dir(), file, path) != VK_OK ||
        lstat(path, &st) != 0)
        return sight;
    snprintf(sight.text, sizeof sight.text, "%s %llu %llu %lld.%09ld",
             profile->fingerprint, (unsigned long long)st.st_dev,
             (unsigned long long)st.st_ino, (long long)st.st_ctim.tv_sec,
             st.st_ctim.tv_nsec);
    return sight;
}

enum vk_err
vk_quarantine_check(const struct vk_profile *profile,
                    const struct vk_sight *sight)
{
    VK_AUTO_BUF seen = VK_BUF(sizeof sight->text);
    VK_AUTO_BUF text = VK_BUF(VK_RECORD_MAX);
    struct vk_hold hold;

    if (sight->text[0] == '\0' ||
        vk_cache_note_get(KIND, profile->name, &seen) != VK_OK ||
        !vk_span_is(vk_buf_span(&seen), sight->text))
        return VK_OK;
    /* The quarantine comes first of all notes, if there is one. */
    if (vk_hold_find(profile, 0, &text, &hold) != VK_OK ||
        hold.err != VK_REFUSED || vk_clock_boot_ms() >= hold.until)
        return VK_OK;
    return vk_hold_fail(profile->name, &hold, INT64_MAX);
}

void
vk_quarantine_note(const struct vk_profile *profile,
                   const struct vk_sight *sight)
{
    /* Without it the next one only takes longer. */
    enum vk_err err = vk_cache_note_put(KIND, profile->name,
                                        vk_span_str(sight->text), MEMORY_S);
    (void)err;
}

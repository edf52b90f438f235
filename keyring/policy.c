/* SPDX-License-Identifier: MIT */
#include "keyring/policy.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GROUPS_MAX 65536
#define ACCOUNT_MAX 256

/* Looked up when the first item asks for them. */
struct user {
    uid_t uid;
    const struct passwd *entry;
    bool is_known;
    gid_t *groups;
    int count;
};

static const struct passwd *
entry_of(struct user *user)
{
    if (!user->is_known)
        user->entry = getpwuid(user->uid);
    user->is_known = true;
    return user->entry;
}

static void
read_groups(struct user *user)
{
    const struct passwd *entry = entry_of(user);
    int count = 64;

    while (entry != NULL && user->groups == NULL && count <= GROUPS_MAX) {
        gid_t *groups = calloc((size_t)count, sizeof *groups);
        int found = count;
        if (groups != NULL &&
            getgrouplist(entry->pw_name, entry->pw_gid, groups, &found) >= 0) {
            user->groups = groups;
            user->count = found;
            return;
        }
        free(groups);
        count = found > count ? found : count * 2;
    }
}

/* What getgrouplist(3) would find too, by way of every source there is. */
static bool
is_member(struct user *user, const struct group *group)
{
    const struct passwd *entry = entry_of(user);

    if (entry == NULL)
        return false;
    for (char **name = group->gr_mem; *name != NULL; name++)
        if (strcmp(*name, entry->pw_name) == 0)
            return true;
    return entry->pw_gid == group->gr_gid;
}

static bool
is_in_group(struct user *user, const char *name)
{
    const struct group *group = getgrnam(name);

    if (group == NULL)
        return false;
    if (is_member(user, group))
        return true;
    gid_t gid = group->gr_gid; /* what follows may overwrite it */
    if (user->groups == NULL)
        read_groups(user);
    if (user->groups == NULL)
        return false;
    for (int i = 0; i < user->count; i++)
        if (user->groups[i] == gid)
            return true;
    return false;
}

static bool
is_named(struct user *user, struct vk_span item)
{
    char name[ACCOUNT_MAX];
    int64_t number;

    if (vk_span_starts(item, "#"))
        return vk_span_number(vk_span_from(item, 1), UINT32_MAX - 1,
                              &number) &&
               (uid_t)number == user->uid;
    if (item.len == 0 || item.len >= sizeof name)
        return false;
    snprintf(name, sizeof name, "%.*s", (int)item.len, item.ptr);
    if (name[0] == '@')
        return is_in_group(user, name + 1);
    return entry_of(user) != NULL && vk_span_is(item, entry_of(user)->pw_name);
}

bool
vk_policy_allows(const struct vk_profile *profile, uid_t uid)
{
    struct vk_values values = vk_profile_values(profile, VK_KEY_ALLOW);
    struct user user = {.uid = uid};
    struct vk_span item;
    bool allowed = false;

    while (!allowed && vk_profile_next(&values, VK_KEY_ALLOW, &item))
        allowed = is_named(&user, item);
    free(user.groups);
    return allowed;
}

bool
vk_policy_is_known(struct vk_span item)
{
    char name[ACCOUNT_MAX];

    if (vk_span_starts(item, "#"))
        return true;
    if (item.len == 0 || item.len >= sizeof name)
        return false;
    snprintf(name, sizeof name, "%.*s", (int)item.len, item.ptr);
    return name[0] == '@' ? getgrnam(name + 1) != NULL
                          : getpwnam(name) != NULL;
}

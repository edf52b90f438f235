/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/doctor.h"
#include "cli/pamstack.h"

#define PAM_DIR "/etc/pam.d"
#define LIST_MAX 256

/* Those of common-session and its like are only parts. */
static int
is_service(const struct dirent *entry)
{
    return strchr(entry->d_name, '.') == NULL &&
           strncmp(entry->d_name, "common-", 7) != 0;
}

static void
add_to(char list[LIST_MAX], const char *service)
{
    size_t len = strlen(list);

    snprintf(list + len, LIST_MAX - len, "%s'%s'", len > 0 ? ", " : "",
             service);
}

void
vk_doctor_pam(struct vk_report *report)
{
    char lists[VK_PAM_NO_KEYINIT + 1][LIST_MAX] = {""};
    struct dirent **entries = NULL;
    int count = scandir(PAM_DIR, &entries, is_service, alphasort);

    for (int i = 0; i < count; i++) {
        add_to(lists[vk_pam_order(PAM_DIR, entries[i]->d_name)],
               entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    if (lists[VK_PAM_GOOD][0] != '\0')
        vk_report_add(report, VK_FINE, "PAM", NULL,
                      "pam_valetkey.so comes behind pam_keyinit.so in %s",
                      lists[VK_PAM_GOOD]);
    if (lists[VK_PAM_TOO_EARLY][0] != '\0')
        vk_report_add(report, VK_BAD, "PAM",
                      "in " PAM_DIR " move the line of pam_keyinit.so above"
                      " it",
                      "pam_valetkey.so comes before pam_keyinit.so in %s",
                      lists[VK_PAM_TOO_EARLY]);
    if (lists[VK_PAM_NO_KEYINIT][0] != '\0')
        vk_report_add(report, VK_NOTE, "PAM",
                      "tokens are found all the same; for a session keyring"
                      " of its own put 'session optional pam_keyinit.so"
                      " revoke' above it",
                      "pam_valetkey.so, and no pam_keyinit.so, is in %s",
                      lists[VK_PAM_NO_KEYINIT]);
}

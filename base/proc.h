/* SPDX-License-Identifier: MIT */
#ifndef VK_BASE_PROC_H
#define VK_BASE_PROC_H

#include <sys/types.h>

#include "base/file.h"

#ifndef __GLIBC__
/* Older musl has none: base/musl.c. */
int close_range(unsigned int first, unsigned int last, int flags);
#endif

/* A file descriptor of ours and its number in the program that is started. */
struct vk_proc_fd {
    int from, to;
};

/*
 * VK_DETACHED: a session of its own and no standard error, so that neither
 * Ctrl-C nor a caller's death ends it, and no tool waits for its pipes.
 * VK_ABANDONED: also no child of ours, should we become another program.
 */
enum vk_proc_how { VK_ATTACHED, VK_DETACHED, VK_ABANDONED };

/* Where an internal program is. */
VK_MUST enum vk_err vk_proc_path(const char *name, char out[VK_PATH_MAX]);

/*
 * Start the program argv[0], found in the directory of valetkey's internal
 * programs: LIBEXECDIR, or $VALETKEY_LIBEXECDIR; or at an absolute path.  It
 * gets the environment and, of our file descriptors, standard error and those
 * listed (ended by from -1); standard input and output are /dev/null unless
 * listed.  *out is its process ID (0: abandoned).  One that cannot be run
 * ends with
 * VK_PROC_NO_EXEC.
 */
#define VK_PROC_NO_EXEC 127
VK_MUST enum vk_err vk_proc_start(const char *const argv[],
                                  const struct vk_proc_fd *fds,
                                  enum vk_proc_how how, pid_t *out);

/*
 * Wait for it.  VK_OK: it ended by itself, *status is its exit status;
 * VK_INTERNAL: it was killed; VK_UNREACHABLE: it still runs when the alarm
 * of vk_proc_alarm_at has gone off at deadline (0: no deadline).
 */
VK_MUST enum vk_err vk_proc_wait(pid_t pid, int64_t deadline, int *status);

/*
 * For a program that holds a token: not dumpable (PR_SET_DUMPABLE), so that it
 * leaves no core whatever the limit is, and other processes of the same user
 * cannot look into it.  It ends with execve(2), and nothing is inherited.
 */
VK_MUST enum vk_err vk_proc_hide(void);

/*
 * For a program that holds a secret: the same, no core file of its children
 * either, no new privileges.
 */
VK_MUST enum vk_err vk_proc_harden(void);

/*
 * From now on SIGALRM interrupts a sleeping system call once the deadline
 * (milliseconds on the boot clock) has passed, again and again.
 */
VK_MUST enum vk_err vk_proc_alarm_at(int64_t boot_ms);
void vk_proc_alarm_off(void);

#endif

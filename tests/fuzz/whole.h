/* SPDX-License-Identifier: MIT */
#ifndef VK_TESTS_FUZZ_WHOLE_H
#define VK_TESTS_FUZZ_WHOLE_H

#include "tests/fuzz/fuzz.h"

/*
 * Whole programs in this process: a command line, an environment and standard
 * input go in, and what comes out is looked at.  clients.conf is a file, the
 * kernel keyring stands in for itself with a token of each client but "gone",
 * and no other program can be started.
 */

#define WHOLE_TOKEN "t0ken-of-the-fuzzer"
/* Typed into a password's place, it must not come out anywhere. */
#define WHOLE_SECRET "s3cret-of-the-fuzzer"

struct whole {
    int argc;
    char *argv[24];
    struct vk_span environment, input;
};

/* What it was started with, and then the program itself. */
int whole_main(int argc, char **argv);
/* Back to how it was before main. */
void whole_reset(void);
/* More than is checked of every program. */
void whole_check(const struct whole *in, int status, struct vk_span said,
                 struct vk_span told);
/* Instead of execv and execvp. */
void whole_exec(const char *path, char *const argv[]);

#endif

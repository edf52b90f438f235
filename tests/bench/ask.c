/* SPDX-License-Identifier: MIT */
/*
 * ask ROUNDS DESCRIPTION...: request each of the keys, in a new random order
 * each round, and print for each round the nanoseconds that the kernel took
 * and the errno that came of it, in the order of the arguments.
 */
#include <errno.h>
#include <keyutils.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define MOST 8
#define TRIES 500

static long long
now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

/*
 * Keys that are gone count in the quota until the kernel has collected them;
 * and a refusal that lasts a second of the wall clock can be over before the
 * kernel has looked at it: ENOKEY.
 */
static bool
is_passing(int error)
{
    const struct timespec pause = {0, 20000000};

    if (error == EDQUOT)
        nanosleep(&pause, NULL);
    return error == EDQUOT || error == ENOKEY;
}

/* As one who has never asked; and no collector at work beside us. */
static void
forget(const char *description)
{
    const struct timespec pause = {0, 5000000};
    long key = keyctl_search(KEY_SPEC_USER_KEYRING, "user", description, 0);

    if (key >= 0)
        keyctl_invalidate((key_serial_t)key);
    keyctl_clear(KEY_SPEC_USER_KEYRING);
    nanosleep(&pause, NULL);
}

static long long
ask(const char *description, int *error)
{
    long long start = 0;

    for (int tries = 0; tries < TRIES; tries++) {
        start = now();
        long key = request_key("user", description, "", KEY_SPEC_USER_KEYRING);
        *error = key < 0 ? errno : 0;
        start = now() - start;
        forget(description);
        if (!is_passing(*error))
            break;
    }
    return start;
}

int
main(int argc, char **argv)
{
    long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
    int count = argc - 2, order[MOST], errors[MOST] = {0};
    long long times[MOST];

    if (count < 1 || count > MOST)
        return 2;
    srand((unsigned int)getpid());
    keyctl_link(KEY_SPEC_USER_KEYRING, KEY_SPEC_PROCESS_KEYRING);
    keyctl_clear(KEY_SPEC_USER_KEYRING);
    for (int i = 0; i < count; i++)
        order[i] = i;
    while (rounds-- > 0) {
        for (int i = count - 1; i > 0; i--) {
            int k = rand() % (i + 1), other = order[i];
            order[i] = order[k];
            order[k] = other;
        }
        for (int i = 0; i < count; i++)
            times[order[i]] = ask(argv[2 + order[i]], &errors[order[i]]);
        for (int i = 0; i < count; i++)
            printf("%lld %d%c", times[i], errors[i],
                   i + 1 < count ? ' ' : '\n');
    }
    return 0;
}

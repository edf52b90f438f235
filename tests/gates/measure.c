/* SPDX-License-Identifier: MIT */
/*
 * measure PROGRAM [ARGUMENT]...: run it and print its minor page faults, its
 * peak resident set in KiB, and the nanoseconds from its start to its end.  In
 * C and by vfork, because the peak counts what the starting process had, and
 * so does the time that a fork takes.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long
now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

int
main(int argc, char **argv)
{
    struct rusage usage;
    int status;

    if (argc < 2)
        return 2;
    long long start = now();
    pid_t pid = vfork();
    if (pid == 0) {
        execv(argv[1], argv + 1);
        _exit(127);
    }
    if (pid < 0 || wait4(pid, &status, 0, &usage) != pid)
        return 1;
    fprintf(stderr, "%ld %ld %lld\n", usage.ru_minflt, usage.ru_maxrss,
            now() - start);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* SPDX-License-Identifier: MIT */
/*
 * measure PROGRAM [ARGUMENT]...: run it and print its minor page faults and
 * its peak resident set in KiB.  In C and by vfork, because the peak counts
 * what the starting process had.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
    struct rusage usage;
    int status;

    if (argc < 2)
        return 2;
    pid_t pid = vfork();
    if (pid == 0) {
        execv(argv[1], argv + 1);
        _exit(127);
    }
    if (pid < 0 || wait4(pid, &status, 0, &usage) != pid)
        return 1;
    fprintf(stderr, "%ld %ld\n", usage.ru_minflt, usage.ru_maxrss);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* SPDX-License-Identifier: MIT */
/*
 * exec PROGRAM [ARGUMENT]...: what it costs to become another program, or to
 * say that this cannot be.
 */
#include <stdio.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    execv(argv[1], argv + 1);
    perror(argv[1]);
    return 127;
}

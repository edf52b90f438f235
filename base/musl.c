/* SPDX-License-Identifier: MIT */
/*
 * What musl does not have and a program that is linked against it by
 * musl-gcc wants.
 */
#include <stdarg.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/proc.h"

/*
 * A libkeyutils.a that was made for glibc wants it, for a search in
 * /proc/keys that we never do.
 */
/* NOLINTBEGIN(*-reserved-identifier,cert-dcl*) */
int __fprintf_chk(FILE *out, int flag, const char *format, ...);

int
__fprintf_chk(FILE *out, int flag, const char *format, ...)
{
    va_list args;

    (void)flag;
    va_start(args, format);
    int done = vfprintf(out, format, args);
    va_end(args);
    return done;
}
/* NOLINTEND(*-reserved-identifier,cert-dcl*) */

int
close_range(unsigned int first, unsigned int last, int flags)
{
    return (int)syscall(SYS_close_range, first, last, flags);
}

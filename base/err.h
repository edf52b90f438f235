/* SPDX-License-Identifier: MIT */
#ifndef VK_BASE_ERR_H
#define VK_BASE_ERR_H

#define VK_MUST __attribute__((warn_unused_result))
#define VK_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/*
 * Every way in which valetkey can fail.  err.c has one row for each: what a
 * person is told when nobody found a better message, and the exit status.
 */
enum vk_err {
    VK_OK,
    VK_INTERNAL, /* a bug, or a system call failed that should not */
    VK_NOMEM,
    VK_IO,          /* reading or writing failed */
    VK_TOOBIG,      /* more than the maximum of a buffer or of a format */
    VK_USAGE,       /* the command line */
    VK_CONFIG,      /* clients.conf, or a file that was given */
    VK_REQUEST,     /* the server refuses scope, audience or grant */
    VK_NOCLIENT,    /* no such client or token; no client serves the URL */
    VK_MISS,        /* not in the token cache */
    VK_REFUSED,     /* the server refuses the credential */
    VK_HELD,        /* held back: the server asked to wait, or a backoff */
    VK_UNREACHABLE, /* no connection, no trust, no answer in time */
    VK_BADREPLY,    /* the server's answer is no token */
    VK_NOKEYRING,   /* no kernel keyring, or it is full */
    VK_NOSTORE,     /* the secret store is not there */
    VK_LOCKED,      /* the secret store is locked */
    VK_NOSECRET,    /* the secret store has no secret for the client */
    VK_NOCOMMAND,   /* the command to run is not there */
    VK_NOEXEC,      /* it is, and cannot be run */
    VK_ERRS
};

/* A message for people: lower case, no full stop. */
const char *vk_err_text(enum vk_err err);

/*
 * The exit status of `valetkey` and `valetkey-fetch`, 0 to 7; of a command
 * that cannot be run 127 or 126, as sh(1) has it.
 */
int vk_err_exit(enum vk_err err);

/* The error that another of our programs ended with; VK_INTERNAL if none. */
enum vk_err vk_err_from_name(const char *name);
const char *vk_err_name(enum vk_err err);

#endif

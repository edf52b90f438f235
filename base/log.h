/* SPDX-License-Identifier: MIT */
#ifndef VK_BASE_LOG_H
#define VK_BASE_LOG_H

#include "base/buf.h"

/*
 * One line on stderr, "PROGRAM: message", written at once.  Whoever finds
 * the trouble logs; callers only pass the code up.  Control characters that
 * came with an argument are shown as \xNN, and the line is cut at 1,000
 * bytes.  Never pass anything that came with a secret.
 */
void vk_log_program(const char *name); /* not copied */
void vk_log(const char *fmt, ...) VK_PRINTF(1, 2);

/* Log and return err: `return vk_fail(VK_IO, "cannot read '%s'", path)`. */
enum vk_err vk_fail(enum vk_err err, const char *fmt, ...) VK_PRINTF(2, 3);

/*
 * Keep lines instead of printing them, for a program that hands them to its
 * caller: the last one of vk_fail and the last one of vk_log, without the
 * program's name; "" if there was none.
 */
void vk_log_keep(void);
const char *vk_log_last(void);
const char *vk_log_note(void);

/*
 * Text from outside (a server, a file), made fit for a terminal: at most 200
 * bytes, control characters and invalid UTF-8 shown as \xNN.  The result
 * lives until the next call.
 */
const char *vk_log_clean(struct vk_span text);

/* For %.*s, limited to 200 bytes. */
#define VK_ARG(span)                            \
    (int)((span).len < 200 ? (span).len : 200), \
        ((span).ptr != NULL ? (span).ptr : "")

#endif

/* SPDX-License-Identifier: MIT */
#ifndef VK_CLI_CREDFILE_H
#define VK_CLI_CREDFILE_H

#include "base/buf.h"

/*
 * Reads a downloaded credentials file and what people make of it:
 *
 *     export NAME='value'; declare -x NAME="value"; NAME=value; unset NAME
 *     NAME = value
 *     camunda.client.auth.client-id = value       (application.properties)
 *
 * It is read and never run.  Quotes and backslashes mean what they mean to
 * bash, or to Java, so that values come out exact; $X, ${X}, $(...) and `...`
 * are text.  What would need a shell (pipes, conditions, $'..', a value over
 * several lines) is refused.  Comments (#, ! and //) are skipped.
 */

#define VK_CRED_MAX ((size_t)64 << 10) /* bytes of a file */
#define VK_CRED_VARS 128               /* assignments in it */
#define VK_CRED_NAME_MAX 128
#define VK_CRED_VALUE_MAX 4096

/*
 * One assignment.  A name with a dot is a property, any other a variable of
 * the shell.  The name matches [A-Za-z0-9_.-]+; the value is UTF-8 without
 * control characters and may be empty.
 */
struct vk_cred_var {
    struct vk_span name, value;
    unsigned int line;
};

/*
 * In the file's order, those that an `unset` took back left out.  A name may
 * stand here more than once: whether the values agree is for whoever knows
 * which names matter.
 */
struct vk_credfile {
    struct vk_cred_var var[VK_CRED_VARS];
    size_t vars;
};

/*
 * Parse the text of a whole file.  Names point into text, values into
 * the buffer, VK_BUF(VK_CRED_MAX) or more, which must not grow while out is
 * in use; nothing else gets a copy of a secret.  VK_CONFIG is logged with
 * label (what to call the file) and the line, never with a value; then out
 * and the buffer hold what they held.
 */
VK_MUST enum vk_err vk_credfile_parse(struct vk_span text, const char *label,
                                      struct vk_buf *values,
                                      struct vk_credfile *out);

#endif

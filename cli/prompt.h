/* SPDX-License-Identifier: MIT */
#ifndef VK_CLI_PROMPT_H
#define VK_CLI_PROMPT_H

#include "base/buf.h"

/*
 * Ask on the terminal (/dev/tty) for a line that is not shown.  VK_USAGE,
 * logged: there is no terminal, or the person gave up (Ctrl-C, Ctrl-D).
 */
VK_MUST enum vk_err vk_prompt(const char *question, struct vk_buf *out);

/*
 * The same for an answer that is shown: VK_OK if it is "y" or "yes".  instead
 * is the option that spares the question.
 */
VK_MUST enum vk_err vk_confirm(const char *question, const char *instead);

#endif

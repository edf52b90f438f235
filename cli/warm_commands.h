/* SPDX-License-Identifier: MIT */
#ifndef VK_CLI_WARM_COMMANDS_H
#define VK_CLI_WARM_COMMANDS_H

#include "cli/variables.h"

/* The commands that scripts run all the time: rows of both tables. */
#define VK_WARM_COMMANDS                                                    \
    {"token",      "NAME[/TOKEN]",                                          \
     VK_MUST_HAVE, VK_OPT(MIN_VALIDITY) | VK_OPT(TIMEOUT) | VK_OPT(JSON),   \
     vk_token,     "print the access token"},                               \
        {"header",     "NAME[/TOKEN]",                                      \
         VK_MUST_HAVE, VK_OPT(MIN_VALIDITY) | VK_OPT(TIMEOUT),              \
         vk_header,    "print 'Authorization: Bearer ...'"},                \
        {"curl-config",  "NAME[/TOKEN]",                                    \
         VK_MUST_HAVE,   VK_OPT(MIN_VALIDITY) | VK_OPT(TIMEOUT),            \
         vk_curl_config, "print a line for 'curl -K -'"},                   \
    {                                                                       \
        "run", "NAME...", VK_AND_COMMAND,                                   \
            VK_OPT(AT_LEAST) | VK_OPT(ENV) | VK_OPT(FOR) | VK_OPT(TIMEOUT), \
            vk_run,                                                         \
            "run a command with tokens in its "                             \
            "environment\nPRESET: " VK_TARGETS                              \
    }

#endif

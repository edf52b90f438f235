/* SPDX-License-Identifier: MIT */
#ifndef VK_OAUTH_TROUBLE_H
#define VK_OAUTH_TROUBLE_H

#include <curl/curl.h>

#include "oauth/https.h"

/*
 * What an exchange that failed is for valetkey, and why in words that live
 * until the next call.  A proxy on the way is named as the one that failed:
 * nothing that it does says anything of the server, or of the secret.
 */
VK_MUST enum vk_err vk_trouble_explain(CURL *curl, CURLcode code,
                                       const struct vk_exchange *exchange,
                                       bool is_head_long, const char **why);

#endif

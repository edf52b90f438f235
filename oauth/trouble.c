/* SPDX-License-Identifier: MIT */
#include "oauth/trouble.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

#define NAME_MAX_BYTES 2100 /* of a proxy: a URL has at most 2,048 */
#define CONNECTED 2         /* the first digit of its answer to CONNECT */

static const struct {
    CURLcode code;
    enum vk_err err;
    const char *why;
} troubles[] = {
    {CURLE_COULDNT_RESOLVE_PROXY, VK_UNREACHABLE,
     "the name of the proxy cannot be resolved"},
    {CURLE_COULDNT_RESOLVE_HOST, VK_UNREACHABLE,
     "its name cannot be resolved"},
    {CURLE_COULDNT_CONNECT, VK_UNREACHABLE, "nothing answers at its address"},
    {CURLE_PROXY, VK_UNREACHABLE,
     "it does not let it through, or is none of that kind"},
    {CURLE_OPERATION_TIMEDOUT, VK_UNREACHABLE, "no answer in time"},
    {CURLE_SSL_CONNECT_ERROR, VK_UNREACHABLE, "the TLS handshake failed"},
    {CURLE_SSL_CACERT_BADFILE, VK_UNREACHABLE,
     "the certificates to trust (ca-file) cannot be read"},
    {CURLE_GOT_NOTHING, VK_UNREACHABLE, "it closed the connection"},
    {CURLE_RECV_ERROR, VK_UNREACHABLE, "it broke the connection off"},
    {CURLE_SEND_ERROR, VK_UNREACHABLE, "it broke the connection off"},
    {CURLE_PARTIAL_FILE, VK_UNREACHABLE, "it broke the connection off"},
    {CURLE_WRITE_ERROR, VK_BADREPLY, "its answer is larger than 1 MiB"},
    {CURLE_FILESIZE_EXCEEDED, VK_BADREPLY, "its answer is larger than 1 MiB"},
    {CURLE_WEIRD_SERVER_REPLY, VK_BADREPLY, "its answer is not HTTP"},
    {CURLE_UNSUPPORTED_PROTOCOL, VK_BADREPLY, "its answer is not HTTP"},
    /* What libcurl says of a header line of 100 KiB, too. */
    {CURLE_OUT_OF_MEMORY, VK_UNREACHABLE,
     "its headers are too long, or memory is short"},
};

static enum vk_err
explain(CURL *curl, CURLcode code, bool is_head_long, const char **why)
{
    long verify = 0, proxys = 0;

    if (is_head_long) {
        *why = "its headers are larger than 64 KiB";
        return VK_BADREPLY;
    }
    for (size_t i = 0; i < sizeof troubles / sizeof troubles[0]; i++) {
        if (troubles[i].code == code) {
            *why = troubles[i].why;
            return troubles[i].err;
        }
    }
    *why = curl_easy_strerror(code);
    if (code == CURLE_PEER_FAILED_VERIFICATION) {
        curl_easy_getinfo(curl, CURLINFO_SSL_VERIFYRESULT, &verify);
        curl_easy_getinfo(curl, CURLINFO_PROXY_SSL_VERIFYRESULT, &proxys);
        /* libcurl begins with 1, and checks the name before it says more. */
        *why = verify > 1 || proxys > 1
                   ? "its TLS certificate is not trusted"
                   : "its TLS certificate is for another host";
    }
    return VK_UNREACHABLE;
}

/*
 * Did it fail before there was a way to the server?  connected: how the proxy
 * answered CONNECT, 0: not at all.
 */
static bool
is_proxys(const struct vk_exchange *exchange, CURLcode code, long connected)
{
    if (connected != 0)
        return connected / 100 != CONNECTED;
    if (exchange->proxy.len == 0 || !vk_https_may_use_proxy(exchange))
        return false;
    return !vk_span_starts(exchange->proxy, "socks") || code == CURLE_PROXY ||
           code == CURLE_COULDNT_CONNECT ||
           code == CURLE_COULDNT_RESOLVE_PROXY;
}

/* Then the proxy of clients.conf is not used for all hosts. */
static bool
may_bypass(void)
{
    const char *lower = getenv("no_proxy"), *upper = getenv("NO_PROXY");

    return (lower != NULL && lower[0] != '\0') ||
           (upper != NULL && upper[0] != '\0');
}

/* Only a proxy of clients.conf can be named: the other may have a password. */
static const char *
blame_proxy(const struct vk_exchange *exchange, long connected,
            const char *why)
{
    static char text[NAME_MAX_BYTES + 200];
    char name[NAME_MAX_BYTES] = "the environment's proxy";

    if (exchange->proxy.len > 0)
        snprintf(name, sizeof name, "the proxy '%.*s'",
                 VK_ARG(exchange->proxy));
    if (connected != 0)
        snprintf(text, sizeof text, "%s does not let it through (%ld%s)", name,
                 connected,
                 connected == 407 ? ": it wants a password, and gets none"
                                  : "");
    else
        snprintf(text, sizeof text, "%s%s: %s", may_bypass() ? "it, or " : "",
                 name, why);
    return text;
}

enum vk_err
vk_trouble_explain(CURL *curl, CURLcode code,
                   const struct vk_exchange *exchange, bool is_head_long,
                   const char **why)
{
    enum vk_err err = explain(curl, code, is_head_long, why);
    long connected = 0;

    curl_easy_getinfo(curl, CURLINFO_HTTP_CONNECTCODE, &connected);
    if (!is_proxys(exchange, code, connected))
        return err;
    *why = blame_proxy(exchange, connected, *why);
    return VK_UNREACHABLE;
}

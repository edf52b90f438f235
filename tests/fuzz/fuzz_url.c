/* SPDX-License-Identifier: MIT */
/*
 * Two lines, a pattern and a request.  What is read lies in the text, nothing
 * is served that the rules forbid, and where we take a URL to be safe libcurl
 * goes to the host that we saw.
 */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "base/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool right)
{
    if (!right)
        abort();
}

static void
lies_in(struct vk_span part, struct vk_span whole)
{
    require(part.len == 0 || (part.ptr >= whole.ptr &&
                              part.ptr + part.len <= whole.ptr + whole.len));
}

static bool
parse(struct vk_span text, struct vk_url *url)
{
    if (!vk_url_parse(text, url))
        return false;
    lies_in(url->scheme, text);
    lies_in(url->host, text);
    lies_in(url->path, text);
    require(url->host.len > 0 && url->port <= 65535);
    require(url->path.len == 0 || url->path.ptr[0] == '/');
    require(memchr(url->host.ptr, '@', url->host.len) == NULL);
    require(memchr(url->host.ptr, '/', url->host.len) == NULL);
    return true;
}

/* "localhost", 127.0.0.0/8 or ::1, as libcurl will look it up. */
static bool
goes_to_loopback(const char *host)
{
    struct in_addr addr;

    if (strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
        return true;
    return inet_pton(AF_INET, host, &addr) == 1 &&
           ntohl(addr.s_addr) >> 24 == 127;
}

static void
check_safe(const struct vk_url *url, const char *text)
{
    CURLU *curl = curl_url();
    char *host = NULL, *scheme = NULL;

    require(curl != NULL);
    /* What libcurl does not take it does not send to. */
    if (curl_url_set(curl, CURLUPART_URL, text, 0) == CURLUE_OK) {
        require(curl_url_get(curl, CURLUPART_HOST, &host, 0) == CURLUE_OK);
        require(curl_url_get(curl, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK);
        require(vk_span_same_nocase(vk_span_str(scheme), url->scheme));
        if (strcmp(scheme, "https") != 0)
            require(goes_to_loopback(host));
        else if (inet_addr(host) == INADDR_NONE && host[0] != '[')
            require(vk_span_same_nocase(vk_span_str(host), url->host));
    }
    curl_free(host);
    curl_free(scheme);
    curl_url_cleanup(curl);
}

static void
check_one(struct vk_span text)
{
    VK_AUTO_BUF copy = VK_BUF(4096);
    struct vk_url url;

    if (!parse(text, &url)) {
        require(!vk_url_is_safe(text));
        return;
    }
    if (vk_url_is_safe(text) && vk_buf_add(&copy, text) == VK_OK)
        check_safe(&url, vk_buf_str(&copy));
}

static void
check_served(const struct vk_url *pattern, const struct vk_url *request)
{
    struct vk_span path = pattern->path;
    bool plain = vk_span_same_nocase(request->scheme, VK_SPAN("http"));

    require(!plain || vk_url_is_loopback(request));
    while (path.len > 0 && path.ptr[path.len - 1] == '/')
        path.len--;
    if (path.len > 0) {
        require(request->path.len >= path.len);
        require(memcmp(request->path.ptr, path.ptr, path.len) == 0);
        require(request->path.len == path.len ||
                request->path.ptr[path.len] == '/');
    }
    if (!vk_span_starts(pattern->host, "*."))
        require(vk_span_same_nocase(pattern->host, request->host));
    else
        require(request->host.len >= pattern->host.len);
    if (pattern->port != 0 && request->port != 0)
        require(pattern->port == request->port);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vk_span second = {(const char *)data, size};
    struct vk_span first = vk_span_cut(&second, '\n');
    struct vk_url pattern, request;

    check_one(first);
    if (second.ptr == NULL)
        return 0;
    check_one(second);
    if (parse(first, &pattern) && parse(second, &request) &&
        vk_url_serves(&pattern, &request) > 0)
        check_served(&pattern, &request);
    return 0;
}

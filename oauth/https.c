/* SPDX-License-Identifier: MIT */
#include "oauth/https.h"

#include <curl/curl.h>
#include <dirent.h>
#include <string.h>
#include <strings.h>

#include "oauth/trouble.h"

#define CONNECT_TIMEOUT_MS 10000L
#define HEAD_MAX ((size_t)64 << 10)
#define VALUE_MAX 4096 /* of a path, or of a URL */

static size_t
receive(char *data, size_t size, size_t count, void *arg)
{
    struct vk_buf *body = arg;
    struct vk_span span = {data, size * count};

    /* Anything but the size makes curl stop with CURLE_WRITE_ERROR. */
    return vk_buf_add(body, span) == VK_OK ? span.len : 0;
}

/*
 * libcurl keeps every header, and trailers after the body without any limit,
 * for curl_easy_header().
 */
static size_t
measure(char *line, size_t size, size_t count, void *arg)
{
    size_t *head = arg;

    (void)line;
    *head += size * count;
    return *head <= HEAD_MAX ? size * count : 0;
}

/*
 * A directory of hashed certificates costs nothing until one is needed; a
 * bundle is parsed whole, 16 ms for each process.
 */
static const char *
hashed_ca_path(void)
{
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    const struct dirent *entry;
    bool hashed = false;

    if (info->capath == NULL || info->ssl_version == NULL ||
        strncmp(info->ssl_version, "OpenSSL", 7) != 0)
        return NULL;
    DIR *dir = opendir(info->capath);
    if (dir == NULL)
        return NULL;
    while (!hashed && (entry = readdir(dir)) != NULL)
        hashed = strlen(entry->d_name) == 10 && entry->d_name[8] == '.';
    closedir(dir);
    return hashed ? info->capath : NULL;
}

static bool
set_text(CURL *curl, CURLoption option, struct vk_span value)
{
    VK_AUTO_BUF copy = VK_BUF(VALUE_MAX);
    const char *text =
        vk_buf_add(&copy, value) == VK_OK ? vk_buf_str(&copy) : NULL;

    return text != NULL && curl_easy_setopt(curl, option, text) == CURLE_OK;
}

static bool
set_trust(CURL *curl, struct vk_span ca_file)
{
    const char *path = ca_file.len == 0 ? hashed_ca_path() : NULL;

    if (path != NULL)
        curl_easy_setopt(curl, CURLOPT_CAINFO, NULL);
    if (path != NULL || ca_file.len > 0)
        curl_easy_setopt(curl, CURLOPT_CAPATH, path);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    return ca_file.len == 0 || set_text(curl, CURLOPT_CAINFO, ca_file);
}

bool
vk_https_may_use_proxy(const struct vk_exchange *exchange)
{
    return strncasecmp(exchange->url, "https:", 6) == 0;
}

static bool
set_proxy(CURL *curl, const struct vk_exchange *exchange)
{
    curl_easy_setopt(curl, CURLOPT_PROXY_SSLVERSION,
                     (long)CURL_SSLVERSION_TLSv1_2);
    if (!vk_https_may_use_proxy(exchange))
        return curl_easy_setopt(curl, CURLOPT_NOPROXY, "*") == CURLE_OK;
    return exchange->proxy.ptr == NULL ||
           set_text(curl, CURLOPT_PROXY, exchange->proxy);
}

static void
set_limits(CURL *curl, const struct vk_exchange *exchange)
{
    long total = exchange->timeout_ms > 1 ? (long)exchange->timeout_ms : 1L;

    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, total);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_MAXFILESIZE, (long)VK_REPLY_MAX);
    /* Of http URLs only those for loopback passed clients.conf. */
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
}

static struct curl_slist *
set_request(CURL *curl, const struct vk_exchange *exchange)
{
    struct curl_slist *headers =
        curl_slist_append(NULL, "Accept: application/json");

    if (exchange->content_type != NULL) {
        headers = curl_slist_append(headers, exchange->content_type);
        curl_easy_setopt(curl, CURLOPT_POST, 1L);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, exchange->body.ptr);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t)exchange->body.len);
    }
    if (exchange->user != NULL) {
        curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        curl_easy_setopt(curl, CURLOPT_USERNAME, exchange->user);
        curl_easy_setopt(curl, CURLOPT_PASSWORD, exchange->password);
    }
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "valetkey/" PACKAGE_VERSION);
    curl_easy_setopt(curl, CURLOPT_URL, exchange->url);
    return headers;
}

static const char *
header(CURL *curl, const char *name)
{
    struct curl_header *found;

    if (curl_easy_header(curl, name, 0, CURLH_HEADER, -1, &found) != CURLHE_OK)
        return NULL;
    return found->value;
}

/* -1: none, or one before 1970. */
static int64_t
date_of(const char *text)
{
    int64_t date = text != NULL ? (int64_t)curl_getdate(text, NULL) : -1;

    return date >= 0 ? date : -1;
}

static void
read_headers(CURL *curl, struct vk_http_reply *reply)
{
    const char *retry = header(curl, "Retry-After");

    reply->date = date_of(header(curl, "Date"));
    if (retry == NULL || vk_span_number(vk_span_trim(vk_span_str(retry)),
                                        INT32_MAX, &reply->retry_after))
        return;
    int64_t until = date_of(retry);
    /* By the server's own clock: ours may be wrong. */
    if (until >= 0 && reply->date >= 0)
        reply->retry_after = until > reply->date ? until - reply->date : 0;
}

enum vk_err
vk_https_send(const struct vk_exchange *exchange, struct vk_http_reply *reply,
              const char **why)
{
    CURL *curl = curl_easy_init();
    size_t head = 0;

    if (curl == NULL || !set_trust(curl, exchange->ca_file) ||
        !set_proxy(curl, exchange)) {
        curl_easy_cleanup(curl);
        return VK_NOMEM;
    }
    set_limits(curl, exchange);
    struct curl_slist *headers = set_request(curl, exchange);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &reply->body);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, measure);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &head);

    CURLcode code = curl_easy_perform(curl);
    enum vk_err err = VK_OK;
    if (code == CURLE_OK) {
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply->status);
        read_headers(curl, reply);
    } else {
        err = vk_trouble_explain(curl, code, exchange, head > HEAD_MAX, why);
    }
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    return err;
}

/* SPDX-License-Identifier: MIT */
/* The values of Retry-After and Date, a line each. */
#include "oauth/https.c"

#include "tests/fuzz/fuzz.h"

static struct curl_header retry_after, date;

static CURLHcode
give_header(const char *name, struct curl_header **out)
{
    *out = strcmp(name, "Date") == 0 ? &date : &retry_after;
    return (*out)->value != NULL ? CURLHE_OK : CURLHE_MISSING;
}

#undef curl_easy_header
CURLHcode
curl_easy_header(CURL *curl, const char *name, size_t index,
                 unsigned int origin, int request, struct curl_header **out)
{
    (void)curl;
    (void)index;
    (void)origin;
    (void)request;
    return give_header(name, out);
}

static char *
copy(struct vk_span text)
{
    char *out = malloc(text.len + 1);

    require(out != NULL);
    if (text.len > 0)
        memcpy(out, text.ptr, text.len);
    out[text.len] = '\0';
    return out;
}

/* Read again it is the same, and a number counts without any clock. */
static void
check(const struct vk_http_reply *reply)
{
    struct vk_http_reply again = VK_HTTP_REPLY;
    char seconds[24];
    char *said = retry_after.value;

    require(reply->date >= -1 && reply->retry_after >= -1);
    require(reply->date >= 0 || reply->retry_after <= INT32_MAX);
    if (reply->retry_after < 0 || reply->retry_after > INT32_MAX)
        return;
    snprintf(seconds, sizeof seconds, " %lld ", (long long)reply->retry_after);
    retry_after.value = seconds;
    read_headers(NULL, &again);
    require(again.retry_after == reply->retry_after);
    require(again.date == reply->date);
    retry_after.value = said;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vk_span rest = {(const char *)data, size};
    struct vk_http_reply reply = VK_HTTP_REPLY;
    struct vk_span first = vk_span_cut(&rest, '\n');

    retry_after.value = copy(first);
    date.value = rest.ptr != NULL ? copy(rest) : NULL;
    char *said = retry_after.value;
    read_headers(NULL, &reply);
    check(&reply);
    free(said);
    free(date.value);
    return 0;
}

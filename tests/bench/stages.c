/* SPDX-License-Identifier: MIT */
/*
 * Preloaded (ld.so(8)) into a cold get: appends to $STAGES a line for each
 * stage that a program reaches: program, stage, nanoseconds of
 * CLOCK_MONOTONIC.
 */
#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <libsecret/secret.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void
note(const char *stage)
{
    struct timespec time;
    char line[128];
    const char *path = getenv("STAGES");

    clock_gettime(CLOCK_MONOTONIC, &time);
    int len = snprintf(line, sizeof line, "%s %s %lld\n",
                       program_invocation_short_name, stage,
                       time.tv_sec * 1000000000LL + time.tv_nsec);
    int fd = path != NULL ? open(path, O_WRONLY | O_APPEND | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    if (write(fd, line, (size_t)len) != len)
        _exit(99);
    close(fd);
}

/* The next one of that name, as a function of the same type. */
#define NEXT(name)           \
    __typeof__(&name) next = \
        (__typeof__(&name))(uintptr_t)dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void
loaded(void)
{
    note("loaded");
}

__attribute__((destructor)) static void
ended(void)
{
    note("ended");
}

SecretValue *
secret_service_lookup_sync(SecretService *service, const SecretSchema *schema,
                           GHashTable *attributes, GCancellable *cancel,
                           GError **error)
{
    NEXT(secret_service_lookup_sync);

    note("secret-asked");
    SecretValue *found = next(service, schema, attributes, cancel, error);
    note("secret-read");
    return found;
}

CURLcode
curl_global_init(long flags)
{
    NEXT(curl_global_init);

    note("curl-starts");
    CURLcode code = next(flags);
    note("curl-started");
    return code;
}

CURLcode
curl_easy_perform(CURL *curl)
{
    NEXT(curl_easy_perform);

    note("request-starts");
    CURLcode code = next(curl);
    note("request-ended");
    return code;
}

void
curl_global_cleanup(void)
{
    NEXT(curl_global_cleanup);

    note("curl-ends");
    next();
    note("curl-ended");
}

/* SPDX-License-Identifier: MIT */
/*
 * In valetkey-fetch and valetkey-store whatever is freed is wiped first, by
 * whichever library: libcurl, libcrypto and json-c all keep copies of the
 * secret or the token for a while and free them as they are.  The program's
 * own free() and realloc() take the place of the C library's for all of them
 * (malloc(3), "replacing malloc"; ld.so(8)).  The sanitizers bring their own
 * allocator and would not recognise ours, so they run without this.
 */
#include <dlfcn.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define VK_SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define VK_SANITIZED
#endif

#ifndef VK_SANITIZED

typedef void free_function(void *);

/* NULL while dlsym itself runs: what it frees meanwhile is not freed. */
static free_function *
next_free(void)
{
    static free_function *volatile next;
    static volatile int busy;

    if (next == NULL && !busy) {
        busy = 1;
        *(void **)(uintptr_t)&next = dlsym(RTLD_NEXT, "free");
        busy = 0;
    }
    return next;
}

__attribute__((visibility("default"))) void
free(void *ptr)
{
    free_function *next;

    if (ptr == NULL)
        return;
    vk_wipe(ptr, malloc_usable_size(ptr));
    next = next_free();
    if (next != NULL)
        next(ptr);
}

__attribute__((visibility("default"))) void *
realloc(void *ptr, size_t size)
{
    size_t have = ptr != NULL ? malloc_usable_size(ptr) : 0;

    if (ptr != NULL && size == 0) {
        free(ptr);
        return NULL;
    }
    if (ptr != NULL && size <= have && size >= have / 2)
        return ptr;
    void *fresh = malloc(size);
    if (fresh == NULL || ptr == NULL)
        return fresh;
    memcpy(fresh, ptr, have < size ? have : size);
    free(ptr);
    return fresh;
}

#endif

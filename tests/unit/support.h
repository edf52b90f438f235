/* SPDX-License-Identifier: MIT */
#ifndef VK_TESTS_SUPPORT_H
#define VK_TESTS_SUPPORT_H

/* cmocka.h needs these four before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "keyring/clients.h"

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

/*
 * A copy of text that ends where readable memory does: one byte too many is
 * a fault, with or without a sanitizer.  At most 64 KiB; the four latest are
 * good.
 */
struct vk_span vk_test_edge(const char *text, size_t len);
#define EDGE(text) vk_test_edge((text), strlen(text))

void vk_test_assert_span(int line, struct vk_span span, const char *expected);
#define assert_span(span, expected) \
    vk_test_assert_span(__LINE__, (span), (expected))

/* What vk_fail said last has part in it. */
void vk_test_assert_said(int line, const char *part);
#define assert_said(part) vk_test_assert_said(__LINE__, (part))

/* text as a clients.conf in the directory "/etc/vk". */
struct vk_clients vk_test_clients(const char *text);

/*
 * Setup and teardown of a test that needs files: a fresh directory, which is
 * HOME and holds every XDG directory.  What is in it is removed.
 */
extern char vk_test_dir[64];
int vk_test_enter(void **state);
int vk_test_leave(void **state);

/* A path below vk_test_dir; the result lives until the fourth next call. */
const char *vk_test_path(const char *name);
void vk_test_write(const char *name, const char *text, unsigned int mode);
/* The content of a file, NUL-terminated; lives until the next call. */
const char *vk_test_read(const char *name);
/* Entries of a directory, without "." and "..". */
size_t vk_test_count(const char *name);

/*
 * Run work in a child and return its exit status; 128 + signal if it was
 * killed.  An alarm ends one that hangs.  work must not assert.
 */
int vk_test_child(int (*work)(void));

/*
 * Skip the test, and say why, where the kernel gives no keys.  The names of
 * keys that a test makes begin with vk_test_key_name(); forget takes all of
 * them out of the user keyring again, whoever owns them.
 */
void vk_test_needs_keyring(void);
const char *vk_test_key_name(void);
int vk_test_forget(void **state);
/* How many there are. */
size_t vk_test_keys(void);

#endif

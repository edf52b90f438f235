/* SPDX-License-Identifier: MIT */
#ifndef VK_TESTS_PLAN_H
#define VK_TESTS_PLAN_H

#include "cli/camunda.h"
#include "tests/unit/support.h"

#define ID "CAMUNDA_CLIENT_ID=id\n"
#define SECRET "CAMUNDA_CLIENT_SECRET=s3cret\n"
#define CLUSTER \
    "CAMUNDA_CLUSTER_ID=7b1d9f0e-4c55\nCAMUNDA_CLUSTER_REGION=bru-2\n"
#define URL "CAMUNDA_OAUTH_URL=https://sso.example.com/token\n"

/* What vk_test_plan_make made of a file called "test.txt". */
extern struct vk_plan vk_test_plan;
enum vk_err vk_test_plan_make(struct vk_span text, const char *name);

/* A group's teardown. */
int vk_test_plan_clear(void **state);

/* Append the sections of all clients, which are a good clients.conf. */
void vk_test_plan_join(struct vk_buf *out);

/* The sections are these. */
void vk_test_plan_assert_conf(int line, const char *expected);
#define assert_conf(expected) vk_test_plan_assert_conf(__LINE__, (expected))

/* There is no plan, and the log says why and no secret. */
void vk_test_plan_assert_refused(int line, const char *text,
                                 const char *message);
#define assert_refused(text, message) \
    vk_test_plan_assert_refused(__LINE__, (text), (message))

/* Append a file of tests/samples/camunda. */
void vk_test_plan_sample(struct vk_buf *out, const char *name,
                         const char *suffix);

#endif

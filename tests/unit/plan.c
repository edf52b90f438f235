/* SPDX-License-Identifier: MIT */
#include "tests/unit/plan.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

struct vk_plan vk_test_plan;
static struct vk_buf values = VK_BUF(VK_CRED_MAX);

enum vk_err
vk_test_plan_make(struct vk_span text, const char *name)
{
    static struct vk_credfile file;

    vk_camunda_plan_clear(&vk_test_plan);
    vk_buf_cut(&values, 0);
    enum vk_err err = vk_credfile_parse(text, "test.txt", &values, &file);

    return err != VK_OK
               ? err
               : vk_camunda_plan(&file, "test.txt", name, &vk_test_plan);
}

int
vk_test_plan_clear(void **state)
{
    (void)state;
    vk_camunda_plan_clear(&vk_test_plan);
    vk_buf_clear(&values);
    return 0;
}

void
vk_test_plan_join(struct vk_buf *out)
{
    for (size_t i = 0; i < vk_test_plan.clients; i++) {
        struct vk_buf *conf = &vk_test_plan.client[i].conf;
        if (out->len > 0)
            assert_int_equal(vk_buf_add_char(out, '\n'), VK_OK);
        assert_int_equal(vk_buf_add(out, vk_buf_span(conf)), VK_OK);
    }
    struct vk_clients clients = vk_test_clients(vk_buf_str(out));
    assert_int_equal(vk_clients_check(&clients), VK_OK);
}

void
vk_test_plan_assert_conf(int line, const char *expected)
{
    VK_AUTO_BUF conf = VK_BUF(VK_CLIENTS_MAX);

    vk_test_plan_join(&conf);
    vk_test_assert_span(line, vk_buf_span(&conf), expected);
}

void
vk_test_plan_assert_refused(int line, const char *text, const char *message)
{
    if (vk_test_plan_make(vk_span_str(text), "prod") != VK_CONFIG)
        fail_msg("line %d: not refused", line);
    vk_test_assert_said(line, message);
    vk_test_assert_said(line, "'test.txt'");
    assert_null(strstr(vk_log_last(), "s3cret"));
    assert_int_equal(vk_test_plan.clients, 0);
}

void
vk_test_plan_sample(struct vk_buf *out, const char *name, const char *suffix)
{
    const char *dir = getenv("srcdir");
    char path[VK_PATH_MAX];

    snprintf(path, sizeof path, "%s/tests/samples/camunda/%s%s",
             dir != NULL ? dir : ".", name, suffix);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(vk_buf_read(out, fd), VK_OK);
    close(fd);
}

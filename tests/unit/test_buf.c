/* SPDX-License-Identifier: MIT */
#include "tests/unit/support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Linked with --wrap=free: what a buffer gives back to the heap must have
 * been wiped by then.
 */
void __real_free(void *ptr);
void __wrap_free(void *ptr);

static struct {
    const char *ptr;
    size_t len, dirty, freed;
} watch;

void
__wrap_free(void *ptr)
{
    if (ptr != NULL && ptr == watch.ptr) {
        for (size_t i = 0; i < watch.len; i++)
            watch.dirty += watch.ptr[i] != '\0';
        watch.freed++;
        watch.ptr = NULL;
    }
    __real_free(ptr);
}

static void
watch_buf(const struct vk_buf *buf)
{
    watch.ptr = buf->data;
    watch.len = buf->cap;
    watch.dirty = 0;
    watch.freed = 0;
}

static void
add_bytes(struct vk_buf *buf, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(vk_buf_add_char(buf, 's'), VK_OK);
}

static void
refuses_one_byte_past_the_limit(void **state)
{
    VK_AUTO_BUF buf = VK_BUF(1000);

    (void)state;
    add_bytes(&buf, 1000);
    assert_int_equal(vk_buf_add(&buf, VK_SPAN("")), VK_OK);
    assert_int_equal(vk_buf_add_char(&buf, 'x'), VK_TOOBIG);
    assert_int_equal(vk_buf_add(&buf, VK_SPAN("xy")), VK_TOOBIG);
    assert_int_equal(vk_buf_add_str(&buf, "x"), VK_TOOBIG);
    assert_int_equal(vk_buf_add_number(&buf, 1), VK_TOOBIG);
    assert_int_equal(vk_buf_addf(&buf, "%d", 1), VK_TOOBIG);
    assert_int_equal(vk_buf_reserve(&buf, SIZE_MAX), VK_TOOBIG);
    assert_int_equal(buf.len, 1000);
    assert_true(buf.cap <= 1000);
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(buf.data[i], 's');
}

static void
holds_nothing_when_the_limit_is_zero(void **state)
{
    VK_AUTO_BUF buf = VK_BUF(0);

    (void)state;
    assert_int_equal(vk_buf_add(&buf, VK_SPAN("")), VK_OK);
    assert_int_equal(vk_buf_add_char(&buf, 'x'), VK_TOOBIG);
    assert_null(vk_buf_str(&buf));
    assert_int_equal(vk_buf_span(&buf).len, 0);
}

static void
ends_text_with_a_nul_that_does_not_count(void **state)
{
    VK_AUTO_BUF buf = VK_BUF(4);

    (void)state;
    assert_string_equal(vk_buf_str(&buf), "");
    assert_int_equal(vk_buf_add_str(&buf, "abc"), VK_OK);
    assert_string_equal(vk_buf_str(&buf), "abc");
    assert_int_equal(buf.len, 3);
    assert_int_equal(vk_buf_add_str(&buf, "d"), VK_OK);
    /* No room for the NUL. */
    assert_null(vk_buf_str(&buf));
    assert_span(vk_buf_span(&buf), "abcd");
}

static void
writes_every_number(void **state)
{
    VK_AUTO_BUF buf = VK_BUF(100);

    (void)state;
    assert_int_equal(vk_buf_add_number(&buf, INT64_MIN), VK_OK);
    assert_int_equal(vk_buf_add_number(&buf, -1), VK_OK);
    assert_int_equal(vk_buf_add_number(&buf, 0), VK_OK);
    assert_int_equal(vk_buf_add_number(&buf, 10), VK_OK);
    assert_int_equal(vk_buf_addf(&buf, "%s", "|"), VK_OK);
    assert_int_equal(vk_buf_add_number(&buf, INT64_MAX), VK_OK);
    assert_span(vk_buf_span(&buf),
                "-9223372036854775808-1010|9223372036854775807");
}

static void
wipes_what_it_outgrows_and_what_it_clears(void **state)
{
    struct vk_buf buf = VK_BUF(4096);

    (void)state;
    add_bytes(&buf, 256);
    watch_buf(&buf);
    add_bytes(&buf, 1);
    assert_int_equal(watch.freed, 1);
    assert_int_equal(watch.dirty, 0);
    assert_int_equal(buf.len, 257);

    /* Bytes beyond len may be stale: all of cap is wiped. */
    memset(buf.data + buf.len, 's', buf.cap - buf.len);
    watch_buf(&buf);
    vk_buf_clear(&buf);
    assert_int_equal(watch.freed, 1);
    assert_int_equal(watch.dirty, 0);
    assert_null(buf.data);
    vk_buf_clear(&buf);
    assert_int_equal(watch.freed, 1);
}

static void
wipes_what_is_cut_and_keeps_the_rest(void **state)
{
    VK_AUTO_BUF buf = VK_BUF(64);

    (void)state;
    assert_int_equal(vk_buf_add_str(&buf, "keepsecret"), VK_OK);
    vk_buf_cut(&buf, 11);
    vk_buf_cut(&buf, 10);
    assert_span(vk_buf_span(&buf), "keepsecret");
    vk_buf_cut(&buf, 4);
    assert_span(vk_buf_span(&buf), "keep");
    assert_memory_equal(buf.data + 4, "\0\0\0\0\0\0", 6);
    vk_buf_cut(&buf, 0);
    assert_int_equal(buf.len, 0);
}

static void
clears_itself_at_the_end_of_its_scope(void **state)
{
    (void)state;
    {
        VK_AUTO_BUF buf = VK_BUF(64);
        add_bytes(&buf, 3);
        watch_buf(&buf);
    }
    assert_int_equal(watch.freed, 1);
    assert_int_equal(watch.dirty, 0);
}

static void
keeps_to_its_own_storage_when_static(void **state)
{
    VK_STATIC_BUF(buf, 8);

    (void)state;
    add_bytes(&buf, 8);
    assert_ptr_equal(buf.data, buf_storage);
    assert_int_equal(vk_buf_add_char(&buf, 'x'), VK_TOOBIG);
    vk_buf_clear(&buf);
    assert_memory_equal(buf_storage, "\0\0\0\0\0\0\0\0", 8);
    assert_ptr_equal(buf.data, buf_storage);
    add_bytes(&buf, 8);
    vk_buf_clear(&buf);
}

/* A pipe whose writer has written text and gone. */
static int
pipe_with(const char *text)
{
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    assert_int_equal(vk_span_write(vk_span_str(text), fds[1]), VK_OK);
    close(fds[1]);
    return fds[0];
}

static void
reads_a_file_up_to_the_limit(void **state)
{
    static const struct {
        const char *text;
        enum vk_err err;
    } table[] = {
        {"", VK_OK},
        {"1234567", VK_OK},
        {"12345678", VK_OK},
        {"123456789", VK_TOOBIG},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(table); i++) {
        VK_AUTO_BUF buf = VK_BUF(8);
        int fd = pipe_with(table[i].text);
        assert_int_equal(vk_buf_read(&buf, fd), table[i].err);
        if (table[i].err == VK_OK)
            assert_span(vk_buf_span(&buf), table[i].text);
        close(fd);
    }
}

static void
says_why_it_cannot_read_or_write(void **state)
{
    VK_AUTO_BUF buf = VK_BUF(8);
    int fd = open("/dev/full", O_RDWR | O_CLOEXEC);

    (void)state;
    errno = 0;
    assert_int_equal(vk_buf_read(&buf, -1), VK_IO);
    assert_int_equal(errno, EBADF);
    assert_true(fd >= 0);
    assert_int_equal(vk_span_write(VK_SPAN("x"), fd), VK_IO);
    assert_int_equal(errno, ENOSPC);
    assert_int_equal(vk_span_write(VK_SPAN(""), fd), VK_OK);
    close(fd);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_one_byte_past_the_limit),
        cmocka_unit_test(holds_nothing_when_the_limit_is_zero),
        cmocka_unit_test(ends_text_with_a_nul_that_does_not_count),
        cmocka_unit_test(writes_every_number),
        cmocka_unit_test(wipes_what_it_outgrows_and_what_it_clears),
        cmocka_unit_test(wipes_what_is_cut_and_keeps_the_rest),
        cmocka_unit_test(clears_itself_at_the_end_of_its_scope),
        cmocka_unit_test(keeps_to_its_own_storage_when_static),
        cmocka_unit_test(reads_a_file_up_to_the_limit),
        cmocka_unit_test(says_why_it_cannot_read_or_write),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

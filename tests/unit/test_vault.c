/* SPDX-License-Identifier: MIT */
#include "tests/unit/support.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "keyring/secret.h"
#include "server/seal.h"

#define ONE "One.Secret~not.real"
#define TWO "Two.Secret~not.real"
#define FILE "etc/secrets/prod.cred"

static const struct vk_secret_id prod = {"prod", "id", "https://a.com/t"};
static const struct vk_secret_id moved = {"prod", "id", "https://b.com/t"};

/* A seal that can be had or not, and that knows the name it was made under. */
static bool can_seal;
static useconds_t sealing_us;

enum vk_err
vk_seal(const char *name, struct vk_span plain, struct vk_buf *out)
{
    if (!can_seal)
        return VK_NOSTORE;
    usleep(sealing_us);
    assert_int_equal(vk_buf_addf(out, "sealed %s\n", name), VK_OK);
    for (size_t i = 0; i < plain.len; i++)
        assert_int_equal(vk_buf_add_char(out, (char)(plain.ptr[i] ^ 1)),
                         VK_OK);
    return VK_OK;
}

enum vk_err
vk_unseal(const char *name, struct vk_span sealed, struct vk_buf *out)
{
    char head[100];

    snprintf(head, sizeof head, "sealed %s\n", name);
    if (!vk_span_starts(sealed, head))
        return VK_NOSTORE;
    for (size_t i = strlen(head); i < sealed.len; i++)
        assert_int_equal(vk_buf_add_char(out, (char)(sealed.ptr[i] ^ 1)),
                         VK_OK);
    return VK_OK;
}

static int
start(void **state)
{
    if (vk_test_enter(state) != 0)
        return -1;
    return mkdir(vk_test_path("etc"), 0755);
}

static int
empty(void **state)
{
    (void)state;
    can_seal = true;
    return vk_secret_delete(&prod, VK_SECRET_ALL, 0) == VK_OK ? 0 : -1;
}

static void
put(const struct vk_secret_id *id, const char *secret)
{
    assert_int_equal(vk_secret_put(id, vk_span_str(secret), 0), VK_OK);
}

static void
assert_holds(const struct vk_secret_id *id, const char *secret)
{
    VK_AUTO_BUF out = VK_BUF(VK_SECRET_MAX);

    assert_int_equal(vk_secret_get(id, 0, &out), VK_OK);
    assert_span(vk_buf_span(&out), secret);
    assert_int_equal(vk_secret_has(id, 0), VK_OK);
}

static void
assert_lacks(const struct vk_secret_id *id)
{
    VK_AUTO_BUF out = VK_BUF(VK_SECRET_MAX);

    assert_int_equal(vk_secret_get(id, 0, &out), VK_NOSECRET);
    assert_int_equal(out.len, 0);
    assert_int_equal(vk_secret_has(id, 0), VK_NOSECRET);
}

static void
gives_back_what_it_was_given_sealed_or_not(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        can_seal = i == 0;
        put(&prod, ONE);
        assert_holds(&prod, ONE);
        assert_int_equal(strstr(vk_test_read(FILE), ONE) == NULL, can_seal);
    }
}

static void
makes_files_that_only_the_owner_can_read(void **state)
{
    struct stat st;

    (void)state;
    put(&prod, ONE);
    assert_int_equal(stat(vk_test_path("etc/secrets"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(stat(vk_test_path(FILE), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(vk_test_count("etc/secrets"), 1);
}

static void
finds_a_secret_under_all_three_of_its_names_only(void **state)
{
    static const struct vk_secret_id others[] = {
        {"prod", "id2", "https://a.com/t"},
        {"prod", "i", "https://a.com/t"},
        {"prod", "id", "https://a.com/"},
        {"other", "id", "https://a.com/t"},
    };

    (void)state;
    put(&prod, ONE);
    for (size_t i = 0; i < LENGTH(others); i++)
        assert_lacks(&others[i]);
}

static void
keeps_the_old_secret_until_it_is_pruned(void **state)
{
    (void)state;
    put(&prod, ONE);
    put(&moved, TWO);
    assert_holds(&prod, ONE);
    assert_holds(&moved, TWO);
    assert_int_equal(vk_secret_delete(&moved, VK_SECRET_OTHERS, 0), VK_OK);
    assert_lacks(&prod);
    assert_holds(&moved, TWO);
    put(&moved, ONE);
    assert_holds(&moved, ONE);
    assert_int_equal(vk_secret_delete(&moved, VK_SECRET_THIS, 0), VK_OK);
    assert_lacks(&moved);
    assert_int_equal(vk_test_count("etc/secrets"), 0);
}

static void
refuses_a_client_that_is_a_path(void **state)
{
    static const char *const names[] = {"../prod", "a/b", "", ".", "A", "a\n"};
    VK_AUTO_BUF out = VK_BUF(VK_SECRET_MAX);

    (void)state;
    for (size_t i = 0; i < LENGTH(names); i++) {
        struct vk_secret_id id = {names[i], "id", "https://a.com/t"};
        assert_int_equal(vk_secret_put(&id, VK_SPAN(ONE), 0), VK_USAGE);
        assert_int_equal(vk_secret_get(&id, 0, &out), VK_USAGE);
        assert_int_equal(vk_secret_delete(&id, VK_SECRET_ALL, 0), VK_USAGE);
    }
}

static void
refuses_names_that_would_be_two_lines(void **state)
{
    static const struct vk_secret_id id = {"prod", "id\nhttps://a.com/t",
                                           "https://a.com/t"};

    (void)state;
    assert_int_equal(vk_secret_put(&id, VK_SPAN(ONE), 0), VK_USAGE);
}

static void
assert_refused(const char *said)
{
    VK_AUTO_BUF out = VK_BUF(VK_SECRET_MAX);

    assert_int_equal(vk_secret_get(&prod, 0, &out), VK_NOSTORE);
    assert_said(said);
    assert_int_equal(out.len, 0);
}

static void
refuses_files_that_others_could_have_touched(void **state)
{
    (void)state;
    put(&prod, ONE);
    assert_int_equal(chmod(vk_test_path(FILE), 0640), 0);
    assert_refused("is open to others");
    assert_int_equal(chmod(vk_test_path(FILE), 0600), 0);
    assert_int_equal(chmod(vk_test_path("etc/secrets"), 0750), 0);
    assert_refused("is open to others");
    assert_int_equal(chmod(vk_test_path("etc/secrets"), 0700), 0);
    assert_int_equal(link(vk_test_path(FILE), vk_test_path("hard")), 0);
    assert_refused("has a second name");
    assert_int_equal(unlink(vk_test_path(FILE)), 0);
    assert_int_equal(symlink(vk_test_path("hard"), vk_test_path(FILE)), 0);
    assert_refused("it is a symbolic link");
    assert_int_equal(unlink(vk_test_path(FILE)), 0);
    assert_int_equal(mkfifo(vk_test_path(FILE), 0600), 0);
    assert_refused("is not a regular file");
    assert_int_equal(unlink(vk_test_path("hard")), 0);
}

static void
refuses_what_cannot_be_unsealed(void **state)
{
    static const char *const texts[] = {"", "garbage", "sealed other\nx",
                                        "sealed prod\nno first line",
                                        "valetkey-secrets 2\n"};

    (void)state;
    put(&prod, ONE);
    for (size_t i = 0; i < LENGTH(texts); i++) {
        vk_test_write(FILE, texts[i], 0600);
        assert_refused("cannot be unsealed on this machine");
    }
    /* And it is not in the way of a new one. */
    put(&prod, TWO);
    assert_holds(&prod, TWO);
}

static void
survives_files_that_are_cut_short(void **state)
{
    static char text[256];
    VK_AUTO_BUF out = VK_BUF(VK_SECRET_MAX);

    (void)state;
    can_seal = false;
    put(&prod, ONE);
    snprintf(text, sizeof text, "%s", vk_test_read(FILE));
    for (size_t len = strlen(text); len-- > 0;) {
        text[len] = '\0';
        vk_test_write(FILE, text, 0600);
        assert_int_not_equal(vk_secret_get(&prod, 0, &out), VK_OK);
        assert_int_equal(out.len, 0);
    }
}

static void
lets_one_at_a_time_change_a_file(void **state)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    int status;

    (void)state;
    can_seal = true;
    sealing_us = 20000;
    for (size_t i = 0; i < 4; i++)
        if (fork() == 0) {
            const struct vk_secret_id id = {"prod", names[i], "https://a/t"};
            _exit(vk_secret_put(&id, VK_SPAN(ONE), 10000) != VK_OK);
        }
    for (size_t i = 0; i < 4; i++) {
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    sealing_us = 0;
    for (size_t i = 0; i < 4; i++)
        assert_holds(&(struct vk_secret_id){"prod", names[i], "https://a/t"},
                     ONE);
}

static void
gives_up_where_another_holds_on(void **state)
{
    (void)state;
    put(&prod, ONE);
    int fd = open(vk_test_path("etc/secrets"), O_RDONLY | O_DIRECTORY);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(vk_secret_put(&prod, VK_SPAN(TWO), 20), VK_NOSTORE);
    assert_said("another process has it");
    close(fd);
    assert_holds(&prod, ONE);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, empty)
    const struct CMUnitTest tests[] = {
        TEST(gives_back_what_it_was_given_sealed_or_not),
        TEST(makes_files_that_only_the_owner_can_read),
        TEST(finds_a_secret_under_all_three_of_its_names_only),
        TEST(keeps_the_old_secret_until_it_is_pruned),
        TEST(refuses_a_client_that_is_a_path),
        TEST(refuses_names_that_would_be_two_lines),
        TEST(refuses_files_that_others_could_have_touched),
        TEST(refuses_what_cannot_be_unsealed),
        TEST(survives_files_that_are_cut_short),
        TEST(lets_one_at_a_time_change_a_file),
        TEST(gives_up_where_another_holds_on),
    };

    vk_log_keep();
    return cmocka_run_group_tests(tests, start, vk_test_leave);
}

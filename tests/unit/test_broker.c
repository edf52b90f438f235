/* SPDX-License-Identifier: MIT */
#include "tests/unit/support.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

int broker_main(int argc, char **argv);
#define main broker_main
#include "server/broker.c"
#undef main

/* Less than nothing: with the grace that follows it is a second. */
#define TIMEOUT_MS (-4000)

static const struct vk_profile profile = {.name = "prod"};

/* What the other process does, which may be anybody's by now. */
static void (*misbehave)(int out);
static int awake[2];

enum vk_err
vk_confine_start(const char *const argv[], int in, int out, pid_t *pid)
{
    (void)argv;
    (void)in;
    *pid = fork();
    if (*pid == 0) {
        misbehave(out);
        _exit(0);
    }
    return VK_OK;
}

enum vk_err
vk_confine_self(void)
{
    return VK_INTERNAL;
}

int
vk_fetch_main(int argc, char **argv, const struct vk_fetcher *fetcher)
{
    (void)argc;
    (void)argv;
    (void)fetcher;
    return 1;
}

enum vk_err
vk_fetch_init(void)
{
    return VK_INTERNAL;
}

enum vk_err
vk_fetch_exchange(const struct vk_profile *of, struct vk_span secret,
                  int64_t timeout_ms, struct vk_reply *reply,
                  struct vk_failure *failure)
{
    (void)of;
    (void)secret;
    (void)timeout_ms;
    (void)reply;
    (void)failure;
    return VK_INTERNAL;
}

enum vk_err
vk_probe(const struct vk_clients *clients, const struct vk_profile *of,
         int64_t deadline, vk_probe_asker *asker, struct vk_buf *out)
{
    (void)clients;
    (void)of;
    (void)deadline;
    (void)asker;
    (void)out;
    return VK_INTERNAL;
}

enum vk_err
vk_probe_ask(const struct vk_profile *of, int64_t timeout_ms,
             struct vk_buf *out)
{
    (void)of;
    (void)timeout_ms;
    (void)out;
    return VK_INTERNAL;
}

/* Until the test has seen that nobody waits for it, or for good. */
static void
sleep_on(void)
{
    char byte;

    alarm(20);
    close(awake[1]);
    _exit(read(awake[0], &byte, 1) == 1 ? 0 : 1);
}

static void
stay_silent(int out)
{
    (void)out;
    sleep_on();
}

static void
leave_another(int out)
{
    (void)out;
    if (fork() == 0)
        sleep_on();
}

static void
give_up_on(void (*what)(int out))
{
    VK_AUTO_BUF report = VK_BUF(VK_REPORT_MAX);

    misbehave = what;
    assert_int_equal(pipe(awake), 0);
    assert_int_not_equal(
        talk(&profile, EXCHANGE, VK_SPAN("s"), TIMEOUT_MS, &report), VK_OK);
    close(awake[0]);
}

static void
ends_a_silent_process(void **state)
{
    (void)state;
    give_up_on(stay_silent);
    assert_int_equal(write(awake[1], "", 1), -1);
    close(awake[1]);
}

/* It holds the end of the pipe that we read from. */
static void
waits_for_no_other_process(void **state)
{
    (void)state;
    give_up_on(leave_another);
    assert_int_equal(write(awake[1], "", 1), 1);
    close(awake[1]);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_a_silent_process),
        cmocka_unit_test(waits_for_no_other_process),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * runner ROUNDS AT-ONCE SEED: runs programs in rounds, in a new random order
 * in each, and prints a line for each run: round, program, nanoseconds from
 * its start to its end.  With AT-ONCE more than 1 so many of each wait and are
 * let go together, and the time is that until the last one has ended.
 *
 * Standard input has a program in each line, fields separated by tabs: in
 * which rounds it takes part (1: all, 5: each fifth), a file for its standard
 * input, what its standard output must hold, then NAME=VALUE for its
 * environment and its command line.  A run that fails, or answers otherwise,
 * ends all.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 8192
#define PROGRAMS 64
#define FIELDS 64
#define ENVIRONMENT 256
#define CROWD 1024
#define ANSWER 65536

extern char **environ;

struct program {
    unsigned long every;
    int in;
    const char *wanted;
    char *env[ENVIRONMENT];
    char *argv[FIELDS];
};

static struct program programs[PROGRAMS];
static size_t count;
static int answers[CROWD];

static void
fail(const char *what, const struct program *program)
{
    fprintf(stderr, "runner: %s: %s\n", program->argv[0], what);
    exit(1);
}

static long long
now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void
read_program(char *line, struct program *program)
{
    size_t argc = 0, envc = 0;
    char *rest = line;

    program->every = strtoul(strsep(&rest, "\t"), NULL, 10);
    const char *in = strsep(&rest, "\t");
    program->wanted = strsep(&rest, "\t");
    for (; environ[envc] != NULL && envc < ENVIRONMENT - FIELDS - 1; envc++)
        program->env[envc] = environ[envc];
    for (char *word; (word = strsep(&rest, "\t")) != NULL;) {
        if (argc == 0 && strchr(word, '=') != NULL)
            program->env[envc++] = word;
        else if (argc < FIELDS - 1)
            program->argv[argc++] = word;
    }
    program->in = in != NULL ? open(in, O_RDONLY | O_CLOEXEC) : -1;
    if (argc == 0 || program->every == 0 || program->in < 0) {
        fprintf(stderr, "runner: a wrong line\n");
        exit(2);
    }
}

static void
read_programs(void)
{
    char line[LINE_MAX_BYTES];

    for (; fgets(line, sizeof line, stdin) != NULL; count++) {
        line[strcspn(line, "\n")] = '\0';
        if (count < PROGRAMS)
            read_program(strdup(line), &programs[count]);
    }
    if (count == 0 || count > PROGRAMS)
        exit(2);
}

/* In the child, before it becomes the program. */
static void
become(const struct program *program, int in, int out)
{
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    execve(program->argv[0], program->argv, program->env);
    _exit(127);
}

static void
await(const struct program *program, pid_t pid)
{
    int status;

    if (waitpid(pid, &status, 0) < 0)
        fail("cannot be waited for", program);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fprintf(stderr, "status %x\n", (unsigned int)status);
        fail("failed", program);
    }
}

static void
check(const struct program *program, int out)
{
    static char text[ANSWER];
    ssize_t len = pread(out, text, sizeof text - 1, 0);

    text[len > 0 ? len : 0] = '\0';
    if (strstr(text, program->wanted) == NULL)
        fail("gave another answer", program);
    if (ftruncate(out, 0) != 0 || lseek(out, 0, SEEK_SET) != 0)
        fail("its answer cannot be dropped", program);
}

/* vfork, for a fork takes its time after the start. */
static long long
run_one(const struct program *program)
{
    lseek(program->in, 0, SEEK_SET);
    long long start = now();
    pid_t pid = vfork();
    if (pid == 0)
        become(program, program->in, answers[0]);
    await(program, pid);
    long long end = now();
    check(program, answers[0]);
    return end - start;
}

/* Says that it is there, and waits until the other pipe is closed. */
static pid_t
start_waiting(const struct program *program, int out, const int ready[2],
              const int gate[2])
{
    char path[32], byte = 0;

    pid_t pid = fork();
    if (pid != 0)
        return pid;
    /* An offset of its own. */
    snprintf(path, sizeof path, "/proc/self/fd/%d", program->in);
    int in = open(path, O_RDONLY | O_CLOEXEC);
    close(gate[1]);
    if (write(ready[1], &byte, 1) != 1 || read(gate[0], &byte, 1) != 0)
        _exit(127);
    become(program, in, out);
    return -1;
}

static long long
run_crowd(const struct program *program, size_t crowd)
{
    int ready[2], gate[2];
    pid_t pids[CROWD];
    char byte;

    if (pipe2(ready, O_CLOEXEC) != 0 || pipe2(gate, O_CLOEXEC) != 0)
        fail("no pipe", program);
    for (size_t i = 0; i < crowd; i++)
        if ((pids[i] = start_waiting(program, answers[i], ready, gate)) < 0)
            fail("cannot be started", program);
    for (size_t i = 0; i < crowd; i++)
        if (read(ready[0], &byte, 1) != 1)
            fail("does not start", program);
    long long start = now();
    close(gate[1]);
    for (size_t i = 0; i < crowd; i++)
        await(program, pids[i]);
    long long end = now();
    close(gate[0]);
    close(ready[0]);
    close(ready[1]);
    for (size_t i = 0; i < crowd; i++)
        check(program, answers[i]);
    return end - start;
}

static void
shuffle(size_t *order, size_t len)
{
    for (size_t i = len; i > 1; i--) {
        size_t other = (size_t)random() % i, kept = order[i - 1];
        order[i - 1] = order[other];
        order[other] = kept;
    }
}

static void
run_round(unsigned long round, size_t crowd)
{
    size_t order[PROGRAMS];

    for (size_t i = 0; i < count; i++)
        order[i] = i;
    shuffle(order, count);
    for (size_t i = 0; i < count; i++) {
        const struct program *program = &programs[order[i]];
        if (round % program->every != 0)
            continue;
        long long time =
            crowd > 1 ? run_crowd(program, crowd) : run_one(program);
        printf("%lu %zu %lld\n", round, order[i], time);
    }
}

int
main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    unsigned long rounds = strtoul(argv[1], NULL, 10);
    size_t crowd = strtoul(argv[2], NULL, 10);
    srandom((unsigned int)strtoul(argv[3], NULL, 10));
    if (crowd == 0 || crowd > CROWD)
        return 2;
    read_programs();
    for (size_t i = 0; i < crowd; i++)
        answers[i] = memfd_create("answer", MFD_CLOEXEC);
    for (unsigned long round = 0; round < rounds; round++)
        run_round(round, crowd);
    return 0;
}

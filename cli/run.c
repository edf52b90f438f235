/* SPDX-License-Identifier: MIT */
/* run: become another program, with tokens where it looks for them. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/state.h"
#include "cli/variables.h"
#include "keyring/cache.h"

/* More than execve(2) takes, usually. */
#define ENVIRONMENT_MAX ((size_t)2 << 20)

/* An --env or --for, and the token for it. */
struct use {
    struct vk_span token;
    struct vk_span variable;        /* --env */
    const struct vk_target *target; /* --for */
};

struct plan {
    struct use use[VK_OPTION_VALUES];
    size_t count;
};

VK_STATIC_BUF(payload, VK_PAYLOAD_MAX);
VK_STATIC_BUF(variables, ENVIRONMENT_MAX);

static enum vk_err
read_use(const struct vk_cli *cli, size_t i, struct use *out)
{
    const char *option = vk_cli_option_name(cli->repeated[i].option);
    struct vk_span token = vk_span_str(cli->repeated[i].value);
    struct vk_span what = vk_span_cut(&token, '=');
    bool is_env = cli->repeated[i].option == VK_OPT_ENV;

    if (is_env && !vk_variables_is_name(what))
        return vk_fail(VK_USAGE, "'%.*s' is no name of a variable",
                       VK_ARG(what));
    if (token.ptr == NULL && cli->operands != 1)
        return vk_fail(VK_USAGE,
                       "which token? write '--%s %.*s=NAME', or name one"
                       " token only",
                       option, VK_ARG(what));
    *out = (struct use){
        .token = token.ptr != NULL ? token : vk_span_str(cli->operand),
        .variable = what,
    };
    return is_env ? VK_OK : vk_target_find(what, &out->target);
}

/* A token that was named and goes nowhere is a mistake. */
static enum vk_err
check_operands(const struct vk_cli *cli, const struct plan *plan)
{
    for (size_t i = 0; i < cli->operands; i++) {
        size_t k = 0;
        while (k < plan->count &&
               !vk_span_is(plan->use[k].token, cli->all_operands[i]))
            k++;
        if (k == plan->count)
            return vk_fail(VK_USAGE,
                           "nothing takes the token of '%s'; add"
                           " '--env VAR=%s' or '--for PRESET=%s'",
                           cli->all_operands[i], cli->all_operands[i],
                           cli->all_operands[i]);
    }
    return VK_OK;
}

static enum vk_err
make_plan(const struct vk_cli *cli, struct plan *out)
{
    enum vk_err err = VK_OK;

    if (cli->exec == NULL || cli->exec[0] == NULL)
        return vk_fail(VK_USAGE, "there is no '-- COMMAND' to run; see"
                                 " 'valetkey run --help'");
    if (cli->repeats == 0)
        return vk_fail(VK_USAGE,
                       "where does '%s' look for the token? say '--env VAR',"
                       " or '--for' with " VK_TARGETS,
                       cli->exec[0]);
    for (size_t i = 0; i < cli->repeats && err == VK_OK; i++)
        err = read_use(cli, i, &out->use[out->count++]);
    return err == VK_OK ? check_operands(cli, out) : err;
}

/* Of the uses from the i-th on, those that want the same token. */
static enum vk_err
add_variables(const struct plan *plan, size_t i,
              const struct vk_profile *profile, struct vk_span token)
{
    enum vk_err err = VK_OK;

    for (size_t k = i; k < plan->count && err == VK_OK; k++) {
        const struct use *use = &plan->use[k];
        if (!vk_span_same(use->token, plan->use[i].token))
            continue;
        err = use->target != NULL
                  ? vk_target_add(use->target, profile, token, &variables)
                  : vk_variables_add(&variables, use->variable, token);
    }
    return err;
}

static bool
came_before(const struct plan *plan, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (vk_span_same(plan->use[k].token, plan->use[i].token))
            return true;
    return false;
}

/* As vk_ask, but where the token is there nothing has to be saved. */
static enum vk_err
get(const struct vk_clients *clients, const struct vk_profile *profile,
    const struct vk_wish *wish, struct vk_state *state,
    struct vk_record *record)
{
    if (vk_cache_get(profile, wish->min_validity, &payload, record) == VK_OK)
        return VK_OK;
    vk_state_save(state);
    return vk_ask(clients, profile, wish, &payload, record);
}

static enum vk_err
get_tokens(const struct plan *plan, const struct vk_wish *wish,
           struct vk_state *state)
{
    struct vk_clients clients;
    struct vk_profile profile;
    struct vk_record record;
    enum vk_err err = vk_cli_open_warm(&clients);

    for (size_t i = 0; i < plan->count && err == VK_OK; i++) {
        if (came_before(plan, i))
            continue;
        err = vk_cli_find_name(&clients, plan->use[i].token, &profile);
        if (err == VK_OK)
            err = get(&clients, &profile, wish, state, &record);
        if (err == VK_OK)
            err = add_variables(plan, i, &profile, record.token);
        if (err == VK_OK)
            vk_ask_answered(&clients, &profile, &record);
        vk_buf_cut(&payload, 0);
    }
    return err;
}

static enum vk_err
become(char *const argv[], const struct vk_state *state, bool had_sigpipe)
{
    static const struct sigaction usual = {.sa_handler = SIG_DFL};

    vk_state_restore(state);
    if (had_sigpipe)
        sigaction(SIGPIPE, &usual, NULL);
    execvp(argv[0], argv);
    return vk_fail(errno == ENOENT ? VK_NOCOMMAND : VK_NOEXEC,
                   "cannot run '%s': %s", argv[0], strerror(errno));
}

enum vk_err
vk_run(const struct vk_cli *cli)
{
    struct plan plan = {.count = 0};
    struct vk_wish wish = {0};
    struct vk_state state = {.is_saved = false};
    enum vk_err err = make_plan(cli, &plan);

    if (err == VK_OK)
        err = vk_cli_wish(cli, VK_OPT_AT_LEAST, &wish);
    if (err == VK_OK)
        err = get_tokens(&plan, &wish, &state);
    /* Not before: they would be the fetcher's, too. */
    if (err == VK_OK)
        err = vk_variables_export(&variables);
    if (err == VK_OK)
        err = become(cli->exec, &state, cli->had_sigpipe);
    vk_buf_clear(&payload);
    vk_buf_clear(&variables);
    return err;
}

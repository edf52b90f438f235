/* SPDX-License-Identifier: MIT */
#include "cli/setup_change.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/prompt.h"

#define OUT_MAX (4 * VK_SETUP_MAX)

static bool
has(const struct vk_cli *cli, enum vk_option option)
{
    return cli->option[option] != NULL;
}

/* valetkey and its helpers are installed beside each other. */
static enum vk_err
find_programs(const struct vk_cli *cli, char out[VK_PATH_MAX])
{
    char *path = realpath(cli->program, NULL);
    char *end = path != NULL ? strrchr(path, '/') : NULL;
    enum vk_err err = VK_INTERNAL;

    if (end != NULL) {
        end[end == path ? 1 : 0] = '\0';
        err = vk_file_join(path, "", out);
    }
    free(path);
    if (err != VK_OK)
        return vk_fail(err, "cannot find out where valetkey is");
    if (strcmp(out, "//") != 0)
        out[strlen(out) - 1] = '\0';
    return VK_OK;
}

static enum vk_err
make_link(void *arg, const char *path, const char *target)
{
    (void)arg;
    return vk_setup_link_state(path, target) == VK_LINK_OURS
               ? VK_OK
               : vk_setup_link_make(path, target);
}

static enum vk_err
remove_link(void *arg, const char *path, const char *target)
{
    (void)arg;
    (void)target;
    if (unlink(path) == 0)
        return VK_OK;
    return vk_fail(VK_IO, "cannot remove '%s': %s", path, strerror(errno));
}

static enum vk_err
write_file(const struct vk_change *change)
{
    if (vk_change_is_none(&change->text))
        return VK_OK;
    if (change->text.is_gone)
        return vk_setup_file_remove(&change->file);
    return vk_setup_file_replace(&change->file,
                                 vk_buf_span(&change->text.next));
}

/* At no time does the file name a link that is not there. */
static enum vk_err
apply(const struct vk_change *change, bool undo)
{
    if (undo) {
        enum vk_err err = write_file(change);
        return err == VK_OK
                   ? vk_setup_links_there(&change->setup, remove_link, NULL)
                   : err;
    }
    enum vk_err err = vk_setup_links_wanted(&change->setup, make_link, NULL);
    return err == VK_OK ? write_file(change) : err;
}

static enum vk_err
finish(const struct vk_setup *setup, bool undo)
{
    const struct vk_setup_tool *tool = setup->tool;
    VK_AUTO_BUF out = VK_BUF(8192);
    char path[VK_PATH_MAX];
    enum vk_err err = vk_buf_addf(&out,
                                  undo ? "%s does not use valetkey any more.\n"
                                       : "%s uses valetkey now.\n",
                                  tool->name);

    if (err == VK_OK && !undo && tool->hint != NULL)
        err = tool->hint(setup, &out);
    if (err == VK_OK)
        err = vk_cli_print(vk_buf_span(&out));
    if (!undo && tool->helper != NULL &&
        !vk_cli_find_program(tool->helper, path))
        vk_log("%s looks for '%s' on PATH, where it is not; add '%s' to PATH",
               tool->name, tool->helper, setup->bin);
    return err;
}

static enum vk_err
ask(const struct vk_cli *cli, bool undo)
{
    if (has(cli, VK_OPT_YES))
        return VK_OK;
    return vk_confirm(
        undo ? "Take this back? [y/N] " : "Make this change? [y/N] ", "--yes");
}

/*
 * What setup would put in is there without its marks: a person wrote it, or
 * the tool has written its file anew without comments, as pip does.
 */
static bool
is_there_unmarked(const struct vk_change *change)
{
    const struct vk_setup_tool *tool = change->setup.tool;
    struct vk_setup_text text = {.now = change->text.now,
                                 .next = VK_BUF(VK_SETUP_MAX)};

    if (tool->line == NULL || !change->file.is_there)
        return false;
    text.want = vk_span_str(tool->line);
    bool is_there = tool->put(&text) == VK_OK && vk_change_is_none(&text);
    vk_buf_clear(&text.next);
    return is_there;
}

static enum vk_err
tell_nothing(struct vk_change *change, bool undo)
{
    const char *tool = change->setup.tool->name;
    enum vk_err err;

    if (!undo)
        err = vk_buf_addf(&change->out, "%s is set up already.\n", tool);
    else if (is_there_unmarked(change))
        err = vk_buf_addf(&change->out,
                          "'%s' has what setup puts in, but without"
                          " valetkey's marks; nothing was changed, take it"
                          " out by hand.\n",
                          change->file.path);
    else
        err = vk_buf_addf(&change->out,
                          "%s is not set up; nothing was changed.\n", tool);
    return err == VK_OK ? vk_cli_print(vk_buf_span(&change->out)) : err;
}

static enum vk_err
carry_out(struct vk_change *change, bool undo)
{
    const struct vk_setup *setup = &change->setup;
    enum vk_err err = setup->tool->path(setup, change->file.path);

    if (err == VK_OK) {
        char path[VK_PATH_MAX];
        memcpy(path, change->file.path, sizeof path);
        err = vk_setup_file_open(path, &change->file);
    }
    if (err != VK_OK)
        return err;
    if (change->file.is_there)
        change->text.now = change->file.text.len > 0
                               ? vk_buf_span(&change->file.text)
                               : VK_SPAN("");
    if (!undo || change->file.is_there)
        err = vk_change_edit(change, undo);
    if (err == VK_OK && undo && !change->text.is_gone)
        change->setup.stays = vk_buf_span(&change->text.next);
    if (err == VK_OK)
        err = vk_change_describe(change, undo);
    if (err != VK_OK)
        return err;
    if (vk_change_is_none(&change->text) && change->links == 0)
        return tell_nothing(change, undo);
    err = vk_cli_print(vk_buf_span(&change->out));
    if (err == VK_OK)
        err = ask(setup->cli, undo);
    if (err == VK_OK)
        err = apply(change, undo);
    return err == VK_OK ? finish(setup, undo) : err;
}

static enum vk_err
print_link(void *arg, const char *path, const char *target)
{
    return vk_buf_addf(arg, "# ln -s '%s' '%s'\n", target, path);
}

/* What would stand in a file of its own. */
static enum vk_err
print(struct vk_change *change)
{
    enum vk_err err = vk_change_edit(change, false);

    if (err == VK_OK)
        err = vk_buf_add(&change->out, vk_buf_span(&change->text.next));
    if (err == VK_OK)
        err = vk_setup_links_wanted(&change->setup, print_link, &change->out);
    return err == VK_OK ? vk_cli_print(vk_buf_span(&change->out)) : err;
}

static enum vk_err
check_options(const struct vk_cli *cli, const struct vk_setup_tool *tool)
{
    bool is_systemd = strcmp(tool->name, "systemd") == 0;

    if (has(cli, VK_OPT_PRINT) && has(cli, VK_OPT_UNDO))
        return vk_fail(VK_USAGE, "'--print' and '--undo' do not go together");
    if (has(cli, VK_OPT_UNDO) && cli->operands > 1)
        return vk_fail(VK_USAGE,
                       "'--undo' takes back all of it; give no name");
    if (cli->repeats > 1)
        return vk_fail(VK_USAGE, "'--unit' is given twice");
    if (!is_systemd && has(cli, VK_OPT_UNIT))
        return vk_fail(VK_USAGE, "'--unit' is for systemd");
    if (is_systemd && !has(cli, VK_OPT_UNIT))
        return vk_fail(VK_USAGE, "systemd needs '--unit UNIT'");
    if (is_systemd && !has(cli, VK_OPT_UNDO) && cli->operands < 2)
        return vk_fail(VK_USAGE, "systemd needs the name of a client or token"
                                 " for the unit");
    return VK_OK;
}

static enum vk_err
run(struct vk_change *change)
{
    const struct vk_cli *cli = change->setup.cli;
    bool undo = has(cli, VK_OPT_UNDO);
    enum vk_err err = check_options(cli, change->setup.tool);

    if (err == VK_OK)
        err = find_programs(cli, change->setup.bin);
    if (err == VK_OK)
        err = vk_file_join(change->setup.bin, "valetkey-k8s", change->program);
    if (err == VK_OK && !undo)
        err = vk_setup_gather(&change->setup);
    if (err != VK_OK)
        return err;
    return has(cli, VK_OPT_PRINT) ? print(change) : carry_out(change, undo);
}

enum vk_err
vk_set_up(const struct vk_cli *cli)
{
    struct vk_change change = {
        .setup = {.cli = cli,
                  .tool = vk_setup_find(cli->operand),
                  .want = VK_BUF(VK_SETUP_MAX)},
        .file.text = VK_BUF(VK_SETUP_MAX),
        .text.next = VK_BUF(VK_SETUP_MAX),
        .out = VK_BUF(OUT_MAX),
    };

    if (change.setup.tool == NULL)
        return vk_fail(VK_USAGE,
                       "there is no tool '%s'; there are " VK_SETUP_TOOLS,
                       cli->operand);
    enum vk_err err = run(&change);
    vk_clients_close(&change.setup.clients);
    vk_setup_file_close(&change.file);
    vk_buf_clear(&change.setup.want);
    vk_buf_clear(&change.text.next);
    vk_buf_clear(&change.out);
    return err;
}

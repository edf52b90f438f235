/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/proc.h"
#include "cli/camunda.h"
#include "cli/install.h"

#define REPORT_MAX 16384
#define VALUE_MAX 4096

/* The file stays open, so that what is destroyed is what was read. */
struct source {
    const char *path, *label;
    int fd;
    struct vk_buf text;
};

static enum vk_err
open_source(const char *path, struct source *source)
{
    struct stat st;

    *source = (struct source){path, path, STDIN_FILENO, VK_BUF(VK_CRED_MAX)};
    if (strcmp(path, "-") == 0) {
        source->label = "standard input";
        return VK_OK;
    }
    source->fd = vk_file_above_stderr(
        open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (source->fd < 0)
        return vk_fail(VK_CONFIG, "cannot open '%s': %s", path,
                       strerror(errno));
    /* A pipe without a writer is empty; one that has a slow one is not. */
    fcntl(source->fd, F_SETFL, O_RDONLY);
    if (fstat(source->fd, &st) != 0 || S_ISDIR(st.st_mode))
        return vk_fail(VK_CONFIG, "'%s' is not a file", path);
    return VK_OK;
}

static enum vk_err
read_source(struct source *source)
{
    enum vk_err err = vk_buf_read(&source->text, source->fd);

    if (err == VK_TOOBIG)
        return vk_fail(VK_CONFIG,
                       "'%s' is not a credentials file: it is"
                       " larger than %zu bytes",
                       source->label, VK_CRED_MAX);
    if (err != VK_OK)
        return vk_fail(err, "cannot read '%s': %s", source->label,
                       strerror(errno));
    return VK_OK;
}

static void
close_source(struct source *source)
{
    vk_buf_clear(&source->text);
    if (source->fd > STDIN_FILENO)
        close(source->fd);
}

static enum vk_err
overwrite(int fd, off_t size)
{
    static const char zeros[4096];

    for (off_t at = 0; at < size;) {
        off_t left = size - at;
        size_t n = left < (off_t)sizeof zeros ? (size_t)left : sizeof zeros;
        ssize_t done = pwrite(fd, zeros, n, at);
        if (done < 0 && errno != EINTR)
            return VK_IO;
        if (done > 0)
            at += done;
    }
    return fsync(fd) == 0 ? VK_OK : VK_IO;
}

/*
 * As good as a file can be destroyed from above: what journals, snapshots
 * and flash memory keep is out of reach.
 */
static enum vk_err
shred(const struct source *source)
{
    struct stat st, now;
    int fd = open(source->path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    enum vk_err err = VK_IO;

    errno = fd < 0 ? errno : EINVAL;
    if (fd >= 0 && fstat(source->fd, &st) == 0 && fstat(fd, &now) == 0 &&
        S_ISREG(now.st_mode) && st.st_ino == now.st_ino &&
        st.st_dev == now.st_dev)
        err = overwrite(fd, now.st_size);
    int saved = errno;
    if (fd >= 0)
        close(fd);
    if (err == VK_OK && unlink(source->path) != 0) {
        saved = errno;
        err = VK_IO;
    }
    if (err == VK_OK)
        return err;
    return vk_fail(err,
                   "the client is imported, but '%s' could not be"
                   " destroyed: %s",
                   source->path, strerror(saved));
}

/* What holds for each client: the CA, and who may have its tokens. */
static enum vk_err
add_lines(const struct vk_cli *cli, struct vk_buf *out)
{
    const char *ca_file = cli->option[VK_OPT_KEYS + VK_KEY_CA_FILE];
    enum vk_err err = VK_OK;

    if (ca_file != NULL && (ca_file[0] != '/' || strchr(ca_file, '\n')))
        return vk_fail(VK_USAGE, "'--ca-file' must be an absolute path");
    if (ca_file != NULL)
        err = vk_buf_addf(out, "ca-file = %s\n", ca_file);
    for (size_t i = 0; i < cli->repeats && err == VK_OK; i++) {
        if (strchr(cli->repeated[i].value, '\n') != NULL)
            return vk_fail(VK_USAGE, "'--allow' must name users, @groups or"
                                     " #uids");
        err = vk_buf_addf(out, "allow = %s\n", cli->repeated[i].value);
    }
    return err;
}

static enum vk_err
add_to_section(const struct vk_cli *cli, struct vk_buf *conf)
{
    struct vk_span text = vk_buf_span(conf), rest = text;
    VK_AUTO_BUF out = VK_BUF(REPORT_MAX);

    vk_span_cut(&rest, '\n');
    size_t header = text.len - rest.len;
    enum vk_err err = vk_buf_add(&out, (struct vk_span){text.ptr, header});
    if (err == VK_OK)
        err = add_lines(cli, &out);
    if (err == VK_OK)
        err = vk_buf_add(&out, rest);
    if (err != VK_OK)
        return err;
    vk_buf_cut(conf, 0);
    return vk_buf_add(conf, vk_buf_span(&out));
}

static enum vk_err
report_client(const struct vk_plan_client *client, struct vk_buf *out)
{
    struct vk_span rest = vk_buf_span(&client->conf), name;
    enum vk_err err = vk_buf_addf(
        out, "Imported client '%s'; its secret is in the %s. Tokens:\n",
        client->name, vk_clients_is_machine() ? "system store" : "keyring");

    while (err == VK_OK && rest.len > 0) {
        struct vk_span line = vk_span_cut(&rest, '\n');
        if (vk_span_starts(line, "[")) {
            name = vk_span_from(line, 1);
            vk_span_cut(&name, ' ');
            err = vk_buf_addf(out, "  %.*s\n", (int)name.len - 1, name.ptr);
        } else if (vk_span_starts(line, "serves")) {
            vk_span_cut(&line, '=');
            err = vk_buf_addf(out, "      for %.*s\n",
                              VK_ARG(vk_span_trim(line)));
        }
    }
    return err;
}

/* As a shell reads it: in single quotes, each of its own as '\''. */
static enum vk_err
add_quoted(struct vk_buf *out, const char *path)
{
    enum vk_err err = vk_buf_add_char(out, '\'');

    for (; *path != '\0' && err == VK_OK; path++)
        err = *path == '\'' ? vk_buf_add_str(out, "'\\''")
                            : vk_buf_add_char(out, *path);
    return err == VK_OK ? vk_buf_add_char(out, '\'') : err;
}

static enum vk_err
report_file(const struct source *source, const struct vk_plan *plan,
            bool shredded, struct vk_buf *out)
{
    enum vk_err err;

    if (source->fd == STDIN_FILENO)
        return VK_OK;
    if (shredded)
        return vk_buf_addf(out, "Overwrote and removed '%s'.\n", source->path);
    err = vk_buf_addf(out, "'%s' still holds the secret:\n", source->path);
    for (size_t i = 0; i < plan->secrets && err == VK_OK; i++)
        err = vk_buf_addf(out, "  line %u: %.*s\n", plan->secret[i]->line,
                          VK_ARG(plan->secret[i]->name));
    if (err == VK_OK)
        err = vk_buf_add_str(out, "Destroy it: shred -u ");
    if (err == VK_OK)
        err = add_quoted(out, source->path);
    if (err == VK_OK)
        err = vk_buf_add_str(out, " (or import with --shred)\n");
    return err;
}

static enum vk_err
report(const struct source *source, const struct vk_plan *plan, bool shredded)
{
    VK_AUTO_BUF out = VK_BUF(REPORT_MAX);
    enum vk_err err = VK_OK;

    for (size_t i = 0; i < plan->clients && err == VK_OK; i++)
        err = report_client(&plan->client[i], &out);
    if (err == VK_OK)
        err = report_file(source, plan, shredded, &out);
    if (err == VK_OK && vk_clients_is_machine())
        err = vk_buf_addf(&out, "Who may have them: 'allow' in %s/%s\n",
                          vk_clients_machine_dir(), VK_CLIENTS_FILE);
    else if (err == VK_OK)
        err = vk_buf_addf(&out, "Try: valetkey token %s\n",
                          plan->client[0].name);
    return err == VK_OK ? vk_cli_print(vk_buf_span(&out)) : err;
}

static enum vk_err
install(const struct vk_cli *cli, struct vk_plan *plan)
{
    struct vk_buf id[2] = {VK_BUF(VALUE_MAX), VK_BUF(VALUE_MAX)};
    struct vk_buf url[2] = {VK_BUF(VALUE_MAX), VK_BUF(VALUE_MAX)};
    struct vk_install client[2];
    enum vk_err err = VK_OK;

    for (size_t i = 0; i < plan->clients && err == VK_OK; i++) {
        struct vk_plan_client *from = &plan->client[i];
        err = add_to_section(cli, &from->conf);
        if (err == VK_OK)
            err = vk_buf_add(&id[i], from->client_id);
        if (err == VK_OK)
            err = vk_buf_add(&url[i], from->token_url);
        client[i] = (struct vk_install){
            .of = {from->name, vk_buf_str(&id[i]), vk_buf_str(&url[i])},
            .secret = from->secret,
            .sections = vk_buf_span(&from->conf),
        };
    }
    if (err == VK_OK)
        err = vk_install(client, plan->clients,
                         cli->option[VK_OPT_REPLACE] != NULL);
    for (size_t i = 0; i < 2; i++) {
        vk_buf_clear(&id[i]);
        vk_buf_clear(&url[i]);
    }
    return err;
}

static enum vk_err
import(const struct vk_cli *cli, struct source *source, struct vk_plan *plan)
{
    VK_AUTO_BUF values = VK_BUF(VK_CRED_MAX);
    static struct vk_credfile file;
    char name[VK_NAME_MAX + 1];
    bool destroy = cli->option[VK_OPT_SHRED] != NULL;
    enum vk_err err = read_source(source);

    if (err == VK_OK)
        err = vk_credfile_parse(vk_buf_span(&source->text), source->label,
                                &values, &file);
    vk_camunda_name_of(source->path, name);
    if (err == VK_OK)
        err = vk_camunda_plan(
            &file, source->label,
            cli->option[VK_OPT_NAME] != NULL ? cli->option[VK_OPT_NAME] : name,
            plan);
    if (err == VK_OK)
        err = install(cli, plan);
    if (err == VK_OK && destroy)
        err = shred(source);
    return err == VK_OK ? report(source, plan, destroy) : err;
}

enum vk_err
vk_import(const struct vk_cli *cli)
{
    static struct vk_plan plan;
    struct source source;
    enum vk_err err = vk_proc_harden();

    if (err == VK_OK && cli->option[VK_OPT_SHRED] != NULL &&
        strcmp(cli->operand, "-") == 0)
        return vk_fail(VK_USAGE, "'--shred' needs a file");
    if (err != VK_OK)
        return err;
    err = open_source(cli->operand, &source);
    if (err == VK_OK)
        err = import(cli, &source, &plan);
    vk_camunda_plan_clear(&plan);
    close_source(&source);
    return err;
}

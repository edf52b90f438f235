/* SPDX-License-Identifier: MIT */
/* Where each tool has its configuration. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/setup_tools.h"

static enum vk_err
in_home(const char *name, char out[VK_PATH_MAX])
{
    const char *home = getenv("HOME");

    if (home == NULL || home[0] != '/')
        return vk_fail(VK_CONFIG,
                       "no home directory; set HOME to an absolute path");
    return vk_file_join(home, name, out);
}

/* What a variable says; *found is false, and VK_OK, if it says nothing. */
static enum vk_err
from_env(const char *variable, char out[VK_PATH_MAX], bool *found)
{
    const char *path = getenv(variable);

    *found = path != NULL && path[0] != '\0';
    if (!*found)
        return VK_OK;
    if (path[0] != '/')
        return vk_fail(VK_CONFIG, "'%s' is not an absolute path", variable);
    /* Without the slashes at its end. */
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    if (len >= VK_PATH_MAX)
        return vk_fail(VK_CONFIG, "'%s' is too long", variable);
    memcpy(out, path, len);
    out[len] = '\0';
    return VK_OK;
}

/* $VARIABLE, else ~/NAME. */
static enum vk_err
env_or_home(const char *variable, const char *name, char out[VK_PATH_MAX])
{
    bool found;
    enum vk_err err = from_env(variable, out, &found);

    return err == VK_OK && !found ? in_home(name, out) : err;
}

/* The first that is there; the last in the row if none is. */
static enum vk_err
first_there(const char *const *names, char out[VK_PATH_MAX])
{
    char dir[VK_PATH_MAX];
    enum vk_err err = VK_OK;

    for (; err == VK_OK && *names != NULL; names++) {
        bool in_config = vk_span_starts(vk_span_str(*names), ".config/");
        err = in_config ? env_or_home("XDG_CONFIG_HOME", ".config", dir)
                        : in_home(*names, out);
        if (err == VK_OK && in_config)
            err = vk_file_join(dir, *names + strlen(".config/"), out);
        if (err == VK_OK && access(out, F_OK) == 0)
            break;
    }
    return err;
}

enum vk_err
vk_setup_docker_path(const struct vk_setup *setup, char out[VK_PATH_MAX])
{
    enum vk_err err = env_or_home("DOCKER_CONFIG", ".docker", out);

    (void)setup;
    return err == VK_OK ? vk_file_join(out, "config.json", out) : err;
}

static enum vk_err
env_or_first(const char *variable, const char *const *names,
             char out[VK_PATH_MAX])
{
    bool found;
    enum vk_err err = from_env(variable, out, &found);

    return err == VK_OK && !found ? first_there(names, out) : err;
}

enum vk_err
vk_setup_podman_path(const struct vk_setup *setup, char out[VK_PATH_MAX])
{
    static const char *const names[] = {".config/containers/auth.json", NULL};

    (void)setup;
    return env_or_first("REGISTRY_AUTH_FILE", names, out);
}

/* As `git config --global` chooses. */
enum vk_err
vk_setup_git_path(const struct vk_setup *setup, char out[VK_PATH_MAX])
{
    static const char *const names[] = {".gitconfig", ".config/git/config",
                                        ".gitconfig", NULL};

    (void)setup;
    return env_or_first("GIT_CONFIG_GLOBAL", names, out);
}

/* The first file of the list, which is the one that kubectl writes to. */
enum vk_err
vk_setup_kube_path(const struct vk_setup *setup, char out[VK_PATH_MAX])
{
    const char *list = getenv("KUBECONFIG");
    struct vk_span rest = vk_span_str(list != NULL ? list : ""), first = rest;

    (void)setup;
    while (rest.ptr != NULL && (first = vk_span_cut(&rest, ':')).len == 0)
        continue;
    if (first.ptr == NULL || first.len == 0)
        return in_home(".kube/config", out);
    if (first.ptr[0] != '/' || first.len >= VK_PATH_MAX)
        return vk_fail(VK_CONFIG, "'KUBECONFIG' is not an absolute path");
    memcpy(out, first.ptr, first.len);
    out[first.len] = '\0';
    return VK_OK;
}

/* Where both are, cargo reads the old name. */
enum vk_err
vk_setup_cargo_path(const struct vk_setup *setup, char out[VK_PATH_MAX])
{
    char dir[VK_PATH_MAX];
    enum vk_err err = env_or_home("CARGO_HOME", ".cargo", dir);

    (void)setup;
    if (err == VK_OK)
        err = vk_file_join(dir, "config", out);
    if (err == VK_OK && access(out, F_OK) != 0)
        err = vk_file_join(dir, "config.toml", out);
    return err;
}

enum vk_err
vk_setup_terraform_path(const struct vk_setup *setup, char out[VK_PATH_MAX])
{
    bool found;
    enum vk_err err = from_env("TF_CLI_CONFIG_FILE", out, &found);

    (void)setup;
    return err == VK_OK && !found
               ? env_or_home("TERRAFORM_CONFIG", ".terraformrc", out)
               : err;
}

enum vk_err
vk_setup_pip_path(const struct vk_setup *setup, char out[VK_PATH_MAX])
{
    static const char *const names[] = {
        ".config/pip/pip.conf", ".pip/pip.conf", ".config/pip/pip.conf", NULL};

    (void)setup;
    return env_or_first("PIP_CONFIG_FILE", names, out);
}

enum vk_err
vk_setup_npm_path(const struct vk_setup *setup, char out[VK_PATH_MAX])
{
    (void)setup;
    return env_or_home("NPM_CONFIG_USERCONFIG", ".npmrc", out);
}

enum vk_err
vk_setup_bazel_path(const struct vk_setup *setup, char out[VK_PATH_MAX])
{
    (void)setup;
    return in_home(".bazelrc", out);
}

/* The name of a unit that can have credentials; ".service" may be left out. */
static bool
is_unit(struct vk_span unit)
{
    for (size_t i = 0; i < unit.len; i++) {
        char c = unit.ptr[i];
        bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                    (c >= '0' && c <= '9') ||
                    (c != '\0' && strchr(":-_.\\@", c) != NULL);
        if (!fine)
            return false;
    }
    return unit.len > 0 && unit.len < 200 && unit.ptr[0] != '.';
}

/* What is left out of a unit's name. */
const char *
vk_setup_unit_suffix(const char *unit)
{
    static const char suffix[] = ".service";
    size_t len = strlen(unit), more = sizeof suffix - 1;

    return len > more && strcmp(unit + len - more, suffix) == 0 ? "" : suffix;
}

enum vk_err
vk_setup_systemd_path(const struct vk_setup *setup, char out[VK_PATH_MAX])
{
    const char *unit = setup->cli->option[VK_OPT_UNIT];
    VK_AUTO_BUF name = VK_BUF(VK_PATH_MAX);
    enum vk_err err = env_or_home("XDG_CONFIG_HOME", ".config", out);

    if (!is_unit(vk_span_str(unit)))
        return vk_fail(VK_USAGE, "'--unit' must be the name of a service");
    if (err == VK_OK)
        err = vk_buf_addf(&name, "systemd/user/%s%s.d/valetkey.conf", unit,
                          vk_setup_unit_suffix(unit));
    return err == VK_OK ? vk_file_join(out, vk_buf_str(&name), out) : err;
}

enum vk_err
vk_setup_npm_links(char out[VK_PATH_MAX])
{
    enum vk_err err = vk_file_user_dir("XDG_DATA_HOME", ".local/share", out);

    return err == VK_OK ? vk_file_join(out, "npm", out) : err;
}

enum vk_err
vk_setup_terraform_links(char out[VK_PATH_MAX])
{
    return in_home(".terraform.d/plugins", out);
}

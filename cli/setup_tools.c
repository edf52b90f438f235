/* SPDX-License-Identifier: MIT */
#include "cli/setup_tools.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

static enum vk_err
kube_hint(const struct vk_setup *setup, struct vk_buf *out)
{
    struct vk_span want = vk_buf_span(&setup->want);
    struct vk_span first = vk_span_cut(&want, '\n');

    return vk_buf_addf(out,
                       "Let a context use it: kubectl config set-context"
                       " CONTEXT --user=valetkey-%.*s\n",
                       VK_ARG(first));
}

static enum vk_err
pip_hint(const struct vk_setup *setup, struct vk_buf *out)
{
    const char *dir = getenv("VALETKEY_LIBEXECDIR");

    (void)setup;
    return vk_buf_addf(out,
                       "pip runs the first 'keyring' on PATH; put valetkey's"
                       " there: export PATH=\"%s/keyring:$PATH\"\n"
                       "Before pip 26.2 the URL of the index needs a user"
                       " name: https://oauth2accesstoken@HOST/...\n",
                       dir != NULL && dir[0] == '/' ? dir : LIBEXECDIR);
}

static enum vk_err
npm_hint(const struct vk_setup *setup, struct vk_buf *out)
{
    (void)setup;
    return vk_buf_add_str(out, "pnpm asks for tokens this way; npm itself does"
                               " not: valetkey run NAME --for npm -- npm"
                               " ...\n");
}

static enum vk_err
bazel_hint(const struct vk_setup *setup, struct vk_buf *out)
{
    (void)setup;
    return vk_buf_add_str(out, "This needs Bazel 6.3 or later\n");
}

static enum vk_err
systemd_hint(const struct vk_setup *setup, struct vk_buf *out)
{
    const char *unit = setup->cli->option[VK_OPT_UNIT];

    return vk_buf_addf(
        out,
        "Let the unit have it: add 'unit = %s%s' to the client in"
        " clients.conf\n"
        "Then: systemctl --user daemon-reload && systemctl --user enable --now"
        " valetkey-credentials.socket\n",
        unit, vk_setup_unit_suffix(unit));
}

#define FORMAT(name) \
    .put = vk_setup_##name##_put, .take = vk_setup_##name##_take

static const struct vk_setup_tool tools[] = {
    {"docker", VK_BY_URL, vk_setup_docker_path, vk_setup_docker_want,
     FORMAT(json), .helper = "docker-credential-valetkey",
     .limits = "it knows registries by host and port only"},
    {"podman", VK_BY_URL, vk_setup_podman_path, vk_setup_podman_want,
     FORMAT(json), .helper = "docker-credential-valetkey",
     .limits = "it knows registries by host and port only"},
    {"git", VK_BY_URL, vk_setup_git_path, vk_setup_git_want, FORMAT(git),
     .helper = "git-credential-valetkey",
     .limits = "it asks for https URLs only, and http on loopback"},
    {"kubectl", VK_BY_NAME, vk_setup_kube_path, vk_setup_kube_want,
     FORMAT(kube), .hint = kube_hint},
    {"cargo", VK_BY_NOTHING, vk_setup_cargo_path, FORMAT(cargo),
     .line = "global-credential-providers = [\"cargo:token\","
             " \"cargo-credential-valetkey\"]\n",
     .helper = "cargo-credential-valetkey"},
    {"terraform", VK_BY_NOTHING, vk_setup_terraform_path, FORMAT(terraform),
     .line = "credentials_helper \"valetkey\" { args = [] }\n",
     .link_dir = vk_setup_terraform_links,
     .link_prefix = "terraform-credentials-valetkey",
     .linked = "terraform-credentials-valetkey", .link_word = "\"valetkey\""},
    {"pip", VK_BY_NOTHING, vk_setup_pip_path, FORMAT(pip),
     .line = "keyring-provider = subprocess\n", .hint = pip_hint},
    {"npm", VK_BY_URL, vk_setup_npm_path, vk_setup_npm_want, FORMAT(npm),
     .link_dir = vk_setup_npm_links, .link_prefix = "valetkey-npm-",
     .linked = "valetkey-npm", .limits = "it knows no wildcards",
     .hint = npm_hint},
    {"bazel", VK_BY_URL, vk_setup_bazel_path, vk_setup_bazel_want,
     FORMAT(bazel),
     .limits = "it knows host names only, with a dot and without an"
               " underscore",
     .hint = bazel_hint},
    {"systemd", VK_BY_NAME, vk_setup_systemd_path, vk_setup_systemd_want,
     FORMAT(systemd), .hint = systemd_hint},
};

#define TOOLS (sizeof tools / sizeof tools[0])

const struct vk_setup_tool *
vk_setup_find(const char *name)
{
    for (size_t i = 0; i < TOOLS; i++)
        if (strcmp(tools[i].name, name) == 0)
            return &tools[i];
    return NULL;
}

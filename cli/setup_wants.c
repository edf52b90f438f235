/* SPDX-License-Identifier: MIT */
/* What each tool is told of a URL, or of a token. */
#include <string.h>

#include "base/log.h"
#include "cli/setup_tools.h"
#include "keyring/registry.h"

#define SOCKET "%t/valetkey/credentials.sock"

static bool
is_scheme(const struct vk_url *url, const char *scheme)
{
    return vk_span_same_nocase(url->scheme, vk_span_str(scheme));
}

static bool
is_http(const struct vk_url *url)
{
    return is_scheme(url, "http");
}

static bool
is_web(const struct vk_url *url)
{
    return url->scheme.len == 0 || is_scheme(url, "https") || is_http(url);
}

static bool
is_wild(const struct vk_url *url)
{
    return vk_span_starts(url->host, "*.");
}

/* Without slashes at its end. */
static struct vk_span
path_of(const struct vk_url *url)
{
    struct vk_span path = url->path;

    while (path.len > 0 && path.ptr[path.len - 1] == '/')
        path.len--;
    return path;
}

/* host[:port], as clients write it: not the port that goes without saying. */
static enum vk_err
add_host(struct vk_buf *out, const struct vk_url *url)
{
    enum vk_err err = vk_buf_add(out, url->host);

    if (err == VK_OK && url->port != 0 &&
        url->port != (is_http(url) ? 80 : 443))
        err = vk_buf_addf(out, ":%u", url->port);
    return err;
}

static enum vk_err
leave_out(struct vk_setup *setup)
{
    setup->left_out++;
    return VK_OK;
}

static enum vk_err
want_registry(struct vk_setup *setup, const struct vk_url *url,
              const char *hub)
{
    VK_AUTO_BUF line = VK_BUF(4096);

    bool is_hub = vk_registry_is_hub(url);
    if (!is_web(url) || (!is_hub && (is_wild(url) || path_of(url).len > 0)))
        return leave_out(setup);
    enum vk_err err =
        is_hub ? vk_buf_add_str(&line, hub) : add_host(&line, url);
    if (err == VK_OK)
        err = vk_buf_add_char(&line, '\n');
    return err == VK_OK ? vk_setup_want(setup, vk_buf_span(&line)) : err;
}

enum vk_err
vk_setup_docker_want(struct vk_setup *setup, const struct vk_profile *profile,
                     const struct vk_url *url)
{
    (void)profile;
    return want_registry(setup, url, "https://index.docker.io/v1/");
}

enum vk_err
vk_setup_podman_want(struct vk_setup *setup, const struct vk_profile *profile,
                     const struct vk_url *url)
{
    (void)profile;
    return want_registry(setup, url, "docker.io");
}

/*
 * What other helpers have is not asked for, and they get no token to keep:
 * the empty one ends the list so far.
 */
static enum vk_err
want_section(struct vk_setup *setup, const struct vk_url *url,
             const char *scheme)
{
    VK_AUTO_BUF line = VK_BUF(8192);
    struct vk_span path = path_of(url);
    enum vk_err err = vk_buf_addf(&line, "[credential \"%s://", scheme);

    if (err == VK_OK)
        err = add_host(&line, url);
    for (size_t i = 0; err == VK_OK && i < path.len; i++) {
        if (path.ptr[i] == '"' || path.ptr[i] == '\\')
            err = vk_buf_add_char(&line, '\\');
        if (err == VK_OK)
            err = vk_buf_add_char(&line, path.ptr[i]);
    }
    if (err == VK_OK)
        err = vk_buf_add_str(&line, "\"]\n");
    if (err == VK_OK && path.len > 0)
        err = vk_buf_add_str(&line, "\tuseHttpPath = true\n");
    if (err == VK_OK)
        err = vk_buf_add_str(&line, "\thelper =\n\thelper = valetkey\n");
    return err == VK_OK ? vk_setup_want(setup, vk_buf_span(&line)) : err;
}

enum vk_err
vk_setup_git_want(struct vk_setup *setup, const struct vk_profile *profile,
                  const struct vk_url *url)
{
    enum vk_err err = VK_OK;

    (void)profile;
    if (!is_web(url))
        return leave_out(setup);
    if (!is_http(url))
        err = want_section(setup, url, "https");
    /* Without a scheme it serves http too, on loopback. */
    if (err == VK_OK && !is_scheme(url, "https") && vk_url_is_loopback(url))
        err = want_section(setup, url, "http");
    return err;
}

enum vk_err
vk_setup_kube_want(struct vk_setup *setup, const struct vk_profile *profile,
                   const struct vk_url *url)
{
    VK_AUTO_BUF line = VK_BUF(256);
    enum vk_err err = vk_buf_addf(&line, "%s\n", profile->name);

    (void)url;
    return err == VK_OK ? vk_setup_want(setup, vk_buf_span(&line)) : err;
}

/* What a value of .npmrc can be without quotes. */
static bool
is_plain(const char *path)
{
    for (; *path != '\0'; path++)
        if (*path < ' ' || strchr("\"'\\;#${}=", *path) != NULL)
            return false;
    return true;
}

enum vk_err
vk_setup_npm_want(struct vk_setup *setup, const struct vk_profile *profile,
                  const struct vk_url *url)
{
    VK_AUTO_BUF line = VK_BUF(8192);
    char dir[VK_PATH_MAX];
    enum vk_err err = vk_setup_npm_links(dir);

    if (err == VK_OK && !is_plain(dir))
        return vk_fail(VK_CONFIG, "'%s' cannot stand in .npmrc", dir);
    if (err == VK_OK && (is_wild(url) || !is_web(url)))
        return leave_out(setup);
    if (err == VK_OK)
        err = vk_buf_add_str(&line, "//");
    if (err == VK_OK)
        err = add_host(&line, url);
    if (err == VK_OK)
        err = vk_buf_add(&line, path_of(url));
    if (err == VK_OK)
        err = vk_buf_addf(&line, "/:tokenHelper=%s/valetkey-npm-", dir);
    if (err == VK_OK)
        err = vk_setup_flat_name(profile->name, &line);
    if (err == VK_OK)
        err = vk_buf_add_char(&line, '\n');
    return err == VK_OK ? vk_setup_want(setup, vk_buf_span(&line)) : err;
}

/*
 * A name as Bazel takes it, *.NAME too: in any other it sees a mistake and
 * builds nothing at all, and so do older ones where there is no dot.
 */
static bool
is_bazel_name(struct vk_span host)
{
    bool has_dot = false;
    struct vk_span label;

    while ((label = vk_span_cut(&host, '.')).len > 0) {
        for (size_t i = 0; i < label.len; i++)
            if (strchr("_[]:", label.ptr[i]) != NULL)
                return false;
        if (host.ptr == NULL)
            return has_dot;
        has_dot = true;
    }
    return false;
}

enum vk_err
vk_setup_bazel_want(struct vk_setup *setup, const struct vk_profile *profile,
                    const struct vk_url *url)
{
    VK_AUTO_BUF line = VK_BUF(8192);
    enum vk_err err;

    (void)profile;
    if (!is_bazel_name(url->host) ||
        (!is_web(url) && !is_scheme(url, "grpcs") && !is_scheme(url, "grpc")))
        return leave_out(setup);
    /* In quotes: a path may have blanks. */
    if (strpbrk(setup->bin, "\"\\") != NULL)
        return vk_fail(VK_CONFIG, "'%s' cannot stand in .bazelrc", setup->bin);
    const char *quote = strpbrk(setup->bin, " \t#'") != NULL ? "\"" : "";
    err = vk_buf_addf(
        &line, "common --credential_helper=%s%.*s=%s/valetkey-bazel%s\n",
        quote, (int)url->host.len, url->host.ptr, setup->bin, quote);
    return err == VK_OK ? vk_setup_want(setup, vk_buf_span(&line)) : err;
}

enum vk_err
vk_setup_systemd_want(struct vk_setup *setup, const struct vk_profile *profile,
                      const struct vk_url *url)
{
    VK_AUTO_BUF line = VK_BUF(512);
    enum vk_err err = vk_buf_add_str(&line, "LoadCredential=");

    (void)url;
    if (err == VK_OK)
        err = vk_setup_flat_name(profile->name, &line);
    if (err == VK_OK)
        err = vk_buf_add_str(&line, ":" SOCKET "\n");
    return err == VK_OK ? vk_setup_want(setup, vk_buf_span(&line)) : err;
}

/* SPDX-License-Identifier: MIT */
#include "keyring/clients.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "keyring/keys.h"
#include "keyring/sections.h"

bool
vk_clients_is_name(struct vk_span name)
{
    if (name.len == 0 || name.len > VK_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        bool inner = c == '.' || c == '_' || c == '-';
        if (!plain && (!inner || i == 0))
            return false;
    }
    return true;
}

static const char *machine_dir;
static bool machine_only;

void
vk_clients_use_machine(const char *dir)
{
    machine_dir = dir;
    machine_only = true;
}

bool
vk_clients_is_machine(void)
{
    return machine_only;
}

const char *
vk_clients_machine_dir(void)
{
    const char *said = machine_dir;

    if (said == NULL)
        said = getenv("VALETKEY_SYSCONFDIR");
    return said != NULL && said[0] == '/' ? said : SYSCONFDIR "/valetkey";
}

enum vk_err
vk_clients_own_dir(char out[VK_PATH_MAX])
{
    const char *dir = vk_clients_machine_dir();
    size_t len = strlen(dir);

    if (!machine_only)
        return vk_file_user_dir("XDG_CONFIG_HOME", ".config", out);
    if (len >= VK_PATH_MAX)
        return vk_fail(VK_CONFIG, "the path '%s' is too long", dir);
    memcpy(out, dir, len + 1);
    return VK_OK;
}

static enum vk_err
open_machine(struct vk_clients *clients)
{
    const char *dir = vk_clients_machine_dir();
    size_t len = strlen(dir);

    *clients = (struct vk_clients){.text = VK_SPAN(""), .origin = VK_BROKER};
    if (len >= VK_PATH_MAX)
        return vk_fail(VK_CONFIG, "the path '%s' is too long", dir);
    memcpy(clients->dir, dir, len + 1);
    /*
     * A user is spared the look at the directory: in the broker's way, which
     * decides who gets what, it is looked at.
     */
    return (machine_only ? vk_file_map : vk_file_map_only)(
        dir, VK_CLIENTS_FILE, VK_CLIENTS_MAX, &clients->text);
}

enum vk_err
vk_clients_open_own(struct vk_clients *clients)
{
    if (machine_only)
        return open_machine(clients);
    *clients = (struct vk_clients){.text = VK_SPAN("")};
    enum vk_err err = vk_clients_own_dir(clients->dir);
    if (err != VK_OK)
        return err;
    return vk_file_map(clients->dir, VK_CLIENTS_FILE, VK_CLIENTS_MAX,
                       &clients->text);
}

/* Mapped when something is looked for that the user's file does not have. */
static struct vk_clients machine;

static bool
has_home(void)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

    return (config != NULL && config[0] == '/') ||
           (home != NULL && home[0] == '/');
}

enum vk_err
vk_clients_open(struct vk_clients *clients)
{
    if (machine_only)
        return open_machine(clients);
    /* A service may have no home, and needs none for the machine's. */
    enum vk_err err = has_home() ? vk_clients_open_own(clients) : VK_NOCLIENT;
    if (err == VK_NOCLIENT) {
        err = open_machine(&machine);
        if (err == VK_NOCLIENT)
            return vk_clients_open_own(clients);
        *clients = machine;
        return err;
    }
    machine.origin = VK_DIRECT;
    clients->machine = &machine;
    return err;
}

/* The machine's, or NULL where there is none. */
static enum vk_err
fall_back(const struct vk_clients *clients, const struct vk_clients **out)
{
    enum vk_err err = VK_OK;

    if (clients->machine == NULL)
        return VK_NOCLIENT;
    if (clients->machine->origin != VK_BROKER)
        err = open_machine(clients->machine);
    *out = clients->machine;
    return err;
}

void
vk_clients_close(struct vk_clients *clients)
{
    vk_file_unmap(clients->text);
    clients->text = VK_SPAN("");
}

static void
set_name(struct vk_profile *profile, struct vk_span name)
{
    size_t len = name.len < VK_FULL_NAME_MAX ? name.len : VK_FULL_NAME_MAX;

    memcpy(profile->name, name.ptr, len);
    profile->name[len] = '\0';
}

static enum vk_err
require(const struct vk_clients *clients, const struct vk_profile *profile,
        struct vk_span header)
{
    bool url = profile->key[VK_KEY_TOKEN_URL].set;
    bool issuer = profile->key[VK_KEY_ISSUER].set;

    if (url == issuer)
        return vk_sections_fail(clients, header,
                                "[client %.*s] needs a"
                                " token-url or an issuer, and not both",
                                VK_ARG(profile->client));
    if (!profile->key[VK_KEY_CLIENT_ID].set)
        return vk_sections_fail(clients, header,
                                "[client %.*s] needs a client-id",
                                VK_ARG(profile->client));
    return VK_OK;
}

/* header: the section of a client; the token's own, or empty, follows. */
static enum vk_err
load(const struct vk_clients *clients, struct vk_span client_header,
     struct vk_span token_header, struct vk_profile *out)
{
    struct vk_span name;
    enum vk_err err =
        vk_sections_read(clients, client_header, VK_IN_CLIENT, &name, out);

    if (err != VK_OK)
        return err;
    out->client = name;
    set_name(out, name);
    err = require(clients, out, client_header);
    if (err != VK_OK || token_header.len == 0)
        return err;

    /* Its own values go over the client's, except what is not inherited. */
    out->key[VK_KEY_SERVES].set = false;
    err = vk_sections_read(clients, token_header, VK_IN_TOKEN, &name, out);
    if (err != VK_OK)
        return err;
    set_name(out, name);
    vk_span_cut(&name, '/');
    out->token = name;
    return VK_OK;
}

/* section is [client X] or [token X/Y]; hint a client's section, or empty. */
static enum vk_err
load_any(const struct vk_clients *clients, struct vk_span section,
         struct vk_span hint, struct vk_profile *out)
{
    struct vk_span name, client = section, token = {NULL, 0};

    memset(out, 0, sizeof *out);
    if (vk_sections_is(section, "token", &name)) {
        struct vk_span owner = vk_span_cut(&name, '/'), have;
        token = section;
        if (vk_sections_is(hint, "client", &have) && vk_span_same(have, owner))
            client = hint;
        else if (!vk_sections_find(clients, "client", owner, &client))
            return vk_sections_fail(clients, section,
                                    "there is no"
                                    " [client %.*s]",
                                    VK_ARG(owner));
    }
    out->origin = clients->origin;
    enum vk_err err = load(clients, client, token, out);
    if (err == VK_OK)
        vk_profile_set_fingerprint(out);
    return err;
}

enum vk_err
vk_clients_for_url(const struct vk_clients *clients,
                   const struct vk_url *request, struct vk_profile *out)
{
    struct vk_span section;
    enum vk_err err = vk_sections_serving(clients, request, &section);

    if (err == VK_NOCLIENT && clients->machine != NULL) {
        err = fall_back(clients, &clients);
        if (err == VK_OK)
            err = vk_sections_serving(clients, request, &section);
    }
    if (err != VK_OK)
        return err;
    return load_any(clients, section, (struct vk_span){NULL, 0}, out);
}

enum vk_err
vk_clients_for_name(const struct vk_clients *clients, struct vk_span name,
                    struct vk_profile *out)
{
    struct vk_span rest = name, section;
    struct vk_span client = vk_span_cut(&rest, '/');

    if (!vk_clients_is_name(client) ||
        (rest.ptr != NULL && !vk_clients_is_name(rest)))
        return VK_NOCLIENT;
    const char *kind = rest.ptr != NULL ? "token" : "client";
    if (!vk_sections_find(clients, kind, name, &section)) {
        enum vk_err err = fall_back(clients, &clients);
        if (err != VK_OK)
            return err;
        if (!vk_sections_find(clients, kind, name, &section))
            return VK_NOCLIENT;
    }
    return load_any(clients, section, (struct vk_span){NULL, 0}, out);
}

/* The user has one of that name, which goes before the machine's. */
static bool
is_hidden(const struct vk_clients *users, struct vk_span section)
{
    static const char *const kinds[] = {"client", "token"};
    struct vk_span name, found;

    for (size_t i = 0; i < 2; i++)
        if (vk_sections_is(section, kinds[i], &name))
            return vk_sections_find(users, kinds[i], name, &found);
    return false;
}

bool
vk_clients_next(const struct vk_clients *clients,
                struct vk_clients_cursor *cursor, struct vk_profile *out,
                enum vk_err *err)
{
    const struct vk_clients *in = clients;
    struct vk_span section, name;

    if (cursor->in_machine)
        in = clients->machine;
    do {
        if (!vk_sections_next(in->text, &cursor->at, &section)) {
            if (cursor->in_machine)
                return false;
            enum vk_err other = fall_back(clients, &in);
            if (other != VK_OK && other != VK_NOCLIENT)
                *err = other;
            if (other != VK_OK)
                return other != VK_NOCLIENT;
            *cursor = (struct vk_clients_cursor){.in_machine = true};
            section = (struct vk_span){NULL, 0};
        }
    } while (section.len == 0 ||
             (in != clients && is_hidden(clients, section)));
    if (vk_sections_is(section, "client", &name))
        cursor->client_section = section;
    *err = load_any(in, section, cursor->client_section, out);
    return true;
}

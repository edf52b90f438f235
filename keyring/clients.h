/* SPDX-License-Identifier: MIT */
#ifndef VK_KEYRING_CLIENTS_H
#define VK_KEYRING_CLIENTS_H

#include "base/file.h"
#include "base/url.h"

/*
 * clients.conf (clients.conf(5)): which clients and tokens there are, and
 * which URLs they serve.  It never holds a secret.  Two ways lead in: the
 * warm path looks at nothing but the sections it needs, so that the size of
 * the file hardly matters; vk_clients_check reads every line.
 */

#define VK_NAME_MAX 63
#define VK_FULL_NAME_MAX (2 * VK_NAME_MAX + 1)
#define VK_CLIENTS_MAX ((size_t)16 << 20)
#define VK_CLIENTS_FILE "clients.conf"

enum vk_key {
    VK_KEY_TOKEN_URL,
    VK_KEY_ISSUER,
    VK_KEY_CLIENT_ID,
    VK_KEY_AUTH,
    VK_KEY_BODY,
    VK_KEY_AUDIENCE,
    VK_KEY_SCOPE,
    VK_KEY_RESOURCE,
    VK_KEY_PARAMETER,
    VK_KEY_SERVES,
    VK_KEY_USERNAME,
    VK_KEY_UNIT,
    VK_KEY_CA_FILE,
    VK_KEY_PROXY,
    VK_KEY_STORE,
    VK_KEY_LIFETIME,
    VK_KEY_MAX_LIFETIME,
    VK_KEY_ALLOW,
    VK_KEYS
};

/* Whose file a client stands in, and so who fetches its tokens. */
enum vk_origin {
    VK_DIRECT, /* the user's own: the user's process does */
    VK_BROKER, /* the machine's: the kernel asks valetkey-upcall(8) */
};

struct vk_opt {
    struct vk_span value;
    bool set; /* absent and empty differ */
};

/* What is configured for one token.  The spans point into the file. */
struct vk_profile {
    char name[VK_FULL_NAME_MAX + 1]; /* "prod" or "prod/operate" */
    struct vk_span client;
    struct vk_span token;            /* empty for the client's default token */
    struct vk_opt key[VK_KEYS];      /* the token's own, else the client's */
    struct vk_span section[VK_KEYS]; /* where a repeatable key stands */
    char fingerprint[17]; /* of all that shapes the token request, hex */
    enum vk_origin origin;
};

struct vk_clients {
    struct vk_span text;
    char dir[VK_PATH_MAX];
    bool is_draft; /* a text that is not in the file: no lines are named */
    enum vk_origin origin;
    /* Asked for what is not in this one, and opened only then; or NULL. */
    struct vk_clients *machine;
};

/* [a-z0-9][a-z0-9._-]{0,62} */
bool vk_clients_is_name(struct vk_span name);

/*
 * Map the user's clients.conf; what is not in there is looked for in the
 * machine's.  VK_NOCLIENT, and an empty text, if there is neither; VK_CONFIG
 * (logged) if others can write to it.
 */
VK_MUST enum vk_err vk_clients_open(struct vk_clients *clients);
/* The same without the machine's: for whoever changes or fetches. */
VK_MUST enum vk_err vk_clients_open_own(struct vk_clients *clients);
void vk_clients_close(struct vk_clients *clients);

/* Where it is, or is to be made. */
VK_MUST enum vk_err vk_clients_own_dir(char out[VK_PATH_MAX]);

/*
 * From now on this process knows the machine's clients only.  dir: where
 * clients.conf is; NULL: $VALETKEY_SYSCONFDIR, else SYSCONFDIR/valetkey.  A
 * program that runs for others names it: a user's environment must not.
 */
void vk_clients_use_machine(const char *dir);
bool vk_clients_is_machine(void);
/* The directory itself, of whichever use. */
const char *vk_clients_machine_dir(void);

/*
 * The token that serves the URL, or the token called NAME or NAME/TOKEN.
 * VK_NOCLIENT (silent) if none; VK_CONFIG (logged) if its sections are
 * wrong, or two tokens serve the URL equally well.
 */
VK_MUST enum vk_err vk_clients_for_url(const struct vk_clients *clients,
                                       const struct vk_url *request,
                                       struct vk_profile *out);
VK_MUST enum vk_err vk_clients_for_name(const struct vk_clients *clients,
                                        struct vk_span name,
                                        struct vk_profile *out);

/* Does any token serve no more than a path of the URL's host and port? */
bool vk_clients_has_paths(const struct vk_clients *clients,
                          const struct vk_url *url);

/* Every line, and what two sections must not share. */
VK_MUST enum vk_err vk_clients_check(const struct vk_clients *clients);

/*
 * Token after token, in the file's order, then those of the machine.  Start
 * with a zeroed cursor.
 */
struct vk_clients_cursor {
    size_t at;
    struct vk_span client_section;
    bool in_machine;
};
bool vk_clients_next(const struct vk_clients *clients,
                     struct vk_clients_cursor *cursor, struct vk_profile *out,
                     enum vk_err *err);

/* Value after value of a repeatable key, without the commas of a list. */
struct vk_values {
    struct vk_span section, list;
};
struct vk_values vk_profile_values(const struct vk_profile *profile,
                                   enum vk_key key);
bool vk_profile_next(struct vk_values *values, enum vk_key key,
                     struct vk_span *value);

/* The value or what it is by default; empty where there is no default. */
struct vk_span vk_profile_get(const struct vk_profile *profile,
                              enum vk_key key);
/* The token-url, or the issuer that stands for it. */
struct vk_span vk_profile_endpoint(const struct vk_profile *profile);
/* Empty: none.  ptr is NULL where the environment has the say. */
struct vk_span vk_profile_proxy(const struct vk_profile *profile);
int64_t vk_profile_seconds(const struct vk_profile *profile, enum vk_key key);

#endif

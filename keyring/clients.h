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
#define VK_CLIENTS_MAX ((size_t)8 << 20)
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
    VK_KEY_STORE,
    VK_KEY_LIFETIME,
    VK_KEY_MAX_LIFETIME,
    VK_KEYS
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
};

struct vk_clients {
    struct vk_span text;
    char dir[VK_PATH_MAX];
    bool is_draft; /* a text that is not in the file: no lines are named */
};

/* [a-z0-9][a-z0-9._-]{0,62} */
bool vk_clients_is_name(struct vk_span name);

/*
 * Map the user's clients.conf.  VK_NOCLIENT, and an empty text, if there is
 * none; VK_CONFIG (logged) if others can write to it.
 */
VK_MUST enum vk_err vk_clients_open(struct vk_clients *clients);
void vk_clients_close(struct vk_clients *clients);

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

/* Token after token, in the file's order.  Start with a zeroed cursor. */
struct vk_clients_cursor {
    size_t at;
    struct vk_span client_section;
};
bool vk_clients_next(const struct vk_clients *clients,
                     struct vk_clients_cursor *cursor, struct vk_profile *out,
                     enum vk_err *err);

/* Value after value of a repeatable key, without the commas of `serves`. */
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
int64_t vk_profile_seconds(const struct vk_profile *profile, enum vk_key key);

#endif

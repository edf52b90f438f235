/* SPDX-License-Identifier: MIT */
#ifndef VK_HELPERS_HELPER_H
#define VK_HELPERS_HELPER_H

#include "base/buf.h"
#include "base/url.h"
#include "keyring/ask.h"

/*
 * What all credential helpers share.  A protocol is one file that defines
 * `vk_codec`: its verbs, how a request ends, and how its client is told of
 * a failure.  helper.c has the only main: it reads the request, runs the
 * verb and writes what the verb put into `out` in one piece, after the verb
 * has succeeded, so that nothing is said before it is certain.
 */

enum vk_request_end {
    VK_UNTIL_EOF,
    VK_UNTIL_BLANK_LINE, /* or the end */
    VK_LINES,            /* line after line, each is answered at once */
    VK_NO_REQUEST,       /* standard input is not ours to read */
};

#define VK_OPERANDS 4

struct vk_call {
    const char *verb;
    const char *operand[VK_OPERANDS]; /* set by `arrange`, NULL: not given */
    struct vk_span request; /* what came on standard input, or one line */
    struct vk_buf *out;
    int exit; /* exit status, set by `fail` */
};

struct vk_verb {
    const char *name;
    enum vk_request_end request;
    enum vk_err (*run)(struct vk_call *call);
};

struct vk_codec {
    const char *program;
    const char *usage;           /* of the command line; NULL: the verbs */
    const struct vk_verb *verbs; /* ended by a row without a name */
    /* Said before the first of VK_LINES is read. */
    const char *greeting;
    /*
     * Where the command line is more than a verb: put the rest into operand
     * and return the verb, or NULL for wrong usage.
     */
    const char *(*arrange)(int argc, char **argv, struct vk_call *call);
    int usage_exit; /* exit status of wrong usage, 0: 1 */
    /* Verbs that we do not know are no error: say nothing, exit 0. */
    bool ignores_unknown_verbs;
    /* The verb came to err: fill out and exit as the client expects. */
    void (*fail)(struct vk_call *call, enum vk_err err);
};

extern const struct vk_codec vk_codec;

/* A token, ready to be handed out.  The spans live until the program ends. */
struct vk_token {
    struct vk_span value, username;
    bool names_user;  /* clients.conf has a user name for it */
    const char *name; /* NAME or NAME/TOKEN */
    int64_t expires;  /* Unix time until which it may be used */
    int64_t left;     /* the same in seconds from now */
    int64_t id;       /* tells two tokens of one name apart */
};

/*
 * The token for a URL.  VK_NOCLIENT, silent: no client serves it.  All other
 * errors are logged.  wish NULL: nothing special.
 */
VK_MUST enum vk_err vk_helper_get(const struct vk_url *url,
                                  const struct vk_wish *wish,
                                  struct vk_token *token);

/* The token of that name.  Here VK_NOCLIENT is logged, too. */
VK_MUST enum vk_err vk_helper_get_named(const char *name,
                                        const struct vk_wish *wish,
                                        struct vk_token *token);

/*
 * NAME@TOKEN, as tokens are called where a slash cannot stand (file names),
 * becomes NAME/TOKEN.  VK_NOCLIENT, silent: not a name.
 */
VK_MUST enum vk_err vk_helper_name(struct vk_span text,
                                   char out[VK_FULL_NAME_MAX + 1]);

/* Does a client serve the URL?  Nothing is fetched.  VK_NOCLIENT as above. */
VK_MUST enum vk_err vk_helper_serves(const struct vk_url *url);

/*
 * Drop the cached token of a URL.  A value that is not empty is a token that
 * was refused: it is dropped only if it is the cached one, and the governor
 * takes note.  VK_NOCLIENT as above; that there is none to drop is VK_OK.
 */
VK_MUST enum vk_err vk_helper_drop(const struct vk_url *url,
                                   struct vk_span value);

/*
 * The same for a token that was refused where the tool does not say the token
 * itself but which one it was: name and id of struct vk_token.
 */
VK_MUST enum vk_err vk_helper_drop_id(const struct vk_url *url,
                                      struct vk_span name, int64_t id);

/*
 * Does clients.conf have a token for the URL that was asked for last,
 * whatever came of it?  False as long as that is not certain.
 */
bool vk_helper_is_ours(void);

/*
 * Do some paths of the URL's host have tokens of their own?  Then the token
 * of one URL there is not to be used for another.
 */
bool vk_helper_has_paths(const struct vk_url *url);

/*
 * For `arrange`: is argv[*at] the option `name VALUE` or `name=VALUE`?  Then
 * take its value, and leave *at on its last word.
 */
bool vk_helper_option(char **argv, int *at, const char *name,
                      const char **value);

/* Call add for every URL that is served, with its user name. */
VK_MUST enum vk_err vk_helper_each(void (*add)(void *arg, struct vk_span url,
                                               struct vk_span username),
                                   void *arg);

/*
 * For helper.c, when the answer is out: renew the token if it is time for it,
 * and forget it.
 */
void vk_helper_answered(void);

#endif

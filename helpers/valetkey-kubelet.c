/* SPDX-License-Identifier: MIT */
/*
 * valetkey-kubelet: an image credential provider of the kubelet,
 * CredentialProviderRequest in credentialprovider.kubelet.k8s.io v1 and
 * v1beta1 (docs/protocols/kubelet.md).  What the kubelet cannot decode to the
 * last member it throws away, so nothing is answered that it does not know.
 * A request can hold the token of a service account: no part of one but its
 * apiVersion is ever shown.
 */
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/parse.h"
#include "helpers/helper.h"

#define GROUP "credentialprovider.kubelet.k8s.io/"
#define REQUEST "CredentialProviderRequest"
#define PLACE_MAX 2304 /* more than an image that is a URL can have */

/* Seconds that a token should be good for while an image is pulled. */
#define PULL 60

enum operand { CACHE_KEY_TYPE };

#define IMAGE "Image"
#define REGISTRY "Registry"

static const char *const cache_key_types[] = {REGISTRY, IMAGE, "Global"};
static const char *const versions[] = {GROUP "v1", GROUP "v1beta1"};

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

/* Of [HOST[:PORT]/]PATH[:TAG][@DIGEST]. */
struct image {
    struct vk_span host, path;
};

struct request {
    struct json_object *object; /* owns what the spans point to */
    struct vk_span version, image;
};

/* The row that is text; NULL: none. */
static const char *
find(const char *const *table, size_t rows, struct vk_span text)
{
    for (size_t i = 0; i < rows; i++)
        if (vk_span_is(text, table[i]))
            return table[i];
    return NULL;
}

static enum vk_err
read_request(struct vk_span text, struct request *out)
{
    struct vk_span kind;

    *out = (struct request){.object = NULL};
    if (!vk_parse_object(text, &out->object))
        return vk_fail(VK_USAGE, "the request is not a JSON object");
    if (!vk_parse_string(out->object, "kind", &kind) ||
        !vk_span_is(kind, REQUEST))
        return vk_fail(VK_USAGE, "the request is not a " REQUEST);
    if (!vk_parse_string(out->object, "apiVersion", &out->version))
        return vk_fail(VK_USAGE, "the request has no apiVersion");
    if (find(versions, LENGTH(versions), out->version) == NULL)
        return vk_fail(VK_USAGE,
                       "the apiVersion '%.*s' is not known; " GROUP
                       "v1 and v1beta1 are",
                       VK_ARG(out->version));
    if (!vk_parse_string(out->object, "image", &out->image) ||
        out->image.len == 0)
        return vk_fail(VK_USAGE, "the request names no image");
    return VK_OK;
}

static bool
is_reference(struct vk_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!vk_char_plain(c, "-._:/@[]"))
            return false;
        if (c == '/' && (i == 0 || text.ptr[i - 1] == '/'))
            return false;
    }
    return true;
}

/* Is the part before the first slash a registry, and no part of the path? */
static bool
is_host(struct vk_span text)
{
    return memchr(text.ptr, '.', text.len) != NULL ||
           memchr(text.ptr, ':', text.len) != NULL ||
           vk_span_is(text, "localhost");
}

static struct image
split(struct vk_span text)
{
    struct vk_span rest = vk_span_cut(&text, '@'), path = rest;
    struct image out = {.host = vk_span_cut(&path, '/')};

    if (path.ptr == NULL || !is_host(out.host)) {
        out.host = VK_SPAN("docker.io");
        path = rest;
    }
    const char *slash = memrchr(path.ptr, '/', path.len);
    size_t last = slash != NULL ? (size_t)(slash - path.ptr) : 0;
    struct vk_span name = vk_span_from(path, last);
    out.path = (struct vk_span){path.ptr, last + vk_span_cut(&name, ':').len};
    return out;
}

/* Docker Hub has several names, and keeps its own images in a directory. */
static bool
is_hub(struct vk_span host)
{
    static const char *const names[] = {"docker.io", "index.docker.io",
                                        "registry-1.docker.io"};

    return find(names, LENGTH(names), host) != NULL;
}

/* HOST/PATH, as serves has it, or as the kubelet wrote it. */
static enum vk_err
write_place(const struct image *image, bool as_written, struct vk_buf *out)
{
    bool hub = is_hub(image->host);
    bool bare = memchr(image->path.ptr, '/', image->path.len) == NULL;
    enum vk_err err = vk_buf_add(out, hub && !as_written ? VK_SPAN("docker.io")
                                                         : image->host);

    if (err == VK_OK)
        err = vk_buf_add_str(out,
                             hub && bare && !as_written ? "/library/" : "/");
    return err == VK_OK ? vk_buf_add(out, image->path) : err;
}

/* NULL: there is no login for this image. */
static void
write_auth(struct vk_json *json, const char *key, const struct vk_token *token)
{
    if (token == NULL) {
        vk_json_null(json, "auth");
        return;
    }
    vk_json_open(json, "auth", '{');
    vk_json_open(json, key, '{');
    vk_json_str(json, "username", token->username);
    vk_json_str(json, "password", token->value);
    vk_json_close(json, '}');
    vk_json_close(json, '}');
}

/* An answer without a login is not kept: clients.conf may soon have one. */
static enum vk_err
write_answer(struct vk_call *call, struct vk_span version,
             const char *cache_key_type, const char *key,
             const struct vk_token *token)
{
    VK_STATIC_BUF(duration, 32);
    struct vk_json json = VK_JSON(call->out);
    enum vk_err err =
        vk_buf_add_number(&duration, token != NULL ? token->left : 0);

    if (err == VK_OK)
        err = vk_buf_add_char(&duration, 's');
    if (err != VK_OK)
        return err;
    vk_json_open(&json, NULL, '{');
    vk_json_str(&json, "kind", VK_SPAN("CredentialProviderResponse"));
    vk_json_str(&json, "apiVersion", version);
    vk_json_str(&json, "cacheKeyType", vk_span_str(cache_key_type));
    vk_json_str(&json, "cacheDuration", vk_buf_span(&duration));
    write_auth(&json, key, token);
    vk_json_close(&json, '}');
    err = vk_json_end(&json);
    return err == VK_OK ? vk_buf_add_char(call->out, '\n') : err;
}

/*
 * The kubelet uses an answer for all images of its key.  Where paths of the
 * registry have tokens of their own it is good for this image only, whatever
 * was configured.
 */
static enum vk_err
answer(struct vk_call *call, const struct request *request, const char *type)
{
    static const struct vk_wish wish = {.prefers = PULL};
    VK_STATIC_BUF(place, PLACE_MAX);
    VK_STATIC_BUF(key, PLACE_MAX);
    struct image image = split(request->image);
    struct vk_token token;
    struct vk_url url;

    if (!is_reference(request->image) ||
        write_place(&image, false, &place) != VK_OK ||
        !vk_url_parse(vk_buf_span(&place), &url))
        return write_answer(call, request->version, type, NULL, NULL);
    enum vk_err err = vk_helper_get(&url, &wish, &token);
    if (err == VK_NOCLIENT)
        return write_answer(call, request->version, type, NULL, NULL);
    if (err == VK_OK && vk_helper_has_paths(&url))
        type = IMAGE;
    if (err == VK_OK && strcmp(type, IMAGE) == 0)
        err = write_place(&image, true, &key);
    else if (err == VK_OK)
        err = vk_buf_add(&key, image.host);
    if (err != VK_OK)
        return err;
    return write_answer(call, request->version, type, vk_buf_str(&key),
                        &token);
}

static enum vk_err
get(struct vk_call *call)
{
    const char *wanted = call->operand[CACHE_KEY_TYPE];
    const char *type = wanted == NULL
                           ? REGISTRY
                           : find(cache_key_types, LENGTH(cache_key_types),
                                  vk_span_str(wanted));
    struct request request = {.object = NULL};

    if (type == NULL)
        return vk_fail(VK_USAGE,
                       "--cache-key-type must be Image, Registry or Global,"
                       " not '%s'",
                       wanted);
    enum vk_err err = read_request(call->request, &request);
    if (err == VK_OK)
        err = answer(call, &request, type);
    json_object_put(request.object);
    return err;
}

static const char *
arrange(int argc, char **argv, struct vk_call *call)
{
    for (int i = 1; i < argc; i++)
        if (!vk_helper_option(argv, &i, "--cache-key-type",
                              &call->operand[CACHE_KEY_TYPE]))
            return NULL;
    return "get";
}

/* The kubelet takes what it finds on standard error into its log. */
static void
fail(struct vk_call *call, enum vk_err err)
{
    call->exit = 1;
    vk_buf_cut(call->out, 0);
    if (vk_log_last()[0] == '\0')
        vk_log("%s", vk_err_text(err));
}

static const struct vk_verb verbs[] = {
    {"get", VK_UNTIL_EOF, get},
    {NULL, VK_NO_REQUEST, NULL},
};

const struct vk_codec vk_codec = {
    .program = "valetkey-kubelet",
    .usage = "[--cache-key-type Image|Registry|Global]",
    .verbs = verbs,
    .arrange = arrange,
    .fail = fail,
};

/* SPDX-License-Identifier: MIT */
/*
 * naive PART CLIENT TOKEN-URL CA-FILE: what anybody would write who wanted a
 * token for docker: libsecret, libcurl, json-c and the kernel keyring in one
 * program, by the simplest calls.  PART: load (it starts), secret, https
 * (with a secret of its own), or all.  CA-FILE: "-" is libcurl's default.
 */
#include <curl/curl.h>
#include <json-c/json.h>
#include <keyutils.h>
#include <libsecret/secret.h>
#include <stdio.h>
#include <string.h>

static const SecretSchema schema = {
    .name = "org.valetkey.ClientSecret",
    .flags = SECRET_SCHEMA_NONE,
    .attributes = {{"client", SECRET_SCHEMA_ATTRIBUTE_STRING}},
};

struct answer {
    char text[65536];
    size_t len;
};

static char *
look_up(const char *client)
{
    GError *error = NULL;
    char *secret = secret_password_lookup_sync(&schema, NULL, &error, "client",
                                               client, NULL);

    if (secret == NULL)
        fprintf(stderr, "naive: %s\n", error ? error->message : "no secret");
    return secret;
}

static size_t
receive(char *data, size_t size, size_t count, void *arg)
{
    struct answer *answer = arg;
    size_t len = size * count;

    if (len >= sizeof answer->text - answer->len)
        return 0;
    memcpy(answer->text + answer->len, data, len);
    answer->len += len;
    return len;
}

static int
exchange(const char *url, const char *ca, const char *secret,
         struct answer *answer)
{
    char body[8192];

    curl_global_init(CURL_GLOBAL_DEFAULT);
    CURL *curl = curl_easy_init();
    char *escaped = curl_easy_escape(curl, secret, 0);
    snprintf(body, sizeof body,
             "grant_type=client_credentials&client_id=demo&client_secret=%s",
             escaped);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    if (strcmp(ca, "-") != 0)
        curl_easy_setopt(curl, CURLOPT_CAINFO, ca);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    CURLcode code = curl_easy_perform(curl);
    if (code != CURLE_OK)
        fprintf(stderr, "naive: %s\n", curl_easy_strerror(code));
    curl_free(escaped);
    curl_easy_cleanup(curl);
    curl_global_cleanup();
    return code == CURLE_OK;
}

static int
answer_docker(const char *text)
{
    struct json_object *object = json_tokener_parse(text);
    struct json_object *token = NULL, *out = json_object_new_object();

    if (!json_object_object_get_ex(object, "access_token", &token))
        return 0;
    const char *value = json_object_get_string(token);
    key_serial_t key = add_key("user", "naive-bench", value, strlen(value),
                               KEY_SPEC_PROCESS_KEYRING);
    keyctl_set_timeout(key, 3600);
    json_object_object_add(out, "ServerURL", json_object_new_string("-"));
    json_object_object_add(out, "Username", json_object_new_string("-"));
    json_object_object_add(out, "Secret", json_object_get(token));
    puts(json_object_to_json_string(out));
    json_object_put(out);
    json_object_put(object);
    return 1;
}

int
main(int argc, char **argv)
{
    static struct answer answer;
    char fake[] = "sample.not.real", *secret = fake;

    if (argc != 5)
        return 2;
    const char *part = argv[1];
    if (strcmp(part, "load") == 0)
        return 0;
    if (strcmp(part, "https") != 0)
        secret = look_up(argv[2]);
    if (secret == NULL)
        return 1;
    if (strcmp(part, "secret") == 0)
        return 0;
    if (!exchange(argv[3], argv[4], secret, &answer))
        return 1;
    if (secret != fake)
        secret_password_free(secret);
    return answer_docker(answer.text) ? 0 : 1;
}

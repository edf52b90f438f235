/* SPDX-License-Identifier: MIT */
/*
 * What any program costs that reads a member of a JSON object with json-c:
 * the measure of the gates for helpers whose clients send JSON.
 */
#include <unistd.h>

#include <json-c/json.h>

static int
look_at(struct json_object *object)
{
    struct json_object *value = json_object_object_get(object, "kind");

    if (!json_object_is_type(value, json_type_string))
        return 0;
    return json_object_get_string(value)[0] == '\0' ||
           json_object_get_string_len(value) == 0;
}

int
main(void)
{
    static char text[4096];
    ssize_t n = read(STDIN_FILENO, text, sizeof text);
    struct json_tokener *parser = json_tokener_new_ex(16);
    struct json_object *object;

    json_tokener_set_flags(parser,
                           JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    object = json_tokener_parse_ex(parser, text, (int)n);
    int status = n > 0 && json_tokener_get_parse_end(parser) == 0;
    json_tokener_free(parser);
    status += look_at(object);
    json_object_put(object);
    return status;
}

/* SPDX-License-Identifier: MIT */
/* What makes a cached token another one: keyring/clients.c. */
#include "tests/unit/support.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

/* The fingerprint of [client x] with these lines. */
static const char *
print_of(const char *name, const char *lines)
{
    static struct vk_profile profile;
    char conf[1024];

    snprintf(conf, sizeof conf, "[client x]\n%s", lines);
    struct vk_clients clients = vk_test_clients(conf);
    if (vk_clients_for_name(&clients, vk_span_str(name), &profile) != VK_OK)
        fail_msg("'%s': %s", lines, vk_log_last());
    return profile.fingerprint;
}

#define ID "client-id = i\n"
#define BASE "token-url = https://a.com/t\n" ID

static void
is_sixteen_hex_digits(void **state)
{
    const char *print = print_of("x", BASE);

    (void)state;
    assert_int_equal(strlen(print), 16);
    for (; *print != '\0'; print++)
        assert_true(isxdigit(*print) && !isupper(*print));
}

static void
differs_with_all_that_shapes_the_request(void **state)
{
    static const char *const configs[] = {
        BASE,
        "token-url = https://a.com/u\n" ID,
        "token-url = https://a.com/T\n" ID,
        "issuer = https://a.com/t\n" ID,
        "token-url = https://a.com/t\nclient-id = j\n",
        BASE "auth = client_secret_basic\n",
        BASE "body = json\n",
        BASE "audience = a\n",
        BASE "scope = a\n",
        BASE "resource = a\n",
        BASE "audience =\n",
        BASE "scope =\n",
        BASE "resource =\n",
        BASE "audience = ab\nscope = c\n",
        BASE "audience = a\nscope = bc\n",
        BASE "scope = a\nresource = a\n",
        BASE "parameter = a=1\n",
        BASE "parameter = a=\n",
        BASE "parameter = a=1\nparameter = b=2\n",
        BASE "parameter = b=2\nparameter = a=1\n",
        BASE "parameter = a=1b=2\n",
        BASE "parameter = a=1\nparameter = a=1\n",
    };
    char prints[LENGTH(configs)][17];

    (void)state;
    for (size_t i = 0; i < LENGTH(configs); i++) {
        snprintf(prints[i], sizeof prints[i], "%s", print_of("x", configs[i]));
        for (size_t k = 0; k < i; k++)
            if (strcmp(prints[i], prints[k]) == 0)
                fail_msg("'%s' and '%s'", configs[i], configs[k]);
    }
}

static void
does_not_depend_on_anything_else(void **state)
{
    static const char *const configs[] = {
        BASE "serves = a.com\n",
        BASE "username = me\n",
        BASE "ca-file = /ca.pem\n",
        BASE "proxy = http://p:3128\n",
        BASE "store = secret-service\n",
        BASE "lifetime = 1\n",
        BASE "max-lifetime = 1\n",
        BASE "# a comment\n",
        ID "token-url=https://a.com/t",
        "token-url =  https://a.com/t\r\n\r\nclient-id = i \r\n",
        BASE "[token x/y]\naudience = other\n",
    };
    char base[17];

    (void)state;
    snprintf(base, sizeof base, "%s", print_of("x", BASE));
    for (size_t i = 0; i < LENGTH(configs); i++)
        if (strcmp(print_of("x", configs[i]), base) != 0)
            fail_msg("'%s' changes it", configs[i]);
}

static void
is_of_the_token_and_not_of_where_its_values_stand(void **state)
{
    char plain[17], audience[17];

    (void)state;
    snprintf(plain, sizeof plain, "%s", print_of("x", BASE));
    snprintf(audience, sizeof audience, "%s",
             print_of("x", BASE "audience = a\n"));
    assert_string_equal(print_of("x/y", BASE "[token x/y]\n"), plain);
    assert_string_equal(print_of("x/y", BASE "[token x/y]\naudience = a\n"),
                        audience);
    assert_string_equal(print_of("x/y", BASE "audience = a\n[token x/y]\n"),
                        audience);
    assert_string_equal(print_of("x/y", BASE "audience = b\n[token x/y]\n"
                                             "audience = a\n"),
                        audience);
    assert_string_not_equal(print_of("x/y", BASE "audience = a\n"
                                                 "[token x/y]\naudience =\n"),
                            plain);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_sixteen_hex_digits),
        cmocka_unit_test(differs_with_all_that_shapes_the_request),
        cmocka_unit_test(does_not_depend_on_anything_else),
        cmocka_unit_test(is_of_the_token_and_not_of_where_its_values_stand),
    };

    vk_log_keep();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

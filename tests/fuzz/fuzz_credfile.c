/* SPDX-License-Identifier: MIT */
/*
 * Any file: the parser says what is wrong with it or gives clean names and
 * values, and whatever the plan makes of them is a good clients.conf.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cli/camunda.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool right)
{
    if (!right)
        abort();
}

static bool
lies_in(struct vk_span part, struct vk_span whole)
{
    return part.ptr >= whole.ptr &&
           part.ptr + part.len <= whole.ptr + whole.len;
}

static void
check_var(const struct vk_cred_var *var, struct vk_span text,
          struct vk_span values)
{
    require(var->line > 0 && var->name.len > 0);
    require(var->name.len <= VK_CRED_NAME_MAX);
    require(var->value.len <= VK_CRED_VALUE_MAX);
    require(lies_in(var->name, text) && lies_in(var->value, values));
    for (size_t i = 0; i < var->value.len; i++)
        require((unsigned char)var->value.ptr[i] >= 0x20 &&
                var->value.ptr[i] != 0x7f);
}

static void
check_plan(const struct vk_plan *plan)
{
    VK_AUTO_BUF conf = VK_BUF(VK_CLIENTS_MAX);

    require(plan->clients == 1 || plan->clients == 2);
    for (size_t i = 0; i < plan->clients; i++) {
        const struct vk_plan_client *client = &plan->client[i];
        require(client->secret.len > 0 && client->client_id.len > 0);
        require(vk_url_is_safe(client->token_url));
        require(vk_clients_is_name(vk_span_str(client->name)));
        require(vk_buf_add(&conf, vk_buf_span(&client->conf)) == VK_OK);
    }
    struct vk_clients clients = {.text = vk_buf_span(&conf)};
    require(vk_clients_check(&clients) == VK_OK);

    struct vk_clients_cursor at = {0};
    struct vk_profile profile;
    enum vk_err err = VK_OK;
    size_t tokens = 0;
    while (vk_clients_next(&clients, &at, &profile, &err))
        tokens++;
    require(tokens == plan->client[0].tokens + plan->client[1].tokens);
}

static void
check_name(const uint8_t *data, size_t size)
{
    VK_AUTO_BUF path = VK_BUF(VK_CRED_MAX);
    char name[VK_NAME_MAX + 1];

    if (vk_buf_add(&path, (struct vk_span){(const char *)data, size}) ==
            VK_OK &&
        vk_buf_str(&path) != NULL) {
        vk_camunda_name_of(vk_buf_str(&path), name);
        require(vk_clients_is_name(vk_span_str(name)));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vk_span text = {(const char *)data, size};
    VK_AUTO_BUF values = VK_BUF(VK_CRED_MAX);
    struct vk_credfile file = {.vars = 0};
    struct vk_plan plan = {.clients = 0};

    vk_log_keep();
    check_name(data, size);
    if (vk_credfile_parse(text, "file", &values, &file) != VK_OK) {
        require(file.vars == 0 && values.len == 0);
        return 0;
    }
    require(file.vars > 0);
    for (size_t i = 0; i < file.vars; i++)
        check_var(&file.var[i], text, vk_buf_span(&values));
    if (vk_camunda_plan(&file, "file", "prod", &plan) == VK_OK)
        check_plan(&plan);
    else
        require(plan.clients == 0);
    vk_camunda_plan_clear(&plan);
    return 0;
}

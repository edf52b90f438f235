/* SPDX-License-Identifier: MIT */
/*
 * The words of `valetkey add`, a line each.  What it adds is what a reader of
 * clients.conf finds there, and is all that changes.
 */
#define vk_edit_begin begin
#define vk_edit_save save
#define vk_edit_end end
#define vk_proc_harden harden
#include "cli/add.c"
#undef vk_edit_begin
#undef vk_edit_save
#undef vk_edit_end
#undef vk_proc_harden

#include <getopt.h>

#include "base/conf.h"
#include "cli/options.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/edit_rest.h"

#define WORDS 40
#define TEXT_MAX ((size_t)131072)
#define FILE_TEXT                                                \
    "# ours\n[client prod]\ntoken-url = https://idp.example/t\n" \
    "client-id = app\nserves = https://a.example\n\n"            \
    "[token prod/b]\nscope = b\n# the end\n"

static const struct vk_cli_command command = {
    .name = "add",
    .needs = VK_MUST_HAVE,
    .options = ~(uint64_t)0,
};
VK_STATIC_BUF(after, TEXT_MAX);

static enum vk_err
keep(const struct vk_edit *edit)
{
    enum vk_err err = vk_edit_check(edit);

    vk_buf_cut(&after, 0);
    return err == VK_OK ? vk_buf_add(&after, vk_buf_span(&edit->text)) : err;
}

enum vk_err
begin(struct vk_edit *edit)
{
    *edit = (struct vk_edit){.lock = -1, .text = VK_BUF(TEXT_MAX)};
    edit->clients.text = VK_SPAN(FILE_TEXT);
    return vk_buf_add(&edit->text, VK_SPAN(FILE_TEXT));
}

enum vk_err
save(const struct vk_edit *edit)
{
    return keep(edit);
}

void
end(struct vk_edit *edit)
{
    vk_buf_clear(&edit->text);
}

enum vk_err
vk_install_check(const struct vk_install *client, bool replace)
{
    struct vk_edit edit;
    enum vk_err err = begin(&edit);

    require(replace || client->of.client != NULL);
    require(client->of.client_id != NULL && client->of.token_url != NULL);
    if (err == VK_OK)
        err = vk_edit_put(&edit, client->of.client, client->sections);
    if (err == VK_OK)
        err = keep(&edit);
    end(&edit);
    return err;
}

enum vk_err
vk_install(const struct vk_install *client, size_t count, bool replace)
{
    require(count == 1 && vk_span_is(client->secret, "typed"));
    return vk_install_check(client, replace);
}

enum vk_err
vk_cli_read_secret(const struct vk_cli *cli, const char *client,
                   struct vk_buf *secret)
{
    (void)cli;
    (void)client;
    return vk_buf_add_str(secret, "typed");
}

/* There is no machine here. */
enum vk_err
vk_cli_find_own(const struct vk_cli *cli, const struct vk_clients *own,
                struct vk_span name, struct vk_profile *profile)
{
    (void)cli;
    return vk_clients_for_name(own, name, profile);
}

enum vk_err
vk_cli_print(struct vk_span text)
{
    require(!holds(text, VK_SPAN("typed")));
    return VK_OK;
}

enum vk_err
harden(void)
{
    return VK_OK;
}

static void
check_key(const struct vk_cli *cli, const struct vk_profile *profile,
          enum vk_key key)
{
    const char *said = cli->option[VK_OPT_KEYS + key];

    if (said == NULL)
        return;
    require(profile->key[key].set);
    if ((vk_key_rows[key].flags & VK_REPEATABLE) == 0)
        require(vk_span_same(vk_profile_get(profile, key),
                             vk_span_trim(vk_span_str(said))) ||
                said[0] == '\0');
    else
        require(vk_profile_values(profile, key).section.len > 0);
}

static void
check_added(const struct vk_cli *cli)
{
    struct vk_clients clients = {.text = vk_buf_span(&after), .dir = "/dir"};
    VK_AUTO_BUF one = VK_BUF(TEXT_MAX);
    VK_AUTO_BUF two = VK_BUF(TEXT_MAX);
    struct vk_profile profile;

    require(vk_clients_check(&clients) == VK_OK);
    require(vk_clients_for_name(&clients, vk_span_str(cli->operand),
                                &profile) == VK_OK);
    for (enum vk_key key = 0; key < VK_KEYS; key++)
        check_key(cli, &profile, key);
    edit_rest(VK_SPAN(FILE_TEXT), cli->operand, &one);
    edit_rest(clients.text, cli->operand, &two);
    require(vk_span_same(vk_buf_span(&one), vk_buf_span(&two)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char name[] = "valetkey";
    char *argv[WORDS + 1] = {name}, *text = malloc(size + 1), *rest = text;
    struct vk_cli cli = {.command = "add"};
    bool wants_help = false;
    int argc = 1;

    require(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    while (rest != NULL && argc < WORDS)
        argv[argc++] = strsep(&rest, "\n");
    vk_log_keep();
    /* What was typed shall not come out; what was said may. */
    if (holds((struct vk_span){text, size}, VK_SPAN("typed")))
        size = SIZE_MAX;
    vk_buf_cut(&after, 0);
    optind = 0;
    if (size < 16384 &&
        vk_options_read(&command, argc, argv, &cli, &wants_help) == VK_OK &&
        !wants_help && vk_add(&cli) == VK_OK)
        check_added(&cli);
    free(text);
    return 0;
}

/* SPDX-License-Identifier: MIT */
#include "cli/pamstack.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"

#define FILE_MAX 65536
#define DEPTH_MAX 8
#define NAME_MAX_LEN 64

struct stack {
    const char *dir;
    int count;         /* session modules so far */
    int ours, keyinit; /* which is it, from 1 */
    /* The service's file, and those that it includes, down to this line. */
    struct {
        struct vk_span text, rest;
    } open[DEPTH_MAX];
    size_t depth;
};

/* What is not there, or includes itself, is left out. */
static void
include(struct stack *stack, struct vk_span service)
{
    char name[NAME_MAX_LEN];
    struct vk_span text;

    if (stack->depth == DEPTH_MAX || service.len == 0 ||
        service.len >= sizeof name ||
        memchr(service.ptr, '/', service.len) != NULL)
        return;
    snprintf(name, sizeof name, "%.*s", (int)service.len, service.ptr);
    if (vk_file_map_only(stack->dir, name, FILE_MAX, &text) != VK_OK)
        return;
    stack->open[stack->depth].text = text;
    stack->open[stack->depth].rest = text;
    stack->depth++;
}

static struct vk_span
next_word(struct vk_span *rest)
{
    size_t len = 0;

    *rest = vk_span_trim(*rest);
    /* [success=1 default=ignore] is one word. */
    bool in_brackets = vk_span_starts(*rest, "[");
    while (len < rest->len &&
           (in_brackets || (rest->ptr[len] != ' ' && rest->ptr[len] != '\t')))
        if (rest->ptr[len++] == ']')
            in_brackets = false;
    struct vk_span word = {rest->ptr, len};
    *rest = vk_span_from(*rest, len);
    return word;
}

static void
add_module(struct stack *stack, struct vk_span path)
{
    struct vk_span name = path;

    for (struct vk_span rest = path; rest.len > 0;)
        name = vk_span_cut(&rest, '/');
    stack->count++;
    if (vk_span_is(name, "pam_valetkey.so") && stack->ours == 0)
        stack->ours = stack->count;
    if (vk_span_is(name, "pam_keyinit.so") && stack->keyinit == 0)
        stack->keyinit = stack->count;
}

static void
read_line(struct stack *stack, struct vk_span line)
{
    struct vk_span rest = vk_span_cut(&line, '#');
    struct vk_span type = next_word(&rest);

    if (vk_span_is(type, "@include")) {
        include(stack, next_word(&rest));
        return;
    }
    if (!vk_span_is(type, "session") && !vk_span_is(type, "-session"))
        return;
    struct vk_span control = next_word(&rest), what = next_word(&rest);
    if (vk_span_is(control, "include") || vk_span_is(control, "substack"))
        include(stack, what);
    else
        add_module(stack, what);
}

enum vk_pam_order
vk_pam_order(const char *dir, const char *service)
{
    struct stack stack = {.dir = dir};

    include(&stack, vk_span_str(service));
    while (stack.depth > 0) {
        struct vk_span *rest = &stack.open[stack.depth - 1].rest;
        if (rest->len > 0)
            read_line(&stack, vk_span_cut(rest, '\n'));
        else
            vk_file_unmap(stack.open[--stack.depth].text);
    }
    if (stack.ours == 0)
        return VK_PAM_NONE;
    if (stack.keyinit == 0)
        return VK_PAM_NO_KEYINIT;
    return stack.keyinit < stack.ours ? VK_PAM_GOOD : VK_PAM_TOO_EARLY;
}

/* SPDX-License-Identifier: MIT */
#include "keyring/talk.h"

#include <unistd.h>

#define GRACE_S 5

struct deadline {
    GCancellable *cancel;
    int64_t wait_ms;
};

static gpointer
cancel_later(gpointer data)
{
    struct deadline *deadline = data;

    g_usleep((gulong)deadline->wait_ms * 1000);
    g_cancellable_cancel(deadline->cancel);
    g_object_unref(deadline->cancel);
    g_free(deadline);
    return NULL;
}

/* GLib's own remarks: what matters of them comes back as an error. */
static GLogWriterOutput
be_silent(GLogLevelFlags level, const GLogField *fields, gsize count,
          gpointer data)
{
    (void)level;
    (void)fields;
    (void)count;
    (void)data;
    return G_LOG_WRITER_HANDLED;
}

/*
 * A bus that goes away is an error like any other, not our end.  The
 * connection is kept: libsecret gets the same one as long as there is one.
 */
static void
survive_bus(GCancellable *cancel)
{
    static GDBusConnection *bus;
    static bool is_quiet;

    /* GLib allows this once. */
    if (!is_quiet)
        g_log_set_writer_func(be_silent, NULL, NULL);
    is_quiet = true;
    if (bus == NULL)
        bus = g_bus_get_sync(G_BUS_TYPE_SESSION, cancel, NULL);
    if (bus != NULL)
        g_dbus_connection_set_exit_on_close(bus, FALSE);
}

/*
 * Where a thread cannot be had libsecret does not heed that it was cancelled;
 * a process that may have somebody's turn must end all the same.  A program
 * that has set an alarm for all that it does keeps that.
 */
static void
watch(struct vk_talk *talk, int64_t wait_ms)
{
    unsigned left = alarm((unsigned)(wait_ms / 1000) + GRACE_S);

    talk->is_watched = left == 0;
    if (left > 0)
        alarm(left);
}

struct vk_talk
vk_talk_start(const char *of, const char *verb, int64_t wait_ms)
{
    struct vk_talk talk = {
        .of = of, .verb = verb, .cancel = g_cancellable_new()};
    struct deadline *deadline = g_new0(struct deadline, 1);

    /* libsecret waits for a prompt for ever. */
    deadline->cancel = g_object_ref(talk.cancel);
    deadline->wait_ms = wait_ms > 0 ? wait_ms : 1;
    watch(&talk, deadline->wait_ms);
    g_thread_unref(g_thread_new("deadline", cancel_later, deadline));
    survive_bus(talk.cancel);
    return talk;
}

void
vk_talk_end(struct vk_talk *talk)
{
    if (talk->is_watched)
        alarm(0);
    g_clear_error(&talk->error);
    g_clear_object(&talk->cancel);
}

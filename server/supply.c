/* SPDX-License-Identifier: MIT */
#include "server/supply.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/proc.h"
#include "keyring/cache.h"
#include "keyring/hold.h"
#include "keyring/turn.h"
#include "server/quarantine.h"
#include "server/slots.h"

bool
vk_supply_has_token(struct vk_supply *supply)
{
    vk_buf_cut(&supply->payload, 0);
    return vk_cache_get(&supply->profile, 0, &supply->payload,
                        &supply->record) == VK_OK;
}

int
vk_supply_errno(enum vk_err err)
{
    switch (err) {
    case VK_OK: return 0;
    case VK_REFUSED: return EKEYREJECTED;
    case VK_HELD: return EBUSY;
    case VK_UNREACHABLE:
    case VK_BADREPLY: return ECONNREFUSED;
    case VK_NOCLIENT: return EINVAL;
    case VK_INTERNAL:
    case VK_NOMEM:
    case VK_IO:
    case VK_TOOBIG:
    case VK_USAGE:
    case VK_CONFIG:
    case VK_REQUEST:
    case VK_MISS:
    case VK_NOKEYRING:
    case VK_NOSTORE:
    case VK_LOCKED:
    case VK_NOSECRET:
    case VK_NOCOMMAND:
    case VK_NOEXEC:
    case VK_ERRS: break;
    }
    return EIO;
}

/* Exit statuses are an interface: base/err.c. */
static int
errno_of_exit(int status)
{
    static const enum vk_err errs[] = {VK_OK,          VK_INTERNAL, VK_CONFIG,
                                       VK_NOCLIENT,    VK_REFUSED,  VK_HELD,
                                       VK_UNREACHABLE, VK_NOSTORE};

    return status >= 0 && status < 8 ? vk_supply_errno(errs[status]) : EIO;
}

/* What stands in the way now, or failed for all who waited since then. */
static int
find_hold(const struct vk_supply *supply, int64_t since)
{
    VK_AUTO_BUF text = VK_BUF(VK_HOLD_MAX);
    struct vk_hold hold;

    if (vk_hold_find(&supply->profile, since, &text, &hold) != VK_OK)
        return 0;
    int error =
        vk_supply_errno(vk_hold_fail(supply->profile.name, &hold, since));
    return error != 0 ? error : EBUSY;
}

/* The lock becomes the fetcher's own: it goes on even if we are gone. */
static int
run_broker(struct vk_supply *supply, int lock)
{
    char timeout[24], fd[12];
    const char *const argv[] = {"valetkey-broker",
                                "--sysconfdir",
                                vk_clients_machine_dir(),
                                "--lock-fd",
                                fd,
                                "--timeout-ms",
                                timeout,
                                supply->profile.name,
                                NULL};
    const struct vk_proc_fd fds[] = {{lock, lock}, {-1, -1}};
    int status = 0;
    pid_t pid;

    snprintf(fd, sizeof fd, "%d", lock);
    snprintf(timeout, sizeof timeout, "%lld",
             (long long)(supply->deadline - vk_clock_boot_ms()));
    enum vk_err err = vk_proc_start(argv, fds, VK_DETACHED, &pid);
    if (err == VK_OK)
        err = vk_proc_alarm_at(supply->deadline);
    if (err == VK_OK)
        err = vk_proc_wait(pid, supply->deadline, &status);
    vk_proc_alarm_off();
    if (err == VK_UNREACHABLE)
        return ETIMEDOUT;
    return err != VK_OK ? EIO : errno_of_exit(status);
}

static int
fetch(struct vk_supply *supply, int lock)
{
    int place = vk_slots_take_all(supply->deadline);

    if (place < 0)
        return EBUSY;
    struct vk_sight sight = vk_quarantine_look(&supply->profile);
    supply->source = "fetch";
    int error = run_broker(supply, lock);
    close(place);
    if (error == 0)
        return vk_supply_has_token(supply) ? 0 : EIO;
    if (error == EKEYREJECTED)
        vk_quarantine_note(&supply->profile, &sight);
    /*
     * For its message, which the log is to have.  A refusal may be older: a
     * secret that is still the same is not sent again.
     */
    find_hold(supply, error == EKEYREJECTED ? 0 : supply->since);
    return error;
}

static int
take_turn(struct vk_supply *supply)
{
    int lock = -1, error;

    if (vk_turn_take(&supply->clients, supply->profile.name, supply->deadline,
                     &lock) != VK_OK)
        return ETIMEDOUT;
    if (vk_supply_has_token(supply))
        error = 0;
    else if ((error = find_hold(supply, supply->since)) == 0)
        error = fetch(supply, lock);
    close(lock);
    return error;
}

int
vk_supply_held(const struct vk_supply *supply)
{
    int error = find_hold(supply, INT64_MAX);
    struct vk_sight sight = vk_quarantine_look(&supply->profile);

    return error != 0 ? error
                      : vk_supply_errno(
                            vk_quarantine_check(&supply->profile, &sight));
}

int
vk_supply_get(struct vk_supply *supply)
{
    supply->source = "registry";
    if (vk_supply_has_token(supply))
        return 0;
    supply->waited = true;
    /* Cheap where it is held anyway: no place, no turn, no program. */
    int error = vk_supply_held(supply);
    if (error != 0)
        return error;
    int place = vk_slots_take_user(supply->who.uid, supply->deadline);
    if (place < 0)
        return EBUSY;
    error = take_turn(supply);
    close(place);
    return error;
}

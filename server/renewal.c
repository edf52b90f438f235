/* SPDX-License-Identifier: MIT */
#include "server/renewal.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/proc.h"
#include "keyring/cache.h"
#include "keyring/hold.h"
#include "keyring/machine.h"
#include "keyring/turn.h"
#include "server/slots.h"

#define MARK "busy"
#define MARK_MAX_S 30
/* For the governor's queue; the exchange has its own time. */
#define TIMEOUT_MS "30000"

/* Short-lived tokens leave less time for another try. */
static unsigned int
mark_seconds(struct vk_supply *supply)
{
    if (!vk_supply_has_token(supply))
        return MARK_MAX_S;
    int64_t left = vk_record_left(&supply->record, vk_clock_boot()) / 4;
    return left < 1 ? 1 : left > MARK_MAX_S ? MARK_MAX_S : (unsigned int)left;
}

/* The locks become its own. */
static bool
run_broker(const struct vk_supply *supply, int lock, int place)
{
    char fd[12], end[24];
    const char *const argv[] = {"valetkey-broker",
                                "--sysconfdir",
                                vk_clients_machine_dir(),
                                "--lock-fd",
                                fd,
                                "--timeout-ms",
                                TIMEOUT_MS,
                                "--renew",
                                end,
                                supply->profile.name,
                                NULL};
    const struct vk_proc_fd fds[] = {{lock, lock}, {place, place}, {-1, -1}};
    pid_t pid;

    snprintf(fd, sizeof fd, "%d", lock);
    snprintf(end, sizeof end, "%lld", (long long)supply->record.boot_expires);
    return vk_proc_start(argv, fds, VK_ABANDONED, &pid) == VK_OK;
}

/* One at a time for the machine; false: another is at it, or was. */
static bool
start(const struct vk_supply *supply)
{
    int lock, place;
    bool done = false;

    if (vk_cache_note_is(VK_HOLD_REFRESH, supply->profile.name) ||
        vk_supply_held(supply) != 0 ||
        !vk_turn_try(&supply->clients, supply->profile.name, &lock))
        return false;
    place = vk_slots_take_all(0);
    if (place >= 0) {
        done = run_broker(supply, lock, place);
        close(place);
    }
    close(lock);
    return done;
}

int
vk_renewal_answer(struct vk_supply *supply)
{
    unsigned int seconds = mark_seconds(supply);
    int32_t ring;

    if (vk_machine_of_user(supply->who.uid, &ring) != VK_OK)
        return EIO;
    int error =
        vk_requester_fill(&supply->who, vk_span_str(MARK), seconds, ring);
    if (error != 0)
        return error;
    /*
     * Only now that the mark is there: a broker that ends before has not seen
     * it, but then we see its token.
     */
    supply->source = "registry";
    if (!vk_supply_has_token(supply))
        return 0;
    if (vk_record_refresh_in(&supply->record, vk_clock_boot()) > 0)
        vk_machine_update_user(supply->who.name, ring);
    else
        supply->source = start(supply) ? "fetch" : "busy";
    return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does what can wait, one piece at a time; see turn.h. */
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "quota.h"
#include "turn.h"
#include "util.h"

/*
 * A higher number is served later: turns come after the bus, the lease, and all that the disk or a thread has finished.
 */
#define TURN_PRIORITY (SD_EVENT_PRIORITY_NORMAL + 10)
/* While the bus is behind, the next look at it is so much later. */
#define PAUSE_USEC 500
#define PAUSE_ACCURACY_USEC 100

struct turn {
        sd_bus *bus;
        sd_event_source *defer, *pause;
        turn_fn fn;
        void *userdata;
        bool on, pausing;
};

static bool is_bus_behind(sd_bus *bus)
{
        uint64_t unsent = 0;
        int fd, n = 0;

        if (sd_bus_get_n_queued_write(bus, &unsent) >= 0 && unsent > 0)
                return true;
        fd = sd_bus_get_fd(bus);
        return fd >= 0 && ioctl(fd, SIOCOUTQ, &n) >= 0 && n > UNREAD_MAX_BYTES;
}

static void apply(struct turn *t)
{
        (void)sd_event_source_set_enabled(t->defer, t->on && !t->pausing ? SD_EVENT_ON : SD_EVENT_OFF);
}

static int on_defer(sd_event_source *source, void *userdata)
{
        struct turn *t = userdata;

        if (!is_bus_behind(t->bus)) {
                t->fn(t->userdata);
                return 0;
        }
        if (sd_event_source_set_time_relative(t->pause, PAUSE_USEC) >= 0 &&
            sd_event_source_set_enabled(t->pause, SD_EVENT_ONESHOT) >= 0)
                t->pausing = true;
        apply(t);
        return 0;
}

static int on_pause(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct turn *t = userdata;

        t->pausing = false;
        apply(t);
        return 0;
}

void turn_set(struct turn *t, bool on)
{
        t->on = on;
        apply(t);
}

int turn_new(sd_event *event, sd_bus *bus, const char *description, turn_fn fn, void *userdata, struct turn **ret)
{
        struct turn *t = calloc(1, sizeof(*t));
        int r;

        if (!t)
                return -ENOMEM;
        t->bus = sd_bus_ref(bus);
        t->fn = fn;
        t->userdata = userdata;
        r = sd_event_add_defer(event, &t->defer, on_defer, t);
        if (r >= 0)
                r = sd_event_source_set_priority(t->defer, TURN_PRIORITY);
        if (r >= 0)
                r = sd_event_source_set_enabled(t->defer, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_add_time_relative(event, &t->pause, CLOCK_MONOTONIC, PAUSE_USEC, PAUSE_ACCURACY_USEC,
                                               on_pause, t);
        if (r >= 0)
                r = sd_event_source_set_enabled(t->pause, SD_EVENT_OFF);
        if (r < 0) {
                turn_free(t);
                return r;
        }
        (void)sd_event_source_set_description(t->defer, description);
        *ret = t;
        return 0;
}

struct turn *turn_free(struct turn *t)
{
        if (!t)
                return NULL;
        sd_event_source_disable_unref(t->defer);
        sd_event_source_disable_unref(t->pause);
        sd_bus_unref(t->bus);
        free(t);
        return NULL;
}

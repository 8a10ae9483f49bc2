/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ends of a ghost's timeline, at self->at_ns, with one CPU or two: what calls do, resets, and what the card does. */
#ifndef TMS_GHOST_ENDS_H
#define TMS_GHOST_ENDS_H

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ghost.h"

static int stop(FIXTURE_DATA(ghost) * self)
{
        int fd = dice_below(&self->dice, 2) ? self->monitor : self->fd;

        until(self);
        return call(fd, TMS_IOC_STOP, NULL);
}

/* Behind the last pulse there is nothing to end; and in the host's time the card's watchdog may have been first. */
static bool over(FIXTURE_DATA(ghost) * self, int r)
{
        return r == -EPROTO || (self->plain && r == -EPERM);
}

static int pause_now(FIXTURE_DATA(ghost) * self)
{
        struct tms_pause now = {.flags = TMS_PAUSE_NOW};
        int r;

        until(self);
        r = call(self->fd, TMS_IOC_PAUSE, &now);
        return over(self, r) ? 0 : r;
}

static int disarm(FIXTURE_DATA(ghost) * self)
{
        int r = pause_now(self);

        if (!r)
                r = call_disarm(self->fd);
        if (r == -EBUSY) /* the last pulse's answer is on its way: it runs yet */
                return call(self->fd, TMS_IOC_STOP, NULL);
        return over(self, r) ? 0 : r;
}

/* Refused while it runs, and what is loaded is still the old one: then stopped, and loaded in its place at once. */
static int new_load(FIXTURE_DATA(ghost) * self)
{
        uint32_t gen;
        int r;

        until(self);
        r = load(self, self->permille == 50 ? 60 : 50, &gen);
        if (r && r != -EBUSY && !over(self, r))
                return r;
        r = call(self->fd, TMS_IOC_STOP, NULL);
        r = r ? r : load(self, self->permille == 50 ? 60 : 50, &gen);
        return over(self, r) ? 0 : r;
}

static int close_it(FIXTURE_DATA(ghost) * self)
{
        int r;

        until(self);
        r = close(self->fd) ? -errno : 0;
        self->fd = -1;
        return r;
}

static int new_owner(FIXTURE_DATA(ghost) * self)
{
        int r = close_it(self);

        return r ? r : open_again(self);
}

/* What the card's model does by itself at that instant, to the nanosecond. Until it is SAFE. */
static int by_card(FIXTURE_DATA(ghost) * self, const char *op)
{
        struct lab_state card = {};
        char line[128], reply[512];
        uint64_t before_ns = now_ns(), till_ns;
        int r = port_query(&card);

        snprintf(line, sizeof(line), "at=%" PRIu64 " %s", card.t_ns + (self->at_ns - before_ns), op);
        r = r ? r : port_talk(line, reply, sizeof(reply));
        /* The host slept, and the instant has gone by. */
        if (r && self->plain)
                r = port_talk(op, reply, sizeof(reply));
        until(self);
        till_ns = now_ns() + (self->plain ? S : 20 * MS);
        do
                r = r ? r : port_query(&card);
        while (!r && !strcmp(card.state, "ARM") && now_ns() < till_ns);
        self->odometer = card.odometer;
        self->seen = true;
        return r ? r : strcmp(card.state, "ARM") ? 0 : -ETIMEDOUT;
}

static int latch(FIXTURE_DATA(ghost) * self)
{
        static const char *const ops[] = {
                        "open=patient_stop", "open=contact_lost", "open=cover_open",
                        "dead_watchdog",     "self_test",         "reset",
        };

        return by_card(self, ops[dice_below(&self->dice, ELEMENTSOF(ops))]);
}

static int reset_by(FIXTURE_DATA(ghost) * self, const char *method)
{
        char path[PATH_MAX];
        int fd, r;

        snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/reset_method", self->address);
        r = write_file(path, method);
        snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/reset", self->address);
        fd = open(path, O_WRONLY | O_CLOEXEC);
        if (r || fd < 0)
                return r ? r : -errno;
        until(self);
        r = write(fd, "1", 1) == 1 ? 0 : -errno;
        close(fd);
        return r;
}

static int function_reset(FIXTURE_DATA(ghost) * self)
{
        return reset_by(self, "flr");
}

static int bus_reset(FIXTURE_DATA(ghost) * self)
{
        return reset_by(self, "bus");
}

/* With one CPU or two, and as often. */
FIXTURE_VARIANT_ADD(ghost, stop){.end = stop, .some = 40};
FIXTURE_VARIANT_ADD(ghost, pause_now){.end = pause_now, .some = 40};
FIXTURE_VARIANT_ADD(ghost, disarm){.end = disarm, .some = 40};
FIXTURE_VARIANT_ADD(ghost, new_load){.end = new_load, .some = 40};
FIXTURE_VARIANT_ADD(ghost, close){.end = close_it, .some = 40};
FIXTURE_VARIANT_ADD(ghost, new_owner){.end = new_owner, .some = 40};
FIXTURE_VARIANT_ADD(ghost, latch){.end = latch, .some = 40};

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * No ghost, in exact time: every kind of end that there is. A call cannot come in the engine's spin here, with one CPU;
 * what the card does by itself can, to the nanosecond.
 */
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ghost_ends.h"

static int unbind(FIXTURE_DATA(ghost) * self)
{
        int r;

        until(self);
        r = write_file("/sys/bus/pci/drivers/tms/unbind", self->address);
        r = r ? r : see(self);
        shut(self);
        return r ? r : write_file("/sys/bus/pci/drivers/tms/bind", self->address);
}

static int reload(FIXTURE_DATA(ghost) * self)
{
        int r = close_it(self);

        r = r ? r : see(self);
        /* The records go with the module. */
        sleep_ns(MS);
        shut(self);
        if (r)
                return r;
        if (syscall(SYS_delete_module, "tms", 0))
                return -errno;
        return system("modprobe tms") ? -EIO : 0;
}

static int lease_loss(FIXTURE_DATA(ghost) * self)
{
        until(self);
        return 0;
}

static int bus_error(FIXTURE_DATA(ghost) * self)
{
        int r = by_card(self, dice_below(&self->dice, 2) ? "aer=fatal" : "aer=uncorrectable");

        sleep_ns(2 * S);
        return r;
}

static int unplug(FIXTURE_DATA(ghost) * self)
{
        char reply[512];
        int r = by_card(self, "remove");

        r = r ? r : wait_node(false);
        shut(self);
        sleep_ns(2 * S);
        r = r ? r : port_talk("insert", reply, sizeof(reply));
        sleep_ns(5 * S);
        return r;
}

FIXTURE_VARIANT_ADD(ghost, lease_loss){.end = lease_loss, .some = 40, .lease = true};
FIXTURE_VARIANT_ADD(ghost, function_reset){.end = function_reset, .some = 20};
FIXTURE_VARIANT_ADD(ghost, bus_reset){.end = bus_reset, .some = 20};
FIXTURE_VARIANT_ADD(ghost, bus_error){.end = bus_error, .some = 8};
FIXTURE_VARIANT_ADD(ghost, unbind){.end = unbind, .some = 8};
FIXTURE_VARIANT_ADD(ghost, module_reload){.end = reload, .some = 8};
FIXTURE_VARIANT_ADD(ghost, unplug){.end = unplug, .some = 8};

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * No ghost, with two CPUs: the end comes from the one that is not the engine's, at whatever instant of the engine's
 * step. The time is the host's: the seed chooses the instants, but not what the machine has done by then.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "ghost_ends.h"

/* The engine's CPU goes, and comes back. */
static int cpu_offline(FIXTURE_DATA(ghost) * self)
{
        int fd = open("/sys/devices/system/cpu/cpu1/online", O_WRONLY | O_CLOEXEC), r;

        if (fd < 0)
                return -errno;
        until(self);
        r = write(fd, "0", 1) == 1 ? 0 : -errno;
        r = r ? r : see(self);
        if (!r && pwrite(fd, "1", 1, 0) != 1)
                r = -errno;
        close(fd);
        return r;
}

FIXTURE_VARIANT_ADD(ghost, function_reset){.end = function_reset, .some = 40};
FIXTURE_VARIANT_ADD(ghost, bus_reset){.end = bus_reset, .some = 40};
FIXTURE_VARIANT_ADD(ghost, cpu_offline){.end = cpu_offline, .some = 10};

TEST_HARNESS_MAIN

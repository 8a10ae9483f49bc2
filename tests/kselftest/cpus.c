// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A machine with two CPUs: each card's engine on its own, and what happens when it goes away. In plain
 * time, whose timers are as bad as the host's: nothing here is about exactness.
 */
#include <errno.h>

#include "kselftest_harness.h"
#include "tms_test.h"

FIXTURE(cpus)
{
        struct controller c;
        struct tms_pulse pulses[400];
        struct window window;
};

FIXTURE_VARIANT(cpus)
{
        uint32_t state;
};

FIXTURE_VARIANT_ADD(cpus, loaded){.state = TMS_STATE_LOADED};
FIXTURE_VARIANT_ADD(cpus, armed){.state = TMS_STATE_ARMED};
FIXTURE_VARIANT_ADD(cpus, running){.state = TMS_STATE_RUNNING};
FIXTURE_VARIANT_ADD(cpus, paused){.state = TMS_STATE_PAUSED};

static int set_online(int cpu, bool online)
{
        char path[64];

        snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/online", cpu);
        return write_file(path, online ? "1" : "0");
}

/* The clock is the host's here, and it may be late three times in a row: then it is asked again. */
static int wait_fired_late(int fd, uint32_t n)
{
        struct tms_resume resume;
        struct tms_status s;

        for (uint64_t end_ns = now_ns() + 20 * S; now_ns() < end_ns; sleep_ns(10 * MS)) {
                s = status_of(fd);
                if (s.fired >= n)
                        return 0;
                resume = (struct tms_resume){.delay_ns = 50 * MS};
                if (s.state == TMS_STATE_PAUSED && s.cause == TMS_CAUSE_LATE)
                        call(fd, TMS_IOC_RESUME, &resume);
        }
        return -ETIMEDOUT;
}

FIXTURE_SETUP(cpus)
{
        struct tms_pause now = {.flags = TMS_PAUSE_NOW};
        char address[64];

        ASSERT_EQ(0, write_file("/sys/module/tms/parameters/fitness_max_ns", "1000000000"));
        ASSERT_EQ(0, lab_reset());
        ASSERT_EQ(0, set_online(1, true));
        /* While it is not bound the other card moves to CPU 0 and stays: bound anew, it has CPU 1. */
        ASSERT_EQ(0, card_address(address, sizeof(address)));
        ASSERT_EQ(0, write_file("/sys/bus/pci/drivers/tms/unbind", address));
        ASSERT_EQ(0, set_online(1, false));
        ASSERT_EQ(0, set_online(1, true));
        ASSERT_EQ(0, write_file("/sys/bus/pci/drivers/tms/bind", address));
        ASSERT_EQ(0, wait_node(true));
        ASSERT_EQ(1, engine_cpu(0));
        ASSERT_EQ(0, engine_cpu(1));

        ASSERT_EQ(0, controller_open(&self->c));
        self->c.lateness_ns = MS;
        ASSERT_EQ(0, window_open(&self->window, _metadata->name));
        flat(self->pulses, 400, 50 * MS, 200, 400);
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 400));
        if (variant->state > TMS_STATE_LOADED)
                ASSERT_EQ(0, controller_arm(&self->c));
        if (variant->state > TMS_STATE_ARMED) {
                ASSERT_EQ(0, controller_start(&self->c));
                ASSERT_EQ(0, wait_fired_late(self->c.fd, 1));
        }
        if (variant->state == TMS_STATE_PAUSED)
                ASSERT_EQ(0, call(self->c.fd, TMS_IOC_PAUSE, &now));
        ASSERT_EQ(variant->state, status_of(self->c.fd).state);
}

FIXTURE_TEARDOWN(cpus)
{
        set_online(1, true);
        controller_close(&self->c);
}

/* The engine's CPU goes: a stop, and the next run is elsewhere. */
TEST_F(cpus, offline)
{
        bool treating = variant->state >= TMS_STATE_ARMED;
        struct lab_state card;
        int fired;

        ASSERT_EQ(0, set_online(1, false));
        EXPECT_EQ(TMS_STATE_LOADED, status_of(self->c.fd).state);
        if (treating)
                EXPECT_EQ(TMS_CAUSE_CPU_OFFLINE, status_of(self->c.fd).cause);
        ASSERT_EQ(0, lab_query(&card));
        EXPECT_STREQ("SAFE", card.state);
        fired = window_pulses(&self->window);
        EXPECT_EQ(status_of(self->c.fd).fired, treating ? fired : 0);
        EXPECT_EQ(0, window_close(&self->window, fired, 0));
        EXPECT_EQ(0, engine_cpu(0));
        sleep_ns(S);

        ASSERT_EQ(0, window_open(&self->window, "elsewhere"));
        ASSERT_EQ(0, controller_arm(&self->c));
        ASSERT_EQ(0, controller_start(&self->c));
        EXPECT_EQ(0, wait_fired_late(self->c.fd, 3));
        EXPECT_EQ(0, call(self->c.fd, TMS_IOC_STOP, NULL));
        EXPECT_EQ(0, window_close(&self->window, window_pulses(&self->window), REFUSED_ANY));

        /* The CPU comes back: each engine has one of its own again. */
        EXPECT_EQ(engine_cpu(0), engine_cpu(1));
        ASSERT_EQ(0, set_online(1, true));
        EXPECT_NE(engine_cpu(0), engine_cpu(1));
}

TEST_HARNESS_MAIN

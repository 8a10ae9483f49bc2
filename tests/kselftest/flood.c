// SPDX-License-Identifier: GPL-2.0-or-later
/* A card that discharges by itself, again and again: all of it is told, and nothing that matters more is lost by it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "rest.h"
#include "tms_test.h"

#define UNEXPECTED 9 /* outcome */

FIXTURE(flood)
{
        struct controller c;
        struct tms_pulse pulses[20];
        struct tms_event events[256];
        struct window window;
};

FIXTURE_SETUP(flood)
{
        ASSERT_EQ(0, lab_reset());
        ASSERT_EQ(0, wait_node(true));
        ASSERT_EQ(0, controller_open(&self->c));
        sleep_ns(REST_NS + 5 * S);
        ASSERT_EQ(0, window_open(&self->window, _metadata->name));
        flat(self->pulses, 20, 20 * MS, 100, 20);
}

FIXTURE_TEARDOWN(flood)
{
        controller_close(&self->c);
        lab_reset();
        /* As many as that in one second: what comes next shall not have to wait. */
        sleep_ns(REST_NS + 5 * S);
}

static int discharge(unsigned int count)
{
        int r = 0;

        for (unsigned int i = 0; i < count && !r; i++)
                r = lab("extra_pulse=100");
        return r;
}

/* More at once than are taken in one go: each is recorded, and until then nobody clears the fault. */
TEST_F(flood, all_at_once)
{
        struct tms_status before = status_of(self->c.fd), after;
        char line[512] = "";
        size_t n, found = 0;

        /* In one command, so that no interrupt comes between them; the card holds 64. */
        for (int i = 0; i < 24; i++)
                strcat(line, "extra_pulse=100;");
        ASSERT_EQ(0, lab("%s%s", line, "extra_pulse=100"));
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_FAULT));
        sleep_ns(300 * MS);
        n = controller_events(&self->c, TMS_EVENT_PULSE_ANSWER, self->events, ELEMENTSOF(self->events));
        for (size_t i = 0; i < n; i++)
                found += self->events[i].pulse.outcome == UNEXPECTED;
        EXPECT_EQ(25, found);
        after = status_of(self->c.fd);
        EXPECT_EQ(TMS_CAUSE_CARD_UNEXPECTED, after.cause);
        EXPECT_EQ(before.total_fired + 25, after.total_fired);
        EXPECT_EQ(before.pulses_today + 25, after.pulses_today);
        EXPECT_EQ(0, call_clear_fault(self->c.fd));
        EXPECT_EQ(0, window_close(&self->window, 25, 0));
}

/* So many changes of state that only @left records fit before no pulse has a place. */
static int fill_ring(FIXTURE_DATA(flood) * self, uint64_t left)
{
        struct tms_load load = {.pulses = (uintptr_t)self->pulses, .count = 20, PULSE_SIZE};
        struct tms_limits limits = wide_limits();
        struct tms_status st = status_of(self->c.fd);
        uint64_t slots = info_of(self->c.fd).ring_slots;
        int r = 0;

        while (!r && st.event_head - st.event_acked + left < slots) {
                r = call(self->c.fd, TMS_IOC_LIMITS, &limits);
                r = r ? r : call(self->c.fd, TMS_IOC_LOAD, &load);
                st = status_of(self->c.fd);
        }
        return r;
}

/* Nobody takes the records, and the card goes on: the last change of state has a place, and comes last. */
TEST_F(flood, leaves_room_for_the_state)
{
        struct tms_event e, last = {};
        uint64_t found = 0, dropped;
        char address[64];

        if (slow())
                SKIP(return, "the ring is not filled in time");
        ASSERT_EQ(0, card_address(address, sizeof(address)));
        controller_catch_up(&self->c);
        controller_hang(&self->c);
        dropped = status_of(self->c.fd).records_dropped;
        ASSERT_EQ(0, fill_ring(self, 70));
        ASSERT_EQ(0, discharge(100));
        sleep_ns(100 * MS);
        EXPECT_EQ(TMS_STATE_FAULT, status_of(self->c.fd).state);
        EXPECT_EQ(0, window_close(&self->window, 100, 0));
        dropped = status_of(self->c.fd).records_dropped - dropped;
        ASSERT_EQ(0, write_file("/sys/bus/pci/drivers/tms/unbind", address));
        while (read(self->c.fd, &e, sizeof(e)) == sizeof(e)) {
                found += e.type == TMS_EVENT_PULSE_ANSWER;
                last = e;
        }
        EXPECT_EQ(TMS_EVENT_STATE, last.type);
        EXPECT_EQ(TMS_STATE_GONE, last.state.to);
        EXPECT_EQ(TMS_STATE_FAULT, last.state.from);
        /* Those that found no place are counted at least. The interlocks' record is one of them. */
        EXPECT_GE(found, 40);
        EXPECT_LE(100, found + dropped);
        EXPECT_GE(102, found + dropped);
        close(self->c.fd);
        self->c.fd = -1;

        /* Bound anew it says at once that something is wrong with it. */
        ASSERT_EQ(0, write_file("/sys/bus/pci/drivers/tms/bind", address));
        ASSERT_EQ(0, wait_node(true));
        self->c.fd = node_open(O_RDWR);
        ASSERT_GE(self->c.fd, 0);
        EXPECT_EQ(TMS_STATE_FAULT, status_of(self->c.fd).state);
        EXPECT_EQ(TMS_CAUSE_CARD_UNEXPECTED, status_of(self->c.fd).cause);
        close(self->c.fd);
        self->c.fd = -1;
        controller_close(&self->c);
        ASSERT_EQ(0, controller_open(&self->c));
        EXPECT_EQ(TMS_STATE_IDLE, status_of(self->c.fd).state);
}

TEST_HARNESS_MAIN

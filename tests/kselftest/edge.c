// SPDX-License-Identifier: GPL-2.0-or-later
/* The trigger input: an edge that the host is told of late. */
#include <fcntl.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "hold.h"
#include "late.h"
#include "tms_test.h"

FIXTURE(edge)
{
        struct controller c;
        struct tms_pulse pulses[8];
        struct tms_event fired[8], edges[8];
        struct window window;
        struct hold hold;
};

FIXTURE_SETUP(edge)
{
        ASSERT_EQ(0, lab_reset());
        ASSERT_EQ(0, controller_open(&self->c));
        ASSERT_EQ(0, hold_open(&self->hold, HOLD_DEVICES, engine_cpu(0)));
        ASSERT_EQ(0, window_open(&self->window, _metadata->name));
}

FIXTURE_TEARDOWN(edge)
{
        hold_close(&self->hold);
        controller_close(&self->c);
        lab_reset();
}

/*
 * A pulse is due 50 us behind the edge, however late the interrupt was that told of it: then it is late,
 * and behind the tolerance it is a miss.
 */
TEST_F(edge, told_late)
{
        static const uint64_t late_ns[] = {0, 20000, 70000, 85000, 110000, 1200000};
        unsigned int fires = 0;

        for (size_t i = 0; i < ELEMENTSOF(late_ns); i++)
                self->pulses[i] = (struct tms_pulse){
                                .t_ns = i * S,
                                .intensity_permille = 100 + i,
                                .flags = TRAIN | TMS_PULSE_WAIT_TRIGGER,
                                .train = i,
                };
        self->c.lateness_ns = tolerance_ns();
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, ELEMENTSOF(late_ns)));
        for (size_t i = 0; i < ELEMENTSOF(late_ns); i++) {
                uint64_t edge_ns;

                sleep_ns(2 * S);
                ASSERT_EQ(i, status_of(self->c.fd).next_pulse);
                edge_ns = now_ns() + MS;
                /* A slow kernel is late with the command, too. */
                hold_each(&self->hold, edge_ns - 100000, edge_ns + (slow() ? 5 * MS : 300000), late_ns[i]);
                ASSERT_EQ(0, lab("in=1000000 trigger_in"));
                sleep_ns(10 * MS);
                hold_off(&self->hold);
                EXPECT_EQ(i + 1, status_of(self->c.fd).next_pulse);
        }
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
        ASSERT_EQ(ELEMENTSOF(late_ns), controller_events(&self->c, TMS_EVENT_PULSE_DUE, self->fired, 8));
        ASSERT_EQ(ELEMENTSOF(late_ns), controller_events(&self->c, TMS_EVENT_TRIGGER, self->edges, 8));
        for (size_t i = 0; i < ELEMENTSOF(late_ns); i++) {
                const struct tms_event *f = &self->fired[i];
                uint64_t expected_ns = late_ns[i] > 50000 ? late_ns[i] - 50000 : 0;
                uint32_t outcome = expected_ns > tolerance_ns() ? TMS_PULSE_OUTCOME_LATE : TMS_PULSE_OUTCOME_TRIGGERED;

                EXPECT_EQ(self->edges[i].trigger.edge_ns + 50000, f->pulse.due_ns);
                EXPECT_EQ(outcome, f->pulse.outcome)
                {
                        TH_LOG("told %llu ns late", (unsigned long long)late_ns[i]);
                }
                if (f->pulse.outcome == TMS_PULSE_OUTCOME_TRIGGERED) {
                        fires++;
                        EXPECT_GE(f->pulse.triggered_ns - f->pulse.due_ns + 1, expected_ns);
                        EXPECT_LE(f->pulse.triggered_ns - f->pulse.due_ns, expected_ns + 5000 + error_bound_ns());
                }
        }
        EXPECT_EQ(0, window_close(&self->window, fires, 0));
}

TEST_HARNESS_MAIN

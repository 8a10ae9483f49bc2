// SPDX-License-Identifier: GPL-2.0-or-later
/* Two cards in one machine: each its own controller, limits and abilities; both on one CPU. */
#include <errno.h>

#include "kselftest_harness.h"
#include "tms_test.h"

#define MAX 600

FIXTURE(cards)
{
        struct controller c[CARDS];
        struct tms_pulse pulses[MAX];
        struct tms_event events[MAX];
        struct window window[CARDS];
};

FIXTURE_SETUP(cards)
{
        ASSERT_EQ(0, lab_reset());
        for (unsigned int i = 0; i < CARDS; i++) {
                ASSERT_EQ(0, controller_open_card(&self->c[i], i));
                ASSERT_EQ(0, window_open_card(&self->window[i], _metadata->name, i));
        }
}

FIXTURE_TEARDOWN(cards)
{
        for (unsigned int i = 0; i < CARDS; i++)
                controller_close(&self->c[i]);
}

/* What the card cannot give is refused, and what is loaded stays. */
TEST_F(cards, waveform_not_there)
{
        static const uint32_t refused[] = {TMS_LOAD_MONOPHASIC, TMS_LOAD_HALFSINE, TMS_LOAD_BIPHASIC | TMS_LOAD_REVERSE,
                                           TMS_LOAD_MONOPHASIC | TMS_LOAD_REVERSE};
        struct controller *c = &self->c[1];

        flat(self->pulses, 3, 50 * MS, 200, 3);
        ASSERT_EQ(0, controller_load(c, self->pulses, 3));
        for (size_t i = 0; i < ELEMENTSOF(refused); i++) {
                struct tms_load load = {.pulses = (uintptr_t)self->pulses, .count = 3, .waveform = refused[i]};

                EXPECT_EQ(-ERANGE, call(c->fd, TMS_IOC_LOAD, &load));
                EXPECT_EQ(TMS_RULE_WAVEFORM, load.verdict.rule);
                EXPECT_EQ(0, load.verdict.pulse);
                EXPECT_EQ(1U << TMS_LOAD_BIPHASIC, load.verdict.limit);
                EXPECT_EQ(refused[i], load.verdict.actual);
                EXPECT_EQ(c->gen, status_of(c->fd).timeline_gen);
        }
        self->window[1].detail = "delivered";
        ASSERT_EQ(0, controller_arm(c));
        ASSERT_EQ(0, controller_start(c));
        ASSERT_EQ(0, wait_state(c->fd, TMS_STATE_LOADED));
        EXPECT_EQ(3, status_of(c->fd).delivered);
        EXPECT_EQ(0, window_close(&self->window[1], 3, 0));
        EXPECT_EQ(0, window_close(&self->window[0], 0, 0));
}

/* A stop, a fault, a limit of the one is nothing to the other. */
TEST_F(cards, apart)
{
        flat(self->pulses, 40, 50 * MS, 200, 40);
        for (unsigned int i = 0; i < CARDS; i++)
                ASSERT_EQ(0, controller_run(&self->c[i], self->pulses, 40));
        ASSERT_EQ(0, wait_fired(self->c[1].fd, 10));
        ASSERT_EQ(0, lab("card=1 open=estop"));
        ASSERT_EQ(0, wait_state(self->c[1].fd, TMS_STATE_FAULT));
        EXPECT_EQ(TMS_CAUSE_EMERGENCY_STOP, status_of(self->c[1].fd).cause);
        EXPECT_EQ(0, window_close(&self->window[1], status_of(self->c[1].fd).fired, 0));

        ASSERT_EQ(0, wait_state(self->c[0].fd, TMS_STATE_LOADED));
        EXPECT_EQ(TMS_CAUSE_COMPLETE, status_of(self->c[0].fd).cause);
        EXPECT_EQ(40, status_of(self->c[0].fd).delivered);
        EXPECT_EQ(0, window_close(&self->window[0], 40, 0));

        ASSERT_EQ(0, lab("card=1 close=estop"));
        EXPECT_EQ(0, call(self->c[1].fd, TMS_IOC_CLEAR_FAULT, NULL));
}

/*
 * The second card's pulses pass through the first one's, from 60 us behind to 60 us ahead,
 * so that every way in which two steps can meet on one CPU is met. What the engine promises:
 * late by no more than one step's work without the spin.
 */
TEST_F(cards, on_one_cpu)
{
        const uint64_t bound_ns = error_bound_ns() > 1000 ? 2 * error_bound_ns() : 3000;
        const uint64_t sweep_ns = 60000, step_ns = 2 * sweep_ns / MAX;
        unsigned int met = 0;
        uint64_t worst_ns = 0;

        for (unsigned int i = 0; i < CARDS; i++) {
                struct controller *c = &self->c[i];

                flat(self->pulses, MAX, 100 * MS - i * step_ns, 100, MAX);
                c->lateness_ns = MS;
                ASSERT_EQ(0, controller_load(c, self->pulses, MAX));
                ASSERT_EQ(0, controller_arm(c));
                controller_catch_up(c);
        }
        for (unsigned int i = 0; i < CARDS; i++) {
                struct controller *c = &self->c[i];
                struct tms_start start = {.timeline_gen = c->gen, .delay_ns = 100 * MS};

                if (i)
                        start.delay_ns = self->c[0].start_ns + sweep_ns - now_ns();
                ASSERT_EQ(0, call(c->fd, TMS_IOC_START, &start));
                c->start_ns = start.start_ns;
        }
        for (unsigned int i = 0; i < CARDS; i++) {
                struct controller *c = &self->c[i];

                ASSERT_EQ(0, wait_state(c->fd, TMS_STATE_LOADED));
                EXPECT_EQ(TMS_CAUSE_COMPLETE, status_of(c->fd).cause);
                EXPECT_EQ(MAX, status_of(c->fd).delivered);
                ASSERT_EQ(MAX, controller_events(c, TMS_EVENT_PULSE_FIRED, self->events, MAX));
                for (size_t k = 0; k < MAX; k++) {
                        uint64_t error_ns = self->events[k].triggered_ns - self->events[k].scheduled_ns;

                        met += error_ns > 300;
                        if (error_ns > worst_ns)
                                worst_ns = error_ns;
                }
                EXPECT_EQ(0, window_close(&self->window[i], MAX, 0));
        }
        TH_LOG("two cards on one CPU: %u of %u pulses found the other's step in their way, worst error %llu ns", met,
               CARDS * MAX, (unsigned long long)worst_ns);
        EXPECT_GT(met, 0);
        EXPECT_LE(worst_ns, bound_ns);
}

TEST_HARNESS_MAIN

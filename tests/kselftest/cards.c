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

/*
 * The mains give less than the charger takes, and the second card's reservoir is small: 3 kJ, of which four
 * capacitors keep 1008 J. At full output every 50 ms a pulse takes 252 J of what is left, and 52.5 J come back.
 */
TEST_F(cards, reservoir)
{
        struct controller *c = &self->c[1];
        struct tms_load load = {.pulses = (uintptr_t)self->pulses, .count = 30, PULSE_SIZE};

        self->window[1].detail = "delivered";
        flat(self->pulses, 30, 50 * MS, 1000, 30);
        EXPECT_EQ(0, controller_load(&self->c[0], self->pulses, 30));
        EXPECT_EQ(-ERANGE, call(c->fd, TMS_IOC_LOAD, &load));
        EXPECT_EQ(TMS_RULE_RESERVOIR, load.verdict.rule);
        EXPECT_EQ(9, load.verdict.pulse);
        EXPECT_EQ(1992000 - 9 * (252000 - 52500), load.verdict.limit);
        EXPECT_EQ(252000, load.verdict.actual);

        /* One less is all that was refused: the card has the energy for the others. */
        flat(self->pulses, 9, 50 * MS, 1000, 9);
        ASSERT_EQ(0, controller_load(c, self->pulses, 9));
        ASSERT_EQ(0, controller_arm(c));
        ASSERT_EQ(0, controller_start(c));
        ASSERT_EQ(0, wait_state(c->fd, TMS_STATE_LOADED));
        EXPECT_EQ(TMS_CAUSE_COMPLETE, status_of(c->fd).cause);
        EXPECT_EQ(9, status_of(c->fd).delivered);
        EXPECT_EQ(0, window_close(&self->window[1], 9, 0));
        EXPECT_EQ(0, window_close(&self->window[0], 0, 0));
}

/* What the card cannot give is refused, and what is loaded stays. */
TEST_F(cards, not_there)
{
        static const uint32_t refused[] = {TMS_LOAD_MONOPHASIC, TMS_LOAD_HALFSINE, TMS_LOAD_BIPHASIC | TMS_LOAD_REVERSE,
                                           TMS_LOAD_MONOPHASIC | TMS_LOAD_REVERSE};
        struct controller *c = &self->c[1];

        flat(self->pulses, 3, 50 * MS, 200, 3);
        ASSERT_EQ(0, controller_load(c, self->pulses, 3));
        for (size_t i = 0; i < ELEMENTSOF(refused); i++) {
                struct tms_load load = {
                                .pulses = (uintptr_t)self->pulses, .count = 3, PULSE_SIZE, .waveform = refused[i]};

                EXPECT_EQ(-ERANGE, call(c->fd, TMS_IOC_LOAD, &load));
                EXPECT_EQ(TMS_RULE_WAVEFORM, load.verdict.rule);
                EXPECT_EQ(0, load.verdict.pulse);
                EXPECT_EQ(1U << TMS_LOAD_BIPHASIC, load.verdict.limit);
                EXPECT_EQ(refused[i], load.verdict.actual);
                EXPECT_EQ(c->gen, status_of(c->fd).timeline_gen);
        }
        /* Nothing would ever come: the pulse would only time out. */
        self->pulses[1].flags |= TMS_PULSE_WAIT_TRIGGER;
        for (int i = 0; i < 2; i++) {
                struct tms_load load = {.pulses = (uintptr_t)self->pulses, .count = 3, PULSE_SIZE};

                EXPECT_EQ(i == 0 ? 0 : -ERANGE, call(self->c[i].fd, TMS_IOC_LOAD, &load));
                EXPECT_EQ(i == 0 ? TMS_RULE_NONE : TMS_RULE_TRIGGER_IN, load.verdict.rule);
                EXPECT_EQ(i, load.verdict.pulse);
        }
        EXPECT_EQ(c->gen, status_of(c->fd).timeline_gen);
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
        EXPECT_EQ(0, call_clear_fault(self->c[1].fd));
}

/*
 * The second card's pulses pass through the first one's, from 60 us behind to 60 us ahead,
 * so that every way in which two steps can meet on one CPU is met. What the engine promises:
 * late by no more than one step's work without the spin (12 us with all that engine.c reckons with).
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
                ASSERT_EQ(MAX, controller_events(c, TMS_EVENT_PULSE_DUE, self->events, MAX));
                for (size_t k = 0; k < MAX; k++) {
                        uint64_t error_ns = self->events[k].pulse.triggered_ns - self->events[k].pulse.due_ns;

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

/* The card's own oscillator: the second one's is 80 ppm fast, the third one's 80 ppm slow. */
FIXTURE(clock)
{
        struct controller c;
        struct tms_pulse pulses[MAX];
        struct tms_event fired[MAX], answers[MAX];
        struct window window;
};

FIXTURE_VARIANT(clock)
{
        unsigned int card;
        double ppm;
};

FIXTURE_VARIANT_ADD(clock, exact){.card = 0, .ppm = 0};
FIXTURE_VARIANT_ADD(clock, fast){.card = 1, .ppm = 80};
FIXTURE_VARIANT_ADD(clock, slow){.card = 2, .ppm = -80};

FIXTURE_SETUP(clock)
{
        ASSERT_EQ(0, lab_reset());
        ASSERT_EQ(0, controller_open_card(&self->c, variant->card));
        ASSERT_EQ(0, window_open_card(&self->window, _metadata->name, variant->card));
}

FIXTURE_TEARDOWN(clock)
{
        controller_close(&self->c);
}

/* A minute of pulses: none is refused, each is on time by our clock, and the card's is off by what it is. */
TEST_F(clock, train)
{
        double ours_ns, its_ns, ppm;

        flat(self->pulses, MAX, 100 * MS, 200, MAX);
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, MAX));
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
        EXPECT_EQ(TMS_CAUSE_COMPLETE, status_of(self->c.fd).cause);
        EXPECT_EQ(MAX, status_of(self->c.fd).delivered);
        EXPECT_LE(status_of(self->c.fd).error_max_ns, error_bound_ns());
        ASSERT_EQ(MAX, controller_events(&self->c, TMS_EVENT_PULSE_DUE, self->fired, MAX));
        ASSERT_EQ(MAX, controller_events(&self->c, TMS_EVENT_PULSE_ANSWER, self->answers, MAX));
        for (uint32_t i = 0; i < MAX; i++)
                EXPECT_EQ(TMS_PULSE_OUTCOME_DELIVERED, self->answers[i].pulse.outcome);
        ours_ns = self->fired[MAX - 1].pulse.triggered_ns - self->fired[0].pulse.triggered_ns;
        its_ns = self->answers[MAX - 1].pulse.card_ns - self->answers[0].pulse.card_ns;
        ppm = (its_ns / ours_ns - 1) * 1e6;
        TH_LOG("the card's clock is %+.2f ppm off ours", ppm);
        EXPECT_GT(ppm, variant->ppm - 3);
        EXPECT_LT(ppm, variant->ppm + 3);
        EXPECT_EQ(0, window_close(&self->window, MAX, 0));
}

/* As fast as is let pass, by the slower of the clocks: outside of the card's lock-out all the same. */
TEST_F(clock, shortest_interval)
{
        /* The shortest one has no room for a kernel that is late. */
        if (slow())
                SKIP(return, "no room for a late kernel");
        flat(self->pulses, 90, info_of(self->c.fd).min_interval_ns, 50, 90);
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 90));
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
        EXPECT_EQ(TMS_CAUSE_COMPLETE, status_of(self->c.fd).cause);
        EXPECT_EQ(90, status_of(self->c.fd).delivered);
        EXPECT_EQ(0, window_close(&self->window, 90, 0));
}

/* 50 us behind the edge, but for what the clocks have come apart since they were last compared. */
TEST_F(clock, edges)
{
        for (uint32_t i = 0; i < 8; i++)
                self->pulses[i] = (struct tms_pulse){
                                .t_ns = i * S,
                                .intensity_permille = 200,
                                .flags = TRAIN | TMS_PULSE_WAIT_TRIGGER,
                                .train = i,
                };
        /* The second card has no such input. */
        if (variant->card == 1)
                return;
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 8));
        for (uint32_t i = 0; i < 8; i++) {
                sleep_ns(S + 13 * MS);
                ASSERT_EQ(0, lab("card=%u trigger_in", variant->card));
                ASSERT_EQ(0, wait_fired(self->c.fd, i + 1));
        }
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
        EXPECT_EQ(8, status_of(self->c.fd).delivered);
        ASSERT_EQ(8, controller_events(&self->c, TMS_EVENT_TRIGGER, self->fired, 8));
        ASSERT_EQ(8, controller_events(&self->c, TMS_EVENT_PULSE_ANSWER, self->answers, 8));
        for (uint32_t i = 0; i < 8; i++) {
                int64_t late_ns = self->answers[i].pulse.card_ns - self->fired[i].trigger.card_ns - 50000;

                EXPECT_GE(late_ns, -4100);
                EXPECT_LE(late_ns, 4100 + 2 * (int64_t)error_bound_ns());
        }
        EXPECT_EQ(0, window_close(&self->window, 8, 0));
}

TEST_HARNESS_MAIN

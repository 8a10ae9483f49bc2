// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * On time or not at all: a host that is late on purpose. What is within the tolerance is fired, what
 * is not is left out with the rest of its burst, nothing is caught up, and nothing adds up.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "hold.h"
#include "late.h"
#include "tms_test.h"

/* Longer than any lead: the engine's timer for a pulse comes within. */
static uint64_t ahead_ns(void)
{
        return slow() ? MS / 2 : 25000;
}

static uint64_t miss_ns(void)
{
        return tolerance_ns() + 10000;
}

FIXTURE(timing)
{
        struct controller c;
        struct tms_pulse pulses[MAX];
        struct tms_event fired[MAX], answers[MAX];
        struct window window;
        struct hold hold;
};

FIXTURE_SETUP(timing)
{
        ASSERT_EQ(0, lab_reset());
        ASSERT_EQ(0, controller_open(&self->c));
        self->c.lateness_ns = tolerance_ns();
        ASSERT_EQ(0, hold_open(&self->hold, HOLD_TIMER, engine_cpu(0)));
        ASSERT_EQ(0, window_open(&self->window, _metadata->name));
}

FIXTURE_TEARDOWN(timing)
{
        hold_close(&self->hold);
        controller_close(&self->c);
        lab_reset();
}

/* The first that comes for the pulse that is due then is held, and so is the pulse. */
static void make_late(FIXTURE_DATA(timing) * self, uint64_t due_ns, uint64_t late_ns)
{
        hold_until(&self->hold, due_ns - ahead_ns(), due_ns, due_ns + late_ns);
}

/* And waits until it is past. */
static void make_pulse_late(FIXTURE_DATA(timing) * self, uint64_t start_ns, uint32_t pulse, uint64_t late_ns)
{
        uint64_t due_ns = start_ns + self->pulses[pulse].t_ns;

        make_late(self, due_ns, late_ns);
        while (now_ns() < due_ns + late_ns + 100000)
                sleep_ns(100000);
}

/* Bursts of three, 20 ms apart in a burst; every pulse as strong as no other. */
static void bursts(FIXTURE_DATA(timing) * self, uint32_t count)
{
        for (uint32_t i = 0; i < 3 * count; i++)
                self->pulses[i] = (struct tms_pulse){
                                .t_ns = i % 3 * 20 * MS + i / 3 * 200 * MS,
                                .intensity_permille = 100 + 10 * i,
                                .flags = i % 3 < 2            ? 0
                                         : i == 3 * count - 1 ? TRAIN
                                                              : BURST,
                };
}

/* Late, but not too late: fired, told, and the next one is on time. */
TEST_F(timing, within_the_tolerance)
{
        const uint64_t late_ns = 600000;
        struct tms_latency l;
        struct tms_status st;

        bursts(self, 3);
        self->c.lateness_ns = MS;
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 9));
        make_pulse_late(self, self->c.start_ns, 4, late_ns);
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
        st = status_of(self->c.fd);
        EXPECT_EQ(TMS_CAUSE_COMPLETE, st.cause);
        EXPECT_EQ(9, st.delivered);
        EXPECT_EQ(0, st.missed);
        EXPECT_EQ(1, self->hold.window->count);
        READ_RECORDS(9);
        EXPECT_EACH_ITS_OWN(9);
        for (uint32_t i = 0; i < 9; i++) {
                uint64_t error_ns = self->fired[i].pulse.triggered_ns - self->fired[i].pulse.due_ns;

                EXPECT_EQ(self->c.start_ns + self->pulses[i].t_ns, self->fired[i].pulse.due_ns);
                EXPECT_EQ(TMS_PULSE_OUTCOME_TRIGGERED, self->fired[i].pulse.outcome);
                if (i == 4) {
                        EXPECT_GE(error_ns, late_ns);
                        EXPECT_LE(error_ns, late_ns + 5000 + error_bound_ns());
                        EXPECT_EQ(error_ns, st.error_max_ns);
                } else {
                        EXPECT_LE(error_ns, error_bound_ns());
                }
        }
        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_LATENCY, &l));
        EXPECT_EQ(st.error_max_ns, l.max_ns);
        EXPECT_EQ(1, l.bucket[20]); /* 2^19 to 2^20 ns */
        EXPECT_EQ(1, l.wakeup[20]);
        EXPECT_EQ(0, window_close(&self->window, 9, 0));
}

/* At each place of a burst: what is left of it goes, and only that. */
TEST_F(timing, the_rest_of_the_burst)
{
        static const struct {
                uint32_t late, skipped;
        } t[] = {{0, 2}, {3, 2}, {4, 1}, {5, 0}, {9, 2}, {11, 0}};

        bursts(self, 4);
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 12));
        for (size_t i = 0; i < ELEMENTSOF(t); i++) {
                uint32_t missed = 1 + t[i].skipped;
                struct tms_status st;
                uint64_t from_seq;

                ASSERT_EQ(0, window_open(&self->window, "the rest of the burst"));
                ASSERT_EQ(0, controller_arm(&self->c));
                ASSERT_EQ(0, controller_start(&self->c));
                from_seq = status_of(self->c.fd).event_head;
                make_pulse_late(self, self->c.start_ns, t[i].late, miss_ns());
                ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
                st = status_of(self->c.fd);
                EXPECT_EQ(TMS_CAUSE_COMPLETE, st.cause);
                EXPECT_EQ(12, st.next_pulse);
                EXPECT_EQ(missed, st.missed);
                EXPECT_EQ(12 - missed, st.fired);
                EXPECT_EQ(12 - missed, st.delivered);
                self->c.from_seq = from_seq;
                READ_RECORDS(12);
                EXPECT_EACH_ITS_OWN(12);
                for (uint32_t k = 0; k < 12; k++) {
                        uint32_t code = k == t[i].late                                   ? TMS_PULSE_OUTCOME_LATE
                                        : k > t[i].late && k <= t[i].late + t[i].skipped ? TMS_PULSE_OUTCOME_SKIPPED
                                                                                         : TMS_PULSE_OUTCOME_TRIGGERED;

                        EXPECT_EQ(code, self->fired[k].pulse.outcome)
                        {
                                TH_LOG("pulse %u, when pulse %u is late", k, t[i].late);
                        }
                        EXPECT_EQ(self->c.start_ns + self->pulses[k].t_ns, self->fired[k].pulse.due_ns);
                }
                EXPECT_EQ(0, window_close(&self->window, 12 - missed, 0));
        }
}

/* A tolerance is the timeline's own. */
TEST_F(timing, a_tolerance_of_its_own)
{
        static const struct {
                uint32_t lateness_ns;
                uint64_t late_ns;
                bool fires;
        } t[] = {
                        {0, 60000, false},  {200000, 60000, true}, {200000, 201000, false},
                        {MS, 600000, true}, {MS, 1001000, false},
        };

        for (size_t i = 0; i < ELEMENTSOF(t); i++) {
                if (slow() && t[i].lateness_ns != MS)
                        continue;
                ASSERT_EQ(0, window_open(&self->window, "a tolerance of its own"));
                flat(self->pulses, 3, 50 * MS, 200, 1);
                self->c.lateness_ns = t[i].lateness_ns;
                ASSERT_EQ(0, controller_run(&self->c, self->pulses, 3));
                make_pulse_late(self, self->c.start_ns, 1, t[i].late_ns);
                ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
                EXPECT_EQ(2 + t[i].fires, status_of(self->c.fd).delivered)
                {
                        TH_LOG("%llu ns late, tolerance %u", (unsigned long long)t[i].late_ns, t[i].lateness_ns);
                }
                EXPECT_EQ(!t[i].fires, status_of(self->c.fd).missed);
                EXPECT_EQ(0, window_close(&self->window, 2 + t[i].fires, 0));
        }
}

/* Three misses pause, what is skipped is none of them, and RESUME begins to count anew. */
TEST_F(timing, three_misses_pause)
{
        struct tms_resume resume = {.delay_ns = 20 * MS};
        struct tms_status st;

        bursts(self, 8);
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 24));
        make_pulse_late(self, self->c.start_ns, 1, miss_ns());
        make_pulse_late(self, self->c.start_ns, 4, miss_ns());
        EXPECT_EQ(TMS_STATE_RUNNING, status_of(self->c.fd).state);
        make_pulse_late(self, self->c.start_ns, 9, miss_ns());
        st = status_of(self->c.fd);
        EXPECT_EQ(TMS_STATE_PAUSED, st.state);
        EXPECT_EQ(TMS_CAUSE_LATE, st.cause);
        EXPECT_EQ(3 + 2, st.missed);
        EXPECT_EQ(10, st.next_pulse);
        EXPECT_EQ(5, st.fired);
        sleep_ns(2 * S);
        EXPECT_EQ(5, window_pulses(&self->window));

        /* The broken burst stays broken. */
        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_RESUME, &resume));
        make_pulse_late(self, resume.start_ns, 13, miss_ns());
        make_pulse_late(self, resume.start_ns, 18, miss_ns());
        EXPECT_EQ(TMS_STATE_RUNNING, status_of(self->c.fd).state);
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
        st = status_of(self->c.fd);
        EXPECT_EQ(TMS_CAUSE_COMPLETE, st.cause);
        EXPECT_EQ(3 + 2 + 2 + 2 + 3, st.missed);
        EXPECT_EQ(24 - 12, st.delivered);
        READ_RECORDS(24);
        EXPECT_EACH_ITS_OWN(24);
        for (uint32_t i = 10; i < 12; i++)
                EXPECT_EQ(TMS_PULSE_OUTCOME_SKIPPED, self->fired[i].pulse.outcome);
        EXPECT_EQ(0, window_close(&self->window, 12, 0));
}

/* Two pulses pass while the host hangs. They are gone, and the next is not early, not late, not two. */
TEST_F(timing, nothing_is_caught_up)
{
        const uint64_t gap_ns = tolerance_ns() + 600000;
        const uint64_t t_ns[] = {0, 50 * MS, 50 * MS + gap_ns, 50 * MS + 2 * gap_ns, 100 * MS};

        for (int i = 0; i < 5; i++)
                self->pulses[i] = (struct tms_pulse){
                                .t_ns = t_ns[i],
                                .intensity_permille = 50,
                                .flags = i == 4 ? TRAIN : BURST,
                };
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 5));
        make_pulse_late(self, self->c.start_ns, 1, gap_ns + miss_ns());
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
        EXPECT_EQ(2, status_of(self->c.fd).missed);
        READ_RECORDS(5);
        EXPECT_EACH_ITS_OWN(5);
        EXPECT_EQ(TMS_PULSE_OUTCOME_LATE, self->fired[1].pulse.outcome);
        EXPECT_EQ(TMS_PULSE_OUTCOME_LATE, self->fired[2].pulse.outcome);
        for (uint32_t i = 3; i < 5; i++) {
                EXPECT_EQ(TMS_PULSE_OUTCOME_TRIGGERED, self->fired[i].pulse.outcome);
                EXPECT_LE(self->fired[i].pulse.triggered_ns - self->fired[i].pulse.due_ns, error_bound_ns());
        }
        EXPECT_EQ(0, window_close(&self->window, 3, 0));
}

/* The shortest interval that is let pass still holds when its first pulse is as late as may be. */
TEST_F(timing, lock_out_behind_a_late_pulse)
{
        const uint64_t lock_out_ns = 500000, interval_ns = lock_out_ns + lock_out_ns / 1000 + MS;
        const uint64_t late_ns = slow() ? MS / 2 : MS - 6000;
        struct tms_load load = {.pulses = (uintptr_t)self->pulses, .count = 8, PULSE_SIZE, .lateness_ns = MS};
        uint64_t gap_ns;

        flat(self->pulses, 8, interval_ns - 1, 100, 8);
        EXPECT_EQ(-ERANGE, call(self->c.fd, TMS_IOC_LOAD, &load));
        EXPECT_EQ(TMS_RULE_INTERVAL, load.verdict.rule);
        EXPECT_EQ(interval_ns, load.verdict.limit);

        flat(self->pulses, 8, interval_ns, 100, 8);
        self->c.lateness_ns = MS;
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 8));
        make_pulse_late(self, self->c.start_ns, 4, late_ns);
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
        EXPECT_EQ(8, status_of(self->c.fd).delivered);
        READ_RECORDS(8);
        EXPECT_GE(self->fired[4].pulse.triggered_ns - self->fired[4].pulse.due_ns, late_ns);
        gap_ns = self->answers[5].pulse.card_ns - self->answers[4].pulse.card_ns;
        EXPECT_GE(gap_ns, lock_out_ns);
        EXPECT_LE(gap_ns, interval_ns - late_ns + error_bound_ns());
        EXPECT_EQ(0, window_close(&self->window, 8, 0));
}

/* A miss is no pulse: it is not counted as one, not for the session and not for the day. */
TEST_F(timing, a_miss_counts_for_nothing)
{
        struct tms_status before = status_of(self->c.fd), after;
        struct tms_limits limits = wide_limits();
        struct tms_start start;

        limits.max_pulses = 5;
        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_LIMITS, &limits));
        flat(self->pulses, 3, 50 * MS, 200, 1);
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 3));
        make_pulse_late(self, self->c.start_ns, 1, miss_ns());
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
        after = status_of(self->c.fd);
        EXPECT_EQ(before.total_fired + 2, after.total_fired);
        EXPECT_EQ(before.pulses_today + 2, after.pulses_today);
        ASSERT_EQ(0, controller_arm(&self->c));
        ASSERT_EQ(0, controller_start(&self->c));
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
        ASSERT_EQ(0, controller_arm(&self->c));
        EXPECT_EQ(-ERANGE, controller_try_start(&self->c, &start));
        EXPECT_EQ(TMS_RULE_PULSES, start.verdict.rule);
        EXPECT_EQ(0, window_close(&self->window, 5, 0));
}

/* --- the card's own judgement -------------------------------------------------- */

/* 10 ms behind a kick, when the driver knows the card's clock well: pulses every 100 ms from there on. */
static int start_behind_a_kick(FIXTURE_DATA(timing) * self)
{
        struct tms_start start = {};
        uint64_t armed_ns;
        int r;

        armed_ns = now_ns();
        r = controller_arm(&self->c);
        if (r)
                return r;
        controller_catch_up(&self->c);
        start.timeline_gen = self->c.gen;
        start.delay_ns = 60 * MS - (now_ns() - armed_ns) % (50 * MS);
        r = call(self->c.fd, TMS_IOC_START, &start);
        self->c.start_ns = start.start_ns;
        self->c.run = start.run;
        return r;
}

/* The card's clock is ahead of what the driver last saw, by less than it may be. */
static int too_late(FIXTURE_DATA(timing) * self, uint64_t start_ns, uint32_t pulse)
{
        uint64_t due_ns = start_ns + self->pulses[pulse].t_ns;
        int r;

        sleep_ns(due_ns - 5 * MS - now_ns());
        r = lab("in=4000000 clock_jump=+40000");
        sleep_ns(10 * MS);
        return r;
}

/*
 * The trigger was written in time and came too late: a miss like any other. What was counted as fired is
 * so no more; history keeps it, which is the safe side.
 */
TEST_F(timing, too_late_by_the_card)
{
        struct tms_status before = status_of(self->c.fd), st;
        struct tms_resume resume = {.delay_ns = 20 * MS};
        uint32_t late = 0;

        /* A tolerance of 1 us is beyond a kernel that checks its every step. */
        if (slow())
                SKIP(return, "a tolerance of 1 us");
        for (uint32_t i = 0; i < 12; i++)
                self->pulses[i] = (struct tms_pulse){
                                .t_ns = i * 100 * MS,
                                .intensity_permille = 100 + 10 * i,
                                .flags = i == 11      ? TRAIN
                                         : i % 3 == 2 ? BURST
                                                      : 0,
                };
        self->c.lateness_ns = 1000;
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 12));
        ASSERT_EQ(0, start_behind_a_kick(self));
        ASSERT_EQ(0, too_late(self, self->c.start_ns, 1));
        st = status_of(self->c.fd);
        EXPECT_EQ(TMS_STATE_RUNNING, st.state);
        EXPECT_EQ(1, st.fired);
        EXPECT_EQ(1, st.missed);
        EXPECT_EQ(before.total_fired + 1, st.total_fired);
        ASSERT_EQ(0, too_late(self, self->c.start_ns, 5));
        ASSERT_EQ(0, too_late(self, self->c.start_ns, 6));
        st = status_of(self->c.fd);
        EXPECT_EQ(TMS_STATE_PAUSED, st.state);
        EXPECT_EQ(TMS_CAUSE_LATE, st.cause);
        EXPECT_EQ(3, st.fired);
        EXPECT_EQ(1 + 1 + 1 + 1, st.missed);
        EXPECT_EQ(before.total_fired + 3, st.total_fired);

        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_RESUME, &resume));
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
        st = status_of(self->c.fd);
        EXPECT_EQ(TMS_CAUSE_COMPLETE, st.cause);
        EXPECT_EQ(6, st.delivered);
        EXPECT_EQ(6, st.fired);
        EXPECT_EQ(6, st.missed);
        EXPECT_EQ(before.total_fired + 6, st.total_fired);
        ASSERT_EQ(12, controller_events(&self->c, TMS_EVENT_PULSE_DUE, self->fired, MAX));
        ASSERT_EQ(9, controller_events(&self->c, TMS_EVENT_PULSE_ANSWER, self->answers, MAX));
        for (uint32_t i = 0, k = 0; i < 12; i++) {
                bool refused = i == 1 || i == 5 || i == 6;
                bool skipped = i == 2 || i == 7 || i == 8;

                EXPECT_EQ(skipped ? TMS_PULSE_OUTCOME_SKIPPED : TMS_PULSE_OUTCOME_TRIGGERED,
                          self->fired[i].pulse.outcome);
                if (skipped)
                        continue;
                EXPECT_EQ(i, self->answers[k].pulse.index);
                EXPECT_EQ(refused ? 6 : TMS_PULSE_OUTCOME_DELIVERED, self->answers[k].pulse.outcome);
                EXPECT_EQ(refused ? 0 : self->fired[i].pulse.set_permille, self->answers[k].pulse.delivered_permille);
                late += refused;
                k++;
        }
        EXPECT_EQ(3, late);
        EXPECT_EQ(0, window_close(&self->window, 6, 3));
}

/*
 * The third miss pauses, and is told late: meanwhile the next pulse, which waits for the operator, has been let
 * go. A pause takes that back, whoever asked for it.
 */
TEST_F(timing, go_does_not_survive_the_third_miss)
{
        struct tms_resume resume = {.delay_ns = 20 * MS};
        struct tms_go go = {.pulse = 4};
        struct tms_status st;

        if (slow())
                SKIP(return, "a tolerance of 1 us");
        flat(self->pulses, 5, 100 * MS, 200, 1);
        self->pulses[4].flags |= TMS_PULSE_WAIT_OPERATOR;
        self->c.lateness_ns = 1000;
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 5));
        ASSERT_EQ(0, start_behind_a_kick(self));
        ASSERT_EQ(0, too_late(self, self->c.start_ns, 1));
        ASSERT_EQ(0, too_late(self, self->c.start_ns, 2));
        ASSERT_EQ(0, lab("lost_pulse_irq"));
        ASSERT_EQ(0, too_late(self, self->c.start_ns, 3));
        EXPECT_EQ(TMS_STATE_RUNNING, status_of(self->c.fd).state);
        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_GO, &go));
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_PAUSED));
        st = status_of(self->c.fd);
        EXPECT_EQ(TMS_CAUSE_LATE, st.cause);
        EXPECT_EQ(4, st.next_pulse);

        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_RESUME, &resume));
        sleep_ns(3 * S);
        EXPECT_EQ(TMS_STATE_RUNNING, status_of(self->c.fd).state);
        EXPECT_EQ(1, window_pulses(&self->window));
        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_GO, &go));
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
        EXPECT_EQ(2, status_of(self->c.fd).delivered);
        EXPECT_EQ(0, window_close(&self->window, 2, 3));
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Charged without a pulse for a minute, and it is discharged: BREAK. The run keeps its place and its time, nothing
 * fires, and only ARM leads out of it. Seen at the state, at the model's, and at the witness.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "tms_test.h"

#define MAX 64
#define MINUTE (60 * S)
/* The kick timer looks every 50 ms. */
#define LOOKED (60 * MS)

FIXTURE(break_)
{
        struct controller c;
        struct tms_pulse pulses[MAX];
        struct window window;
        struct tms_event fired[MAX];
        struct tms_event answers[MAX];
};

FIXTURE_SETUP(break_)
{
        ASSERT_EQ(0, lab_reset());
        ASSERT_EQ(0, controller_open(&self->c));
        ASSERT_EQ(0, window_open(&self->window, _metadata->name));
}

FIXTURE_TEARDOWN(break_)
{
        controller_close(&self->c);
        lab_reset();
}

/* Trains of one pulse, that far apart. */
static void trains(FIXTURE_DATA(break_) * self, uint32_t count, uint64_t interval_ns)
{
        flat(self->pulses, count, interval_ns, 300, 1);
}

static int resume_run(FIXTURE_DATA(break_) * self, uint64_t delay_ns)
{
        struct tms_resume resume = {.delay_ns = delay_ns};
        int r = call(self->c.fd, TMS_IOC_RESUME, &resume);

        if (!r)
                self->c.start_ns = resume.start_ns;
        return r;
}

static int disarm(FIXTURE_DATA(break_) * self)
{
        return call_disarm(self->c.fd);
}

static uint64_t due_ns(FIXTURE_DATA(break_) * self, uint32_t pulse)
{
        return self->c.start_ns + self->pulses[pulse].t_ns;
}

static void sleep_until(uint64_t ns)
{
        uint64_t now = now_ns();

        if (ns > now)
                sleep_ns(ns - now);
}

/* Discharged, in the kernel's eyes and in the card's, with that run behind it. */
#define EXPECT_BREAK(why, to)                                  \
        do {                                                   \
                struct tms_status st_ = status_of(self->c.fd); \
                struct lab_state card_;                        \
                EXPECT_EQ(TMS_STATE_BREAK, st_.state);         \
                EXPECT_EQ((why), st_.cause);                   \
                EXPECT_EQ((to), st_.back_to);                  \
                EXPECT_NE(0, st_.start_ns);                    \
                ASSERT_EQ(0, lab_query(&card_));               \
                EXPECT_STREQ("SAFE", card_.state);             \
        } while (0)

#define EXPECT_CHARGED(in)                                    \
        do {                                                  \
                struct lab_state card_;                       \
                EXPECT_EQ((in), status_of(self->c.fd).state); \
                EXPECT_EQ(0, status_of(self->c.fd).back_to);  \
                ASSERT_EQ(0, lab_query(&card_));              \
                EXPECT_STREQ("ARM", card_.state);             \
        } while (0)

/* All of them, each at its own time of the run, and nothing else. */
#define EXPECT_COMPLETE(count)                                                                               \
        do {                                                                                                 \
                ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));                                      \
                EXPECT_EQ(TMS_CAUSE_COMPLETE, status_of(self->c.fd).cause);                                  \
                EXPECT_EQ((count), status_of(self->c.fd).delivered);                                         \
                EXPECT_EQ(0, status_of(self->c.fd).missed);                                                  \
                ASSERT_EQ((count), controller_events(&self->c, TMS_EVENT_PULSE_DUE, self->fired, MAX));      \
                ASSERT_EQ((count), controller_events(&self->c, TMS_EVENT_PULSE_ANSWER, self->answers, MAX)); \
                EXPECT_EQ(0, window_close(&self->window, (count), 0));                                       \
        } while (0)

/* --- a gap of the timeline ------------------------------------------------------------- */

/* SAFE at once, charged again when it is asked for, and both pulses at their own exact times. */
TEST_F(break_, gap)
{
        struct tms_latency latency;
        int64_t apart_ns;

        trains(self, 2, 90 * S);
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 2));
        ASSERT_EQ(0, wait_fired(self->c.fd, 1));
        sleep_ns(10 * MS);
        EXPECT_BREAK(TMS_CAUSE_GAP, TMS_STATE_RUNNING);
        EXPECT_EQ(due_ns(self, 1), status_of(self->c.fd).due_ns);
        EXPECT_EQ(self->c.start_ns, status_of(self->c.fd).start_ns);
        /* It would only be discharged once more. */
        EXPECT_EQ(-EAGAIN, controller_arm(&self->c));
        EXPECT_BREAK(TMS_CAUSE_GAP, TMS_STATE_RUNNING);
        sleep_until(due_ns(self, 1) - 10 * S);
        EXPECT_BREAK(TMS_CAUSE_GAP, TMS_STATE_RUNNING);
        ASSERT_EQ(0, controller_arm(&self->c));
        EXPECT_CHARGED(TMS_STATE_RUNNING);
        EXPECT_LT(now_ns(), due_ns(self, 1) - S);
        EXPECT_EQ(self->c.run, status_of(self->c.fd).run);
        sleep_until(due_ns(self, 1) - 10 * MS);
        EXPECT_EQ(1, window_pulses(&self->window));
        EXPECT_COMPLETE(2);

        for (uint32_t i = 0; i < 2; i++) {
                EXPECT_EQ(due_ns(self, i), self->fired[i].pulse.due_ns);
                EXPECT_LE(self->fired[i].pulse.triggered_ns - self->fired[i].pulse.due_ns, error_bound_ns());
                EXPECT_EQ(300, self->answers[i].pulse.delivered_permille);
        }
        apart_ns = self->answers[1].pulse.card_ns - self->answers[0].pulse.card_ns;
        /* The card's clock and the host's own are some ppm apart. */
        EXPECT_LE(llabs(apart_ns - (int64_t)(90 * S)), 90 * S / 100000);
        /* One run: its counts are of all its pulses, and of nothing else. */
        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_LATENCY, &latency));
        EXPECT_EQ(self->c.run, latency.run);
        EXPECT_EQ(2, latency.count);
        EXPECT_GT(10, latency.count);
}

/* A minute is no gap yet. */
TEST_F(break_, a_minute_is_played_through)
{
        trains(self, 3, MINUTE);
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 3));
        for (uint32_t i = 1; i < 3; i++) {
                sleep_until(due_ns(self, i) - 10 * MS);
                EXPECT_CHARGED(TMS_STATE_RUNNING);
        }
        EXPECT_COMPLETE(3);
}

/* Two in one timeline, the first before its first pulse. */
TEST_F(break_, gap_before_the_first_pulse)
{
        trains(self, 2, 61 * S);
        for (uint32_t i = 0; i < 2; i++)
                self->pulses[i].t_ns += 100 * S;
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 2));
        for (uint32_t i = 0; i < 2; i++) {
                sleep_until(due_ns(self, i) - 30 * S);
                EXPECT_BREAK(TMS_CAUSE_GAP, TMS_STATE_RUNNING);
                EXPECT_EQ(i, status_of(self->c.fd).fired);
                sleep_until(due_ns(self, i) - 10 * S);
                ASSERT_EQ(0, controller_arm(&self->c));
                ASSERT_EQ(0, wait_fired(self->c.fd, i + 1));
                sleep_ns(10 * MS);
        }
        EXPECT_COMPLETE(2);
        for (uint32_t i = 0; i < 2; i++)
                EXPECT_EQ(due_ns(self, i), self->fired[i].pulse.due_ns);
}

/* Nobody has armed it in time: nothing is left out, nothing is caught up, it is paused before the pulse. */
TEST_F(break_, armed_too_late)
{
        uint64_t was_ns;

        trains(self, 3, 70 * S);
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 3));
        was_ns = self->c.start_ns;
        sleep_until(due_ns(self, 1) + 5 * S);
        EXPECT_BREAK(TMS_CAUSE_GAP, TMS_STATE_RUNNING);
        EXPECT_EQ(1, window_pulses(&self->window));
        ASSERT_EQ(0, controller_arm(&self->c));
        EXPECT_CHARGED(TMS_STATE_PAUSED);
        EXPECT_EQ(TMS_CAUSE_ARMED_LATE, status_of(self->c.fd).cause);
        EXPECT_EQ(1, status_of(self->c.fd).next_pulse);
        EXPECT_EQ(0, status_of(self->c.fd).missed);
        sleep_ns(5 * S);
        EXPECT_EQ(1, window_pulses(&self->window));
        ASSERT_EQ(0, resume_run(self, 20 * MS));
        EXPECT_GT(self->c.start_ns, was_ns + 10 * S);
        ASSERT_EQ(0, wait_fired(self->c.fd, 2));
        sleep_until(due_ns(self, 2) - 10 * S);
        EXPECT_BREAK(TMS_CAUSE_GAP, TMS_STATE_RUNNING);
        ASSERT_EQ(0, controller_arm(&self->c));
        EXPECT_COMPLETE(3);
}

/* --- a minute without a pulse ------------------------------------------------------------ */

/* Neither a pause nor a resume is a pulse: the minute is counted from the last one. */
TEST_F(break_, pause_and_resume_change_nothing)
{
        trains(self, 3, S);
        self->pulses[1].flags |= TMS_PULSE_WAIT_OPERATOR;
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 3));
        ASSERT_EQ(0, wait_fired(self->c.fd, 1));
        for (uint64_t s = 10; s < 60; s += 10) {
                sleep_until(due_ns(self, 0) + s * S);
                ASSERT_EQ(0, controller_pause(&self->c, TMS_PAUSE_NOW));
                sleep_ns(5 * S);
                EXPECT_CHARGED(TMS_STATE_PAUSED);
                /* What waits for the operator has no time that RESUME could move far. */
                struct tms_resume resume = {.delay_ns = 20 * MS};
                ASSERT_EQ(0, call(self->c.fd, TMS_IOC_RESUME, &resume));
        }
        sleep_until(due_ns(self, 0) + MINUTE - 10 * MS);
        EXPECT_CHARGED(TMS_STATE_RUNNING);
        sleep_ns(10 * MS + LOOKED);
        EXPECT_BREAK(TMS_CAUSE_IDLE_LIMIT, TMS_STATE_RUNNING);
        EXPECT_EQ(-ESHUTDOWN, controller_go(&self->c, 1, 0));
        ASSERT_EQ(0, controller_arm(&self->c));
        EXPECT_CHARGED(TMS_STATE_RUNNING);
        ASSERT_EQ(0, controller_go(&self->c, 1, 0));
        EXPECT_COMPLETE(3);
}

/* Every 50 seconds, as long as one likes: charged for a minute at most, each time. */
TEST_F(break_, paused_and_resumed_every_50_s)
{
        uint64_t charged_ns = 0;

        trains(self, 2, S);
        self->pulses[1].flags |= TMS_PULSE_WAIT_OPERATOR;
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 2));
        ASSERT_EQ(0, wait_fired(self->c.fd, 1));
        charged_ns = now_ns();
        for (uint32_t i = 0; i < 6; i++) {
                sleep_ns(50 * S);
                if (status_of(self->c.fd).state == TMS_STATE_BREAK) {
                        ASSERT_EQ(0, controller_arm(&self->c));
                        charged_ns = now_ns();
                }
                if (i % 2 == 0) {
                        ASSERT_EQ(0, controller_pause(&self->c, TMS_PAUSE_NOW));
                } else {
                        ASSERT_EQ(0, resume_run(self, 20 * MS));
                }
                EXPECT_LE(now_ns() - charged_ns, MINUTE + LOOKED);
        }
        EXPECT_EQ(1, window_pulses(&self->window));
        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_STOP, NULL));
        EXPECT_EQ(0, window_close(&self->window, 1, 0));
}

/* A RESUME whose pulse would come behind the minute does not wait for it charged. */
TEST_F(break_, resume_beyond_the_minute)
{
        trains(self, 2, S);
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 2));
        ASSERT_EQ(0, wait_fired(self->c.fd, 1));
        ASSERT_EQ(0, controller_pause(&self->c, TMS_PAUSE_NOW));
        sleep_until(due_ns(self, 0) + 55 * S);
        EXPECT_CHARGED(TMS_STATE_PAUSED);
        ASSERT_EQ(0, resume_run(self, 10 * S));
        EXPECT_BREAK(TMS_CAUSE_GAP, TMS_STATE_RUNNING);
        ASSERT_EQ(0, controller_arm(&self->c));
        EXPECT_CHARGED(TMS_STATE_RUNNING);
        EXPECT_COMPLETE(2);
        EXPECT_EQ(due_ns(self, 1), self->fired[1].pulse.due_ns);
}

/* GO in the last instant would be a pulse behind it. */
TEST_F(break_, go_in_the_last_instant)
{
        trains(self, 2, S);
        self->pulses[1].flags |= TMS_PULSE_WAIT_OPERATOR;
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 2));
        ASSERT_EQ(0, wait_fired(self->c.fd, 1));
        sleep_until(due_ns(self, 0) + MINUTE - 500000);
        EXPECT_EQ(-ESHUTDOWN, controller_go(&self->c, 1, 0));
        sleep_ns(LOOKED);
        EXPECT_BREAK(TMS_CAUSE_IDLE_LIMIT, TMS_STATE_RUNNING);
        ASSERT_EQ(0, controller_arm(&self->c));
        sleep_ns(5 * S);
        EXPECT_EQ(1, window_pulses(&self->window));
        ASSERT_EQ(0, controller_go(&self->c, 1, 0));
        EXPECT_COMPLETE(2);
}

TEST_F(break_, nobody_says_go)
{
        trains(self, 3, S);
        self->pulses[1].flags |= TMS_PULSE_WAIT_OPERATOR;
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 3));
        sleep_until(due_ns(self, 0) + MINUTE + LOOKED);
        EXPECT_BREAK(TMS_CAUSE_IDLE_LIMIT, TMS_STATE_RUNNING);
        sleep_ns(4 * MINUTE);
        EXPECT_EQ(-ESHUTDOWN, controller_go(&self->c, 1, 0));
        EXPECT_BREAK(TMS_CAUSE_IDLE_LIMIT, TMS_STATE_RUNNING);
        ASSERT_EQ(0, controller_arm(&self->c));
        EXPECT_CHARGED(TMS_STATE_RUNNING);
        sleep_ns(20 * S);
        EXPECT_EQ(1, window_pulses(&self->window));
        ASSERT_EQ(0, controller_go(&self->c, 1, 0));
        EXPECT_COMPLETE(3);
}

/* An edge in BREAK is nothing, then and later. */
TEST_F(break_, no_edge_comes)
{
        trains(self, 2, S);
        self->pulses[1].flags |= TMS_PULSE_WAIT_TRIGGER;
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 2));
        sleep_until(due_ns(self, 0) + MINUTE + LOOKED);
        EXPECT_BREAK(TMS_CAUSE_IDLE_LIMIT, TMS_STATE_RUNNING);
        for (int i = 0; i < 3; i++)
                ASSERT_EQ(0, lab("in=1000000 trigger_in"));
        sleep_ns(S);
        EXPECT_BREAK(TMS_CAUSE_IDLE_LIMIT, TMS_STATE_RUNNING);
        ASSERT_EQ(0, controller_arm(&self->c));
        sleep_ns(5 * S);
        EXPECT_CHARGED(TMS_STATE_RUNNING);
        EXPECT_EQ(1, window_pulses(&self->window));
        ASSERT_EQ(0, lab("in=1000000 trigger_in"));
        EXPECT_COMPLETE(2);
}

/* Before START there is no run to keep: it is loaded, and safe. */
TEST_F(break_, armed_and_not_started)
{
        uint64_t armed_ns;

        trains(self, 2, S);
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 2));
        ASSERT_EQ(0, controller_arm(&self->c));
        armed_ns = now_ns();
        sleep_until(armed_ns + MINUTE - 10 * MS);
        EXPECT_CHARGED(TMS_STATE_ARMED);
        sleep_ns(10 * MS + LOOKED);
        EXPECT_EQ(TMS_STATE_LOADED, status_of(self->c.fd).state);
        EXPECT_EQ(TMS_CAUSE_IDLE_LIMIT, status_of(self->c.fd).cause);
        EXPECT_EQ(0, window_close(&self->window, 0, 0));
}

/* START is no pulse either. */
TEST_F(break_, the_minute_of_a_start)
{
        uint64_t armed_ns;

        trains(self, 2, S);
        self->pulses[0].flags |= TMS_PULSE_WAIT_OPERATOR;
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 2));
        ASSERT_EQ(0, controller_arm(&self->c));
        armed_ns = now_ns();
        sleep_ns(50 * S);
        ASSERT_EQ(0, controller_start(&self->c));
        sleep_until(armed_ns + MINUTE - 10 * MS);
        EXPECT_CHARGED(TMS_STATE_RUNNING);
        sleep_ns(10 * MS + LOOKED);
        EXPECT_BREAK(TMS_CAUSE_IDLE_LIMIT, TMS_STATE_RUNNING);
        ASSERT_EQ(0, controller_arm(&self->c));
        ASSERT_EQ(0, controller_go(&self->c, 0, 0));
        EXPECT_COMPLETE(2);
}

/* --- what may be done in it --------------------------------------------------------------- */

/* Into a gap of a timeline of four. */
static int enter(FIXTURE_DATA(break_) * self)
{
        int r;

        trains(self, 4, 200 * S);
        r = controller_run(&self->c, self->pulses, 4);
        r = r ? r : wait_fired(self->c.fd, 1);
        sleep_ns(10 * MS);
        return r ? r : status_of(self->c.fd).state == TMS_STATE_BREAK ? 0 : -EPROTO;
}

/* The refusals have an errno of their own, and change nothing. */
TEST_F(break_, only_arm_leads_out)
{
        struct tms_limits limits = wide_limits();
        struct tms_load load = {.pulses = (uintptr_t)self->pulses, .count = 4, PULSE_SIZE};
        struct tms_start start;
        int monitor;

        ASSERT_EQ(0, enter(self));
        EXPECT_EQ(-ESHUTDOWN, controller_go(&self->c, 1, 0));
        EXPECT_EQ(-ESHUTDOWN, resume_run(self, 20 * MS));
        EXPECT_EQ(-ESHUTDOWN, controller_try_start(&self->c, &start));
        EXPECT_EQ(-EBUSY, call(self->c.fd, TMS_IOC_LIMITS, &limits));
        EXPECT_EQ(-EBUSY, call(self->c.fd, TMS_IOC_LOAD, &load));
        EXPECT_EQ(-EPROTO, call_clear_fault(self->c.fd));
        /* Nobody else's. */
        EXPECT_EQ(-EBUSY, node_open(O_RDWR));
        monitor = node_open(O_RDONLY);
        ASSERT_GE(monitor, 0);
        EXPECT_EQ(-EBADF, call(monitor, TMS_IOC_ARM, &(struct tms_arm){.timeline_gen = self->c.gen}));
        close(monitor);
        EXPECT_BREAK(TMS_CAUSE_GAP, TMS_STATE_RUNNING);
        sleep_until(due_ns(self, 1) - 10 * S);
        /* Nor of another timeline. */
        EXPECT_EQ(-ESTALE, call(self->c.fd, TMS_IOC_ARM, &(struct tms_arm){.timeline_gen = self->c.gen + 1}));
        EXPECT_BREAK(TMS_CAUSE_GAP, TMS_STATE_RUNNING);
        ASSERT_EQ(0, controller_arm(&self->c));
        ASSERT_EQ(0, wait_fired(self->c.fd, 2));
        EXPECT_EQ(0, call(self->c.fd, TMS_IOC_STOP, NULL));
        EXPECT_EQ(0, window_close(&self->window, 2, 0));
}

/* A pause in BREAK is one: ARM leads to it, and nothing goes on by itself. */
TEST_F(break_, paused_in_it)
{
        struct tms_event last;

        ASSERT_EQ(0, enter(self));
        ASSERT_EQ(0, controller_pause(&self->c, TMS_PAUSE_NOW));
        EXPECT_BREAK(TMS_CAUSE_REQUEST, TMS_STATE_PAUSED);
        EXPECT_EQ(0, status_of(self->c.fd).due_ns);
        last = controller_last_state(&self->c);
        EXPECT_EQ(TMS_STATE_BREAK, last.state.to);
        EXPECT_EQ(TMS_STATE_BREAK, last.state.from);
        EXPECT_EQ(-EPROTO, controller_pause(&self->c, TMS_PAUSE_NOW));
        ASSERT_EQ(0, controller_arm(&self->c));
        EXPECT_CHARGED(TMS_STATE_PAUSED);
        EXPECT_EQ(TMS_CAUSE_REQUEST, status_of(self->c.fd).cause);
        sleep_until(due_ns(self, 1) + 5 * S);
        EXPECT_BREAK(TMS_CAUSE_IDLE_LIMIT, TMS_STATE_PAUSED);
        ASSERT_EQ(0, controller_arm(&self->c));
        ASSERT_EQ(0, resume_run(self, 20 * MS));
        ASSERT_EQ(0, wait_fired(self->c.fd, 2));
        EXPECT_EQ(0, call(self->c.fd, TMS_IOC_STOP, NULL));
        EXPECT_EQ(0, window_close(&self->window, 2, 0));
}

/* And on the way out of it. */
TEST_F(break_, paused_while_it_arms)
{
        pthread_t thread;

        ASSERT_EQ(0, enter(self));
        sleep_until(due_ns(self, 1) - 10 * S);
        ASSERT_EQ(0, lab("never_ready=on"));
        ASSERT_EQ(0, -pthread_create(&thread, NULL, controller_arm_thread, &self->c));
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_ARMING));
        EXPECT_EQ(TMS_STATE_RUNNING, status_of(self->c.fd).back_to);
        ASSERT_EQ(0, controller_pause(&self->c, TMS_PAUSE_NOW));
        EXPECT_EQ(TMS_STATE_ARMING, status_of(self->c.fd).state);
        EXPECT_EQ(TMS_STATE_PAUSED, status_of(self->c.fd).back_to);
        ASSERT_EQ(0, lab("never_ready=off"));
        ASSERT_EQ(0, -pthread_join(thread, NULL));
        EXPECT_EQ(0, self->c.armed);
        EXPECT_CHARGED(TMS_STATE_PAUSED);
        sleep_until(due_ns(self, 1) + S);
        EXPECT_EQ(1, window_pulses(&self->window));
        EXPECT_EQ(0, disarm(self));
        EXPECT_EQ(0, window_close(&self->window, 1, 0));
}

/* An arming that fails without a fault ends nothing. */
TEST_F(break_, arming_that_fails)
{
        ASSERT_EQ(0, enter(self));
        ASSERT_EQ(0, controller_pause(&self->c, TMS_PAUSE_NOW));
        ASSERT_EQ(0, lab("never_ready=on"));
        EXPECT_EQ(-ETIME, controller_arm(&self->c));
        EXPECT_BREAK(TMS_CAUSE_ARM_TIMEOUT, TMS_STATE_PAUSED);
        ASSERT_EQ(0, lab("never_ready=off"));
        ASSERT_EQ(0, controller_arm(&self->c));
        EXPECT_CHARGED(TMS_STATE_PAUSED);
        ASSERT_EQ(0, resume_run(self, 20 * MS));
        EXPECT_EQ(0, call(self->c.fd, TMS_IOC_STOP, NULL));
        EXPECT_EQ(0, window_close(&self->window, 1, 0));
}

/* --- what ends it --------------------------------------------------------------------------- */

#define EXPECT_ENDED(in, why)                                    \
        do {                                                     \
                struct tms_status ended_;                        \
                sleep_ns(LOOKED);                                \
                ended_ = status_of(self->c.fd);                  \
                EXPECT_EQ((in), ended_.state);                   \
                EXPECT_EQ((why), ended_.cause);                  \
                EXPECT_EQ(0, ended_.back_to);                    \
                sleep_until(due_ns(self, 1) + S);                \
                EXPECT_EQ(0, window_close(&self->window, 1, 0)); \
        } while (0)

#define ENDS(name, does, in, why)          \
        TEST_F(break_, ended_by_##name)    \
        {                                  \
                ASSERT_EQ(0, enter(self)); \
                ASSERT_EQ(0, (does));      \
                EXPECT_ENDED((in), (why)); \
        }

ENDS(stop, call(self->c.fd, TMS_IOC_STOP, NULL), TMS_STATE_LOADED, TMS_CAUSE_REQUEST);
ENDS(disarm, disarm(self), TMS_STATE_LOADED, TMS_CAUSE_REQUEST);
ENDS(emergency_stop, lab("open=estop"), TMS_STATE_FAULT, TMS_CAUSE_EMERGENCY_STOP);
ENDS(a_tap_on_the_patients_stop, lab("open=patient_stop; close=patient_stop"), TMS_STATE_FAULT, TMS_CAUSE_PATIENT_STOP);
ENDS(a_stop_without_its_interrupt, lab("lost_irq; open=patient_stop; close=patient_stop"), TMS_STATE_FAULT,
     TMS_CAUSE_PATIENT_STOP);
ENDS(open_cover, lab("open=cover_open"), TMS_STATE_FAULT, TMS_CAUSE_COVER_OPEN);
ENDS(hv_fault, lab("open=hv_fault"), TMS_STATE_FAULT, TMS_CAUSE_HV_FAULT);
ENDS(self_test, lab("self_test"), TMS_STATE_FAULT, TMS_CAUSE_CARD_LATCH);
ENDS(card_reset_clock, lab("clock_jump=+1000000000"), TMS_STATE_FAULT, TMS_CAUSE_CARD_INTERVAL);
ENDS(coil_pulled, lab("open=coil_absent"), TMS_STATE_IDLE, TMS_CAUSE_CHANGED);

/* The same coil's contact may be lost, and its heat go: ARM looks whether all is well again. */
TEST_F(break_, coil_is_moved)
{
        ASSERT_EQ(0, enter(self));
        ASSERT_EQ(0, controller_pause(&self->c, TMS_PAUSE_NOW));
        ASSERT_EQ(0, lab("open=contact_lost; open=coil_hot"));
        sleep_ns(LOOKED);
        EXPECT_BREAK(TMS_CAUSE_REQUEST, TMS_STATE_PAUSED);
        EXPECT_EQ(TMS_INTERLOCK_CONTACT_LOST | TMS_INTERLOCK_COIL_HOT, status_of(self->c.fd).interlocks);
        EXPECT_EQ(-EPERM, controller_arm(&self->c));
        EXPECT_BREAK(TMS_CAUSE_REQUEST, TMS_STATE_PAUSED);
        ASSERT_EQ(0, lab("close=contact_lost; close=coil_hot"));
        ASSERT_EQ(0, controller_arm(&self->c));
        EXPECT_CHARGED(TMS_STATE_PAUSED);
        EXPECT_EQ(0, call(self->c.fd, TMS_IOC_STOP, NULL));
        EXPECT_EQ(0, window_close(&self->window, 1, 0));
}

/* Another coil, even of the same type. */
TEST_F(break_, ended_by_another_coil)
{
        ASSERT_EQ(0, enter(self));
        ASSERT_EQ(0, controller_pause(&self->c, TMS_PAUSE_NOW));
        ASSERT_EQ(0, lab("coil=figure8,4711"));
        EXPECT_EQ(-EPROTO, controller_arm(&self->c));
        EXPECT_ENDED(TMS_STATE_IDLE, TMS_CAUSE_CHANGED);
        /* The next test has the coil that it expects. */
        ASSERT_EQ(0, lab("coil=figure8,2000001,1000"));
}

TEST_F(break_, ended_without_a_lease)
{
        ASSERT_EQ(0, enter(self));
        controller_hang(&self->c);
        sleep_ns(600 * MS);
        EXPECT_ENDED(TMS_STATE_LOADED, TMS_CAUSE_LEASE);
}

TEST_F(break_, ended_by_close)
{
        int monitor;

        monitor = node_open(O_RDONLY);
        ASSERT_GE(monitor, 0);
        ASSERT_EQ(0, enter(self));
        controller_close(&self->c);
        EXPECT_EQ(TMS_STATE_IDLE, status_of(monitor).state);
        EXPECT_EQ(TMS_CAUSE_CLOSED, status_of(monitor).cause);
        sleep_until(due_ns(self, 1) + S);
        EXPECT_EQ(0, window_close(&self->window, 1, 0));
        close(monitor);
        ASSERT_EQ(0, controller_open(&self->c));
}

/* The machine stays awake for a run in BREAK as for any other. */
TEST_F(break_, no_sleep)
{
        ASSERT_EQ(0, enter(self));
        EXPECT_EQ(-EBUSY, nap("freeze"));
        EXPECT_BREAK(TMS_CAUSE_GAP, TMS_STATE_RUNNING);
        /* Nor may a module's parameter change under it. */
        EXPECT_EQ(-EBUSY, set_parameter("max_permille", 900));
        EXPECT_BREAK(TMS_CAUSE_GAP, TMS_STATE_RUNNING);
        EXPECT_EQ(0, call(self->c.fd, TMS_IOC_STOP, NULL));
        EXPECT_EQ(0, window_close(&self->window, 1, 0));
}

/* An hour, and the attempts to arm in between are no way round. */
TEST_F_TIMEOUT(break_, an_hour_at_most, 6000)
{
        uint64_t from_ns;
        struct lab_state card;

        ASSERT_EQ(0, enter(self));
        from_ns = now_ns();
        ASSERT_EQ(0, controller_pause(&self->c, TMS_PAUSE_NOW));
        sleep_until(from_ns + 3000 * S);
        ASSERT_EQ(0, lab("never_ready=on"));
        EXPECT_EQ(-ETIME, controller_arm(&self->c));
        ASSERT_EQ(0, lab("never_ready=off"));
        sleep_until(from_ns + 3600 * S - 200 * MS);
        EXPECT_BREAK(TMS_CAUSE_ARM_TIMEOUT, TMS_STATE_PAUSED);
        sleep_ns(200 * MS + LOOKED);
        EXPECT_EQ(TMS_STATE_LOADED, status_of(self->c.fd).state);
        EXPECT_EQ(TMS_CAUSE_BREAK_LIMIT, status_of(self->c.fd).cause);
        ASSERT_EQ(0, lab_query(&card));
        EXPECT_STREQ("SAFE", card.state);
        EXPECT_EQ(0, window_close(&self->window, 1, 0));
}

/* What could not be charged again in time is refused when it is loaded, with pulse and rule. */
TEST_F(break_, verified)
{
        struct tms_limits limits = wide_limits();
        struct tms_load load = {.pulses = (uintptr_t)self->pulses, .count = 3, PULSE_SIZE};

        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_LIMITS, &limits));
        trains(self, 3, 3600 * S);
        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_LOAD, &load));
        self->pulses[2].t_ns++;
        EXPECT_EQ(-ERANGE, call(self->c.fd, TMS_IOC_LOAD, &load));
        EXPECT_EQ(TMS_RULE_GAP, load.verdict.rule);
        EXPECT_EQ(2, load.verdict.pulse);
        EXPECT_EQ(3600 * S, load.verdict.limit);
        EXPECT_EQ(3600 * S + 1, load.verdict.actual);
        EXPECT_EQ(3600 * S, info_of(self->c.fd).break_limit_ns);
        EXPECT_EQ(0, window_close(&self->window, 0, 0));
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0-or-later
/* Pulses that wait for somebody, and pauses: what was said holds for one moment, and not for another. */
#include <errno.h>

#include "kselftest_harness.h"
#include "tms_test.h"

#define MAX 16

FIXTURE(wait)
{
        struct controller c;
        struct tms_pulse pulses[MAX];
        struct tms_event fired[MAX], answers[MAX], edges[MAX];
        struct window window;
};

FIXTURE_SETUP(wait)
{
        ASSERT_EQ(0, lab_reset());
        ASSERT_EQ(0, controller_open(&self->c));
        ASSERT_EQ(0, window_open(&self->window, _metadata->name));
}

FIXTURE_TEARDOWN(wait)
{
        controller_close(&self->c);
        lab_reset();
}

/* Trains of @per_train pulses, 100 ms apart, a train every two seconds. */
static void trains(FIXTURE_DATA(wait) * self, uint32_t count, uint32_t per_train)
{
        for (uint32_t i = 0; i < count; i++)
                self->pulses[i] = (struct tms_pulse){
                                .t_ns = i / per_train * 2 * S + i % per_train * 100 * MS,
                                .intensity_permille = 300,
                                .flags = (i + 1) % per_train ? BURST : TRAIN,
                                .train = i / per_train,
                };
}

static int resume_run(FIXTURE_DATA(wait) * self, uint64_t *ret_start_ns)
{
        struct tms_resume resume = {.delay_ns = 10 * MS};
        int r = call(self->c.fd, TMS_IOC_RESUME, &resume);

        *ret_start_ns = resume.start_ns;
        return r;
}

/* All are delivered, nothing else is. */
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

/* Still RUNNING, so many fired, and not one more in the next seconds. */
#define EXPECT_WAITS(count)                                                \
        do {                                                               \
                sleep_ns(6 * S);                                           \
                EXPECT_EQ(TMS_STATE_RUNNING, status_of(self->c.fd).state); \
                EXPECT_EQ((count), status_of(self->c.fd).next_pulse);      \
                EXPECT_EQ((count), window_pulses(&self->window));          \
        } while (0)

/* --- a pause takes hold where no train is under way ----------------------------------- */

#define EXPECT_PAUSED_AT(count)                                            \
        do {                                                               \
                ASSERT_EQ(0, controller_pause(&self->c, 0));               \
                EXPECT_EQ(TMS_STATE_PAUSED, status_of(self->c.fd).state);  \
                EXPECT_EQ(TMS_CAUSE_REQUEST, status_of(self->c.fd).cause); \
                EXPECT_EQ((count), status_of(self->c.fd).next_pulse);      \
                sleep_ns(5 * S);                                           \
                EXPECT_EQ((count), window_pulses(&self->window));          \
        } while (0)

TEST_F(wait, pause_in_the_start_delay)
{
        struct tms_start start = {.delay_ns = 2 * S};
        uint64_t start_ns, resumed_ns;

        trains(self, 6, 3);
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 6));
        ASSERT_EQ(0, controller_arm(&self->c));
        controller_catch_up(&self->c);
        start.timeline_gen = self->c.gen;
        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_START, &start));
        sleep_ns(S);
        EXPECT_PAUSED_AT(0);
        resumed_ns = now_ns();
        ASSERT_EQ(0, resume_run(self, &start_ns));
        EXPECT_GE(start_ns, resumed_ns + 10 * MS);
        EXPECT_COMPLETE(6);
        for (int i = 0; i < 6; i++)
                EXPECT_EQ(start_ns + self->pulses[i].t_ns, self->fired[i].pulse.due_ns);
}

TEST_F(wait, pause_between_trains)
{
        uint64_t start_ns;

        trains(self, 6, 3);
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 6));
        ASSERT_EQ(0, wait_fired(self->c.fd, 3));
        sleep_ns(500 * MS);
        EXPECT_PAUSED_AT(3);
        ASSERT_EQ(0, resume_run(self, &start_ns));
        EXPECT_COMPLETE(6);
        for (int i = 0; i < 6; i++)
                EXPECT_EQ((i < 3 ? self->c.start_ns : start_ns) + self->pulses[i].t_ns, self->fired[i].pulse.due_ns);
}

/* Resumed, the first pulse of the train waits as before. */
TEST_F(wait, pause_at_a_train_that_waits)
{
        uint64_t start_ns;

        trains(self, 6, 3);
        self->pulses[3].flags |= TMS_PULSE_WAIT_OPERATOR | TMS_PULSE_WAIT_TRIGGER;
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 6));
        ASSERT_EQ(0, wait_fired(self->c.fd, 3));
        EXPECT_WAITS(3);
        EXPECT_PAUSED_AT(3);
        EXPECT_EQ(-EPROTO, controller_go(&self->c, 3, 0));
        ASSERT_EQ(0, resume_run(self, &start_ns));
        EXPECT_WAITS(3);
        ASSERT_EQ(0, controller_go(&self->c, 3, 0));
        EXPECT_COMPLETE(6);
}

/* In a train it waits for its end, though a pulse of it waits for somebody. */
TEST_F(wait, pause_at_a_pulse_that_waits_within_a_train)
{
        uint64_t start_ns;

        trains(self, 6, 3);
        self->pulses[1].flags |= TMS_PULSE_WAIT_OPERATOR;
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 6));
        ASSERT_EQ(0, wait_fired(self->c.fd, 1));
        EXPECT_WAITS(1);
        ASSERT_EQ(0, controller_pause(&self->c, 0));
        EXPECT_WAITS(1);
        ASSERT_EQ(0, controller_go(&self->c, 1, 0));
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_PAUSED));
        EXPECT_EQ(3, status_of(self->c.fd).next_pulse);
        sleep_ns(5 * S);
        EXPECT_EQ(3, window_pulses(&self->window));
        ASSERT_EQ(0, resume_run(self, &start_ns));
        EXPECT_COMPLETE(6);
}

/* --- what was said before a pause is not said any more --------------------------------- */

/* GO, given early and then taken back by a pause: the pulse waits again, and is as strong as verified. */
TEST_F(wait, go_does_not_survive_a_pause)
{
        static const uint32_t flags[] = {0, TMS_PAUSE_NOW};
        uint64_t start_ns;

        for (size_t i = 0; i < ELEMENTSOF(flags); i++) {
                ASSERT_EQ(0, window_open(&self->window, "go does not survive a pause"));
                trains(self, 3, 1);
                self->pulses[1].flags |= TMS_PULSE_WAIT_OPERATOR;
                ASSERT_EQ(0, controller_run(&self->c, self->pulses, 3));
                self->c.from_seq = status_of(self->c.fd).event_head;
                ASSERT_EQ(0, wait_fired(self->c.fd, 1));
                ASSERT_EQ(0, controller_go(&self->c, 1, 100));
                EXPECT_EQ(-ESTALE, controller_go(&self->c, 1, 100));
                ASSERT_EQ(0, controller_pause(&self->c, flags[i]));
                EXPECT_EQ(TMS_STATE_PAUSED, status_of(self->c.fd).state);
                ASSERT_EQ(0, resume_run(self, &start_ns));
                EXPECT_WAITS(1);
                ASSERT_EQ(0, controller_go(&self->c, 1, 0));
                EXPECT_COMPLETE(3);
                EXPECT_EQ(300, self->answers[1].pulse.delivered_permille);
        }
}

/* An edge that came while it waited, and the pause 50 us behind it, before the pulse. */
TEST_F(wait, an_edge_does_not_survive_a_pause)
{
        uint64_t start_ns;

        trains(self, 2, 1);
        self->pulses[1].flags |= TMS_PULSE_WAIT_TRIGGER;
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 2));
        ASSERT_EQ(0, wait_fired(self->c.fd, 1));
        EXPECT_WAITS(1);
        ASSERT_EQ(0, lab("trigger_in"));
        /* A kernel that checks its every step is not back from there in time. */
        if (slow()) {
                EXPECT_COMPLETE(2);
                return;
        }
        ASSERT_EQ(0, controller_pause(&self->c, TMS_PAUSE_NOW));
        ASSERT_EQ(1, controller_events(&self->c, TMS_EVENT_TRIGGER, self->edges, MAX));
        EXPECT_EQ(1, self->edges[0].trigger.next_pulse);
        EXPECT_EQ(TMS_STATE_PAUSED, status_of(self->c.fd).state);
        EXPECT_EQ(1, status_of(self->c.fd).next_pulse);
        ASSERT_EQ(0, resume_run(self, &start_ns));
        EXPECT_WAITS(1);
        ASSERT_EQ(0, lab("trigger_in"));
        EXPECT_COMPLETE(2);
}

/* While nothing waits for it, an edge is nothing: in a pause, before the pulse's time, behind GO. */
TEST_F(wait, an_edge_that_nobody_waits_for)
{
        uint64_t start_ns;

        trains(self, 3, 1);
        self->pulses[1].flags |= TMS_PULSE_WAIT_TRIGGER;
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 3));
        ASSERT_EQ(0, wait_fired(self->c.fd, 1));
        ASSERT_EQ(0, lab("trigger_in"));
        sleep_ns(S);
        ASSERT_EQ(0, lab("trigger_in"));
        EXPECT_WAITS(1);
        EXPECT_EQ(0, controller_events(&self->c, TMS_EVENT_TRIGGER, self->edges, MAX));

        ASSERT_EQ(0, controller_pause(&self->c, TMS_PAUSE_NOW));
        ASSERT_EQ(0, lab("trigger_in"));
        sleep_ns(S);
        ASSERT_EQ(0, resume_run(self, &start_ns));
        EXPECT_WAITS(1);
        EXPECT_EQ(0, controller_events(&self->c, TMS_EVENT_TRIGGER, self->edges, MAX));

        ASSERT_EQ(0, lab("trigger_in"));
        ASSERT_EQ(0, wait_fired(self->c.fd, 2));
        ASSERT_EQ(0, lab("trigger_in"));
        EXPECT_COMPLETE(3);
        ASSERT_EQ(1, controller_events(&self->c, TMS_EVENT_TRIGGER, self->edges, MAX));
        EXPECT_EQ(1, self->edges[0].trigger.next_pulse);
        EXPECT_EQ(self->edges[0].trigger.edge_ns + 50000, self->fired[1].pulse.due_ns);
}

/* --- both ----------------------------------------------------------------------------- */

/* Whichever comes first; what comes then is nothing. */
TEST_F(wait, operator_or_trigger)
{
        trains(self, 3, 1);
        self->pulses[1].flags |= TMS_PULSE_WAIT_OPERATOR | TMS_PULSE_WAIT_TRIGGER;
        self->pulses[2].flags |= TMS_PULSE_WAIT_OPERATOR | TMS_PULSE_WAIT_TRIGGER;
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 3));
        ASSERT_EQ(0, wait_fired(self->c.fd, 1));
        EXPECT_WAITS(1);
        ASSERT_EQ(0, controller_go(&self->c, 1, 250));
        ASSERT_EQ(0, wait_fired(self->c.fd, 2));
        ASSERT_EQ(0, lab("trigger_in"));
        EXPECT_WAITS(2);
        ASSERT_EQ(0, lab("trigger_in"));
        ASSERT_EQ(0, wait_fired(self->c.fd, 3));
        EXPECT_NE(0, controller_go(&self->c, 2, 0));
        EXPECT_COMPLETE(3);
        EXPECT_EQ(250, self->answers[1].pulse.delivered_permille);
        EXPECT_EQ(300, self->answers[2].pulse.delivered_permille);
        ASSERT_EQ(1, controller_events(&self->c, TMS_EVENT_TRIGGER, self->edges, MAX));
        EXPECT_EQ(2, self->edges[0].trigger.next_pulse);
}

/* GO may be given before the pulse's time, which an edge may not; neither makes it early. */
TEST_F(wait, go_is_early_an_edge_is_not)
{
        trains(self, 2, 1);
        self->pulses[1].flags |= TMS_PULSE_WAIT_OPERATOR | TMS_PULSE_WAIT_TRIGGER;
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 2));
        ASSERT_EQ(0, wait_fired(self->c.fd, 1));
        ASSERT_EQ(0, lab("trigger_in"));
        ASSERT_EQ(0, controller_go(&self->c, 1, 0));
        EXPECT_COMPLETE(2);
        EXPECT_EQ(self->c.start_ns + self->pulses[1].t_ns, self->fired[1].pulse.due_ns);
}

/* A minute behind the last pulse, and not a second more: then the card is discharged, and the pulse still waits. */
TEST_F(wait, nobody_says_go)
{
        struct tms_event last;
        uint64_t fired_ns;

        trains(self, 2, 1);
        self->pulses[1].flags |= TMS_PULSE_WAIT_OPERATOR;
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 2));
        fired_ns = self->c.start_ns;
        sleep_ns(fired_ns + 60 * S - 100 * MS - now_ns());
        EXPECT_EQ(TMS_STATE_RUNNING, status_of(self->c.fd).state);
        sleep_ns(300 * MS);
        EXPECT_EQ(TMS_STATE_BREAK, status_of(self->c.fd).state);
        EXPECT_EQ(TMS_CAUSE_IDLE_LIMIT, status_of(self->c.fd).cause);
        last = controller_last_state(&self->c);
        EXPECT_EQ(TMS_CAUSE_IDLE_LIMIT, last.state.cause);
        EXPECT_EQ(-ESHUTDOWN, controller_go(&self->c, 1, 0));
        ASSERT_EQ(0, controller_arm(&self->c));
        EXPECT_WAITS(1);
        ASSERT_EQ(0, controller_go(&self->c, 1, 0));
        EXPECT_COMPLETE(2);
}

TEST_HARNESS_MAIN

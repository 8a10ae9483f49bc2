// SPDX-License-Identifier: GPL-2.0-or-later
/* A card that does not do what it should: each kind is noticed, named, and ends in SAFE. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "tms_test.h"

FIXTURE(fault)
{
        struct controller c;
        struct tms_pulse pulses[6];
        struct window window;
};

FIXTURE_VARIANT(fault)
{
        const char *op;
        uint32_t cause;
        unsigned int pulses; /* that the coil really gives, the unwanted among them */
        uint32_t outcome;    /* of the last pulse's answer */
};

/* Six pulses at 100 ms; after the second, something happens. */
#define FAULT(id, o, c, n, a)                                  \
        FIXTURE_VARIANT_ADD(fault, id)                         \
        {                                                      \
                .op = o, .cause = c, .pulses = n, .outcome = a \
        }
FAULT(lost_pulse, "pulse=+2 lose_pulse=latched", TMS_CAUSE_CARD_LOST_PULSE, 2, 8);
FAULT(lost_silently, "pulse=+2 lose_pulse=silent", TMS_CAUSE_CARD_NO_ANSWER, 2, TMS_PULSE_OUTCOME_UNKNOWN);
FAULT(extra_pulse, "pulse=+2 delay=50000000 extra_pulse", TMS_CAUSE_CARD_UNEXPECTED, 3, 9);
FAULT(stuck_switch, "pulse=+2 stuck_trigger=1,20000000", TMS_CAUSE_CARD_UNEXPECTED, 3, 9);
FAULT(too_strong, "pulse=+2 amplitude=+6", TMS_CAUSE_CARD_AMPLITUDE, 3, 0);
FAULT(too_weak, "pulse=+2 amplitude=-6", TMS_CAUSE_CARD_AMPLITUDE, 3, 0);
FAULT(no_answer, "pulse=+2 drop_answer", TMS_CAUSE_CARD_NO_ANSWER, 3, TMS_PULSE_OUTCOME_UNKNOWN);
FAULT(held_answer, "pulse=+2 swap_answers", TMS_CAUSE_CARD_NO_ANSWER, 3, TMS_PULSE_OUTCOME_UNKNOWN);
FAULT(answer_from_the_past, "pulse=+2 answer_time=-1000000", TMS_CAUSE_CARD_INTERVAL, 3, 0);
FAULT(answer_from_the_future, "pulse=+2 answer_time=1000000", TMS_CAUSE_CARD_INTERVAL, 3, 0);
/* Perhaps it has fired: nobody who reads this contract knows. */
FAULT(answer_of_no_contract, "pulse=+2 answer_outcome=13", TMS_CAUSE_CARD_REJECTED, 3, TMS_PULSE_OUTCOME_UNKNOWN);
FAULT(clock_jumps, "pulse=+2 delay=5000000 clock_jump=+1000000000", TMS_CAUSE_CARD_INTERVAL, 2, 0);
FAULT(self_test, "pulse=+2 delay=5000000 self_test", TMS_CAUSE_CARD_LATCH, 2, 0);
FAULT(reset, "pulse=+2 delay=5000000 reset", TMS_CAUSE_CARD_RESET, 2, 0);
/* Between the last look at it and the trigger, which it has no number for then. */
FAULT(reset_at_the_trigger, "pulse=+2 delay=99998500 reset", TMS_CAUSE_CARD_REJECTED, 2, 7);

/* What the card refuses with that outcome; all others refuse nothing. */
static int refused(uint32_t outcome)
{
        return outcome == TMS_PULSE_OUTCOME_WRONG_SEQ;
}

static bool given(uint32_t outcome)
{
        return outcome == TMS_PULSE_OUTCOME_DELIVERED || outcome == TMS_PULSE_OUTCOME_UNEXPECTED ||
               outcome == TMS_PULSE_OUTCOME_UNKNOWN;
}

FIXTURE_SETUP(fault)
{
        ASSERT_EQ(0, lab_reset());
        ASSERT_EQ(0, controller_open(&self->c));
        ASSERT_EQ(0, window_open(&self->window, _metadata->name));
        flat(self->pulses, 6, 100 * MS, 300, 6);
}

FIXTURE_TEARDOWN(fault)
{
        lab_reset();
        controller_close(&self->c);
}

TEST_F(fault, is_noticed)
{
        struct tms_event answers[16] = {}, last;
        struct lab_state card;
        size_t n;

        /* The instant is missed where a pulse's own time is not exact. */
        if (slow() && refused(variant->outcome))
                SKIP(return, "no such exact instant");
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 6));
        ASSERT_EQ(0, controller_arm(&self->c));
        ASSERT_EQ(0, lab("%s", variant->op));
        ASSERT_EQ(0, controller_start(&self->c));
        EXPECT_EQ(0, wait_state(self->c.fd, TMS_STATE_FAULT));
        EXPECT_EQ(variant->cause, status_of(self->c.fd).cause);
        last = controller_last_state(&self->c);
        EXPECT_EQ(TMS_STATE_FAULT, last.state.to);
        EXPECT_EQ(variant->cause, last.state.cause);
        ASSERT_EQ(0, lab_query(&card));
        EXPECT_STREQ("SAFE", card.state);

        n = controller_events(&self->c, TMS_EVENT_PULSE_ANSWER, answers, 16);
        ASSERT_GE(n, 2);
        EXPECT_EQ(variant->outcome, answers[n - 1].pulse.outcome);
        for (size_t i = 0; i < n; i++)
                EXPECT_EQ(given(answers[i].pulse.outcome), !!(answers[i].flags & TMS_EVENT_GIVEN));

        sleep_ns(S);
        EXPECT_EQ(variant->pulses, window_pulses(&self->window));
        EXPECT_EQ(0, window_close(&self->window, variant->pulses, refused(variant->outcome)));

        /* And is over when it is over. */
        ASSERT_EQ(0, lab_reset());
        EXPECT_EQ(0, call_clear_fault(self->c.fd));
        ASSERT_EQ(0, window_open(&self->window, "after"));
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 2 + 4));
        EXPECT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
        EXPECT_EQ(TMS_CAUSE_COMPLETE, status_of(self->c.fd).cause);
        EXPECT_EQ(6, status_of(self->c.fd).delivered);
        EXPECT_EQ(0, window_close(&self->window, 6, 0));
}

FIXTURE(trouble)
{
        struct controller c;
        struct tms_pulse pulses[20];
        struct window window;
};

FIXTURE_SETUP(trouble)
{
        ASSERT_EQ(0, lab_reset());
        ASSERT_EQ(0, controller_open(&self->c));
        ASSERT_EQ(0, window_open(&self->window, _metadata->name));
        flat(self->pulses, 20, 100 * MS, 300, 5);
}

FIXTURE_TEARDOWN(trouble)
{
        lab_reset();
        controller_close(&self->c);
}

/* An interrupt for an answer is lost: it is found when the next pulse wants to know. */
TEST_F(trouble, lost_pulse_interrupt)
{
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 20));
        ASSERT_EQ(0, controller_arm(&self->c));
        ASSERT_EQ(0, lab("pulse=+3 lost_pulse_irq"));
        ASSERT_EQ(0, controller_start(&self->c));
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
        EXPECT_EQ(TMS_CAUSE_COMPLETE, status_of(self->c.fd).cause);
        EXPECT_EQ(20, status_of(self->c.fd).delivered);
        EXPECT_EQ(0, window_close(&self->window, 20, 0));
}

/* Within the card's stated tolerance is what was asked for. */
TEST_F(trouble, amplitude_within_tolerance)
{
        struct tms_event e[64];

        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 20));
        ASSERT_EQ(0, controller_arm(&self->c));
        ASSERT_EQ(0, lab("amplitude=+5,10; pulse=+10 amplitude=-5,10"));
        ASSERT_EQ(0, controller_start(&self->c));
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
        EXPECT_EQ(TMS_CAUSE_COMPLETE, status_of(self->c.fd).cause);
        ASSERT_EQ(20, controller_events(&self->c, TMS_EVENT_PULSE_ANSWER, e, 64));
        for (int i = 0; i < 20; i++) {
                EXPECT_EQ(300, e[i].pulse.set_permille);
                EXPECT_EQ(i < 10 ? 305 : 295, e[i].pulse.delivered_permille);
        }
        EXPECT_EQ(0, window_close(&self->window, 20, 0));
}

/* A charger that fails: what is charged is fired, then three misses pause. Never a pulse not charged. */
TEST_F(trouble, charger_fails)
{
        struct tms_status st;
        struct tms_event e[64];
        size_t n;

        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 20));
        ASSERT_EQ(0, controller_arm(&self->c));
        ASSERT_EQ(0, lab("pulse=+2 delay=50000000 never_ready=on"));
        ASSERT_EQ(0, controller_start(&self->c));
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_PAUSED));
        st = status_of(self->c.fd);
        EXPECT_EQ(TMS_CAUSE_LATE, st.cause);
        EXPECT_EQ(3, st.missed);
        EXPECT_EQ(st.fired, st.delivered);
        EXPECT_GE(st.fired, 2);
        EXPECT_LE(st.fired, 2 + 4);
        n = controller_events(&self->c, TMS_EVENT_PULSE_DUE, e, 64);
        ASSERT_EQ(st.fired + 3, n);
        for (size_t i = st.fired; i < n; i++)
                EXPECT_EQ(TMS_PULSE_OUTCOME_NOT_READY, e[i].pulse.outcome);
        EXPECT_EQ(0, window_close(&self->window, st.fired, 0));
}

TEST_F(trouble, arming_never_ready)
{
        struct tms_status st;

        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 20));
        ASSERT_EQ(0, lab("never_ready=on"));
        EXPECT_EQ(-ETIME, controller_arm(&self->c));
        st = status_of(self->c.fd);
        EXPECT_EQ(TMS_STATE_LOADED, st.state);
        EXPECT_EQ(TMS_CAUSE_ARM_TIMEOUT, st.cause);
        EXPECT_EQ(0, window_close(&self->window, 0, 0));
}

/* Another coil in the place of the one that the timeline was verified for. */
TEST_F(trouble, coil_changed)
{
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 20));
        ASSERT_EQ(0, lab("coil=circular,777,900"));
        sleep_ns(20 * MS);
        EXPECT_NE(0, controller_arm(&self->c));
        EXPECT_EQ(TMS_STATE_IDLE, status_of(self->c.fd).state);
        EXPECT_EQ(900, info_of(self->c.fd).max_permille);
        EXPECT_EQ(777, info_of(self->c.fd).coil_serial);
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 20));
        EXPECT_EQ(0, controller_arm(&self->c));
        ASSERT_EQ(0, lab("coil=figure8,2000001,1000"));
        EXPECT_EQ(0, wait_state(self->c.fd, TMS_STATE_FAULT));
        EXPECT_EQ(TMS_CAUSE_COIL_ABSENT, status_of(self->c.fd).cause);
        EXPECT_EQ(0, call_clear_fault(self->c.fd));
        EXPECT_EQ(0, window_close(&self->window, 0, 0));
        /* Behind another coil's pulses it has to rest; what comes next shall not have to. */
        sleep_ns(80 * S);
}

/* An answer that was given up comes after all, behind the first one of the next run. */
TEST_F(trouble, answer_of_an_earlier_run)
{
        struct tms_event e[8];
        size_t n;

        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 20));
        ASSERT_EQ(0, controller_arm(&self->c));
        ASSERT_EQ(0, lab("pulse=+2 swap_answers"));
        ASSERT_EQ(0, controller_start(&self->c));
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_FAULT));
        EXPECT_EQ(TMS_CAUSE_CARD_NO_ANSWER, status_of(self->c.fd).cause);
        ASSERT_EQ(0, call_clear_fault(self->c.fd));

        self->c.from_seq = status_of(self->c.fd).event_head;
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 20));
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_FAULT));
        EXPECT_EQ(TMS_CAUSE_CARD_SEQUENCE, status_of(self->c.fd).cause);
        EXPECT_EQ(TMS_CAUSE_CARD_SEQUENCE, controller_last_state(&self->c).state.cause);
        n = controller_events(&self->c, TMS_EVENT_PULSE_ANSWER, e, 8);
        ASSERT_EQ(2, n);
        EXPECT_EQ(1, e[0].pulse.card_seq);
        EXPECT_EQ(TMS_PULSE_OUTCOME_DELIVERED, e[0].pulse.outcome);
        /* Recorded as it came: nobody's. */
        EXPECT_EQ(3, e[1].pulse.card_seq);
        EXPECT_EQ(TMS_PULSE_OUTCOME_DELIVERED, e[1].pulse.outcome);
        EXPECT_EQ(0, e[1].pulse.triggered_ns);
        sleep_ns(S);
        EXPECT_EQ(4, window_pulses(&self->window));
        ASSERT_EQ(0, lab_reset());
        EXPECT_EQ(0, call_clear_fault(self->c.fd));
        EXPECT_EQ(0, window_close(&self->window, 4, 0));
}

static int keep_only(struct controller *c)
{
        struct tms_keepalive k = {.acked_seq = status_of(c->fd).event_acked};

        return call(c->fd, TMS_IOC_KEEPALIVE, &k);
}

/* Who asks to arm without permission is refused, and does not keep the lost answer from being given up. */
TEST_F(trouble, lost_answer_is_given_up_whoever_arms)
{
        struct tms_start start = {.delay_ns = 20 * MS};
        struct tms_arm arm = {};
        struct tms_event e[64] = {};
        uint64_t kept_ns;
        size_t n;

        /* The second pulse 40 ms before permission ends, its answer to be given up 60 ms behind that. */
        flat(self->pulses, 3, 440 * MS, 300, 3);
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 3));
        ASSERT_EQ(0, controller_arm(&self->c));
        ASSERT_EQ(0, lab("pulse=+1 drop_answer"));
        controller_catch_up(&self->c);
        controller_hang(&self->c);
        kept_ns = now_ns();
        ASSERT_EQ(0, keep_only(&self->c));
        start.timeline_gen = arm.timeline_gen = self->c.gen;
        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_START, &start));
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
        EXPECT_EQ(TMS_CAUSE_LEASE, status_of(self->c.fd).cause);
        EXPECT_LT(now_ns() - kept_ns, 510 * MS);
        for (int i = 0; i < 40; i++, sleep_ns(10 * MS))
                EXPECT_NE(0, call(self->c.fd, TMS_IOC_ARM, &arm));
        EXPECT_EQ(-EPROTO, call(self->c.fd, TMS_IOC_ARM, &arm));
        n = controller_events(&self->c, TMS_EVENT_PULSE_ANSWER, e, 64);
        ASSERT_EQ(2, n);
        EXPECT_EQ(TMS_PULSE_OUTCOME_UNKNOWN, e[1].pulse.outcome);
        EXPECT_EQ(1, e[1].pulse.index);
        /* Given up after a tenth of a second, not when the asking ends. */
        EXPECT_LT(e[1].mono_ns - e[1].pulse.triggered_ns, 200 * MS);
        controller_keep(&self->c);
        controller_catch_up(&self->c);
        EXPECT_EQ(0, controller_arm(&self->c));
        EXPECT_EQ(0, call(self->c.fd, TMS_IOC_STOP, NULL));
        EXPECT_EQ(0, window_close(&self->window, 2, 0));
}

/* So many changes of state that only @left records fit before no pulse has a place. @most: that fit in all. */
static int fill_ring(FIXTURE_DATA(trouble) * self, uint64_t most, uint64_t left)
{
        struct tms_load load = {.pulses = (uintptr_t)self->pulses, .count = 20, PULSE_SIZE};
        struct tms_limits limits = wide_limits();
        struct tms_status st = status_of(self->c.fd);
        int r = 0;

        while (!r && st.event_head - st.event_acked + left < most) {
                r = call(self->c.fd, TMS_IOC_LIMITS, &limits);
                r = r ? r : call(self->c.fd, TMS_IOC_LOAD, &load);
                st = status_of(self->c.fd);
        }
        self->c.gen = load.timeline_gen;
        return r;
}

/* Nobody takes the records: the last pulse is the one whose records still have a place. */
TEST_F(trouble, no_place_for_a_record)
{
        struct tms_start start = {.delay_ns = 20 * MS};
        struct tms_arm arm = {};
        struct tms_status st;
        uint64_t most, room;
        uint32_t fired;

        /* To fill it there are 2 s, the age at which a record without acknowledgment ends the lease. */
        if (slow())
                SKIP(return, "the ring is not filled in time");
        flat(self->pulses, 20, 20 * MS, 100, 20);
        controller_catch_up(&self->c);
        controller_hang(&self->c);
        /* How many fit? */
        EXPECT_EQ(-EAGAIN, fill_ring(self, UINT64_MAX, 0));
        st = status_of(self->c.fd);
        most = st.event_head - st.event_acked;
        controller_keep(&self->c);
        controller_catch_up(&self->c);
        controller_hang(&self->c);

        ASSERT_EQ(0, fill_ring(self, most, 20));
        ASSERT_EQ(0, keep_only(&self->c));

        /* What STATUS tells as well gives way to what only a record can tell, and is counted. */
        st = status_of(self->c.fd);
        ASSERT_EQ(0, lab("open=cover_open"));
        sleep_ns(MS);
        EXPECT_EQ(st.records_dropped + 1, status_of(self->c.fd).records_dropped);
        EXPECT_EQ(st.event_head, status_of(self->c.fd).event_head);
        EXPECT_EQ(TMS_INTERLOCK_COVER_OPEN, status_of(self->c.fd).latched);
        ASSERT_EQ(0, lab("close=cover_open"));

        arm.timeline_gen = self->c.gen;
        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_ARM, &arm));
        ASSERT_EQ(0, keep_only(&self->c));
        start.timeline_gen = self->c.gen;
        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_START, &start));
        st = status_of(self->c.fd);
        room = most - (st.event_head - st.event_acked);
        EXPECT_LE(room, 20);
        for (int i = 0; i < 40 && status_of(self->c.fd).state == TMS_STATE_RUNNING; i++) {
                sleep_ns(20 * MS);
                keep_only(&self->c);
        }
        st = status_of(self->c.fd);
        EXPECT_EQ(TMS_STATE_LOADED, st.state);
        EXPECT_EQ(TMS_CAUSE_RECORD_FULL, st.cause);
        fired = st.fired;
        EXPECT_EQ(fired, st.delivered);
        /* Two records a pulse. */
        EXPECT_GE(fired, room / 2);
        EXPECT_LE(fired, room / 2 + 1);
        EXPECT_EQ(0, window_close(&self->window, fired, 0));

        /* None is lost, and when they are taken it goes on. */
        controller_keep(&self->c);
        controller_catch_up(&self->c);
        self->c.from_seq = st.event_head - 1;
        EXPECT_EQ(TMS_CAUSE_RECORD_FULL, controller_last_state(&self->c).state.cause);
        ASSERT_EQ(0, window_open(&self->window, "room again"));
        ASSERT_EQ(0, controller_arm(&self->c));
        ASSERT_EQ(0, controller_start(&self->c));
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
        EXPECT_EQ(20, status_of(self->c.fd).delivered);
        EXPECT_EQ(0, window_close(&self->window, 20, 0));
}

TEST_HARNESS_MAIN

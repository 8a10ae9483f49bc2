// SPDX-License-Identifier: GPL-2.0-or-later
/* What is played is what was loaded: times, order, intensities, pauses, waits, the account of it. */
#include <errno.h>

#include "kselftest_harness.h"
#include "tms_test.h"

#define MAX 1000

FIXTURE(engine)
{
        struct controller c;
        struct tms_pulse pulses[MAX];
        struct tms_event fired[MAX], answers[MAX];
        struct window window;
};

FIXTURE_SETUP(engine)
{
        ASSERT_EQ(0, lab_reset());
        ASSERT_EQ(0, controller_open(&self->c));
        ASSERT_EQ(0, window_open(&self->window, _metadata->name));
}

FIXTURE_TEARDOWN(engine)
{
        controller_close(&self->c);
}

/* Every pulse in order, at its time within 100 ns of the host's clock, as strong as asked for. */
#define EXPECT_PLAYED(count)                                                                                 \
        do {                                                                                                 \
                struct tms_status end;                                                                       \
                ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));                                      \
                end = status_of(self->c.fd);                                                                 \
                EXPECT_EQ(TMS_CAUSE_COMPLETE, end.cause);                                                    \
                EXPECT_EQ((count), end.fired);                                                               \
                EXPECT_EQ((count), end.delivered);                                                           \
                EXPECT_EQ(0, end.missed);                                                                    \
                EXPECT_EQ((count), end.next_pulse);                                                          \
                EXPECT_LE(end.error_max_ns, error_bound_ns());                                               \
                ASSERT_EQ((count), controller_events(&self->c, TMS_EVENT_PULSE_DUE, self->fired, MAX));      \
                ASSERT_EQ((count), controller_events(&self->c, TMS_EVENT_PULSE_ANSWER, self->answers, MAX)); \
                for (uint32_t i = 0; i < (count); i++) {                                                     \
                        const struct tms_event *f = &self->fired[i], *a = &self->answers[i];                 \
                        ASSERT_EQ(i, f->pulse.index);                                                        \
                        EXPECT_EQ(TMS_PULSE_OUTCOME_TRIGGERED, f->pulse.outcome);                            \
                        EXPECT_EQ(self->c.run, f->run);                                                      \
                        EXPECT_GE(f->pulse.triggered_ns, f->pulse.due_ns);                                   \
                        EXPECT_LE(f->pulse.triggered_ns - f->pulse.due_ns, error_bound_ns());                \
                        EXPECT_EQ(i, a->pulse.index);                                                        \
                        EXPECT_EQ(TMS_PULSE_OUTCOME_DELIVERED, a->pulse.outcome);                            \
                        EXPECT_EQ(f->pulse.card_seq, a->pulse.card_seq);                                     \
                        EXPECT_EQ(f->pulse.due_ns, a->pulse.due_ns);                                         \
                        EXPECT_EQ(f->pulse.set_permille, a->pulse.set_permille);                             \
                        EXPECT_EQ(f->pulse.set_permille, a->pulse.delivered_permille);                       \
                        EXPECT_GT(a->seq, f->seq);                                                           \
                        EXPECT_EQ(self->pulses[i].condition, f->pulse.condition);                            \
                        EXPECT_EQ(self->pulses[i].train, f->pulse.train);                                    \
                        EXPECT_EQ(self->c.gen, f->pulse.timeline_gen);                                       \
                        EXPECT_EQ(TMS_EVENT_COMPUTED, f->flags);                                             \
                        EXPECT_EQ(-(int64_t)(f->pulse.triggered_ns - f->pulse.due_ns), f->pulse.slack_ns);   \
                        EXPECT_EQ(0, f->pulse.card_ns);                                                      \
                        /* The answer repeats what was asked for. */                                         \
                        EXPECT_EQ(TMS_EVENT_COMPUTED | TMS_EVENT_GIVEN, a->flags);                           \
                        EXPECT_EQ(f->pulse.triggered_ns, a->pulse.triggered_ns);                             \
                        EXPECT_EQ(f->pulse.due_card_ns, a->pulse.due_card_ns);                               \
                        EXPECT_EQ(f->pulse.condition, a->pulse.condition);                                   \
                        EXPECT_EQ(f->pulse.train, a->pulse.train);                                           \
                        EXPECT_EQ(f->pulse.timeline_gen, a->pulse.timeline_gen);                             \
                        EXPECT_EQ(0, a->pulse.cause);                                                        \
                        /* Computed from the host's time, by clocks that were compared 50 ms ago. */         \
                        EXPECT_LE(llabs((long long)(a->pulse.card_ns - f->pulse.due_card_ns)),               \
                                  10000 + (int64_t)error_bound_ns());                                        \
                        if (i)                                                                               \
                                EXPECT_GT(f->seq, self->answers[i - 1].seq);                                 \
                }                                                                                            \
                EXPECT_EQ(0, window_close(&self->window, (count), 0));                                       \
        } while (0)

#define EXPECT_ON_TIME(count)                                                                     \
        for (uint32_t i = 0; i < (count); i++) {                                                  \
                EXPECT_EQ(self->c.start_ns + self->pulses[i].t_ns, self->fired[i].pulse.due_ns);  \
                EXPECT_EQ(self->pulses[i].intensity_permille, self->fired[i].pulse.set_permille); \
        }

/* Any number that the caller gives a pulse comes back with it. */
TEST_F(engine, condition)
{
        flat(self->pulses, 4, 50 * MS, 300, 2);
        for (uint32_t i = 0; i < 4; i++)
                self->pulses[i].condition = (uint16_t[]){0, 1, 0x8000, 0xffff}[i];
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 4));
        EXPECT_PLAYED(4);
}

/* The run's times by both clocks, and one instant of both beside. */
TEST_F(engine, card_time)
{
        struct tms_status st;

        flat(self->pulses, 4, 500 * MS, 300, 2);
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 4));
        st = status_of(self->c.fd);
        EXPECT_EQ(TMS_STATE_RUNNING, st.state);
        EXPECT_EQ(self->c.start_ns, st.start_ns);
        /* The model's clock may be off by 100 ppm from the machine's. */
        EXPECT_LE(llabs((long long)(st.start_card_ns - st.card_ns) - (long long)(st.start_ns - st.mono_ns)), 200000);
        EXPECT_LE(llabs((long long)(st.due_card_ns - st.card_ns) - (long long)(st.due_ns - st.mono_ns)), 200000);
        EXPECT_PLAYED(4);
        st = status_of(self->c.fd);
        EXPECT_EQ(0, st.start_card_ns);
        EXPECT_EQ(0, st.due_card_ns);
        EXPECT_GT(st.card_ns, self->answers[3].pulse.card_ns);
}

TEST_F(engine, one_pulse)
{
        struct tms_event state;

        flat(self->pulses, 1, 0, 500, 1);
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 1));
        EXPECT_PLAYED(1);
        EXPECT_ON_TIME(1);
        state = controller_last_state(&self->c);
        EXPECT_EQ(TMS_STATE_RUNNING, state.state.from);
        EXPECT_EQ(TMS_STATE_LOADED, state.state.to);
        EXPECT_EQ(TMS_CAUSE_COMPLETE, state.state.cause);
}

TEST_F(engine, trains_at_10_hz)
{
        for (int i = 0; i < 120; i++)
                self->pulses[i] = (struct tms_pulse){
                                .t_ns = i % 40 * 100 * MS + i / 40 * 10 * S,
                                .intensity_permille = 400,
                                .flags = i % 40 == 39 ? TRAIN : BURST,
                                .train = i / 40,
                };
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 120));
        EXPECT_PLAYED(120);
        EXPECT_ON_TIME(120);
}

/* Bursts of three at 50 Hz, 5 in a second, and times that no round number holds. */
TEST_F(engine, theta_burst)
{
        for (int i = 0; i < 300; i++)
                self->pulses[i] = (struct tms_pulse){
                                .t_ns = i % 3 * (S / 50) + i / 3 % 10 * (S / 5) + i / 30 * 10 * S + i * 7,
                                .intensity_permille = 300 + i % 3,
                                .flags = i % 30 == 29 ? TRAIN
                                         : i % 3 == 2 ? BURST
                                                      : 0,
                                .train = i / 30,
                };
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 300));
        EXPECT_PLAYED(300);
        EXPECT_ON_TIME(300);
}

TEST_F(engine, pairs_and_quadruples)
{
        /* Where everything is late, the first of a pair is told of for longer than that. */
        const uint64_t in_burst_ns[] = {0, slow() ? 4 * MS : MS, 100 * MS, 105 * MS, 110 * MS, 115 * MS};

        for (int i = 0; i < 60; i++)
                self->pulses[i] = (struct tms_pulse){
                                .t_ns = in_burst_ns[i % 6] + i / 6 * 5 * S,
                                .intensity_permille = i % 6 ? 250 : 200,
                                .flags = i % 6 == 1 || i % 6 == 5 ? TRAIN : 0,
                                .train = i / 6 * 2 + (i % 6 > 1),
                };
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 60));
        EXPECT_PLAYED(60);
        EXPECT_ON_TIME(60);
}

/* Every intensity the card has, up and down: each gets its own capacitor's charge. */
TEST_F(engine, ramp)
{
        for (int i = 0; i < 100; i++)
                self->pulses[i] = (struct tms_pulse){
                                .t_ns = i * 500 * MS,
                                .intensity_permille = i % 2 ? 1000 - 9 * i : 1 + 9 * i,
                                .flags = TRAIN,
                                .train = i,
                };
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 100));
        EXPECT_PLAYED(100);
        EXPECT_ON_TIME(100);
}

/* What LOAD says is what the witness sees, and the next LOAD starts from the beginning. */
TEST_F(engine, waveforms)
{
        static const struct {
                uint32_t waveform;
                const char *detail;
        } t[] = {
                        {TMS_LOAD_MONOPHASIC, "delivered:monophasic"},
                        {TMS_LOAD_HALFSINE, "delivered:halfsine"},
                        {TMS_LOAD_BIPHASIC, "delivered"},
                        {TMS_LOAD_BIPHASIC | TMS_LOAD_REVERSE, "delivered:biphasic-reverse"},
                        {TMS_LOAD_MONOPHASIC | TMS_LOAD_REVERSE, "delivered:monophasic-reverse"},
                        {TMS_LOAD_HALFSINE | TMS_LOAD_REVERSE, "delivered:halfsine-reverse"},
                        {TMS_LOAD_BIPHASIC, "delivered"},
        };

        for (size_t i = 0; i < ELEMENTSOF(t); i++) {
                ASSERT_EQ(0, window_open(&self->window, t[i].detail));
                self->window.detail = t[i].detail;
                flat(self->pulses, 3, 50 * MS, 200, 3);
                self->c.waveform = t[i].waveform;
                ASSERT_EQ(0, controller_run(&self->c, self->pulses, 3));
                ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
                EXPECT_EQ(3, status_of(self->c.fd).delivered);
                EXPECT_EQ(0, window_close(&self->window, 3, 0));
        }
}

TEST_F(engine, latency_is_told)
{
        struct tms_latency l;
        uint32_t pulses = 0, wakeups = 0;

        flat(self->pulses, 50, 50 * MS, 200, 10);
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 50));
        EXPECT_PLAYED(50);
        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_LATENCY, &l));
        for (int i = 0; i < (int)l.buckets; i++) {
                pulses += l.bucket[i];
                wakeups += l.wakeup[i];
        }
        EXPECT_EQ(self->c.run, l.run);
        EXPECT_EQ(50, l.count);
        EXPECT_EQ(50, pulses);
        EXPECT_EQ(50, wakeups);
        EXPECT_EQ(status_of(self->c.fd).error_max_ns, l.max_ns);
        EXPECT_EQ(ELEMENTSOF(l.bucket), l.buckets);
}

/* The caller's memory is nobody's business after LOAD. */
TEST_F(engine, immutable_after_load)
{
        flat(self->pulses, 10, 50 * MS, 200, 10);
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 10));
        memset(self->pulses, 0xff, sizeof(self->pulses));
        ASSERT_EQ(0, controller_arm(&self->c));
        ASSERT_EQ(0, controller_start(&self->c));
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
        flat(self->pulses, 10, 50 * MS, 200, 10);
        EXPECT_PLAYED(10);
        EXPECT_ON_TIME(10);
}

/* At the end of the train; then on, by exactly as much later as it was resumed. */
TEST_F(engine, pause_at_train_end)
{
        struct tms_resume resume = {.delay_ns = 50 * MS};
        struct tms_status st;
        uint64_t shift_ns;

        for (int i = 0; i < 40; i++)
                self->pulses[i] = (struct tms_pulse){
                                .t_ns = i % 10 * 50 * MS + i / 10 * S,
                                .intensity_permille = 200,
                                .flags = i % 10 == 9 ? TRAIN : BURST,
                                .train = i / 10,
                };
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 40));
        ASSERT_EQ(0, wait_fired(self->c.fd, 13));
        ASSERT_EQ(0, controller_pause(&self->c, 0));
        EXPECT_EQ(TMS_STATE_RUNNING, status_of(self->c.fd).state);
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_PAUSED));
        st = status_of(self->c.fd);
        EXPECT_EQ(20, st.fired);
        EXPECT_EQ(20, st.next_pulse);
        EXPECT_EQ(2, st.train);
        EXPECT_EQ(0, st.due_ns);
        EXPECT_EQ(TMS_CAUSE_REQUEST, st.cause);

        sleep_ns(5 * S);
        EXPECT_EQ(20, window_pulses(&self->window));
        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_RESUME, &resume));
        EXPECT_GT(resume.start_ns, self->c.start_ns + 4 * S);
        shift_ns = resume.start_ns - self->c.start_ns;
        EXPECT_PLAYED(40);
        for (int i = 0; i < 40; i++)
                EXPECT_EQ(self->c.start_ns + self->pulses[i].t_ns + (i < 20 ? 0 : shift_ns),
                          self->fired[i].pulse.due_ns);
}

/* Resumed before its time, the next train is where it was. */
TEST_F(engine, pause_shorter_than_the_gap)
{
        struct tms_resume resume = {.delay_ns = MS};

        for (int i = 0; i < 10; i++)
                self->pulses[i] = (struct tms_pulse){
                                .t_ns = i % 5 * 50 * MS + i / 5 * 5 * S,
                                .intensity_permille = 200,
                                .flags = i % 5 == 4 ? TRAIN : BURST,
                                .train = i / 5,
                };
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 10));
        ASSERT_EQ(0, wait_fired(self->c.fd, 2));
        ASSERT_EQ(0, controller_pause(&self->c, 0));
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_PAUSED));
        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_RESUME, &resume));
        EXPECT_EQ(self->c.start_ns, resume.start_ns);
        EXPECT_PLAYED(10);
        EXPECT_ON_TIME(10);
}

TEST_F(engine, pause_now)
{
        struct tms_resume resume = {.delay_ns = 10 * MS};
        uint32_t at;

        flat(self->pulses, 30, 50 * MS, 200, 30);
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 30));
        ASSERT_EQ(0, wait_fired(self->c.fd, 10));
        ASSERT_EQ(0, controller_pause(&self->c, TMS_PAUSE_NOW));
        EXPECT_EQ(TMS_STATE_PAUSED, status_of(self->c.fd).state);
        at = status_of(self->c.fd).fired;
        sleep_ns(S);
        EXPECT_EQ(at, window_pulses(&self->window));
        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_RESUME, &resume));
        EXPECT_PLAYED(30);
}

TEST_F(engine, stop_between_pulses)
{
        struct tms_status st;

        flat(self->pulses, 30, 50 * MS, 200, 30);
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 30));
        ASSERT_EQ(0, wait_fired(self->c.fd, 10));
        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_STOP, NULL));
        st = status_of(self->c.fd);
        EXPECT_EQ(TMS_STATE_LOADED, st.state);
        EXPECT_EQ(TMS_CAUSE_REQUEST, st.cause);
        sleep_ns(S);
        EXPECT_EQ(st.fired, window_pulses(&self->window));
        EXPECT_EQ(0, window_close(&self->window, st.fired, 0));

        /* What is loaded can be armed and started anew, from its beginning. */
        ASSERT_EQ(0, window_open(&self->window, "again"));
        ASSERT_EQ(0, controller_arm(&self->c));
        ASSERT_EQ(0, controller_start(&self->c));
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
        EXPECT_EQ(30, status_of(self->c.fd).delivered);
        EXPECT_EQ(0, window_close(&self->window, 30, 0));
}

/* A threshold hunt: one verified timeline, each pulse when the operator says, as strong or weaker. */
TEST_F(engine, wait_for_the_operator)
{
        static const uint16_t asked[] = {0, 550, 500, 1, 600};
        struct tms_go go = {};

        for (int i = 0; i < 5; i++)
                self->pulses[i] = (struct tms_pulse){
                                .t_ns = i * 5 * S,
                                .intensity_permille = 600,
                                .flags = TRAIN | TMS_PULSE_WAIT_OPERATOR,
                                .train = i,
                };
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 5));
        for (uint32_t i = 0; i < 5; i++) {
                sleep_ns(6 * S);
                EXPECT_EQ(i, status_of(self->c.fd).fired);
                go = (struct tms_go){.pulse = i, .intensity_permille = 601};
                EXPECT_EQ(-EINVAL, call(self->c.fd, TMS_IOC_GO, &go));
                go = (struct tms_go){.pulse = i + 1};
                EXPECT_EQ(-ESTALE, call(self->c.fd, TMS_IOC_GO, &go));
                go = (struct tms_go){.pulse = i, .intensity_permille = asked[i]};
                ASSERT_EQ(0, call(self->c.fd, TMS_IOC_GO, &go));
                /* Behind the last one the run is over before a slow caller is back. */
                if (!slow() || i < 4) {
                        EXPECT_EQ(-ESTALE, call(self->c.fd, TMS_IOC_GO, &go));
                }
                ASSERT_EQ(0, wait_fired(self->c.fd, i + 1));
        }
        EXPECT_PLAYED(5);
        for (int i = 0; i < 5; i++)
                EXPECT_EQ(asked[i] ? asked[i] : 600, self->answers[i].pulse.delivered_permille);
        for (int i = 1; i < 5; i++)
                EXPECT_GE(self->fired[i].pulse.triggered_ns - self->fired[i - 1].pulse.triggered_ns, 5 * S);
}

/* Permission given early waits for the pulse's own time. */
TEST_F(engine, go_before_its_time)
{
        struct tms_go go = {.pulse = 1};

        flat(self->pulses, 2, 5 * S, 300, 1);
        self->pulses[1].flags |= TMS_PULSE_WAIT_OPERATOR;
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 2));
        ASSERT_EQ(0, wait_fired(self->c.fd, 1));
        sleep_ns(10 * MS);
        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_GO, &go));
        EXPECT_PLAYED(2);
        EXPECT_ON_TIME(2);
}

TEST_F(engine, wait_for_the_trigger)
{
        struct tms_event edges[8];

        for (int i = 0; i < 3; i++)
                self->pulses[i] = (struct tms_pulse){
                                .t_ns = i * S,
                                .intensity_permille = 300,
                                .flags = TRAIN | (i ? TMS_PULSE_WAIT_TRIGGER : 0),
                                .train = i,
                };
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 3));
        ASSERT_EQ(0, wait_fired(self->c.fd, 1));
        for (uint32_t i = 1; i < 3; i++) {
                sleep_ns(3 * S);
                EXPECT_EQ(i, status_of(self->c.fd).fired);
                ASSERT_EQ(0, lab("in=1000000 trigger_in"));
                ASSERT_EQ(0, wait_fired(self->c.fd, i + 1));
        }
        EXPECT_PLAYED(3);
        ASSERT_EQ(2, controller_events(&self->c, TMS_EVENT_TRIGGER, edges, 8));
        /* A fixed time after the edge, by the card's own clock. */
        for (int i = 0; i < 2; i++)
                EXPECT_LE(llabs((long long)(self->answers[i + 1].pulse.card_ns - edges[i].trigger.card_ns) - 50000),
                          slow() ? error_bound_ns() : 2000);
}

TEST_F(engine, nobody_comes)
{
        flat(self->pulses, 2, S, 300, 1);
        self->pulses[1].flags |= TMS_PULSE_WAIT_TRIGGER;
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 2));
        sleep_ns(40 * S);
        EXPECT_EQ(TMS_STATE_RUNNING, status_of(self->c.fd).state);
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_BREAK));
        EXPECT_EQ(TMS_CAUSE_IDLE_LIMIT, status_of(self->c.fd).cause);
        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_STOP, NULL));
        EXPECT_EQ(0, window_close(&self->window, 1, 0));
}

/* One pulse in a loop, and a train again and again, are refused as one long timeline would be. */
TEST_F(engine, no_way_around_the_second)
{
        struct tms_limits limits = wide_limits();
        struct tms_start start;
        unsigned int fired = 0;
        int r;

        limits.max_pulses_per_s = 2;
        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_LIMITS, &limits));
        flat(self->pulses, 2, 10 * MS, 200, 2);
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 2));
        ASSERT_EQ(0, controller_arm(&self->c));
        ASSERT_EQ(0, controller_start(&self->c));
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
        fired = 2;

        ASSERT_EQ(0, controller_arm(&self->c));
        controller_catch_up(&self->c);
        start = (struct tms_start){.timeline_gen = self->c.gen, .delay_ns = MS};
        r = call(self->c.fd, TMS_IOC_START, &start);
        EXPECT_EQ(-ERANGE, r);
        EXPECT_EQ(TMS_RULE_PULSES_PER_S, start.verdict.rule);
        EXPECT_EQ(2, start.verdict.limit);
        EXPECT_EQ(3, start.verdict.actual);
        EXPECT_EQ(TMS_STATE_ARMED, status_of(self->c.fd).state);

        sleep_ns(S);
        start = (struct tms_start){.timeline_gen = self->c.gen, .delay_ns = MS};
        EXPECT_EQ(0, call(self->c.fd, TMS_IOC_START, &start));
        fired += 2;
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
        EXPECT_EQ(0, window_close(&self->window, fired, 0));
}

/* The session's total holds over every START, and over a new timeline. */
TEST_F(engine, no_way_around_the_total)
{
        struct tms_limits limits = wide_limits();
        struct tms_load load = {.pulses = (uintptr_t)self->pulses, .count = 4, PULSE_SIZE};
        struct tms_start start;

        limits.max_pulses = 10;
        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_LIMITS, &limits));
        flat(self->pulses, 4, 50 * MS, 200, 4);
        for (int i = 0; i < 2; i++) {
                ASSERT_EQ(0, controller_run(&self->c, self->pulses, 4));
                ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
        }
        ASSERT_EQ(0, controller_arm(&self->c));
        controller_catch_up(&self->c);
        start = (struct tms_start){.timeline_gen = self->c.gen, .delay_ns = MS};
        EXPECT_EQ(-ERANGE, call(self->c.fd, TMS_IOC_START, &start));
        EXPECT_EQ(TMS_RULE_PULSES, start.verdict.rule);
        EXPECT_EQ(2, start.verdict.pulse);
        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_STOP, NULL));

        EXPECT_EQ(-ERANGE, call(self->c.fd, TMS_IOC_LOAD, &load));
        EXPECT_EQ(TMS_RULE_PULSES, load.verdict.rule);
        load.count = 2;
        self->pulses[1].flags = TRAIN;
        EXPECT_EQ(0, call(self->c.fd, TMS_IOC_LOAD, &load));
        EXPECT_EQ(0, window_close(&self->window, 8, 0));
}

TEST_HARNESS_MAIN

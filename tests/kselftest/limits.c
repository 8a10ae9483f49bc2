// SPDX-License-Identifier: GPL-2.0-or-later
/* The limits of a session and the timeline: which values they take, what they refuse, and what can be read back. */
#include <errno.h>
#include <fcntl.h>

#include "kselftest_harness.h"
#include "tms_test.h"

FIXTURE(limits)
{
        struct controller c;
        int monitor;
        struct tms_pulse pulses[10];
        /* What the call would accept, but for what the test changes. */
        union controller_arg arg;
};

FIXTURE_SETUP(limits)
{
        ASSERT_EQ(0, lab_reset());
        ASSERT_EQ(0, controller_open(&self->c));
        self->monitor = node_open(O_RDONLY);
        ASSERT_GE(self->monitor, 0);
        flat(self->pulses, 10, 100 * MS, 300, 5);
}

FIXTURE_TEARDOWN(limits)
{
        close(self->monitor);
        controller_close(&self->c);
}

#define ARG(cmd)                                                                                     \
        ({                                                                                           \
                controller_arg(&self->c, (cmd), self->pulses, ELEMENTSOF(self->pulses), &self->arg); \
                (void *)&self->arg;                                                                  \
        })

TEST_F(limits, limits_are_read_back)
{
        struct tms_limits set = wide_limits(), got;

        set.max_pulses = 77;
        set.min_interval_ns = 12345678;
        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_LIMITS, &set));
        memset(&got, 0xff, sizeof(got));
        ASSERT_EQ(0, call(self->monitor, TMS_IOC_GET_LIMITS, &got));
        EXPECT_EQ(0, memcmp(&set, &got, sizeof(got)));
        /* They are not among what card and module allow. */
        set.max_pulses_per_s = 3;
        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_LIMITS, &set));
        EXPECT_EQ(100, info_of(self->monitor).max_pulses_per_s);

        controller_close(&self->c);
        ASSERT_EQ(0, call(self->monitor, TMS_IOC_GET_LIMITS, &got));
        EXPECT_EQ(0, got.max_pulses);
        EXPECT_EQ(0, got.max_duration_ns);
}

/* Log and kernel can be compared: SHA-256 of the pulses below, computed elsewhere. */
TEST_F(limits, the_loaded_timeline)
{
        static const uint8_t digest[TMS_DIGEST_SIZE] = {
                        0x01, 0xb0, 0x1e, 0x12, 0x9e, 0x40, 0x55, 0x7b, 0x4c, 0xcb, 0x67, 0xa1, 0x11, 0x2c, 0x49, 0xa9,
                        0x4c, 0x38, 0x1e, 0x3c, 0x49, 0xaf, 0x4e, 0xa8, 0x37, 0xc1, 0x8e, 0xcc, 0xc1, 0xda, 0x25, 0xd9,
        };
        const struct tms_pulse pulses[2] = {
                        {.t_ns = 0, .intensity_permille = 300, .flags = TMS_PULSE_END_OF_BURST, .condition = 7},
                        {.t_ns = S,
                         .intensity_permille = 310,
                         .flags = TMS_PULSE_END_OF_BURST | TMS_PULSE_END_OF_TRAIN,
                         .condition = 0xfffe},
        };
        struct tms_load load = {.pulses = (uintptr_t)pulses, .count = 2, PULSE_SIZE, .waveform = TMS_LOAD_MONOPHASIC};
        struct tms_limits limits = wide_limits();
        struct tms_loaded loaded;

        memset(&loaded, 0xff, sizeof(loaded));
        ASSERT_EQ(0, call(self->monitor, TMS_IOC_LOADED, &loaded));
        EXPECT_EQ(0, loaded.timeline_gen);
        EXPECT_EQ(0, loaded.count);

        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_LOAD, &load));
        EXPECT_EQ(0, memcmp(digest, load.digest, sizeof(digest)));
        ASSERT_EQ(0, call(self->monitor, TMS_IOC_LOADED, &loaded));
        EXPECT_EQ(load.timeline_gen, loaded.timeline_gen);
        EXPECT_EQ(2, loaded.count);
        EXPECT_EQ(24, loaded.pulse_size);
        EXPECT_EQ(50000, loaded.lateness_ns);
        EXPECT_EQ(TMS_LOAD_MONOPHASIC, loaded.waveform);
        EXPECT_EQ(0, memcmp(digest, loaded.digest, sizeof(digest)));

        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_LIMITS, &limits));
        ASSERT_EQ(0, call(self->monitor, TMS_IOC_LOADED, &loaded));
        EXPECT_EQ(0, loaded.timeline_gen);
        EXPECT_EQ(0, loaded.digest[0] | loaded.digest[31]);
}

TEST_F(limits, limits_values)
{
        struct tms_limits l;

#define LIMITS(expected, member, value)                                             \
        do {                                                                        \
                l = wide_limits();                                                  \
                l.member = (value);                                                 \
                EXPECT_EQ((expected), call(self->c.fd, TMS_IOC_LIMITS, &l))         \
                {                                                                   \
                        TH_LOG("%s = %llu", #member, (unsigned long long)l.member); \
                }                                                                   \
        } while (0)
        LIMITS(-EINVAL, max_permille, 0);
        LIMITS(0, max_permille, 1);
        LIMITS(0, max_permille, 1000);
        LIMITS(-EINVAL, max_permille, 1001);
        LIMITS(-EINVAL, max_permille, UINT32_MAX);
        LIMITS(-EINVAL, max_pulses, 0);
        LIMITS(0, max_pulses, PULSES_MAX);
        LIMITS(-EINVAL, max_pulses, PULSES_MAX + 1);
        LIMITS(-EINVAL, max_pulses_per_s, 0);
        LIMITS(0, max_pulses_per_s, 1000);
        LIMITS(-EINVAL, max_pulses_per_s, 1001);
        LIMITS(0, min_interval_ns, 10 * S);
        LIMITS(-EINVAL, max_duration_ns, 0);
        LIMITS(0, max_duration_ns, 1);
        LIMITS(-EINVAL, max_duration_ns, DURATION_MAX_NS + 1);
        LIMITS(-EINVAL, max_duration_ns, UINT64_MAX);
}

/* Each limit is in force, and the verdict says which. */
TEST_F(limits, limits_bind)
{
        static const struct {
                uint32_t rule, pulse;
                uint64_t limit, actual;
                struct tms_limits limits;
        } t[] = {
#define WIDE .max_permille = 1000, .max_pulses = 1000, .max_pulses_per_s = 1000, .max_duration_ns = S
                        {TMS_RULE_INTENSITY, 0, 299, 300, {WIDE, .max_permille = 299}},
                        {TMS_RULE_PULSES, 9, 9, 10, {WIDE, .max_pulses = 9}},
                        {TMS_RULE_PULSES_PER_S, 5, 5, 6, {WIDE, .max_pulses_per_s = 5}},
                        {TMS_RULE_DURATION, 9, 900 * MS - 1, 900 * MS, {WIDE, .max_duration_ns = 900 * MS - 1}},
                        {TMS_RULE_INTERVAL, 1, 100 * MS + 1, 100 * MS, {WIDE, .min_interval_ns = 100 * MS + 1}},
        };

        for (size_t i = 0; i < ELEMENTSOF(t); i++) {
                struct tms_load *load = ARG(TMS_IOC_LOAD);
                struct tms_limits limits = t[i].limits;

                ASSERT_EQ(0, call(self->c.fd, TMS_IOC_LIMITS, &limits));
                EXPECT_EQ(-ERANGE, call(self->c.fd, TMS_IOC_LOAD, load));
                EXPECT_EQ(t[i].rule, load->verdict.rule);
                EXPECT_EQ(t[i].pulse, load->verdict.pulse);
                EXPECT_EQ(t[i].limit, load->verdict.limit);
                EXPECT_EQ(t[i].actual, load->verdict.actual);
                EXPECT_EQ(TMS_STATE_IDLE, status_of(self->c.fd).state);
        }
}

/* The card's own limits hold, however wide the session's are. */
TEST_F(limits, card_limits_bind)
{
        struct tms_info info = info_of(self->c.fd);
        struct tms_load *load;

        flat(self->pulses, 2, info.min_interval_ns - 1, 300, 2);
        load = ARG(TMS_IOC_LOAD);
        load->count = 2;
        EXPECT_EQ(-ERANGE, call(self->c.fd, TMS_IOC_LOAD, load));
        EXPECT_EQ(TMS_RULE_INTERVAL, load->verdict.rule);

        flat(self->pulses, 2, info.min_interval_ns, 300, 2);
        load = ARG(TMS_IOC_LOAD);
        load->count = 2;
        EXPECT_EQ(0, call(self->c.fd, TMS_IOC_LOAD, load));

        /* Full output at 50 Hz is 12.6 kW, twice what the charger gives: 4 capacitors do not help for long. */
        flat(self->pulses, 10, 20 * MS, 1000, 10);
        load = ARG(TMS_IOC_LOAD);
        EXPECT_EQ(-ERANGE, call(self->c.fd, TMS_IOC_LOAD, load));
        EXPECT_EQ(TMS_RULE_SETTLING, load->verdict.rule);
}

TEST_F(limits, limits_drop_the_timeline)
{
        struct tms_limits l = wide_limits();

        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 10));
        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_LIMITS, &l));
        EXPECT_EQ(TMS_STATE_IDLE, status_of(self->c.fd).state);
        EXPECT_EQ(0, status_of(self->c.fd).timeline_gen);
        EXPECT_NE(0, controller_arm(&self->c));
}

TEST_F(limits, load_wants_limits_first)
{
        struct tms_load *load;

        controller_close(&self->c);
        self->c.fd = node_open(O_RDWR);
        ASSERT_GE(self->c.fd, 0);
        load = ARG(TMS_IOC_LOAD);
        EXPECT_EQ(-EPROTO, call(self->c.fd, TMS_IOC_LOAD, load));
        EXPECT_EQ(TMS_REASON_LIMITS, load->why.reason);
}

TEST_F(limits, load_values)
{
        struct tms_info info = info_of(self->c.fd);
        struct tms_load *load;

#define LOAD(expected, member, value)                                              \
        do {                                                                       \
                load = ARG(TMS_IOC_LOAD);                                          \
                load->member = (value);                                            \
                EXPECT_EQ((expected), call(self->c.fd, TMS_IOC_LOAD, load))        \
                {                                                                  \
                        TH_LOG("%s = %llu", #member, (unsigned long long)(value)); \
                }                                                                  \
        } while (0)
        LOAD(-EINVAL, count, 0);
        LOAD(-EINVAL, pulse_size, 0);
        LOAD(-EINVAL, pulse_size, 16);
        LOAD(-EINVAL, pulse_size, 32);
        LOAD(-E2BIG, count, PULSES_MAX + 1);
        LOAD(-E2BIG, count, UINT32_MAX);
        LOAD(-EINVAL, lateness_ns, 1);
        LOAD(-EINVAL, lateness_ns, 999);
        LOAD(0, lateness_ns, 1000);
        LOAD(0, lateness_ns, info.lateness_max_ns);
        LOAD(-EINVAL, lateness_ns, info.lateness_max_ns + 1);
        LOAD(0, lateness_ns, 0);
        LOAD(0, waveform, TMS_LOAD_BIPHASIC);
        LOAD(0, waveform, TMS_LOAD_MONOPHASIC);
        LOAD(0, waveform, TMS_LOAD_HALFSINE | TMS_LOAD_REVERSE);
        LOAD(-EINVAL, waveform, TMS_LOAD_HALFSINE + 1);
        for (unsigned int bit = 2; bit < 32; bit++) {
                if (1U << bit == TMS_LOAD_REVERSE)
                        continue;
                /* What the caller has left in the verdict is not read. */
                load->verdict.rule = TMS_RULE_GAP;
                LOAD(-EINVAL, waveform, 1U << bit);
                EXPECT_EQ(TMS_REASON_VALUE, load->why.reason);
                EXPECT_EQ(TMS_RULE_NONE, load->verdict.rule);
        }
}

TEST_F(limits, load_refuses_and_keeps_the_old)
{
        struct tms_load *load;
        uint32_t gen;

        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 10));
        gen = self->c.gen;
        EXPECT_NE(0, gen);

        self->pulses[4].t_ns = self->pulses[3].t_ns;
        load = ARG(TMS_IOC_LOAD);
        EXPECT_EQ(-EINVAL, call(self->c.fd, TMS_IOC_LOAD, load));
        EXPECT_EQ(TMS_RULE_ORDER, load->verdict.rule);
        EXPECT_EQ(4, load->verdict.pulse);
        EXPECT_EQ(gen, status_of(self->c.fd).timeline_gen);
        EXPECT_EQ(10, status_of(self->c.fd).pulses);

        flat(self->pulses, 5, S, 100, 5);
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 5));
        EXPECT_NE(gen, self->c.gen);
        EXPECT_EQ(5, status_of(self->c.fd).pulses);
}

/* The rest of a whole: everybody is told the numbers that its pulses and trains have in the whole. */
TEST_F(limits, the_rest_of_a_whole)
{
        struct tms_event records[10];
        struct tms_loaded loaded;
        struct tms_load *load;
        struct tms_status st;
        struct window window;

        ASSERT_EQ(0, window_open(&window, _metadata->name));
        load = ARG(TMS_IOC_LOAD);
        load->first_pulse = 100;
        load->first_train = 20;
        self->pulses[7].flags |= TMS_PULSE_WAIT_OPERATOR;
        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_LOAD, load));
        self->c.gen = load->timeline_gen;
        ASSERT_EQ(0, call(self->monitor, TMS_IOC_LOADED, &loaded));
        EXPECT_EQ(100, loaded.first_pulse);
        EXPECT_EQ(20, loaded.first_train);
        EXPECT_EQ(10, loaded.count);
        st = status_of(self->monitor);
        EXPECT_EQ(100, st.next_pulse);
        EXPECT_EQ(20, st.train);
        EXPECT_EQ(10, st.pulses);

        ASSERT_EQ(0, controller_arm(&self->c));
        ASSERT_EQ(0, controller_start(&self->c));
        EXPECT_EQ(0, wait_fired(self->c.fd, 7));
        sleep_ns(S);
        st = status_of(self->monitor);
        EXPECT_EQ(107, st.next_pulse);
        EXPECT_EQ(21, st.train);
        EXPECT_EQ(-ESTALE, controller_go(&self->c, 7, 0));
        EXPECT_EQ(0, controller_go(&self->c, 107, 0));
        EXPECT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
        EXPECT_EQ(110, controller_last_state(&self->c).state.next_pulse);
        ASSERT_EQ(10, controller_events(&self->c, TMS_EVENT_PULSE_DUE, records, 10));
        for (uint32_t i = 0; i < 10; i++) {
                EXPECT_EQ(100 + i, records[i].pulse.index);
                EXPECT_EQ(20 + i / 5, records[i].pulse.train);
        }
        ASSERT_EQ(10, controller_events(&self->c, TMS_EVENT_PULSE_ANSWER, records, 10));
        for (uint32_t i = 0; i < 10; i++)
                EXPECT_EQ(100 + i, records[i].pulse.index);
        EXPECT_EQ(0, window_close(&window, 10, 0));

        /* Armed once more it begins where it began, and another timeline where that says. */
        ASSERT_EQ(0, controller_arm(&self->c));
        EXPECT_EQ(100, status_of(self->monitor).next_pulse);
        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_STOP, NULL));
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 10));
        EXPECT_EQ(0, status_of(self->monitor).next_pulse);
        EXPECT_EQ(0, status_of(self->monitor).train);
}

TEST_F(limits, the_rest_of_nothing)
{
        static const struct {
                uint32_t first_pulse, first_train;
                int expected;
        } t[] = {
                        {PULSES_MAX - 10, 0, 0},
                        {PULSES_MAX - 9, 0, -EINVAL},
                        {UINT32_MAX, 0, -EINVAL},
                        {UINT32_MAX - 9, 0, -EINVAL},
                        {0, 1, -EINVAL},
                        {7, 8, -EINVAL},
                        {7, 7, 0},
                        {0, UINT32_MAX, -EINVAL},
        };

        for (size_t i = 0; i < ELEMENTSOF(t); i++) {
                struct tms_load *load = ARG(TMS_IOC_LOAD);
                uint32_t gen = status_of(self->monitor).timeline_gen;

                load->first_pulse = t[i].first_pulse;
                load->first_train = t[i].first_train;
                EXPECT_EQ(t[i].expected, call(self->c.fd, TMS_IOC_LOAD, load))
                {
                        TH_LOG("first pulse %u, first train %u", t[i].first_pulse, t[i].first_train);
                }
                if (t[i].expected) {
                        EXPECT_EQ(TMS_REASON_VALUE, load->why.reason);
                        EXPECT_EQ(gen, status_of(self->monitor).timeline_gen);
                }
        }
}

TEST_HARNESS_MAIN

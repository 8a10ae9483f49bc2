// SPDX-License-Identifier: GPL-2.0-or-later
/* Every call: bad pointers, unknown flags, reserved words, wrong numbers, roles, states, reasons. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "tms_test.h"

#define PAGE 4096

/* One line per call: where its flags and reserved words are, by offset, up to a zero-size end. */
static const struct ioctl_case {
        const char *name;
        unsigned long cmd;
        bool reads, writes; /* as the kernel sees the caller's memory */
        bool controllers;
        struct {
                unsigned int from, size;
        } zero[4];
} cases[] = {
#define FIELD(type, member)                                         \
        {                                                           \
                offsetof(type, member), sizeof(((type *)0)->member) \
        }
                {"INFO", TMS_IOC_INFO, false, true, false, {}},
                {"STATUS", TMS_IOC_STATUS, false, true, false, {}},
                {"LIMITS",
                 TMS_IOC_LIMITS,
                 true,
                 true,
                 true,
                 {FIELD(struct tms_limits, flags), FIELD(struct tms_limits, reserved)}},
                {"LOAD",
                 TMS_IOC_LOAD,
                 true,
                 true,
                 true,
                 {FIELD(struct tms_load, flags), FIELD(struct tms_load, reserved)}},
                {"ARM", TMS_IOC_ARM, true, true, true, {FIELD(struct tms_arm, flags), FIELD(struct tms_arm, reserved)}},
                {"START",
                 TMS_IOC_START,
                 true,
                 true,
                 true,
                 {FIELD(struct tms_start, flags), FIELD(struct tms_start, reserved)}},
                {"GO", TMS_IOC_GO, true, true, true, {FIELD(struct tms_go, flags), FIELD(struct tms_go, reserved)}},
                {"PAUSE",
                 TMS_IOC_PAUSE,
                 true,
                 true,
                 true,
                 {FIELD(struct tms_pause, flags), FIELD(struct tms_pause, reserved)}},
                {"RESUME",
                 TMS_IOC_RESUME,
                 true,
                 true,
                 true,
                 {FIELD(struct tms_resume, flags), FIELD(struct tms_resume, reserved),
                  FIELD(struct tms_resume, reserved0)}},
                {"STOP", TMS_IOC_STOP, false, false, false, {}},
                {"DISARM",
                 TMS_IOC_DISARM,
                 true,
                 true,
                 true,
                 {FIELD(struct tms_disarm, flags), FIELD(struct tms_disarm, reserved)}},
                {"KEEPALIVE",
                 TMS_IOC_KEEPALIVE,
                 true,
                 true,
                 true,
                 {FIELD(struct tms_keepalive, flags), FIELD(struct tms_keepalive, reserved)}},
                {"CLEAR_FAULT",
                 TMS_IOC_CLEAR_FAULT,
                 true,
                 true,
                 true,
                 {FIELD(struct tms_clear_fault, flags), FIELD(struct tms_clear_fault, reserved)}},
                {"LATENCY", TMS_IOC_LATENCY, false, true, false, {}},
                {"GET_LIMITS", TMS_IOC_GET_LIMITS, false, true, false, {}},
                {"LOADED", TMS_IOC_LOADED, false, true, false, {}},
};

FIXTURE(abi)
{
        struct controller c;
        int monitor;
        struct tms_pulse pulses[10];
        /* What each call would accept, but for the state. */
        union controller_arg arg;
};

FIXTURE_SETUP(abi)
{
        ASSERT_EQ(0, lab_reset());
        ASSERT_EQ(0, controller_open(&self->c));
        self->monitor = node_open(O_RDONLY);
        ASSERT_GE(self->monitor, 0);
        flat(self->pulses, 10, 100 * MS, 300, 5);
}

FIXTURE_TEARDOWN(abi)
{
        close(self->monitor);
        controller_close(&self->c);
}

#define ARG(fd_cmd) fill_arg(self, (fd_cmd))

static void *fill_arg(FIXTURE_DATA(abi) * self, unsigned long cmd)
{
        controller_arg(&self->c, cmd, self->pulses, ELEMENTSOF(self->pulses), &self->arg);
        return &self->arg;
}

TEST_F(abi, info)
{
        struct tms_info info;

        memset(&info, 0xff, sizeof(info));
        ASSERT_EQ(0, call(self->monitor, TMS_IOC_INFO, &info));
        EXPECT_EQ(TMS_FEATURE_CONDITION | TMS_FEATURE_REST, info.features);
        EXPECT_EQ(TMS_CARD_BIPHASIC | TMS_CARD_MONOPHASIC | TMS_CARD_HALFSINE | TMS_CARD_REVERSE | TMS_CARD_TRIGGER_IN |
                                  TMS_CARD_TRIGGER_OUT,
                  info.card_flags);
        EXPECT_EQ(1, info.card_version >> 16);
        EXPECT_EQ(1001, info.card_serial);
        EXPECT_NE(0, info.coil_serial);
        EXPECT_EQ(TMS_COIL_TYPE_FIGURE8, info.coil_type);
        EXPECT_EQ(1000, info.max_permille);
        EXPECT_EQ(4, info.stored_pulses);
        EXPECT_EQ(252000, info.pulse_mJ);
        EXPECT_EQ(63000000, info.reservoir_mJ);
        EXPECT_EQ(1050000, info.refill_mW);
        EXPECT_GT(info.charge_mW, 0);
        EXPECT_GT(info.coil_heat_mJ, 0);
        EXPECT_GT(info.coil_cool_mW, 0);
        /* 500 us, 1000 ppm of it, and a pulse as late as may be. */
        EXPECT_EQ(500000 + 500 + info.lateness_default_ns, info.min_interval_ns);
        EXPECT_EQ(50000, info.lateness_default_ns);
        EXPECT_EQ(MS, info.lateness_max_ns);
        EXPECT_EQ(500 * MS, info.lease_ns);
        EXPECT_EQ(60 * S, info.idle_limit_ns);
        EXPECT_GE(info.ring_slots, 8192);
        EXPECT_GT(info.max_pulses_per_s, 0);
        EXPECT_LE(info.max_pulses_per_s, 1000);
        EXPECT_GT(info.max_pulses_per_day, 0);
        EXPECT_GT(info.records_since_ns, 0);
        EXPECT_EQ(sizeof(struct tms_event), info.event_size);
        EXPECT_EQ(PULSES_MAX, info.pulses_max);
        EXPECT_EQ(DURATION_MAX_NS, info.duration_max_ns);
        EXPECT_EQ(0, info.legs_max);
        EXPECT_EQ(2 * S, info.ack_age_max_ns);
        EXPECT_EQ(MS, info.start_delay_min_ns);
        EXPECT_EQ(10 * S, info.start_delay_max_ns);
        EXPECT_EQ(120 * S, info.arm_max_ns);
        EXPECT_EQ(50000, info.trigger_delay_ns);
        EXPECT_EQ(3600 * S, info.break_limit_ns);
        EXPECT_GT(info.lead_ns, 0);
        EXPECT_EQ(25200000, info.dump_mW);
        /* What belongs to features that are not there. */
        EXPECT_EQ(0, info.hold_max_ns);
        EXPECT_EQ(0, info.hold_accuracy_ns);
        EXPECT_EQ(0, info.delay_min_ns);
        EXPECT_EQ(0, info.delay_max_ns);
        for (size_t i = 0; i < ELEMENTSOF(info.reserved); i++)
                EXPECT_EQ(0, info.reserved[i]);
}

TEST_F(abi, status)
{
        struct tms_status st;

        memset(&st, 0xff, sizeof(st));
        ASSERT_EQ(0, call(self->monitor, TMS_IOC_STATUS, &st));
        EXPECT_EQ(TMS_STATE_IDLE, st.state);
        EXPECT_EQ(0, st.interlocks);
        EXPECT_EQ(0, st.panel);
        EXPECT_EQ(TMS_COIL_TYPE_FIGURE8, st.coil_type);
        EXPECT_GT(st.coil_temp_mC, 15000);
        EXPECT_LT(st.coil_temp_mC, 40000);
        EXPECT_EQ(35000, st.board_temp_mC);
        EXPECT_EQ(0, st.timeline_gen);
        EXPECT_EQ(0, st.pulses);
        EXPECT_EQ(0, st.due_ns);
        EXPECT_EQ(0, st.start_card_ns);
        EXPECT_EQ(0, st.due_card_ns);
        EXPECT_GT(st.card_ns, 0);
        EXPECT_EQ(0, st.cancelled);
        EXPECT_EQ(0, st.unknown);
        EXPECT_EQ(0, st.flags);
        EXPECT_LE(st.mono_ns, now_ns());
        EXPECT_GT(st.mono_ns, now_ns() - S);
        EXPECT_LE(st.event_acked, st.event_head);
        for (size_t i = 0; i < ELEMENTSOF(st.reserved); i++)
                EXPECT_EQ(0, st.reserved[i]);
}

TEST_F(abi, roles)
{
        struct tms_status before = status_of(self->monitor);

        EXPECT_EQ(-EBUSY, node_open(O_RDWR));
        EXPECT_EQ(-EINVAL, node_open(O_WRONLY));
        EXPECT_EQ(-EINVAL, node_open(O_ACCMODE));
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                EXPECT_EQ(cases[i].controllers ? -EBADF : 0, call(self->monitor, cases[i].cmd, ARG(cases[i].cmd)))
                {
                        TH_LOG("%s by a monitor", cases[i].name);
                }
        }
        EXPECT_EQ(before.state, status_of(self->monitor).state);

        /* There is one controller at a time, and then another. */
        controller_close(&self->c);
        ASSERT_EQ(0, controller_open(&self->c));
}

TEST_F(abi, many_monitors)
{
        int fd[100];

        for (size_t i = 0; i < ELEMENTSOF(fd); i++) {
                fd[i] = node_open(O_RDONLY);
                ASSERT_GE(fd[i], 0);
        }
        EXPECT_EQ(TMS_STATE_IDLE, status_of(fd[99]).state);
        for (size_t i = 0; i < ELEMENTSOF(fd); i++)
                close(fd[i]);
}

TEST_F(abi, not_a_call)
{
        unsigned int refused = 0, tried = 0;

        for (unsigned int nr = 0; nr < 256; nr++)
                for (unsigned int dir = 0; dir < 4; dir++)
                        for (unsigned int size = 0; size < 640; size += 4) {
                                unsigned long cmd = _IOC(dir, TMS_IOC_MAGIC, nr, size);
                                bool known = false;

                                for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                                        known |= cases[i].cmd == cmd;
                                if (known)
                                        continue;
                                tried++;
                                refused += call(self->c.fd, cmd, &self->arg) == -ENOTTY;
                        }
        EXPECT_EQ(256 * 4 * 160 - ELEMENTSOF(cases), tried);
        EXPECT_EQ(tried, refused);

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                unsigned long cmd = cases[i].cmd;

                for (unsigned int type = TMS_IOC_MAGIC - 2; type <= TMS_IOC_MAGIC + 2; type++)
                        if (type != TMS_IOC_MAGIC)
                                EXPECT_EQ(-ENOTTY,
                                          call(self->c.fd, _IOC(_IOC_DIR(cmd), type, _IOC_NR(cmd), _IOC_SIZE(cmd)),
                                               &self->arg));
                EXPECT_EQ(-ENOTTY, call(self->c.fd, cmd ^ 1 << _IOC_SIZESHIFT, &self->arg));
        }
}

TEST_F(abi, bad_pointers)
{
        uint8_t *map = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        ASSERT_NE(MAP_FAILED, map);
        ASSERT_EQ(0, mprotect(map + PAGE, PAGE, PROT_NONE));
        ASSERT_EQ(0, mprotect(map + 2 * PAGE, PAGE, PROT_READ));

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const struct ioctl_case *t = &cases[i];
                unsigned int size = _IOC_SIZE(t->cmd);

                if (!size)
                        continue;
                EXPECT_EQ(-EFAULT, call(self->c.fd, t->cmd, NULL))
                {
                        TH_LOG("%s at NULL", t->name);
                }
                EXPECT_EQ(-EFAULT, call(self->c.fd, t->cmd, (void *)8));
                EXPECT_EQ(-EFAULT, call(self->c.fd, t->cmd, (void *)-PAGE));
                EXPECT_EQ(-EFAULT, call(self->c.fd, t->cmd, (void *)0xffff888000000000));
                EXPECT_EQ(-EFAULT, call(self->c.fd, t->cmd, map + PAGE));
                memcpy(map + PAGE - size + 1, ARG(t->cmd), size - 1);
                EXPECT_EQ(-EFAULT, call(self->c.fd, t->cmd, map + PAGE - size + 1))
                {
                        TH_LOG("%s over the end", t->name);
                }
                if (t->writes)
                        EXPECT_EQ(-EFAULT, call(self->c.fd, t->cmd, map + 2 * PAGE))
                        {
                                TH_LOG("%s into read-only memory", t->name);
                        }
        }
        EXPECT_EQ(TMS_STATE_IDLE, status_of(self->c.fd).state);
        munmap(map, 3 * PAGE);
}

/* An argument that cannot be written to: nothing is done, since nobody would be told. */
TEST_F(abi, read_only_argument)
{
        uint8_t *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        struct tms_limits before, after;

        ASSERT_NE(MAP_FAILED, page);
        ASSERT_EQ(0, call(self->monitor, TMS_IOC_GET_LIMITS, &before));
        ((struct tms_limits *)ARG(TMS_IOC_LIMITS))->max_pulses = 5;
        memcpy(page, &self->arg, sizeof(self->arg));
        ASSERT_EQ(0, mprotect(page, PAGE, PROT_READ));
        EXPECT_EQ(-EFAULT, call(self->c.fd, TMS_IOC_LIMITS, page));
        ASSERT_EQ(0, call(self->monitor, TMS_IOC_GET_LIMITS, &after));
        EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));

        /* Nor if only its end cannot be. */
        uint8_t *map = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        uint8_t *over = map + PAGE - sizeof(struct tms_limits) + 8;

        ASSERT_NE(MAP_FAILED, map);
        memcpy(over, &self->arg, sizeof(struct tms_limits));
        ASSERT_EQ(0, mprotect(map + PAGE, PAGE, PROT_READ));
        EXPECT_EQ(-EFAULT, call(self->c.fd, TMS_IOC_LIMITS, over));
        ASSERT_EQ(0, call(self->monitor, TMS_IOC_GET_LIMITS, &after));
        EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
        munmap(map, 2 * PAGE);

        ASSERT_EQ(0, mprotect(page, PAGE, PROT_READ | PROT_WRITE));
        memcpy(page, ARG(TMS_IOC_LOAD), sizeof(struct tms_load));
        ASSERT_EQ(0, mprotect(page, PAGE, PROT_READ));
        EXPECT_EQ(-EFAULT, call(self->c.fd, TMS_IOC_LOAD, page));
        EXPECT_EQ(TMS_STATE_IDLE, status_of(self->c.fd).state);
        munmap(page, PAGE);
}

TEST_F(abi, bad_pulse_pointers)
{
        uint8_t *map = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        struct tms_load load = {.count = 10, PULSE_SIZE};
        uint32_t gen;

        ASSERT_NE(MAP_FAILED, map);
        ASSERT_EQ(0, mprotect(map + PAGE, PAGE, PROT_NONE));
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 10));
        gen = self->c.gen;
        memcpy(map + PAGE - sizeof(self->pulses) + 16, self->pulses, sizeof(self->pulses) - 16);

        uint64_t bad[] = {0,
                          8,
                          (uintptr_t)map + PAGE,
                          (uintptr_t)map + PAGE - sizeof(self->pulses) + 16,
                          0xffff888000000000,
                          UINT64_MAX,
                          UINT64_MAX - sizeof(self->pulses) + 1};
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                load.pulses = bad[i];
                EXPECT_EQ(-EFAULT, call(self->c.fd, TMS_IOC_LOAD, &load))
                {
                        TH_LOG("pulses at %#llx", load.pulses);
                }
        }
        /* The old timeline has stayed. */
        EXPECT_EQ(gen, status_of(self->c.fd).timeline_gen);
        EXPECT_EQ(TMS_STATE_LOADED, status_of(self->c.fd).state);
        munmap(map, 2 * PAGE);
}

/* Flags that have a meaning: of a feature that is not there, or PAUSE_NOW. */
static uint32_t known_flags(unsigned long cmd)
{
        switch (cmd) {
        case TMS_IOC_START:
                return TMS_START_AT;
        case TMS_IOC_RESUME:
                return TMS_RESUME_AT;
        case TMS_IOC_PAUSE:
                return TMS_PAUSE_NOW | TMS_PAUSE_BREAK;
        default:
                return 0;
        }
}

TEST_F(abi, reserved_words_and_flags)
{
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const struct ioctl_case *t = &cases[i];

                for (size_t k = 0; k < ELEMENTSOF(t->zero); k++)
                        for (unsigned int bit = 0; bit < 8 * t->zero[k].size; bit++) {
                                uint8_t *arg = ARG(t->cmd);

                                if (k == 0 && bit < 32 && known_flags(t->cmd) & 1U << bit)
                                        continue;
                                arg[t->zero[k].from + bit / 8] |= 1 << bit % 8;
                                EXPECT_EQ(-EINVAL, call(self->c.fd, t->cmd, arg))
                                {
                                        TH_LOG("%s: bit %u at byte %u", t->name, bit, t->zero[k].from);
                                }
                                EXPECT_EQ(k == 0 ? TMS_REASON_FLAG : TMS_REASON_RESERVED, self->arg.why.reason);
                                EXPECT_EQ(k == 0 ? 1ULL << bit : 0, self->arg.why.detail);
                        }
        }
        EXPECT_EQ(TMS_STATE_IDLE, status_of(self->c.fd).state);
}

/* What is not built is refused by its name, and changes nothing. */
TEST_F(abi, features_that_are_not_there)
{
        struct tms_limits before, after;

#define LACKS(feature, cmd, member, value)                                \
        do {                                                              \
                ARG(cmd);                                                 \
                self->arg.member = (value);                               \
                EXPECT_EQ(-EOPNOTSUPP, call(self->c.fd, cmd, &self->arg)) \
                {                                                         \
                        TH_LOG("%s", #member);                            \
                }                                                         \
                EXPECT_EQ(TMS_REASON_FEATURE, self->arg.why.reason);      \
                EXPECT_EQ(feature, self->arg.why.detail);                 \
                EXPECT_EQ(0, info_of(self->c.fd).features &(feature));    \
        } while (0)
        ASSERT_EQ(0, call(self->monitor, TMS_IOC_GET_LIMITS, &before));
        LACKS(TMS_FEATURE_DELAY, TMS_IOC_LIMITS, limits.delay_min_ns, 1);
        LACKS(TMS_FEATURE_DELAY, TMS_IOC_LIMITS, limits.delay_max_ns, 100000);
        ASSERT_EQ(0, call(self->monitor, TMS_IOC_GET_LIMITS, &after));
        EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));

        LACKS(TMS_FEATURE_LEGS, TMS_IOC_LOAD, load.leg_count, 2);
        LACKS(TMS_FEATURE_LEGS, TMS_IOC_LOAD, load.leg_size, 16);
        LACKS(TMS_FEATURE_LEGS, TMS_IOC_LOAD, load.legs, (uintptr_t)self->pulses);
        EXPECT_EQ(TMS_STATE_IDLE, status_of(self->c.fd).state);

        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 10));
        ASSERT_EQ(0, controller_arm(&self->c));
        LACKS(TMS_FEATURE_AT, TMS_IOC_START, start.flags, TMS_START_AT);
        EXPECT_EQ(TMS_STATE_ARMED, status_of(self->c.fd).state);
        LACKS(TMS_FEATURE_AT, TMS_IOC_RESUME, resume.flags, TMS_RESUME_AT);
        LACKS(TMS_FEATURE_PAUSE_BREAK, TMS_IOC_PAUSE, pause.flags, TMS_PAUSE_BREAK);
        EXPECT_EQ(TMS_STATE_ARMED, status_of(self->c.fd).state);
}

/* So are parts of pulses. */
TEST_F(abi, pulses_of_features_that_are_not_there)
{
        struct tms_load *load;

        self->pulses[3].leg = 1;
        load = ARG(TMS_IOC_LOAD);
        EXPECT_EQ(-ERANGE, call(self->c.fd, TMS_IOC_LOAD, load));
        EXPECT_EQ(TMS_REASON_VERDICT, load->why.reason);
        EXPECT_EQ(TMS_RULE_LEG, load->verdict.rule);
        EXPECT_EQ(3, load->verdict.pulse);
        EXPECT_EQ(1, load->verdict.limit);
        self->pulses[3].leg = 0;
        self->pulses[4].delay_ns = 60000;
        load = ARG(TMS_IOC_LOAD);
        EXPECT_EQ(-ERANGE, call(self->c.fd, TMS_IOC_LOAD, load));
        EXPECT_EQ(TMS_RULE_DELAY, load->verdict.rule);
        EXPECT_EQ(4, load->verdict.pulse);
        EXPECT_EQ(0, load->verdict.limit);
        EXPECT_EQ(60000, load->verdict.actual);
        EXPECT_EQ(TMS_STATE_IDLE, status_of(self->c.fd).state);
}

/* A number that is given with a time of its own kind only. */
TEST_F(abi, a_card_time_without_its_flag)
{
        struct tms_start *start;

        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 10));
        ASSERT_EQ(0, controller_arm(&self->c));
        controller_catch_up(&self->c);
        start = ARG(TMS_IOC_START);
        start->at_card_ns = status_of(self->c.fd).card_ns + S;
        EXPECT_EQ(-EINVAL, call(self->c.fd, TMS_IOC_START, start));
        EXPECT_EQ(TMS_REASON_VALUE, start->why.reason);
        EXPECT_EQ(TMS_STATE_ARMED, status_of(self->c.fd).state);
}

/* One errno, and why: what the caller has to do differs. */
TEST_F(abi, reasons)
{
        struct tms_keepalive k = {};
        struct tms_load *load;
        struct tms_start *start;
        struct tms_arm *arm;

        arm = ARG(TMS_IOC_ARM);
        arm->timeline_gen = 1;
        EXPECT_EQ(-EPROTO, call(self->c.fd, TMS_IOC_ARM, arm));
        EXPECT_EQ(TMS_REASON_STATE, arm->why.reason);
        EXPECT_EQ(TMS_STATE_IDLE, arm->why.detail);

        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 10));
        arm = ARG(TMS_IOC_ARM);
        arm->timeline_gen++;
        EXPECT_EQ(-ESTALE, call(self->c.fd, TMS_IOC_ARM, arm));
        EXPECT_EQ(TMS_REASON_TIMELINE, arm->why.reason);
        EXPECT_EQ(self->c.gen, arm->why.detail);

        k.acked_seq = UINT64_MAX;
        EXPECT_EQ(-ESTALE, call(self->c.fd, TMS_IOC_KEEPALIVE, &k));
        EXPECT_EQ(TMS_REASON_ACK_AHEAD, k.why.reason);

        ASSERT_EQ(0, controller_arm(&self->c));
        load = ARG(TMS_IOC_LOAD);
        EXPECT_EQ(-EBUSY, call(self->c.fd, TMS_IOC_LOAD, load));
        EXPECT_EQ(TMS_REASON_STATE, load->why.reason);
        EXPECT_EQ(TMS_STATE_ARMED, load->why.detail);

        /* What the caller wrote there does not stay. */
        controller_catch_up(&self->c);
        start = ARG(TMS_IOC_START);
        memset(&start->why, 0xff, sizeof(start->why));
        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_START, start));
        EXPECT_EQ(0, start->why.reason);
        EXPECT_EQ(0, start->why.wait_ns);
        EXPECT_EQ(0, start->why.detail);
        EXPECT_GT(start->start_card_ns, 0);
        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_STOP, NULL));
}

TEST_F(abi, start_values)
{
        struct tms_start *start;

        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 10));
        ASSERT_EQ(0, controller_arm(&self->c));
        controller_catch_up(&self->c);

        start = ARG(TMS_IOC_START);
        start->delay_ns = MS - 1;
        EXPECT_EQ(-EINVAL, call(self->c.fd, TMS_IOC_START, start));
        start->delay_ns = 10 * S + 1;
        EXPECT_EQ(-EINVAL, call(self->c.fd, TMS_IOC_START, start));
        start->delay_ns = UINT64_MAX;
        EXPECT_EQ(-EINVAL, call(self->c.fd, TMS_IOC_START, start));
        start = ARG(TMS_IOC_START);
        start->timeline_gen++;
        EXPECT_EQ(-ESTALE, call(self->c.fd, TMS_IOC_START, start));
        EXPECT_EQ(TMS_STATE_ARMED, status_of(self->c.fd).state);
}

TEST_F(abi, arm_values)
{
        struct tms_arm *arm;

        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 10));
        arm = ARG(TMS_IOC_ARM);
        arm->timeline_gen--;
        EXPECT_EQ(-ESTALE, call(self->c.fd, TMS_IOC_ARM, arm));
        EXPECT_EQ(TMS_STATE_LOADED, status_of(self->c.fd).state);
}

TEST_F(abi, no_other_file_operations)
{
        char c = 0;

        EXPECT_EQ(-1, write(self->c.fd, &c, 1));
        EXPECT_EQ(EINVAL, errno);
        EXPECT_EQ(-1, lseek(self->c.fd, 0, SEEK_SET));
        EXPECT_EQ(ESPIPE, errno);
        EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, self->c.fd, 0));
        EXPECT_EQ(ENODEV, errno);
        EXPECT_EQ(-1, pread(self->c.fd, &c, 1, 0));
        EXPECT_EQ(ESPIPE, errno);
}

TEST_HARNESS_MAIN

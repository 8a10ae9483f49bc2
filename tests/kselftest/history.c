// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a card has fired counts, whoever asks next: over a new controller, over a card that is bound anew,
 * for another coil. What nobody has seen counts until it can make no difference any more.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "rest.h"
#include "tms_test.h"

#define MAX 220
/* The ways in which one treatment can follow another. */
enum { SAME, CLOSED, BOUND, WAYS };
static const char *const ways[] = {"same controller", "another controller", "bound anew"};

FIXTURE(history)
{
        struct controller c;
        struct tms_pulse pulses[MAX];
        struct window window;
};

FIXTURE_SETUP(history)
{
        ASSERT_EQ(0, lab_reset());
        ASSERT_EQ(0, wait_node(true));
        ASSERT_EQ(0, controller_open(&self->c));
        /* Whatever was before: it has rested. */
        sleep_ns(REST_NS + 5 * S);
        ASSERT_EQ(0, window_open(&self->window, _metadata->name));
}

FIXTURE_TEARDOWN(history)
{
        controller_close(&self->c);
        lab_reset();
        /* What comes next shall not have to. */
        sleep_ns(REST_NS + 5 * S);
}

/* @pulses_per_s: the session's own limit, or 0. */
static int follow(struct controller *c, unsigned int way, uint32_t pulses_per_s)
{
        struct tms_limits limits = wide_limits();
        int r = 0;

        if (way != SAME)
                controller_close(c);
        if (way == BOUND)
                r = rebind();
        if (way != SAME)
                r = r ? r : controller_open(c);
        if (pulses_per_s)
                limits.max_pulses_per_s = pulses_per_s;
        return r ? r : call(c->fd, TMS_IOC_LIMITS, &limits);
}

/* The second is half over: the next train has to wait for the other half. */
TEST_F(history, the_second)
{
        struct tms_start start;

        flat(self->pulses, 2, 10 * MS, 200, 2);
        for (unsigned int way = SAME; way < WAYS; way++) {
                ASSERT_EQ(0, window_open(&self->window, ways[way]));
                ASSERT_EQ(0, follow(&self->c, SAME, 2));
                ASSERT_EQ(0, controller_run(&self->c, self->pulses, 2));
                ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
                ASSERT_EQ(0, follow(&self->c, way, 2));
                ASSERT_EQ(0, controller_load(&self->c, self->pulses, 2));
                ASSERT_EQ(0, controller_arm(&self->c));
                EXPECT_EQ(-ERANGE, controller_try_start(&self->c, &start))
                {
                        TH_LOG("%s", ways[way]);
                }
                EXPECT_EQ(TMS_RULE_PULSES_PER_S, start.verdict.rule);
                EXPECT_EQ(0, start.verdict.pulse);
                EXPECT_EQ(2, start.verdict.limit);
                EXPECT_EQ(3, start.verdict.actual);
                EXPECT_EQ(TMS_STATE_ARMED, status_of(self->c.fd).state);
                sleep_ns(S);
                EXPECT_EQ(0, controller_start(&self->c));
                ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
                EXPECT_EQ(0, window_close(&self->window, 4, 0));
                sleep_ns(2 * S);
        }
}

/* A train that the cold coil bears, and the same behind it: the verdict is that on one long timeline. */
TEST_F(history, the_coils_heat)
{
        const uint32_t n = 110;
        struct tms_load load = {.pulses = (uintptr_t)self->pulses, .count = 2 * n, PULSE_SIZE};

        for (unsigned int way = SAME; way < WAYS; way++) {
                struct tms_start start;
                uint64_t gap_ns;

                ASSERT_EQ(0, window_open(&self->window, ways[way]));
                flat(self->pulses, n, 100 * MS, 1000, n);
                ASSERT_EQ(0, controller_run(&self->c, self->pulses, n));
                ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
                gap_ns = self->c.start_ns;
                ASSERT_EQ(0, follow(&self->c, way, 0));
                ASSERT_EQ(0, controller_load(&self->c, self->pulses, n));
                ASSERT_EQ(0, controller_arm(&self->c));
                gap_ns = now_ns() + MS - gap_ns;
                EXPECT_EQ(-ERANGE, controller_try_start(&self->c, &start))
                {
                        TH_LOG("%s", ways[way]);
                }
                EXPECT_EQ(TMS_RULE_COIL_HEAT, start.verdict.rule);
                EXPECT_GT(start.verdict.pulse, 0);
                EXPECT_LT(start.verdict.pulse, n);
                EXPECT_EQ(0, window_close(&self->window, n, 0));

                ASSERT_EQ(0, call(self->c.fd, TMS_IOC_STOP, NULL));
                for (uint32_t i = 0; i < n; i++) {
                        self->pulses[n + i] = self->pulses[i];
                        self->pulses[n + i].t_ns += gap_ns;
                        self->pulses[n + i].train = 1;
                }
                EXPECT_EQ(-ERANGE, call(self->c.fd, TMS_IOC_LOAD, &load));
                EXPECT_EQ(start.verdict.rule, load.verdict.rule);
                EXPECT_EQ(n + start.verdict.pulse, load.verdict.pulse);
                EXPECT_EQ(start.verdict.limit, load.verdict.limit);
                /* Within what the coil cools by in a quarter of a second. */
                EXPECT_LE(llabs((long long)(start.verdict.actual - load.verdict.actual)), 100);
                sleep_ns(REST_NS + 5 * S);
        }
}

TEST_F(history, the_day)
{
        const int64_t site = parameter("max_pulses_per_day");
        uint32_t today = status_of(self->c.fd).pulses_today;
        struct tms_start start;

        ASSERT_EQ(0, set_parameter("max_pulses_per_day", today + 15));
        EXPECT_EQ(today + 15, info_of(self->c.fd).max_pulses_per_day);
        flat(self->pulses, 10, 20 * MS, 200, 10);
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 10));
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
        for (unsigned int way = SAME; way < WAYS; way++) {
                ASSERT_EQ(0, follow(&self->c, way, 0));
                EXPECT_EQ(today + 10, status_of(self->c.fd).pulses_today);
                ASSERT_EQ(0, controller_load(&self->c, self->pulses, 10));
                ASSERT_EQ(0, controller_arm(&self->c));
                EXPECT_EQ(-ERANGE, controller_try_start(&self->c, &start))
                {
                        TH_LOG("%s", ways[way]);
                }
                EXPECT_EQ(TMS_RULE_PULSES_PER_DAY, start.verdict.rule);
                EXPECT_EQ(5, start.verdict.pulse);
                EXPECT_EQ(today + 15, start.verdict.limit);
                EXPECT_EQ(today + 16, start.verdict.actual);
                ASSERT_EQ(0, call(self->c.fd, TMS_IOC_STOP, NULL));
        }
        flat(self->pulses, 5, 20 * MS, 200, 5);
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 5));
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
        EXPECT_EQ(today + 15, status_of(self->c.fd).pulses_today);
        ASSERT_EQ(0, set_parameter("max_pulses_per_day", site));
        EXPECT_EQ(0, window_close(&self->window, 15, 0));
}

/* What the patient has had, nobody having asked for it. */
TEST_F(history, unexpected)
{
        struct tms_status before = status_of(self->c.fd), after;
        struct tms_limits limits = wide_limits();
        struct tms_start start;

        limits.max_pulses_per_s = 2;
        self->window.detail = "unexpected";
        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_LIMITS, &limits));
        ASSERT_EQ(0, lab("extra_pulse=300"));
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_FAULT));
        EXPECT_EQ(TMS_CAUSE_CARD_UNEXPECTED, status_of(self->c.fd).cause);
        after = status_of(self->c.fd);
        EXPECT_EQ(before.total_fired + 1, after.total_fired);
        EXPECT_EQ(before.pulses_today + 1, after.pulses_today);
        EXPECT_EQ(0, window_close(&self->window, 1, 0));

        ASSERT_EQ(0, call_clear_fault(self->c.fd));
        flat(self->pulses, 2, 10 * MS, 200, 2);
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 2));
        ASSERT_EQ(0, controller_arm(&self->c));
        EXPECT_EQ(-ERANGE, controller_try_start(&self->c, &start));
        EXPECT_EQ(TMS_RULE_PULSES_PER_S, start.verdict.rule);
        EXPECT_EQ(1, start.verdict.pulse);
}

/*
 * Discharges while no driver was bound, their answers still in the card: each counts once, by its answer, and the
 * odometer has nothing to add or to take back. So it is for a driver that knew the card, and for one that did not.
 */
TEST_F(history, unexpected_while_unbound)
{
        char address[64];
        uint32_t today;

        ASSERT_EQ(0, card_address(address, sizeof(address)));
        self->window.detail = "unexpected";
        for (int module = 0; module < 2; module++) {
                struct tms_event e[32];
                uint64_t total = status_of(self->c.fd).total_fired;
                int fd, unexpected = 0;
                ssize_t n;

                today = module ? 0 : status_of(self->c.fd).pulses_today;
                controller_close(&self->c);
                if (module) {
                        ASSERT_EQ(0, system("modprobe -r tms"));
                        total = 0;
                } else {
                        ASSERT_EQ(0, write_file("/sys/bus/pci/drivers/tms/unbind", address));
                }
                for (int i = 0; i < 3; i++) {
                        ASSERT_EQ(0, lab("extra_pulse=300"));
                        sleep_ns(20 * MS);
                }
                if (module) {
                        ASSERT_EQ(0, system("modprobe tms"));
                } else {
                        ASSERT_EQ(0, write_file("/sys/bus/pci/drivers/tms/bind", address));
                }
                ASSERT_EQ(0, wait_node(true));
                fd = node_open(O_RDWR);
                ASSERT_LE(0, fd);
                EXPECT_EQ(TMS_STATE_FAULT, status_of(fd).state);
                EXPECT_EQ(TMS_CAUSE_CARD_UNEXPECTED, status_of(fd).cause);
                /* From what was acknowledged last. */
                n = read(fd, e, sizeof(e));
                ASSERT_LE(0, n);
                close(fd);
                for (ssize_t i = 0; i < n / (ssize_t)sizeof(*e); i++)
                        unexpected += e[i].type == TMS_EVENT_PULSE_ANSWER && e[i].pulse.delivered_permille == 300;
                EXPECT_EQ(3, unexpected);
                ASSERT_EQ(0, controller_open(&self->c));
                EXPECT_EQ(total + 3, status_of(self->c.fd).total_fired);
                EXPECT_EQ(today + 3, status_of(self->c.fd).pulses_today);
                /* LOAD asks for the odometer once more. */
                flat(self->pulses, 1, 10 * MS, 200, 1);
                ASSERT_EQ(0, controller_load(&self->c, self->pulses, 1));
                EXPECT_EQ(today + 3, status_of(self->c.fd).pulses_today);
        }
        EXPECT_EQ(0, window_close(&self->window, 6, 0));
}

/* What was counted before the first START of the module's life stays counted behind it. */
TEST_F(history, counted_before_the_first_start)
{
        struct tms_limits limits = wide_limits();
        struct tms_start start;

        controller_close(&self->c);
        ASSERT_EQ(0, system("modprobe -r tms"));
        ASSERT_EQ(0, system("modprobe tms"));
        ASSERT_EQ(0, wait_node(true));
        ASSERT_EQ(0, controller_open(&self->c));
        EXPECT_EQ(0, status_of(self->c.fd).pulses_today);
        ASSERT_EQ(0, lab("extra_pulse=300"));
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_FAULT));
        EXPECT_EQ(1, status_of(self->c.fd).pulses_today);
        ASSERT_EQ(0, call_clear_fault(self->c.fd));
        sleep_ns(REST_NS + S);
        flat(self->pulses, 1, 10 * MS, 200, 1);
        limits.max_pulses_per_s = 1;
        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_LIMITS, &limits));
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 1));
        ASSERT_EQ(0, controller_arm(&self->c));
        EXPECT_EQ(0, controller_try_start(&self->c, &start));
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
        EXPECT_EQ(2, status_of(self->c.fd).pulses_today);
        EXPECT_EQ(0, window_close(&self->window, 2, 0));
}

/* Nor does it matter for what was fired elsewhere whether there was a START before. */
TEST_F(history, elsewhere_before_the_first_start)
{
        struct lab_state card;

        controller_close(&self->c);
        ASSERT_EQ(0, system("modprobe -r tms"));
        ASSERT_EQ(0, system("modprobe tms"));
        ASSERT_EQ(0, wait_node(true));
        ASSERT_EQ(0, lab_query(&card));
        ASSERT_EQ(0, lab("odometer=%llu", (unsigned long long)card.odometer + 40));
        ASSERT_EQ(0, rebind());
        ASSERT_EQ(0, controller_open(&self->c));
        EXPECT_EQ(40, status_of(self->c.fd).pulses_today);
        EXPECT_EQ(0, window_close(&self->window, 0, 0));
}

/* The heat that is known is another coil's. */
TEST_F(history, another_coil)
{
        struct tms_start start;
        uint64_t since_ns;

        flat(self->pulses, 3, 50 * MS, 200, 3);
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 3));
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
        since_ns = now_ns();

        /* Pulled and put back it is the same. */
        ASSERT_EQ(0, lab("open=coil_absent; close=coil_absent"));
        sleep_ns(20 * MS);
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 3));
        ASSERT_EQ(0, controller_arm(&self->c));
        EXPECT_EQ(0, controller_try_start(&self->c, &start));
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
        EXPECT_EQ(6, window_pulses(&self->window));
        since_ns = now_ns();

        ASSERT_EQ(0, lab("coil=figure8,4711,1000"));
        sleep_ns(20 * MS);
        EXPECT_RESTS(since_ns, 3);
        since_ns = now_ns();

        /* And back. */
        ASSERT_EQ(0, lab("coil=figure8,2000001,1000"));
        sleep_ns(20 * MS);
        EXPECT_RESTS(since_ns, 3);
        EXPECT_EQ(0, window_close(&self->window, 12, 0));
}

/* Fired elsewhere: the counter says how often. */
TEST_F(history, elsewhere_counts_for_the_day)
{
        uint32_t today = status_of(self->c.fd).pulses_today;
        struct lab_state card;

        flat(self->pulses, 3, 50 * MS, 200, 3);
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 3));
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
        EXPECT_EQ(today + 3, status_of(self->c.fd).pulses_today);
        controller_close(&self->c);
        ASSERT_EQ(0, lab_query(&card));
        ASSERT_EQ(0, lab("odometer=%llu", (unsigned long long)card.odometer + 1000));
        ASSERT_EQ(0, rebind());
        ASSERT_EQ(0, controller_open(&self->c));
        EXPECT_EQ(today + 1003, status_of(self->c.fd).pulses_today);
        /* Counted once. */
        controller_close(&self->c);
        ASSERT_EQ(0, rebind());
        ASSERT_EQ(0, controller_open(&self->c));
        EXPECT_EQ(today + 1003, status_of(self->c.fd).pulses_today);
        EXPECT_EQ(0, window_close(&self->window, 3, 0));
}

TEST_HARNESS_MAIN

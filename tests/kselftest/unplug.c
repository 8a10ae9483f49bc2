// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The card pulled from its slot, in every state, and put back. A program of its own, and the last: with the
 * first unplugging lockdep finds something in the kernel's hot-plug driver, and looks no more.
 */
#include <stdlib.h>

#include "life.h"
#include "rest.h"

/* Pulled and put in, a card does not know any more when it fired last. From here on the module does. */
TEST(history_known)
{
        struct tms_pulse pulse;
        struct controller c;
        struct window window;

        ASSERT_EQ(0, lab_reset());
        ASSERT_EQ(0, controller_open(&c));
        sleep_ns(REST_NS + 5 * S);
        ASSERT_EQ(0, window_open(&window, "known"));
        flat(&pulse, 1, S, 200, 1);
        ASSERT_EQ(0, controller_run(&c, &pulse, 1));
        ASSERT_EQ(0, wait_state(c.fd, TMS_STATE_LOADED));
        EXPECT_EQ(0, window_close(&window, 1, 0));
        controller_close(&c);
}

TEST_F(life, pulled)
{
        uint64_t acked;

        controller_catch_up(&self->c);
        controller_hang(&self->c);
        acked = self->c.count ? self->c.events[self->c.count - 1].seq + 1 : 0;
        ASSERT_EQ(0, lab("remove"));
        EXPECT_QUIET();
        EXPECT_EQ(0, wait_node(false));
        EXPECT_GONE(self->monitor);
        EXPECT_GONE(self->c.fd);
        close(self->c.fd);
        close(self->monitor);
        self->monitor = -1;

        ASSERT_EQ(0, lab("insert"));
        EXPECT_BACK(acked);
}

/* Files of a card that has gone stay harmless when it is back. */
TEST_F(life, pulled_and_put_back_under_open_files)
{
        ASSERT_EQ(0, lab("remove"));
        EXPECT_EQ(0, wait_node(false));
        EXPECT_QUIET();
        ASSERT_EQ(0, lab("insert"));
        ASSERT_EQ(0, wait_node(true));
        EXPECT_GONE(self->monitor);
        EXPECT_EQ(-ENODEV, call(self->c.fd, TMS_IOC_STOP, NULL));
}

FIXTURE(slot)
{
        struct controller c;
        struct tms_pulse pulses[20];
        struct window window;
};

FIXTURE_SETUP(slot)
{
        ASSERT_EQ(0, lab_reset());
        ASSERT_EQ(0, wait_node(true));
        ASSERT_EQ(0, controller_open(&self->c));
        /* Whatever was before: it has rested. */
        sleep_ns(REST_NS + 5 * S);
        ASSERT_EQ(0, window_open(&self->window, _metadata->name));
}

FIXTURE_TEARDOWN(slot)
{
        lab_reset();
        controller_close(&self->c);
}

/* Pulled when the engine is awake for a pulse already, so that nobody knows yet but the last look at it. */
TEST_F(slot, gone_at_the_last_moment)
{
        struct tms_event e[32];
        size_t n;

        flat(self->pulses, 20, 100 * MS, 300, 5);
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 20));
        ASSERT_EQ(0, controller_arm(&self->c));
        ASSERT_EQ(0, lab("pulse=+2 delay=99990000 remove"));
        ASSERT_EQ(0, controller_start(&self->c));
        ASSERT_EQ(0, wait_node(false));
        EXPECT_EQ(2, window_pulses(&self->window));
        controller_hang(&self->c);
        n = controller_events(&self->c, TMS_EVENT_STATE, e, 32);
        ASSERT_GE(n, 3);
        EXPECT_EQ(TMS_STATE_GONE, e[n - 1].state.to);
        EXPECT_EQ(TMS_STATE_FAULT, e[n - 1].state.from);
        EXPECT_EQ(TMS_STATE_FAULT, e[n - 2].state.to);
        EXPECT_EQ(TMS_STATE_RUNNING, e[n - 2].state.from);
        EXPECT_EQ(TMS_CAUSE_CARD_ABSENT, e[n - 2].state.cause);
        /* The engine's finding, not that of whoever looked after the slot. */
        EXPECT_LE(e[n - 2].mono_ns, self->c.start_ns + self->pulses[2].t_ns + error_bound_ns());
        EXPECT_EQ(2, controller_events(&self->c, TMS_EVENT_PULSE_DUE, e, 32));
        EXPECT_EQ(0, window_close(&self->window, 2, 0));
        sleep_ns(2 * S);
        ASSERT_EQ(0, lab("insert"));
        ASSERT_EQ(0, wait_node(true));
}

/* A card that was switched off does not know what it fired before. No more does a module that was unloaded. */
TEST_F(slot, switched_off_and_on)
{
        uint64_t since_ns;

        flat(self->pulses, 3, 50 * MS, 200, 3);
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 3));
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
        controller_close(&self->c);
        EXPECT_EQ(0, window_close(&self->window, 3, 0));
        ASSERT_EQ(0, system("modprobe -r tms"));
        ASSERT_EQ(0, lab("remove"));
        sleep_ns(2 * S);
        ASSERT_EQ(0, lab("insert"));
        since_ns = now_ns();
        ASSERT_EQ(0, system("modprobe tms"));
        ASSERT_EQ(0, wait_node(true));
        ASSERT_EQ(0, controller_open(&self->c));
        ASSERT_EQ(0, window_open(&self->window, "switched on"));
        EXPECT_RESTS(since_ns, 3);
        EXPECT_EQ(0, window_close(&self->window, 3, 0));
}

/* Switched off and on under a module that has seen all: what is known is known. */
TEST_F(slot, switched_off_and_on_before_our_eyes)
{
        struct tms_limits limits = wide_limits();
        struct tms_start start;
        uint32_t today;

        flat(self->pulses, 2, 10 * MS, 1000, 2);
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 2));
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
        today = status_of(self->c.fd).pulses_today;
        controller_close(&self->c);
        ASSERT_EQ(0, lab("remove"));
        ASSERT_EQ(0, wait_node(false));
        EXPECT_EQ(0, window_close(&self->window, 2, 0));
        /* No hand is faster, and the slot's power is still to go off. */
        sleep_ns(2 * S);
        ASSERT_EQ(0, lab("insert"));
        ASSERT_EQ(0, wait_node(true));
        ASSERT_EQ(0, controller_open(&self->c));
        ASSERT_EQ(0, window_open(&self->window, "switched on"));
        EXPECT_EQ(today, status_of(self->c.fd).pulses_today);
        limits.max_pulses_per_s = 2;
        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_LIMITS, &limits));
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 2));
        ASSERT_EQ(0, controller_arm(&self->c));
        EXPECT_EQ(0, controller_try_start(&self->c, &start));
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
        EXPECT_EQ(0, window_close(&self->window, 2, 0));
}

/* A loose contact: the card is back before Linux has dealt with its going, or in the middle of that. */
TEST_F_TIMEOUT(slot, loose_contact, 300)
{
        static const uint64_t gaps_ns[] = {0, MS / 10, MS, 5 * MS, 20 * MS, 50 * MS, 100 * MS, 300 * MS, S};
        struct lab_state card;
        uint32_t gen = 0;

        flat(self->pulses, 20, 100 * MS, 300, 5);
        for (size_t i = 0; i < sizeof(gaps_ns) / sizeof(*gaps_ns); i++) {
                ASSERT_EQ(0, controller_load(&self->c, self->pulses, 20));
                /* Two timelines of one card never have the same number. */
                EXPECT_GT(self->c.gen, gen);
                gen = self->c.gen;
                ASSERT_EQ(0, controller_arm(&self->c));
                ASSERT_EQ(0, lab("remove"));
                sleep_ns(gaps_ns[i]);
                ASSERT_EQ(0, lab("insert"));
                sleep_ns(10 * S);
                EXPECT_EQ(-ENODEV, controller_start(&self->c));
                controller_close(&self->c);
                ASSERT_EQ(0, wait_node(true)) TH_LOG("gap %llu ns", (unsigned long long)gaps_ns[i]);
                ASSERT_EQ(0, lab_query(&card));
                EXPECT_STREQ("SAFE", card.state);
                ASSERT_EQ(0, controller_open(&self->c));
        }
        EXPECT_EQ(0, window_close(&self->window, 0, 0));
}

/* The card has gone, and Linux does not know yet: nobody is told all ones as its count. */
TEST_F(slot, gone_and_asked)
{
        char class[256], text[64];
        struct tms_info info;

        ASSERT_EQ(0, node_class(class, sizeof(class)));
        ASSERT_EQ(0, lab("magic=0xffffffff"));
        EXPECT_EQ(-ENODEV, call(self->c.fd, TMS_IOC_INFO, &info));
        EXPECT_EQ(-ENODEV, read_text(text, sizeof(text), "%s/odometer", class));
        ASSERT_EQ(0, lab("clear"));
        EXPECT_EQ(0, call(self->c.fd, TMS_IOC_INFO, &info));
        EXPECT_EQ(0, read_text(text, sizeof(text), "%s/odometer", class));
        EXPECT_EQ(0, window_close(&self->window, 0, 0));
}

/* Pulled while the driver is being bound: what the registers of an absent card read is not taken for its count. */
TEST_F(slot, pulled_while_it_is_bound)
{
        uint64_t total = status_of(self->c.fd).total_fired;
        uint32_t today = status_of(self->c.fd).pulses_today;
        unsigned int failed = 0;
        uint64_t step_ns;
        char address[64];

        ASSERT_EQ(0, card_address(address, sizeof(address)));
        controller_close(&self->c);
        /* The instants lie between the beginning and twice the time that binding takes in this kernel. */
        ASSERT_EQ(0, write_file("/sys/bus/pci/drivers/tms/unbind", address));
        step_ns = now_ns();
        ASSERT_EQ(0, write_file("/sys/bus/pci/drivers/tms/bind", address));
        step_ns = (now_ns() - step_ns) / 60;
        ASSERT_EQ(0, wait_node(true));
        for (uint64_t at_ns = step_ns * 4; at_ns < step_ns * 120; at_ns += step_ns) {
                int fd;

                ASSERT_EQ(0, write_file("/sys/bus/pci/drivers/tms/unbind", address));
                ASSERT_EQ(0, lab("in=%llu remove", (unsigned long long)at_ns));
                failed += write_file("/sys/bus/pci/drivers/tms/bind", address) != 0;
                sleep_ns(2 * S);
                ASSERT_EQ(0, lab("insert"));
                sleep_ns(2 * S);
                ASSERT_EQ(0, wait_node(true));
                fd = node_open(O_RDONLY);
                ASSERT_LE(0, fd);
                EXPECT_EQ(total, status_of(fd).total_fired);
                ASSERT_EQ(today, status_of(fd).pulses_today) TH_LOG("pulled at %llu ns", (unsigned long long)at_ns);
                close(fd);
        }
        /* Some came before the card was asked, some behind. */
        EXPECT_GT(failed, 0);
        EXPECT_LT(failed, 116);
        EXPECT_EQ(0, window_close(&self->window, 0, 0));
}

TEST_HARNESS_MAIN

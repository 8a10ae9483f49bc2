// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * NTP slews the host's clock in mid-treatment. That is no fault of the card, and ends nothing: the card's clock
 * is compared with one that nobody slews. A card whose clock is off is found out all the same.
 */
#include <errno.h>
#include <sys/timex.h>

#include "kselftest_harness.h"
#include "tms_test.h"

#define COUNT 60
#define TICK 10000

FIXTURE(slew)
{
        struct controller c;
        struct tms_pulse pulses[COUNT];
        struct window window;
};

FIXTURE_VARIANT(slew)
{
        long tick;      /* us for 10 ms */
        long offset_us; /* through the PLL, as timesyncd does */
};

FIXTURE_VARIANT_ADD(slew, two_permille){.tick = TICK + 20};
FIXTURE_VARIANT_ADD(slew, fast){.tick = TICK + 1000};
FIXTURE_VARIANT_ADD(slew, slow){.tick = TICK - 1000};
FIXTURE_VARIANT_ADD(slew, ahead){.tick = TICK, .offset_us = 300000};
FIXTURE_VARIANT_ADD(slew, behind){.tick = TICK, .offset_us = -300000};

static int set_tick(long tick)
{
        struct timex t = {.modes = ADJ_TICK, .tick = tick};

        return adjtimex(&t) < 0 ? -errno : 0;
}

static int set_offset(long offset_us)
{
        struct timex t = {
                        .modes = ADJ_OFFSET | ADJ_STATUS | ADJ_TIMECONST | ADJ_FREQUENCY,
                        .status = STA_PLL,
                        .offset = offset_us,
                        .constant = 0,
        };

        return adjtimex(&t) < 0 ? -errno : 0;
}

FIXTURE_SETUP(slew)
{
        ASSERT_EQ(0, lab_reset());
        ASSERT_EQ(0, controller_open(&self->c));
        ASSERT_EQ(0, window_open(&self->window, _metadata->name));
        flat(self->pulses, COUNT, 100 * MS, 200, COUNT);
}

FIXTURE_TEARDOWN(slew)
{
        set_offset(0);
        set_tick(TICK);
        sleep_ns(S);
        controller_close(&self->c);
        lab_reset();
}

static int begin(FIXTURE_DATA(slew) * self, const FIXTURE_VARIANT(slew) * variant)
{
        int r = controller_run(&self->c, self->pulses, COUNT);

        r = r ? r : wait_fired(self->c.fd, 5);
        r = r ? r : set_tick(variant->tick);
        return r || !variant->offset_us ? r : set_offset(variant->offset_us);
}

TEST_F(slew, ends_nothing)
{
        struct tms_status st;

        ASSERT_EQ(0, begin(self, variant));
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
        st = status_of(self->c.fd);
        EXPECT_EQ(TMS_CAUSE_COMPLETE, st.cause);
        EXPECT_EQ(COUNT, st.delivered);
        EXPECT_EQ(0, st.missed);
        EXPECT_EQ(0, window_close(&self->window, COUNT, 0));
}

/* 50 us behind its edge, however fast the host's clock runs. */
TEST_F(slew, edges)
{
        struct tms_event edges[8], answers[8];

        for (int i = 0; i < 8; i++)
                self->pulses[i] = (struct tms_pulse){
                                .t_ns = i * S,
                                .intensity_permille = 200,
                                .flags = TRAIN | TMS_PULSE_WAIT_TRIGGER,
                                .train = i,
                };
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 8));
        ASSERT_EQ(0, set_tick(variant->tick));
        if (variant->offset_us)
                ASSERT_EQ(0, set_offset(variant->offset_us));
        for (uint32_t i = 0; i < 8; i++) {
                sleep_ns(S + 113 * MS);
                ASSERT_EQ(0, lab("trigger_in"));
                ASSERT_EQ(0, wait_fired(self->c.fd, i + 1));
        }
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
        EXPECT_EQ(8, status_of(self->c.fd).delivered);
        ASSERT_EQ(8, controller_events(&self->c, TMS_EVENT_TRIGGER, edges, 8));
        ASSERT_EQ(8, controller_events(&self->c, TMS_EVENT_PULSE_ANSWER, answers, 8));
        for (uint32_t i = 0; i < 8; i++) {
                int64_t late_ns = answers[i].pulse.card_ns - edges[i].trigger.card_ns - 50000;

                /* The wait itself is by the slewed clock: a tenth of it. */
                EXPECT_GE(late_ns, -9100);
                EXPECT_LE(late_ns, 9100 + 2 * (int64_t)error_bound_ns());
        }
        EXPECT_EQ(0, window_close(&self->window, 8, 0));
}

/* The card's own clock off meanwhile, by as much as the host's or more. */
TEST_F(slew, hides_no_fault)
{
        ASSERT_EQ(0, begin(self, variant));
        sleep_ns(200 * MS);
        ASSERT_EQ(0, lab("clock_jump=+300000"));
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_FAULT));
        EXPECT_EQ(TMS_CAUSE_CARD_INTERVAL, status_of(self->c.fd).cause);
        EXPECT_EQ(0, window_close(&self->window, window_pulses(&self->window), 0));
}

TEST_HARNESS_MAIN

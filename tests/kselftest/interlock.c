// SPDX-License-Identifier: GPL-2.0-or-later
/* Each interlock in each state, and before, inside and after a pulse. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "tms_test.h"

#define INTERVAL (100 * MS)

FIXTURE(interlock)
{
        struct controller c;
        struct tms_pulse pulses[5];
        struct window window;
        pthread_t arming;
};

FIXTURE_VARIANT(interlock)
{
        const char *open, *close;
        uint32_t bit;
        bool everyday; /* no fault while the card is in SAFE */
};

#define INTERLOCK(id, name, b, day)                                                     \
        FIXTURE_VARIANT_ADD(interlock, id)                                              \
        {                                                                               \
                .open = "open=" name, .close = "close=" name, .bit = b, .everyday = day \
        }
INTERLOCK(emergency_stop, "estop", TMS_INTERLOCK_EMERGENCY_STOP, true);
INTERLOCK(patient_stop, "patient_stop", TMS_INTERLOCK_PATIENT_STOP, true);
INTERLOCK(coil_absent, "coil_absent", TMS_INTERLOCK_COIL_ABSENT, true);
INTERLOCK(coil_hot, "coil_hot", TMS_INTERLOCK_COIL_HOT, true);
INTERLOCK(contact_lost, "contact_lost", TMS_INTERLOCK_CONTACT_LOST, true);
INTERLOCK(cover_open, "cover_open", TMS_INTERLOCK_COVER_OPEN, true);
INTERLOCK(hv_fault, "hv_fault", TMS_INTERLOCK_HV_FAULT, false);
INTERLOCK(overcurrent, "overcurrent", TMS_INTERLOCK_OVERCURRENT, false);
/* Never seen open, only latched: it means that the card has gone to SAFE. */
FIXTURE_VARIANT_ADD(interlock, watchdog){
                .open = "dead_watchdog",
                .close = NULL,
                .bit = TMS_INTERLOCK_WATCHDOG,
                .everyday = true,
};

FIXTURE_SETUP(interlock)
{
        ASSERT_EQ(0, lab_reset());
        ASSERT_EQ(0, controller_open(&self->c));
        ASSERT_EQ(0, window_open(&self->window, _metadata->name));
        flat(self->pulses, 5, INTERVAL, 300, 5);
}

FIXTURE_TEARDOWN(interlock)
{
        controller_close(&self->c);
}

#define CAUSE (TMS_CAUSE_EMERGENCY_STOP + __builtin_ctz(variant->bit))

static int shut(const char *close)
{
        return close ? lab("%s", close) : 0;
}

/* In FAULT for the right reason, the card in SAFE, recorded; no way out but by closing it. */
#define EXPECT_FAULT()                                                                  \
        do {                                                                            \
                struct tms_event last, il = {};                                         \
                struct lab_state card;                                                  \
                EXPECT_EQ(0, wait_state(self->c.fd, TMS_STATE_FAULT));                  \
                EXPECT_EQ(CAUSE, status_of(self->c.fd).cause);                          \
                EXPECT_TRUE(status_of(self->c.fd).latched & variant->bit);              \
                EXPECT_EQ(0, lab_query(&card));                                         \
                EXPECT_STREQ("SAFE", card.state);                                       \
                last = controller_last_state(&self->c);                                 \
                EXPECT_EQ(TMS_STATE_FAULT, last.state.to);                              \
                EXPECT_EQ(CAUSE, last.state.cause);                                     \
                EXPECT_GE(controller_events(&self->c, TMS_EVENT_INTERLOCK, &il, 1), 1); \
                EXPECT_TRUE((il.interlock.live | il.interlock.latched) & variant->bit); \
                if (variant->close) {                                                   \
                        EXPECT_EQ(variant->bit, status_of(self->c.fd).interlocks);      \
                        EXPECT_EQ(-EPERM, call_clear_fault(self->c.fd));                \
                        EXPECT_EQ(TMS_STATE_FAULT, status_of(self->c.fd).state);        \
                        EXPECT_EQ(0, shut(variant->close));                             \
                }                                                                       \
                EXPECT_EQ(0, call_clear_fault(self->c.fd));                             \
                EXPECT_EQ(TMS_STATE_IDLE, status_of(self->c.fd).state);                 \
                EXPECT_EQ(0, status_of(self->c.fd).latched);                            \
        } while (0)

TEST_F(interlock, in_safe)
{
        uint32_t with;

        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 5));
        ASSERT_EQ(0, lab("%s", variant->open));
        sleep_ns(20 * MS);
        with = status_of(self->c.fd).state;
        if (variant->close)
                EXPECT_EQ(variant->bit, status_of(self->c.fd).interlocks);
        EXPECT_TRUE(status_of(self->c.fd).latched & variant->bit);

        if (!variant->everyday) {
                EXPECT_FAULT();
        } else if (variant->bit == TMS_INTERLOCK_COIL_ABSENT) {
                /* What was verified was verified for that coil. */
                EXPECT_EQ(TMS_STATE_IDLE, with);
                EXPECT_EQ(TMS_CAUSE_CHANGED, status_of(self->c.fd).cause);
                EXPECT_EQ(-EPERM, controller_load(&self->c, self->pulses, 5));
                EXPECT_EQ(0, shut(variant->close));
        } else {
                EXPECT_EQ(TMS_STATE_LOADED, with);
                if (variant->close)
                        EXPECT_EQ(-EPERM, controller_arm(&self->c));
                EXPECT_EQ(0, shut(variant->close));
        }

        /* Once it is closed, all is as before. */
        sleep_ns(20 * MS);
        EXPECT_EQ(0, status_of(self->c.fd).interlocks);
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 5));
        ASSERT_EQ(0, controller_arm(&self->c));
        EXPECT_EQ(0, window_close(&self->window, 0, 0));
}

/* With nothing loaded, nothing ends; but it is told, and nothing is armed on it. */
TEST_F(interlock, in_idle)
{
        struct tms_event told = {};

        ASSERT_EQ(0, lab("%s", variant->open));
        sleep_ns(20 * MS);
        EXPECT_EQ(variant->close ? variant->bit : 0, status_of(self->c.fd).interlocks);
        EXPECT_EQ(variant->bit, status_of(self->c.fd).latched);
        EXPECT_EQ(1, controller_events(&self->c, TMS_EVENT_INTERLOCK, &told, 1));
        EXPECT_EQ(variant->bit, told.interlock.live | told.interlock.latched);
        if (!variant->everyday) {
                EXPECT_EQ(-EPERM, controller_load(&self->c, self->pulses, 5));
                EXPECT_FAULT();
        } else {
                EXPECT_EQ(TMS_STATE_IDLE, status_of(self->c.fd).state);
                if (variant->bit == TMS_INTERLOCK_COIL_ABSENT) {
                        EXPECT_EQ(-EPERM, controller_load(&self->c, self->pulses, 5));
                        EXPECT_EQ(TMS_STATE_IDLE, status_of(self->c.fd).state);
                } else {
                        EXPECT_EQ(0, controller_load(&self->c, self->pulses, 5));
                        if (variant->close)
                                EXPECT_EQ(-EPERM, controller_arm(&self->c));
                }
                EXPECT_EQ(0, shut(variant->close));
        }
        sleep_ns(20 * MS);
        EXPECT_EQ(0, status_of(self->c.fd).interlocks);
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 5));
        ASSERT_EQ(0, controller_arm(&self->c));
        EXPECT_EQ(0, status_of(self->c.fd).latched);
        EXPECT_EQ(0, window_close(&self->window, 0, 0));
}

/* The first cause stays, both are told, and both have to be closed. */
TEST_F(interlock, behind_another)
{
        const char *first = variant->bit == TMS_INTERLOCK_COVER_OPEN ? "overcurrent" : "cover_open";
        uint32_t bit = variant->bit == TMS_INTERLOCK_COVER_OPEN ? TMS_INTERLOCK_OVERCURRENT : TMS_INTERLOCK_COVER_OPEN;
        uint32_t cause = TMS_CAUSE_EMERGENCY_STOP + __builtin_ctz(bit);

        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 5));
        ASSERT_EQ(0, wait_fired(self->c.fd, 2));
        ASSERT_EQ(0, lab("open=%s", first));
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_FAULT));
        EXPECT_EQ(cause, status_of(self->c.fd).cause);
        ASSERT_EQ(0, lab("%s", variant->open));
        sleep_ns(20 * MS);
        EXPECT_EQ(TMS_STATE_FAULT, status_of(self->c.fd).state);
        EXPECT_EQ(cause, status_of(self->c.fd).cause);
        EXPECT_EQ(bit | variant->bit, status_of(self->c.fd).latched);
        EXPECT_EQ(bit | (variant->close ? variant->bit : 0), status_of(self->c.fd).interlocks);

        EXPECT_EQ(-EPERM, call_clear_fault(self->c.fd));
        ASSERT_EQ(0, lab("close=%s", first));
        if (variant->close) {
                EXPECT_EQ(-EPERM, call_clear_fault(self->c.fd));
                EXPECT_EQ(TMS_STATE_FAULT, status_of(self->c.fd).state);
                EXPECT_EQ(cause, status_of(self->c.fd).cause);
                ASSERT_EQ(0, shut(variant->close));
        }
        EXPECT_EQ(0, call_clear_fault(self->c.fd));
        EXPECT_EQ(TMS_STATE_IDLE, status_of(self->c.fd).state);
        EXPECT_EQ(0, status_of(self->c.fd).latched);
        EXPECT_EQ(0, status_of(self->c.fd).interlocks);
        EXPECT_EQ(0, window_close(&self->window, 2, 0));
}

TEST_F(interlock, while_arming)
{
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 5));
        ASSERT_EQ(0, lab("never_ready=on"));
        ASSERT_EQ(0, pthread_create(&self->arming, NULL, controller_arm_thread, &self->c));
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_ARMING));
        sleep_ns(200 * MS);
        ASSERT_EQ(0, lab("%s", variant->open));
        pthread_join(self->arming, NULL);
        EXPECT_EQ(-EPERM, self->c.armed);
        EXPECT_FAULT();
        EXPECT_EQ(0, window_close(&self->window, 0, 0));
}

TEST_F(interlock, while_armed)
{
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 5));
        ASSERT_EQ(0, controller_arm(&self->c));
        ASSERT_EQ(0, lab("%s", variant->open));
        EXPECT_FAULT();
        EXPECT_EQ(0, window_close(&self->window, 0, 0));
}

TEST_F(interlock, while_paused)
{
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 5));
        ASSERT_EQ(0, wait_fired(self->c.fd, 1));
        ASSERT_EQ(0, controller_pause(&self->c, TMS_PAUSE_NOW));
        ASSERT_EQ(0, lab("%s", variant->open));
        EXPECT_FAULT();
        EXPECT_EQ(0, window_close(&self->window, 1, 0));
}

TEST_F(interlock, while_waiting_for_the_operator)
{
        self->pulses[1].flags |= TMS_PULSE_WAIT_OPERATOR;
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 5));
        ASSERT_EQ(0, wait_fired(self->c.fd, 1));
        sleep_ns(2 * INTERVAL);
        ASSERT_EQ(0, lab("%s", variant->open));
        EXPECT_FAULT();
        EXPECT_EQ(0, window_close(&self->window, 1, 0));
}

/* And an edge that comes then is nobody's. */
TEST_F(interlock, while_waiting_for_the_trigger)
{
        struct tms_event edge;

        self->pulses[1].flags |= TMS_PULSE_WAIT_TRIGGER;
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 5));
        ASSERT_EQ(0, wait_fired(self->c.fd, 1));
        sleep_ns(2 * INTERVAL);
        ASSERT_EQ(0, lab("%s", variant->open));
        ASSERT_EQ(0, lab("trigger_in"));
        EXPECT_FAULT();
        ASSERT_EQ(0, lab("trigger_in"));
        sleep_ns(S);
        EXPECT_EQ(0, controller_events(&self->c, TMS_EVENT_TRIGGER, &edge, 1));
        EXPECT_EQ(0, window_close(&self->window, 1, 0));
}

/* The edge first, and 30 us later, before its pulse, the interlock. */
TEST_F(interlock, between_edge_and_pulse)
{
        struct tms_event edge;

        self->pulses[1].flags |= TMS_PULSE_WAIT_TRIGGER;
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 5));
        ASSERT_EQ(0, wait_fired(self->c.fd, 1));
        sleep_ns(2 * INTERVAL);
        ASSERT_EQ(0, lab("in=1000000 trigger_in; in=1030000 %s", variant->open));
        EXPECT_FAULT();
        EXPECT_EQ(1, controller_events(&self->c, TMS_EVENT_TRIGGER, &edge, 1));
        sleep_ns(S);
        EXPECT_EQ(0, window_close(&self->window, 1, 0));
}

/* Around the second pulse and the third: after the one, in the spin for the other, at the last moment. */
TEST_F(interlock, around_a_pulse)
{
        static const uint64_t delay_ns[] = {
                        0,
                        1000,
                        30 * 1000,
                        INTERVAL / 2,
                        INTERVAL - 25000,
                        INTERVAL - 15000,
                        INTERVAL - 3500,
                        INTERVAL - 2500,
                        INTERVAL - 1000,
                        INTERVAL - 300,
        };

        for (size_t i = 0; i < ELEMENTSOF(delay_ns); i++) {
                /* The second pulse's own lateness is more than that. */
                if (slow() && delay_ns[i] > INTERVAL - error_bound_ns())
                        continue;
                ASSERT_EQ(0, window_open(&self->window, _metadata->name));
                ASSERT_EQ(0, controller_load(&self->c, self->pulses, 5));
                ASSERT_EQ(0, controller_arm(&self->c));
                ASSERT_EQ(0, lab("pulse=+2 delay=%llu %s", (unsigned long long)delay_ns[i], variant->open));
                ASSERT_EQ(0, controller_start(&self->c));
                EXPECT_FAULT();
                sleep_ns(S);
                EXPECT_EQ(2, window_pulses(&self->window))
                {
                        TH_LOG("%llu ns after the second pulse", (unsigned long long)delay_ns[i]);
                }
                /* The card may have to refuse a trigger that was written in the same instant. */
                EXPECT_EQ(0, window_close(&self->window, 2, REFUSED_ANY));
        }
}

/* Its interrupt is lost: the driver looks by itself. */
TEST_F(interlock, lost_interrupt)
{
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 5));
        ASSERT_EQ(0, controller_arm(&self->c));
        ASSERT_EQ(0, lab("lost_irq"));
        ASSERT_EQ(0, lab("pulse=+2 delay=1000000 %s", variant->open));
        ASSERT_EQ(0, controller_start(&self->c));
        EXPECT_FAULT();
        EXPECT_EQ(0, window_close(&self->window, 2, REFUSED_ANY));
}

TEST_HARNESS_MAIN

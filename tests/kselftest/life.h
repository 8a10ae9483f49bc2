/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A card in each state, about to lose its controller, its driver or its slot; for one program each. */
#ifndef TMS_LIFE_H
#define TMS_LIFE_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "tms_test.h"

FIXTURE(life)
{
        struct controller c;
        int monitor;
        struct tms_pulse pulses[40];
        struct window window;
        pthread_t arming;
};

FIXTURE_VARIANT(life)
{
        uint32_t state;
};

VARIANTS_OF_STATES(life);

static int enter(FIXTURE_DATA(life) * self, uint32_t state)
{
        int r;

        flat(self->pulses, 40, 50 * MS, 200, 40);
        if (state == TMS_STATE_IDLE)
                return 0;
        r = controller_load(&self->c, self->pulses, 40);
        if (r || state == TMS_STATE_LOADED)
                return r;
        if (state == TMS_STATE_ARMING) {
                r = lab("never_ready=on");
                r = r ? r : -pthread_create(&self->arming, NULL, controller_arm_thread, &self->c);
                return r ? r : wait_state(self->c.fd, state);
        }
        r = controller_arm(&self->c);
        if (r || state == TMS_STATE_ARMED)
                return r;
        if (state == TMS_STATE_FAULT) {
                r = lab("open=cover_open");
                return r ? r : wait_state(self->c.fd, state);
        }
        r = controller_start(&self->c);
        r = r ? r : wait_fired(self->c.fd, 3);
        if (r || state == TMS_STATE_RUNNING)
                return r;
        return controller_pause(&self->c, TMS_PAUSE_NOW);
}

FIXTURE_SETUP(life)
{
        ASSERT_EQ(0, lab_reset());
        ASSERT_EQ(0, wait_node(true));
        ASSERT_EQ(0, controller_open(&self->c));
        self->monitor = node_open(O_RDONLY);
        ASSERT_GE(self->monitor, 0);
        ASSERT_EQ(0, window_open(&self->window, _metadata->name));
        ASSERT_EQ(0, enter(self, variant->state));
        ASSERT_EQ(variant->state, status_of(self->c.fd).state);
}

FIXTURE_TEARDOWN(life)
{
        if (variant->state == TMS_STATE_ARMING && self->arming)
                pthread_join(self->arming, NULL);
        close(self->monitor);
        controller_close(&self->c);
        lab_reset();
}

/* The pulses up to now, and none from now on. */
#define EXPECT_QUIET()                                                                                                \
        do {                                                                                                          \
                int until_now = window_pulses(&self->window);                                                         \
                EXPECT_EQ(variant->state >= TMS_STATE_RUNNING && variant->state <= TMS_STATE_PAUSED, until_now >= 3); \
                EXPECT_LT(until_now, 40);                                                                             \
                EXPECT_EQ(0, window_close(&self->window, until_now, 0));                                              \
                sleep_ns(3 * S);                                                                                      \
        } while (0)

/* A file whose card has gone: no calls, hang-up, the records to their end. */
#define EXPECT_GONE(file)                                                      \
        do {                                                                   \
                struct pollfd p = {.fd = (file), .events = POLLIN};            \
                struct tms_event e, last = {};                                 \
                struct tms_status st;                                          \
                struct tms_info info;                                          \
                EXPECT_EQ(-ENODEV, call(file, TMS_IOC_STATUS, &st));           \
                EXPECT_EQ(-ENODEV, call(file, TMS_IOC_INFO, &info));           \
                EXPECT_EQ(-ENODEV, call(file, TMS_IOC_STOP, NULL));            \
                EXPECT_EQ(1, poll(&p, 1, 0));                                  \
                EXPECT_EQ(POLLHUP | POLLERR, p.revents & (POLLHUP | POLLERR)); \
                while (read(file, &e, sizeof(e)) == sizeof(e))                 \
                        last = e;                                              \
                EXPECT_EQ(ENODEV, errno);                                      \
                if (last.type) {                                               \
                        EXPECT_EQ(TMS_EVENT_STATE, last.type);                 \
                        EXPECT_EQ(TMS_STATE_GONE, last.state.to);              \
                }                                                              \
        } while (0)

/* With what was not acknowledged, from where it was, and able to treat. */
#define EXPECT_BACK(acked)                                                         \
        do {                                                                       \
                struct tms_event first = {};                                       \
                ASSERT_EQ(0, wait_node(true));                                     \
                sleep_ns(100 * MS);                                                \
                ASSERT_EQ(0, lab_reset());                                         \
                self->c.fd = node_open(O_RDWR);                                    \
                ASSERT_GE(self->c.fd, 0);                                          \
                EXPECT_EQ((acked), status_of(self->c.fd).event_acked);             \
                ASSERT_EQ(sizeof(first), read(self->c.fd, &first, sizeof(first))); \
                EXPECT_EQ((acked), first.seq);                                     \
                close(self->c.fd);                                                 \
                ASSERT_EQ(0, controller_open(&self->c));                           \
                EXPECT_EQ(TMS_STATE_IDLE, status_of(self->c.fd).state);            \
                ASSERT_EQ(0, window_open(&self->window, "back"));                  \
                flat(self->pulses, 10, 50 * MS, 200, 10);                          \
                ASSERT_EQ(0, controller_run(&self->c, self->pulses, 10));          \
                ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));            \
                EXPECT_EQ(10, status_of(self->c.fd).delivered);                    \
                EXPECT_EQ(0, window_close(&self->window, 10, 0));                  \
        } while (0)

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A card that has to rest before its next pulse, because nobody knows what it fired before. */
#ifndef TMS_REST_H
#define TMS_REST_H

#include <errno.h>

#include "kselftest_harness.h"
#include "tms_test.h"

/* The longest that any rule looks back is the coil's: 30 kJ at 400 W. The reservoir is full before. */
#define REST_NS (75 * S)

/* Arms as often as it takes, and says when the card had rested enough. */
static inline int start_when_rested(struct controller *c, uint64_t *ret_ns)
{
        struct tms_start start;
        int r = -EAGAIN;

        for (int i = 0; i < 300 && r == -EAGAIN; i++) {
                r = status_of(c->fd).state == TMS_STATE_ARMED ? 0 : controller_arm(c);
                *ret_ns = now_ns();
                r = r ? r : controller_try_start(c, &start);
                if (r == -EAGAIN)
                        sleep_ns(S / 2);
        }
        return r;
}

/* It is not START that begins, and it does not begin a moment too early. */
#define EXPECT_RESTS(since_ns, count)                                             \
        do {                                                                      \
                struct tms_start rests_start;                                     \
                uint64_t rested_ns;                                               \
                ASSERT_EQ(0, controller_load(&self->c, self->pulses, (count)));   \
                ASSERT_EQ(0, controller_arm(&self->c));                           \
                EXPECT_EQ(-EAGAIN, controller_try_start(&self->c, &rests_start)); \
                EXPECT_EQ(TMS_STATE_ARMED, status_of(self->c.fd).state);          \
                ASSERT_EQ(0, start_when_rested(&self->c, &rested_ns));            \
                EXPECT_GE(rested_ns - (since_ns), REST_NS - S / 100);             \
                EXPECT_LE(rested_ns - (since_ns), REST_NS + 5 * S);               \
                ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));           \
                EXPECT_EQ((count), status_of(self->c.fd).delivered);              \
        } while (0)

#endif

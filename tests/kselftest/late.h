/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of pulses that are late have in common. */
#ifndef TMS_KSELFTEST_LATE_H
#define TMS_KSELFTEST_LATE_H

#include "tms_test.h"

#define MAX 64

/* Where everything is late, a tolerance that bears it. */
static inline uint64_t tolerance_ns(void)
{
        return slow() ? MS : 50000;
}

/* The records of @count pulses into the fixture; each that was fired has its answer. */
#define READ_RECORDS(count)                                                                                 \
        do {                                                                                                \
                size_t n_fired = controller_events(&self->c, TMS_EVENT_PULSE_DUE, self->fired, MAX);        \
                size_t n_answers = controller_events(&self->c, TMS_EVENT_PULSE_ANSWER, self->answers, MAX); \
                ASSERT_EQ((count), n_fired);                                                                \
                ASSERT_EQ(status_of(self->c.fd).fired, n_answers);                                          \
        } while (0)

/* What was fired came out as it was set, each pulse its own; no record of a pulse says anything else. */
#define EXPECT_EACH_ITS_OWN(count)                                                                   \
        for (uint32_t p = 0, k = 0; p < (count); p++) {                                              \
                const struct tms_event *f = &self->fired[p];                                         \
                EXPECT_EQ(p, f->pulse.index);                                                        \
                EXPECT_EQ(self->pulses[p].intensity_permille, f->pulse.set_permille);                \
                if (f->pulse.outcome == TMS_PULSE_OUTCOME_TRIGGERED) {                               \
                        EXPECT_EQ(p, self->answers[k].pulse.index);                                  \
                        EXPECT_EQ(TMS_PULSE_OUTCOME_DELIVERED, self->answers[k].pulse.outcome);      \
                        EXPECT_EQ(f->pulse.set_permille, self->answers[k].pulse.delivered_permille); \
                        EXPECT_GE(f->pulse.triggered_ns, f->pulse.due_ns);                           \
                        k++;                                                                         \
                } else {                                                                             \
                        EXPECT_EQ(0, f->pulse.triggered_ns);                                         \
                        EXPECT_EQ(0, f->pulse.card_seq);                                             \
                }                                                                                    \
        }

#endif

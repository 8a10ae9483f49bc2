/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Verdicts of the safety policy, for its tests. */
#ifndef TMS_TEST_SAFETY_REASONS_H
#define TMS_TEST_SAFETY_REASONS_H

#include "tms.h"

#define ROSSI "rossi2009_max_train_s"
#define CHEN "chen1997_max_train_s"
#define ITI "chen1997_min_iti_s"

/* The verdict on a treatment; today: the day's pulses before it. Each sentence that forbids has to say what to do. */
struct tms_safety check(const struct tms_protocol *p, unsigned threshold, unsigned percent, unsigned today);
/* The first reason of that table; NULL: there is none. */
const struct tms_safety_reason *reason(const struct tms_safety *s, const char *table);
/* n trains at 100 % of the resting threshold; interval: between pulses; cycle: from train to train. */
struct tms_protocol *trains(unsigned pulses, const char *interval, unsigned n, const char *cycle,
                            const char *first_to_last);

#endif

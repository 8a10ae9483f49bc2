/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Synthetic subjects for threshold hunts: each has a true threshold between
 * 30 and 85 %MSO and answers a pulse of intensity x with the probability that
 * the normal distribution function has at (x - t) / (0.07 t).
 */
#ifndef TMS_TEST_SUBJECTS_H
#define TMS_TEST_SUBJECTS_H

#include "tms.h"

struct hunts {
        unsigned subjects, failed; /* failed: no estimate */
        unsigned within_5_percent;
        double rms, bias;           /* relative errors */
        double error_95, error_max; /* absolute relative error: 95th percentile, worst */
        double pulses_mean;
        unsigned pulses_max;
        unsigned covered; /* true threshold inside the confidence interval */
};

/* The same seed gives the same subjects and answers. */
int hunts_run(const struct tms_threshold_options *options, unsigned subjects, uint64_t seed, struct hunts *ret);

#endif

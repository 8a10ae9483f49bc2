/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Synthetic subjects for threshold hunts: each has a true threshold t, equally
 * likely between two intensities, and answers a pulse of intensity x with the
 * probability that the normal distribution function has at
 * (x - t) / (spread t); then, with the probability of a lapse, the answer is
 * told the other way round.
 */
#ifndef TMS_TEST_SUBJECTS_H
#define TMS_TEST_SUBJECTS_H

#include "tms.h"

struct population {
        double from_permille, to_permille;
        double spread, lapse;
};

/* 30 to 85 %MSO, a spread of 7 %, no lapses. */
extern const struct population population_plain;

struct hunts {
        unsigned subjects, failed; /* failed: no estimate */
        unsigned none;             /* of failed: "there is no threshold up to the strongest pulse" */
        unsigned within_5_percent;
        double rms, bias;                         /* relative errors */
        double error_median, error_95, error_max; /* absolute relative error: median, 95th percentile, worst */
        double pulses_mean;
        unsigned pulses_max;
        unsigned covered; /* true threshold inside the confidence interval */
};

/* The same seed gives the same subjects and answers. */
int hunts_run(const struct tms_threshold_options *options, const struct population *population, unsigned subjects,
              uint64_t seed, struct hunts *ret);

#endif

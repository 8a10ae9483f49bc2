/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Maximum-likelihood threshold hunting (Awiszus 2003). The chance of an
 * answer to intensity x, if the threshold is t, is the normal distribution
 * function at (x - t) / (0.07 t). Each pulse goes where the threshold is
 * most likely to be; the middle, where many are equally likely. Two pulses
 * that were never fired begin the record: a miss at 0 and an answer at the
 * top of the grid.
 */
#include "threshold.h"

#include <math.h>

#define RELATIVE_SPREAD 0.07
#define LIKELIHOOD_MIN -1e5 /* where a probability underflows */
/* Two log-likelihoods closer than this are one plateau: it is what rounding makes of equal ones. */
#define PLATEAU 1e-9
/* Half of the 95 % point of chi squared with one degree of freedom. */
#define LIKELIHOOD_RATIO_95 1.920729410347062

static double log_probability(double x_permille, double t_permille, bool response)
{
        double z = (x_permille - t_permille) / (RELATIVE_SPREAD * t_permille);
        double p = 0.5 * erfc((response ? -z : z) / M_SQRT2);

        return p > 0 ? log(p) : LIKELIHOOD_MIN;
}

static void pest_add(struct pest *p, double x_permille, bool response)
{
        for (unsigned t = 1; t <= PEST_GRID_MAX; t++) {
                p->likelihood[t] += log_probability(x_permille, t, response);
                if (p->likelihood[t] < LIKELIHOOD_MIN)
                        p->likelihood[t] = LIKELIHOOD_MIN;
        }
}

void pest_init(struct tms_threshold *t)
{
        pest_add(&t->pest, 0, false);
        pest_add(&t->pest, PEST_GRID_MAX, true);
}

static double pest_best(const struct pest *p)
{
        double best = -INFINITY;

        for (unsigned t = 1; t <= PEST_GRID_MAX; t++)
                if (p->likelihood[t] > best)
                        best = p->likelihood[t];
        return best;
}

/* First and last threshold that is no less likely than the best by more than margin. */
static void pest_range(const struct pest *p, double margin, uint32_t *ret_first, uint32_t *ret_last)
{
        const double least = pest_best(p) - margin;
        uint32_t first = PEST_GRID_MAX, last = 1;

        for (unsigned t = 1; t <= PEST_GRID_MAX; t++)
                if (p->likelihood[t] >= least) {
                        if (t < first)
                                first = t;
                        last = t;
                }
        *ret_first = first;
        *ret_last = last;
}

void pest_estimate(const struct tms_threshold *t, uint32_t *ret, uint32_t *ret_low, uint32_t *ret_high)
{
        uint32_t first, last;

        pest_range(&t->pest, PLATEAU, &first, &last);
        *ret = (first + last + 1) / 2;
        pest_range(&t->pest, LIKELIHOOD_RATIO_95, ret_low, ret_high);
}

/* To the device's step, within what is allowed; the first one is the caller's if it gave one. */
uint32_t pest_next(const struct tms_threshold *t)
{
        const struct tms_threshold_options *o = &t->options;
        uint32_t v, low, high;

        pest_estimate(t, &v, &low, &high);
        if (t->pulses == 0 && o->start_permille)
                v = o->start_permille;
        v = (v + o->step_permille / 2) / o->step_permille * o->step_permille;
        if (v > o->max_permille)
                v = o->max_permille;
        return v ?: o->step_permille;
}

void pest_answer(struct tms_threshold *t, bool response)
{
        uint32_t v, low, high;

        pest_add(&t->pest, t->asked_permille, response);
        if (t->options.precision_permille) {
                uint64_t slack;

                pest_estimate(t, &v, &low, &high);
                slack = (uint64_t)v * t->options.precision_permille;
                if ((uint64_t)(v - low) * 1000 <= slack && (uint64_t)(high - v) * 1000 <= slack)
                        t->outcome = HUNT_FOUND;
        }
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "subjects.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

static double uniform(uint64_t *state)
{
        uint64_t z = *state += 0x9e3779b97f4a7c15u;

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        z ^= z >> 31;
        return (double)(z >> 11) / 9007199254740992.0;
}

const struct population population_plain = {300, 850, 0.07, 0};

static bool subject_answers(const struct population *p, double threshold, double x, uint64_t *state)
{
        const bool answer = uniform(state) < 0.5 * erfc(-(x - threshold) / (p->spread * threshold) / M_SQRT2);

        return p->lapse > 0 && uniform(state) < p->lapse ? !answer : answer;
}

/* One hunt; the relative error of its estimate, NaN without one; none: there is no threshold, it says. */
static int hunt(const struct tms_threshold_options *options, const struct population *population, double threshold,
                uint64_t *state, double *ret_error, unsigned *ret_pulses, bool *ret_covered, bool *ret_none)
{
        struct tms_threshold_estimate e;
        struct tms_threshold *t;
        uint64_t now = 0, not_before;
        uint32_t permille;
        int r;

        r = tms_threshold_new(options, &t);
        if (r < 0)
                return r;
        while ((r = tms_threshold_next(t, &permille, &not_before)) >= 0) {
                now = not_before > now ? not_before : now;
                r = tms_threshold_answer(t, now, subject_answers(population, threshold, permille, state));
                if (r < 0)
                        break;
                (*ret_pulses)++;
        }
        if (r == -EALREADY)
                r = 0;
        *ret_error = NAN;
        if (r >= 0) {
                const int estimate = tms_threshold_estimate(t, &e, NULL);

                *ret_none = estimate == -ERANGE;
                if (estimate >= 0) {
                        *ret_error = ((double)e.threshold_permille - threshold) / threshold;
                        *ret_covered = threshold >= e.low_permille && threshold <= e.high_permille;
                }
        }
        tms_threshold_free(t);
        return r;
}

static int compare(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

int hunts_run(const struct tms_threshold_options *options, const struct population *population, unsigned subjects,
              uint64_t seed, struct hunts *ret)
{
        const double range = population->to_permille - population->from_permille;
        double *errors = calloc(subjects, sizeof(*errors)), sum = 0, squares = 0, pulses_sum = 0;
        struct hunts h = {.subjects = subjects};
        unsigned n = 0;
        int r = 0;

        if (!errors)
                return -ENOMEM;
        for (unsigned i = 0; i < subjects && r >= 0; i++) {
                double threshold = population->from_permille + range * uniform(&seed), error = NAN;
                bool covered = false, none = false;
                unsigned pulses = 0;

                r = hunt(options, population, threshold, &seed, &error, &pulses, &covered, &none);
                pulses_sum += pulses;
                if (pulses > h.pulses_max)
                        h.pulses_max = pulses;
                h.none += none;
                if (isnan(error)) {
                        h.failed++;
                        continue;
                }
                sum += error;
                squares += error * error;
                h.within_5_percent += fabs(error) <= 0.05;
                h.covered += covered;
                errors[n++] = fabs(error);
        }
        qsort(errors, n, sizeof(*errors), compare);
        if (n) {
                h.rms = sqrt(squares / n);
                h.bias = sum / n;
                h.error_median = errors[n / 2];
                h.error_95 = errors[n * 95 / 100];
                h.error_max = errors[n - 1];
        }
        h.pulses_mean = pulses_sum / subjects;
        free(errors);
        *ret = h;
        return r;
}

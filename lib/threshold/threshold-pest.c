/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Maximum-likelihood threshold hunting (Awiszus 2003), with lapses. If the
 * threshold is t, the muscle's own chance of an answer to intensity x is the
 * normal distribution function at (x - t) / (0.07 t). In two of a hundred
 * pulses the answer is told wrong (a coil that slipped, a twitch taken for an
 * answer, an answer lost in noise), and it is not known in which. Without
 * that, one wrong early answer makes all thresholds beyond it impossible,
 * however many later answers speak for them.
 *
 * Each pulse goes where the threshold is most likely to be; the middle, where
 * many are equally likely. Two pulses that were never fired begin the record:
 * a miss at 0 and an answer at the top of the grid. They are no answers, and
 * there are no lapses in them.
 *
 * A likelihood has a maximum whatever it is made of, so that an estimate
 * needs more: answers of both kinds near it, BRACKET of each. Near is where
 * an answer of the unexpected kind is more likely to be the muscle's own than
 * a lapse: up to z spreads away, where (1 - 2 lapse) Phi(-z) = lapse. Further
 * off, either kind fits, the one as what is expected and the other as a lapse,
 * and neither says where the threshold is. One of each would do if answers
 * were always true; with lapses one of them may be wrong, and so it takes two.
 *
 * Lapses come one by one. An electrode that was off, or a coil beside its
 * spot, makes a row of wrong answers instead, which no lapse explains and the
 * likelihood believes: five answers lost at the beginning, and the hunt ends
 * at half as much again as the threshold. Then the misses near the estimate
 * all came before the answers. So the two kinds must also take turns there: the
 * kind changes TURNS times at least. A row in mid-hunt makes two changes of its
 * own and may go unseen; to ask for a third would refuse too many good hunts.
 */
#include "threshold.h"

#include <errno.h>
#include <math.h>

#define RELATIVE_SPREAD (PEST_SPREAD_PERMILLE / 1000.0)
#define LAPSE (PEST_LAPSE_PERMILLE / 1000.0)
/* Phi(-2.0368) = 0.02 / 0.96. */
#define NEAR_SPREADS 2.0368
#define BRACKET 2u
#define TURNS 2u
/* Where the probability of an answer that was never given underflows. */
#define LIKELIHOOD_MIN -1e5
/* Two log-likelihoods closer than this are one plateau: it is what rounding makes of equal ones. */
#define PLATEAU 1e-9
/* Half of the 95 % point of chi squared with one degree of freedom. */
#define LIKELIHOOD_RATIO_95 1.920729410347062

static double log_probability(double x_permille, double t_permille, bool response, double lapse)
{
        double z = (x_permille - t_permille) / (RELATIVE_SPREAD * t_permille);
        double p = lapse + (1 - 2 * lapse) * 0.5 * erfc((response ? -z : z) / M_SQRT2);

        return p > 0 ? log(p) : LIKELIHOOD_MIN;
}

static void pest_add(struct pest *p, double x_permille, bool response, double lapse)
{
        for (unsigned t = 1; t <= PEST_GRID_MAX; t++)
                p->likelihood[t] += log_probability(x_permille, t, response, lapse);
}

void pest_init(struct tms_threshold *t)
{
        pest_add(&t->pest, 0, false, 0);
        pest_add(&t->pest, PEST_GRID_MAX, true, 0);
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

uint32_t pest_likeliest(const struct pest *p)
{
        uint32_t first, last;

        pest_range(p, PLATEAU, &first, &last);
        return (first + last + 1) / 2;
}

struct tally {
        unsigned hits, misses;           /* all of them */
        unsigned near_hits, near_misses; /* of those, near a threshold */
        unsigned near_turns;             /* how often the kind changes from one that is near to the next */
};

static struct tally pest_tally(const struct tms_threshold *t, uint32_t threshold_permille)
{
        const double reach = NEAR_SPREADS * RELATIVE_SPREAD * threshold_permille;
        bool any = false, before = false;
        struct tally v = {};

        for (uint32_t i = 0; i < t->pulses; i++) {
                const bool hit = t->pest.answers[i].response;

                v.hits += hit;
                v.misses += !hit;
                if (fabs((double)t->pest.answers[i].permille - threshold_permille) > reach)
                        continue;
                v.near_hits += hit;
                v.near_misses += !hit;
                v.near_turns += any && hit != before;
                any = true;
                before = hit;
        }
        return v;
}

int pest_estimate(const struct tms_threshold *t, struct tms_threshold_estimate *ret, enum hunt_lack *ret_lack)
{
        struct tms_threshold_estimate e = {
                        .spread_permille = PEST_SPREAD_PERMILLE,
                        .lapse_permille = PEST_LAPSE_PERMILLE,
        };
        const struct pest *p = &t->pest;
        struct tally v;

        e.threshold_permille = pest_likeliest(p);
        pest_range(p, LIKELIHOOD_RATIO_95, &e.low_permille, &e.high_permille);
        assert(e.low_permille <= e.threshold_permille && e.threshold_permille <= e.high_permille);
        v = pest_tally(t, e.threshold_permille);
        /* Not above the limit because it is unlikely to be below, but because it is unlikely enough. */
        if (e.low_permille > t->options.max_permille)
                *ret_lack = LACK_NONE_BELOW_MAX;
        else if (e.threshold_permille > t->options.max_permille)
                *ret_lack = LACK_OUT_OF_REACH;
        else if (v.near_hits < BRACKET || v.near_misses < BRACKET)
                *ret_lack = v.near_hits >= BRACKET || (v.near_misses < BRACKET && v.misses <= v.hits) ? LACK_MISSES
                                                                                                      : LACK_ANSWERS;
        else if (v.near_turns < TURNS)
                *ret_lack = LACK_TURNS;
        else {
                *ret = e;
                return 0;
        }
        return -ENODATA;
}

/* To the device's step, within what is allowed; the first one is the caller's if it gave one. */
uint32_t pest_next(const struct tms_threshold *t)
{
        const struct tms_threshold_options *o = &t->options;
        uint32_t v = pest_likeliest(&t->pest);

        if (t->pulses == 0 && o->start_permille)
                v = o->start_permille;
        v = (v + o->step_permille / 2) / o->step_permille * o->step_permille;
        if (v > o->max_permille)
                v = o->max_permille;
        return v ?: o->step_permille;
}

void pest_answer(struct tms_threshold *t, bool response)
{
        struct tms_threshold_estimate e;
        enum hunt_lack lack;
        uint64_t slack;

        /* This pulse is counted by now. */
        assert(t->pulses > 0 && t->pulses <= HUNT_PULSES_MAX && t->asked_permille > 0);
        t->pest.answers[t->pulses - 1].permille = (uint16_t)t->asked_permille;
        t->pest.answers[t->pulses - 1].response = response;
        pest_add(&t->pest, t->asked_permille, response, LAPSE);
        if (!t->options.precision_permille || pest_estimate(t, &e, &lack) < 0)
                return;
        slack = (uint64_t)e.threshold_permille * t->options.precision_permille;
        if ((uint64_t)(e.threshold_permille - e.low_permille) * 1000 <= slack &&
            (uint64_t)(e.high_permille - e.threshold_permille) * 1000 <= slack)
                t->outcome = HUNT_FOUND;
}

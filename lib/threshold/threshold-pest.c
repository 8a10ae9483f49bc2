/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Maximum-likelihood threshold hunting (Awiszus 2003), with lapses. If the
 * threshold is t, the probability that the muscle answers a pulse of intensity
 * x is the normal distribution function at (x - t) / (0.07 t). For two of a
 * hundred pulses the wrong answer is reported (a coil that slipped, a twitch
 * taken for an answer, an answer lost in noise): a lapse. Nobody knows which
 * they are. Without lapses in the model, one wrong early answer would make all
 * thresholds beyond it impossible, whatever the later answers are.
 *
 * Each pulse has the intensity at which the threshold is most likely; if many
 * intensities are equally likely, the one in their middle. The record begins
 * with two pulses that were never fired: a miss at 0 and a hit at the top of
 * the grid. They do not count as answers, and are no lapses.
 *
 * A likelihood has a maximum whatever the answers were. So an estimate needs
 * BRACKET hits and BRACKET misses near it. "Near" ends where an unexpected
 * answer is as likely to be a lapse as to come from the muscle: z spreads
 * away, where (1 - 2 lapse) Phi(-z) = lapse. Further away a hit and a miss fit
 * equally well, one as the expected answer and the other as a lapse, so that
 * neither says where the threshold is. BRACKET is two because with lapses a
 * single hit or miss may be wrong.
 *
 * The model takes lapses to be independent. An electrode that is off, or a
 * coil beside its spot, makes a row of wrong answers, which moves the
 * estimate: after five lost answers at the beginning, a hunt ends at one and a
 * half times the threshold. In such a hunt all misses near the estimate come
 * before all hits. So hits and misses near the estimate must also alternate:
 * from one to the next there are at least TURNS changes. A row in the middle
 * of a hunt makes two changes by itself. So ROW_MIN to ROW_MAX answers in a
 * row are also compared with what the estimate expects of them: there is no
 * estimate if they have so many hits more, or fewer, that chance alone would
 * make such a row in at most one of fifty hunts.
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
#define ROW_MIN 4u
#define ROW_MAX 8u
#define ROW_BY_CHANCE 0.02
/* Of one answer. With less, a single lapse far from the threshold would be a row. */
#define ROW_VARIANCE_MIN 0.06
/* The log-likelihood where an answer has a probability of 0 in the arithmetic used. */
#define LIKELIHOOD_MIN -1e5
/* Two log-likelihoods closer than this count as equal: rounding makes them differ. */
#define PLATEAU 1e-9
/* Half of the 95 % point of chi squared with one degree of freedom. */
#define LIKELIHOOD_RATIO_95 1.920729410347062

static double probability(double x_permille, double t_permille, bool response, double lapse)
{
        double z = (x_permille - t_permille) / (RELATIVE_SPREAD * t_permille);

        return lapse + (1 - 2 * lapse) * 0.5 * erfc((response ? -z : z) / M_SQRT2);
}

static double log_probability(double x_permille, double t_permille, bool response, double lapse)
{
        double p = probability(x_permille, t_permille, response, lapse);

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

/* The first and the last threshold whose log-likelihood is at most margin below the highest. */
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
        unsigned near_turns;             /* changes between hit and miss, from one answer near it to the next */
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

/* Of ROW_MIN to ROW_MAX answers in a row: have some more or fewer hits than chance explains, were this the threshold? */
static bool pest_has_row(const struct tms_threshold *t, uint32_t threshold_permille)
{
        for (uint32_t first = 0; first + ROW_MIN <= t->pulses; first++) {
                double excess = 0, variance = 0;

                for (uint32_t i = first; i < t->pulses && i < first + ROW_MAX; i++) {
                        const bool hit = t->pest.answers[i].response;
                        double p = probability(t->pest.answers[i].permille, threshold_permille, true, LAPSE);

                        excess += hit - p;
                        variance += fmax(p * (1 - p), ROW_VARIANCE_MIN);
                        if (i + 1 < first + ROW_MIN)
                                continue;
                        /* Both tails of the normal distribution, for as many rows as there are pulses. */
                        if (t->pulses * erfc(fabs(excess) / sqrt(2 * variance)) < ROW_BY_CHANCE)
                                return true;
                }
        }
        return false;
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
        /* LACK_NONE_BELOW_MAX needs the whole confidence interval to be above the limit. */
        if (e.low_permille > t->options.max_permille)
                *ret_lack = LACK_NONE_BELOW_MAX;
        else if (e.threshold_permille > t->options.max_permille)
                *ret_lack = LACK_OUT_OF_REACH;
        else if (v.near_hits < BRACKET || v.near_misses < BRACKET)
                *ret_lack = v.near_hits >= BRACKET || (v.near_misses < BRACKET && v.misses <= v.hits) ? LACK_MISSES
                                                                                                      : LACK_ANSWERS;
        else if (v.near_turns < TURNS)
                *ret_lack = LACK_TURNS;
        else if (pest_has_row(t, e.threshold_permille))
                *ret_lack = LACK_ROW;
        else {
                *ret = e;
                return 0;
        }
        return -ENODATA;
}

/* A multiple of the step, at most the maximum. The first intensity is the caller's, if the caller gave one. */
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

        /* The caller has counted this pulse already. */
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

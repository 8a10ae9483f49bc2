/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The session's hard limits, and what the kernel would say of a timeline.
 *
 * tms_session_limits() is a second account of the dose, with arithmetic of
 * its own: the number of pulses and the duration are the file's stated totals,
 * the intensity is threshold x percentages, the shortest interval and the most
 * pulses in a second follow in closed form from the pattern's levels. On
 * purpose it shares no code with compile.c: the kernel compares the timeline
 * with these limits, so that it notices a mistake in one of the two. The
 * limit for the pulses in a second may be higher than what any second of the
 * timeline has; policy/safety.c counts those.
 */
#include "kernel/pure/timeline.h"
#include "protocol.h"

#include <errno.h>

/* --- Session limits --------------------------------------------------------------------------- */

static uint64_t threshold_of(const struct tms_protocol *p, const struct tms_dose *dose, size_t leg, enum base base)
{
        assert(base != BASE_MAIN && leg < TMS_LEGS_MAX);
        if (base == BASE_MSO)
                return 1000;
        if (base != p->reference && !kind_is(dose->threshold_kind, base))
                return dose->other_threshold_permille;
        if (dose->leg_adjusted_permille[leg])
                return dose->leg_adjusted_permille[leg];
        if (dose->leg_threshold_permille[leg])
                return dose->leg_threshold_permille[leg];
        return dose->adjusted_threshold_permille ? dose->adjusted_threshold_permille : dose->threshold_permille;
}

/* An adjusted threshold needs the measured one, because the policy judges by the lower of the two. */
static int adjusted_check(const struct tms_protocol *p, const struct tms_dose *dose, struct tms_error *error)
{
        bool alone = dose->adjusted_threshold_permille && !dose->threshold_permille;

        for (size_t i = 0; i < p->n_legs; i++)
                alone = alone || (dose->leg_adjusted_permille[i] && !dose->leg_threshold_permille[i] &&
                                  !dose->threshold_permille);
        if (alone)
                return tms_error_set(error, EINVAL, NULL, 0, 0, NULL,
                                     "an adjusted threshold is given without the measured one; expected both");
        return 0;
}

/* Refuses a threshold above 100 %MSO: nobody can have measured it. */
static int possible_check(uint64_t threshold_permille, struct tms_error *error)
{
        if (threshold_permille <= 1000)
                return 0;
        return tms_error_set(error, EINVAL, NULL, 0, 0, NULL,
                             "a threshold of %u.%u %%MSO is impossible; expected at most 100 %%MSO",
                             (unsigned)threshold_permille / 10, (unsigned)threshold_permille % 10);
}

static int threshold_check(const struct tms_protocol *p, const struct tms_dose *dose, size_t leg, enum base base,
                           struct tms_error *error)
{
        uint64_t t;

        if (base == BASE_MAIN)
                base = p->reference;
        t = threshold_of(p, dose, leg, base);
        if (t == 0)
                return tms_error_set(error, EINVAL, NULL, 0, 0, NULL,
                                     "this protocol needs the patient's %s too; expected one to be measured and given",
                                     base_names[base]);
        return possible_check(t, error);
}

/* Of two thresholds threshold_of() chooses by the kind of the first: without a kind it could choose the wrong one. */
static int kind_check(const struct tms_dose *dose, struct tms_error *error)
{
        const char *kind = dose->threshold_kind;

        if (!dose->other_threshold_permille || kind_is(kind, BASE_RMT) || kind_is(kind, BASE_AMT))
                return 0;
        return tms_error_set(error, EINVAL, NULL, 0, 0, NULL,
                             "a second threshold is given, but whether the first is the rMT or the aMT is not known; "
                             "expected its kind");
}

static int leg_check(const struct tms_protocol *p, const struct tms_dose *dose, size_t leg, struct tms_error *error)
{
        const struct leg *l = &p->legs[leg];
        int r = 0;

        if (!l->intensities)
                return threshold_check(p, dose, leg, l->intensity.base, error);
        for (uint32_t k = 0; r >= 0 && k < l->levels[LEVEL_BURST].count; k++) {
                enum base base = l->intensities[k].base;

                r = threshold_check(p, dose, leg, base == BASE_MAIN ? l->intensity.base : base, error);
        }
        return r;
}

/* Checks all thresholds and the percentage, even those that no pulse depends on: the audit log records all of them. */
static int prescription_check(const struct tms_protocol *p, const struct tms_dose *dose, struct tms_error *error)
{
        int r = possible_check(dose->threshold_permille, error);

        if (r >= 0)
                r = possible_check(dose->other_threshold_permille, error);
        for (size_t i = 0; r >= 0 && i < TMS_LEGS_MAX; i++)
                r = possible_check(dose->leg_threshold_permille[i] > dose->leg_adjusted_permille[i]
                                                   ? dose->leg_threshold_permille[i]
                                                   : dose->leg_adjusted_permille[i],
                                   error);
        if (r >= 0)
                r = possible_check(dose->adjusted_threshold_permille, error);
        if (r >= 0)
                r = adjusted_check(p, dose, error);
        if (r >= 0)
                r = kind_check(dose, error);
        if (r >= 0 && dose->percent_permille > PERCENT_MAX_PERMILLE)
                r = tms_error_set(error, EINVAL, NULL, 0, 0, NULL, "%u.%u %% is out of range; expected at most %u %%",
                                  dose->percent_permille / 10, dose->percent_permille % 10, PERCENT_MAX_PERMILLE / 10);
        for (size_t i = 0; r >= 0 && i < p->n_legs; i++)
                r = leg_check(p, dose, i, error);
        return r;
}

/* One prescribed intensity in 0.1 %MSO, rounded up: rounded to the nearest, the limit could be below the pulse. */
static uint64_t strength(const struct tms_protocol *p, const struct tms_dose *dose, size_t leg, struct intensity v)
{
        unsigned __int128 num = 1, den = 1000;

        if (v.base == BASE_MAIN) {
                num *= v.permille;
                den *= 1000;
                v = p->legs[leg].intensity;
        }
        if (v.base == BASE_MAIN) {
                num *= v.permille;
                den *= 1000;
                v.base = p->reference;
                v.permille = dose->percent_permille ? dose->percent_permille : p->percent_permille;
        }
        num *= threshold_of(p, dose, leg, v.base) * v.permille;
        return (uint64_t)((num + den - 1) / den);
}

/* The strongest of a leg's prescribed intensities. */
static uint64_t leg_strongest(const struct tms_protocol *p, const struct tms_dose *dose, size_t leg)
{
        const struct leg *l = &p->legs[leg];
        uint64_t strongest = 0;

        if (!l->intensities)
                return strength(p, dose, leg, (struct intensity){BASE_MAIN, 1000});

        for (uint32_t k = 0; k < l->levels[LEVEL_BURST].count; k++) {
                uint64_t x = strength(p, dose, leg, l->intensities[k]);

                if (x > strongest)
                        strongest = x;
        }
        return strongest;
}

/* The shortest time between two pulses of a leg, from the counts and intervals of its levels. */
static uint64_t leg_shortest_ns(const struct tms_protocol *p, const struct leg *leg)
{
        uint64_t shortest = UINT64_MAX;

        for (int i = 0; i < LEVEL_COUNT; i++) {
                uint64_t step = level_shortest(&leg->levels[i]);

                if (step == UINT64_MAX)
                        continue;
                assert(step > leg_span_longest(leg, i - 1));
                step -= leg_span_longest(leg, i - 1);
                if (step < shortest)
                        shortest = step;
        }
        return shortest == UINT64_MAX ? UINT64_MAX : shortest / p->den;
}

/* At least as many as in any half-open second: for each level, the units that such a second can touch, multiplied. */
static uint64_t leg_pulses_per_s(const struct tms_protocol *p, const struct leg *leg)
{
        uint64_t n = 1;

        for (int i = 0; i < LEVEL_COUNT; i++) {
                const struct level *l = &leg->levels[i];
                uint64_t step = level_shortest(l), units = 1;

                if (step != UINT64_MAX) {
                        unsigned __int128 reach = (unsigned __int128)NS_PER_S * p->den + leg_span_longest(leg, i - 1);

                        units = (uint64_t)((reach + step - 1) / step);
                }
                n *= units < l->count ? units : l->count;
                if (n > TMS_RATE_MAX)
                        return TMS_RATE_MAX;
        }
        return n;
}

/* The highest percentage below the prescribed one, in 0.1 %, at which no leg needs more than 100 %MSO; 0: none. */
static uint32_t highest_percent(const struct tms_protocol *p, const struct tms_dose *dose)
{
        struct tms_dose lower = *dose;
        uint64_t strongest;

        lower.percent_permille = dose->percent_permille ? dose->percent_permille : p->percent_permille;
        while (--lower.percent_permille) {
                strongest = 0;
                for (size_t i = 0; i < p->n_legs; i++) {
                        uint64_t x = leg_strongest(p, &lower, i);

                        if (x > strongest)
                                strongest = x;
                }
                if (strongest <= 1000)
                        return lower.percent_permille;
        }
        return 0;
}

static int refuse_strength(const struct tms_protocol *p, const struct tms_dose *dose, uint64_t strongest,
                           struct tms_error *error)
{
        uint32_t best = highest_percent(p, dose);
        char advice[64] = "expected a lower intensity";

        if (best)
                snprintf(advice, sizeof(advice), "the highest percentage possible is %u.%u %%", best / 10, best % 10);
        return tms_error_set(error, ERANGE, NULL, 0, 0, NULL,
                             "the dose asks for %u.%u %%MSO, and the stimulator gives at most 100 %%MSO; %s",
                             (unsigned)strongest / 10, (unsigned)strongest % 10, advice);
}

int tms_session_limits(const struct tms_protocol *p, const struct tms_dose *dose, struct tms_limits *ret,
                       struct tms_error *error)
{
        uint64_t strongest = 0, shortest_ns = UINT64_MAX, per_s = 0, before = 0;
        struct tms_limits v = {};
        int r;

        r = prescription_check(p, dose, error);
        if (r < 0)
                return r;

        for (size_t i = 0; i < p->n_legs; i++) {
                const struct leg *leg = &p->legs[i];
                uint64_t x;

                x = leg_strongest(p, dose, i);
                if (x > strongest)
                        strongest = x;
                x = leg_shortest_ns(p, leg);
                if (x < shortest_ns)
                        shortest_ns = x;
                if (i > 0) {
                        /* From the last pulse of the leg before to the first of this one. */
                        uint64_t end = p->legs[i - 1].start_ticks + p->legs[i - 1].span_ticks;

                        assert(leg->start_ticks > end);
                        x = (leg->start_ticks - end) / p->den;
                        if (x < shortest_ns)
                                shortest_ns = x;
                        if (x >= NS_PER_S)
                                before = 0;
                }
                before += leg_pulses_per_s(p, leg);
                if (before > per_s)
                        per_s = before;
        }

        if (strongest > 1000)
                return refuse_strength(p, dose, strongest, error);

        assert(p->stated.pulses > 0 && p->stated.pulses <= TMS_PULSES_MAX && per_s > 0);
        v.max_permille = (uint32_t)strongest;
        v.max_pulses = (uint32_t)p->stated.pulses;
        v.max_pulses_per_s = (uint32_t)(per_s > TMS_RATE_MAX ? TMS_RATE_MAX : per_s);
        v.min_interval_ns = shortest_ns == UINT64_MAX ? 0 : shortest_ns;
        v.max_duration_ns = p->stated.duration_ns ? p->stated.duration_ns : 1;
        *ret = v;
        return 0;
}

/* --- What the kernel would say ------------------------------------------------------------------ */

/* The card that the register contract describes, with a figure-8 coil. */
static const struct tms_info reference_card = {
                .card_flags = TMS_CARD_BIPHASIC | TMS_CARD_MONOPHASIC | TMS_CARD_HALFSINE | TMS_CARD_REVERSE |
                              TMS_CARD_TRIGGER_IN | TMS_CARD_TRIGGER_OUT,
                .coil_type = TMS_COIL_TYPE_FIGURE8,
                REFERENCE_CARD,
                .max_pulses_per_s = 200,
                .max_pulses_per_day = 20000,
                .lateness_default_ns = TMS_LATENESS_NS,
};

static uint32_t min_u32(uint32_t a, uint32_t b)
{
        return a < b ? a : b;
}

int tms_timeline_check(const struct tms_timeline *t, const struct tms_info *info, const struct tms_limits *limits,
                       struct tms_verdict *ret_verdict)
{
        struct tms_envelope env;
        int r;

        if (!info)
                info = &reference_card;

        r = tms_waveform_verify(info->card_flags, t->waveform, ret_verdict);
        if (r < 0)
                return r;

        env = (struct tms_envelope){
                        .max_permille = info->max_permille,
                        .stored_pulses = info->stored_pulses,
                        .min_interval_ns = info->min_interval_ns,
                        .pulse_mJ = info->pulse_mJ,
                        .charge_mW = info->charge_mW,
                        .settle_margin_ns = TMS_SETTLE_MARGIN_NS + info->lateness_default_ns,
                        .reservoir_mJ = info->reservoir_mJ,
                        .refill_mW = info->refill_mW,
                        .coil_heat_mJ = info->coil_heat_mJ,
                        .coil_cool_mW = info->coil_cool_mW,
                        .max_pulses_per_s = info->max_pulses_per_s,
                        .max_pulses = TMS_PULSES_MAX,
                        .max_pulses_per_day = info->max_pulses_per_day,
                        .no_flags = info->card_flags & TMS_CARD_TRIGGER_IN ? 0 : TMS_PULSE_WAIT_TRIGGER,
                        .max_duration_ns = TMS_DURATION_MAX_NS,
        };
        if (limits) {
                env.max_permille = min_u32(env.max_permille, limits->max_permille);
                env.max_pulses = limits->max_pulses;
                env.max_pulses_per_s = min_u32(env.max_pulses_per_s, limits->max_pulses_per_s);
                if (limits->min_interval_ns > env.min_interval_ns)
                        env.min_interval_ns = limits->min_interval_ns;
                env.max_duration_ns = limits->max_duration_ns;
        }
        return tms_timeline_verify(t->pulses, t->count, &env, NULL, 0, ret_verdict);
}

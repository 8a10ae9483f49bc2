/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes a timeline of a protocol and a dose; no other file makes one. The times
 * come from walk.c. An intensity is threshold x percentages x ramp as one
 * fraction, rounded once to the nearest 0.1 %MSO (a half goes up). What cannot
 * be played exactly as asked for is refused.
 */
#include "dose.h"

#include <errno.h>

/* --- Intensities -------------------------------------------------------------------------------- */

/* What 100 % of a base is in 0.1 %MSO, for this patient and leg. */
static int base_permille(const struct tms_protocol *p, size_t leg, const struct tms_dose *dose, enum base base,
                         uint32_t *ret, struct tms_error *error)
{
        uint32_t v;

        assert(base != BASE_MAIN);
        if (base == BASE_MSO) {
                *ret = 1000;
                return 0;
        }

        if (base == p->reference || kind_is(dose->threshold_kind, base))
                v = dose_played(dose, leg);
        else
                v = dose->other_threshold_permille;
        if (v == 0)
                return tms_error_set(error, EINVAL, NULL, 0, 0, NULL,
                                     "this protocol needs the patient's %s too; expected one to be measured and given",
                                     base_names[base]);
        *ret = v;
        return 0;
}

/*
 * An intensity as a product of a base (0.1 %MSO) and three percentages. If a pulse's or a leg's intensity is a share
 * of BASE_MAIN, the share is kept here and the base is that of the leg or of the session.
 */
struct resolved {
        uint32_t base_permille;
        uint32_t percent_permille; /* of the base */
        uint32_t share_permille;   /* the pulse's share of its leg's intensity; 1000: all of it */
        uint32_t leg_share_permille;
        bool follows_dose;
};

static int intensity_resolve(const struct tms_protocol *p, size_t leg, const struct tms_dose *dose, struct intensity v,
                             struct resolved *ret, struct tms_error *error)
{
        struct resolved x = {.share_permille = 1000, .leg_share_permille = 1000};
        int r;

        if (v.base == BASE_MAIN) {
                x.share_permille = v.permille;
                v = p->legs[leg].intensity;
                if (v.base == BASE_MAIN) {
                        x.leg_share_permille = v.permille;
                        x.follows_dose = true;
                        v = (struct intensity){p->reference, dose->percent_permille ?: p->percent_permille};
                }
        }
        x.percent_permille = v.permille;
        r = base_permille(p, leg, dose, v.base, &x.base_permille, error);
        if (r < 0)
                return r;

        *ret = x;
        return 0;
}

/* The exact intensity, in 0.1 %MSO, as a fraction. */
static void resolved_exact(const struct resolved *x, struct share s, unsigned __int128 *ret_num,
                           unsigned __int128 *ret_den)
{
        assert(s.den > 0 && s.num <= s.den && x->share_permille <= PERCENT_MAX_PERMILLE);
        *ret_num = (unsigned __int128)x->base_permille * x->percent_permille * x->share_permille *
                   x->leg_share_permille * s.num;
        *ret_den = (unsigned __int128)1000000000 * s.den;
}

static uint64_t resolved_permille(const struct resolved *x, struct share s)
{
        unsigned __int128 num, den;

        resolved_exact(x, s, &num, &den);
        return (uint64_t)((num * 2 + den) / (den * 2));
}

/* The highest percentage of the session, in 0.1 %, at which x would be at most 100 %MSO. */
static uint32_t resolved_highest_percent(const struct resolved *x)
{
        return (uint32_t)((uint64_t)1000 * 1000000000 / ((uint64_t)x->base_permille * x->share_permille) /
                          x->leg_share_permille);
}

/* Compares with 100 %MSO before rounding: 100.04 %MSO is refused, and not given as 100. */
static int intensity_check(const struct tms_protocol *p, const struct resolved *x, struct tms_error *error)
{
        unsigned __int128 num, den;
        unsigned permille;
        uint32_t best;

        resolved_exact(x, (struct share){1, 1}, &num, &den);
        if (num <= 1000 * den)
                return 0;

        permille = (unsigned)((num + den - 1) / den);
        if (!x->follows_dose || p->reference == BASE_MSO)
                return tms_error_set(error, ERANGE, NULL, 0, 0, NULL,
                                     "the intensity would be %u.%u %%MSO, and the stimulator gives at most 100 %%MSO; "
                                     "expected a "
                                     "lower intensity",
                                     permille / 10, permille % 10);
        best = resolved_highest_percent(x);
        return tms_error_set(error, ERANGE, NULL, 0, 0, NULL,
                             "%u.%u %% of a threshold of %u.%u %%MSO would be %u.%u %%MSO, and the stimulator gives at "
                             "most 100 "
                             "%%MSO; the highest percentage possible is %u.%u %%",
                             x->percent_permille / 10, x->percent_permille % 10, x->base_permille / 10,
                             x->base_permille % 10, permille / 10, permille % 10, best / 10, best % 10);
}

int dose_extremes(const struct tms_protocol *p, const struct tms_dose *dose, uint64_t *ret_strongest,
                  uint64_t *ret_weakest, struct tms_error *error)
{
        uint64_t strongest = 0, weakest = UINT64_MAX;

        for (size_t i = 0; i < p->n_legs; i++) {
                const struct leg *l = &p->legs[i];

                for (uint32_t k = 0; k < l->levels[LEVEL_BURST].count; k++) {
                        struct intensity v = l->intensities ? l->intensities[k] : (struct intensity){BASE_MAIN, 1000};
                        unsigned __int128 num, den;
                        struct resolved x;
                        uint64_t low;
                        int r;

                        r = intensity_resolve(p, i, dose, v, &x, error);
                        if (r < 0)
                                return r;
                        resolved_exact(&x, (struct share){1, 1}, &num, &den);
                        num = (num + den - 1) / den;
                        strongest = num > strongest ? (uint64_t)num : strongest;
                        low = resolved_permille(&x, ramp_share(l, 0));
                        weakest = low < weakest ? low : weakest;
                        if (!l->intensities)
                                break;
                }
        }
        assert(weakest <= strongest);
        *ret_strongest = strongest;
        *ret_weakest = weakest;
        return 0;
}

/* *ret: the intensity of each pulse of a burst, before the ramp. Refuses one above 100 %MSO or below 0.1 %MSO. */
static int leg_resolve(const struct tms_protocol *p, size_t leg, const struct tms_dose *dose, struct resolved **ret,
                       struct tms_error *error)
{
        const struct leg *l = &p->legs[leg];
        const uint32_t n = l->levels[LEVEL_BURST].count;
        _cleanup_free_ struct resolved *table = NULL;
        int r;

        table = calloc(n, sizeof(*table));
        if (!table)
                return error_memory(error, NULL);

        for (uint32_t k = 0; k < n; k++) {
                struct intensity v = l->intensities ? l->intensities[k] : (struct intensity){BASE_MAIN, 1000};

                r = intensity_resolve(p, leg, dose, v, &table[k], error);
                if (r < 0)
                        return r;
                r = intensity_check(p, &table[k], error);
                if (r < 0)
                        return r;
                if (resolved_permille(&table[k], ramp_share(l, 0)) == 0)
                        return tms_error_set(
                                        error, ERANGE, NULL, 0, 0, NULL,
                                        "the intensity of pulse %u of a burst would be below 0.1 %%MSO; expected more",
                                        k + 1);
        }

        *ret = TAKE_PTR(table);
        return 0;
}

static void leg_set_intensities(const struct leg *leg, const struct resolved *table, struct tms_pulse *pulses,
                                uint32_t *max_permille)
{
        const uint32_t bursts = leg->levels[LEVEL_TRAIN].count, n = leg->levels[LEVEL_BURST].count;
        const uint32_t trains = leg->levels[LEVEL_SERIES].count;
        struct tms_pulse *full = NULL;

        for (uint32_t t = 0; t < trains; t++) {
                struct share s = ramp_share(leg, t);

                for (uint32_t b = 0; b < bursts; b++)
                        for (uint32_t k = 0; k < n; k++, pulses++) {
                                /* As strong as in the burst before; after the ramp, as in the train before. */
                                if (b > 0)
                                        pulses->intensity_permille = (pulses - n)->intensity_permille;
                                else if (full)
                                        pulses->intensity_permille = full[k].intensity_permille;
                                else
                                        pulses->intensity_permille = (uint16_t)resolved_permille(&table[k], s);
                                /* leg_resolve() has checked this, before rounding. */
                                assert(pulses->intensity_permille > 0 && pulses->intensity_permille <= 1000);
                                if (pulses->intensity_permille > *max_permille)
                                        *max_permille = pulses->intensity_permille;
                        }
                if (t >= leg->ramp_trains && !full)
                        full = pulses - (size_t)bursts * n;
        }
}

/* --- The whole ------------------------------------------------------------------------------------ */

int tms_compile(const struct tms_protocol *p, const struct tms_dose *dose, struct tms_timeline *ret,
                struct tms_error *error)
{
        struct tms_timeline t = {};
        _cleanup_free_ struct tms_pulse *pulses = NULL;
        struct tms_pulse *next;
        size_t count = 0;
        int r;

        r = dose_check(p, dose, error);
        if (r < 0)
                return r;

        for (size_t i = 0; i < p->n_legs; i++)
                count += leg_pulses(&p->legs[i]);
        pulses = malloc(count * sizeof(*pulses));
        if (!pulses)
                return error_memory(error, NULL);

        next = pulses;
        for (size_t i = 0; i < p->n_legs; i++) {
                _cleanup_free_ struct resolved *table = NULL;
                const struct leg *leg = &p->legs[i];

                r = leg_resolve(p, i, dose, &table, error);
                if (r < 0)
                        return r;
                leg_walk(leg, p->den, next, t.trains, NULL);
                leg_set_intensities(leg, table, next, &t.max_permille);
                next += leg_pulses(leg);
                t.trains += (uint32_t)leg_trains(leg);
        }

        assert(next == pulses + count && count > 0 && count <= TMS_PULSES_MAX);
        assert(next[-1].t_ns <= TMS_DURATION_MAX_NS);
        t.count = (uint32_t)count;
        t.waveform = p->waveform;
        t.pulses = TAKE_PTR(pulses);
        *ret = t;
        return 0;
}

void tms_timeline_clear(struct tms_timeline *t)
{
        if (!t)
                return;
        free(t->pulses);
        *t = (struct tms_timeline){};
}

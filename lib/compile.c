/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Protocol and dose to a timeline: the only place that makes pulses.
 *
 * Times are sums of whole ticks, rounded once per pulse to the nearest
 * nanosecond (a half goes up), so no error adds up. Intensities are
 * threshold x percentage x ramp as one fraction, rounded once to the nearest
 * 0.1 %MSO (a half goes up). What cannot be played as asked is refused.
 */
#include "safety.h"

#include <errno.h>
#include <string.h>

/* --- Jitter --------------------------------------------------------------------------------- */

/* SplitMix64, as the manual page gives it: part of the file format, never to change. */
static uint64_t splitmix64(uint64_t *state)
{
        uint64_t z;

        *state += 0x9e3779b97f4a7c15u;
        z = *state;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
}

/* Whole nanoseconds, each from min to max equally likely; in ticks. */
static uint64_t jitter_draw(const struct level *l, uint64_t den, uint64_t *state)
{
        uint64_t min_ns = l->jitter_min_ticks / den, max_ns = l->jitter_max_ticks / den;
        unsigned __int128 x = splitmix64(state);

        return (min_ns + (uint64_t)((x * (max_ns - min_ns + 1)) >> 64)) * den;
}

/* --- Times ---------------------------------------------------------------------------------- */

/* From the onset of unit i - 1 to unit i. */
static inline uint64_t level_step(const struct level *l, uint32_t i, uint64_t den, uint64_t *state)
{
        switch (l->spacing) {
        case SPACING_REGULAR:
                return l->interval_ticks;
        case SPACING_JITTER:
                return jitter_draw(l, den, state);
        case SPACING_ONSETS:
                return l->onset_ticks[i] - l->onset_ticks[i - 1];
        case SPACING_NONE:
                break;
        }
        return 0;
}

static const uint16_t wait_flags[] = {
                [WAIT_NONE] = 0,
                [WAIT_TRIGGER] = TMS_PULSE_WAIT_TRIGGER,
                [WAIT_OPERATOR] = TMS_PULSE_WAIT_OPERATOR,
};

/* What the first pulse of a unit waits for: the outermost level that says something. */
static uint16_t first_pulse_flags(const struct leg *leg, uint32_t train, uint32_t burst, uint32_t pulse)
{
        if (train == 0 && burst == 0 && pulse == 0 && leg->wait)
                return wait_flags[leg->wait];
        if (burst == 0 && pulse == 0 && leg->levels[LEVEL_SERIES].wait)
                return wait_flags[leg->levels[LEVEL_SERIES].wait];
        if (pulse == 0 && leg->levels[LEVEL_TRAIN].wait)
                return wait_flags[leg->levels[LEVEL_TRAIN].wait];
        return wait_flags[leg->levels[LEVEL_BURST].wait];
}

void leg_walk(const struct leg *leg, uint64_t den, struct tms_pulse *pulses, uint32_t first_train,
              uint64_t *ret_last_ticks)
{
        const struct level *series = &leg->levels[LEVEL_SERIES], *trains = &leg->levels[LEVEL_TRAIN],
                           *bursts = &leg->levels[LEVEL_BURST];
        uint64_t state = leg->seed, train_ticks = leg->start_ticks, last = 0;

        for (uint32_t t = 0; t < series->count; t++) {
                uint64_t burst_ticks;

                if (t > 0)
                        train_ticks += level_step(series, t, den, &state);
                burst_ticks = train_ticks;

                for (uint32_t b = 0; b < trains->count; b++) {
                        uint64_t ticks;

                        if (b > 0)
                                burst_ticks += level_step(trains, b, den, &state);
                        ticks = burst_ticks;

                        for (uint32_t k = 0; k < bursts->count; k++) {
                                if (k > 0)
                                        ticks += level_step(bursts, k, den, &state);
                                last = ticks;
                                if (!pulses)
                                        continue;

                                *pulses++ = (struct tms_pulse){
                                                .t_ns = ticks_to_ns(ticks, den),
                                                .train = first_train + t,
                                                .flags = first_pulse_flags(leg, t, b, k) |
                                                         (k + 1 == bursts->count ? TMS_PULSE_END_OF_BURST : 0) |
                                                         (k + 1 == bursts->count && b + 1 == trains->count
                                                                          ? TMS_PULSE_END_OF_TRAIN
                                                                          : 0),
                                };
                        }
                }
        }

        if (ret_last_ticks)
                *ret_last_ticks = last - leg->start_ticks;
}

/* --- Intensities -------------------------------------------------------------------------------- */

static const char *const base_names[] = {
                [BASE_MAIN] = "main",
                [BASE_RMT] = "rMT",
                [BASE_AMT] = "aMT",
                [BASE_MSO] = "MSO",
};

/* What 100 % of a base is in 0.1 %MSO, for this patient and leg. */
static int base_permille(const struct tms_protocol *p, size_t leg, const struct tms_dose *dose, enum base base,
                         uint32_t *ret, struct tms_error *error)
{
        uint32_t v;

        if (base == BASE_MSO) {
                *ret = 1000;
                return 0;
        }

        if (base == p->reference || strcmp(dose->threshold_kind, base_names[base]) == 0)
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

static bool leg_uses(const struct leg *leg, enum base base)
{
        bool uses = leg->intensity.base == base;

        for (uint32_t k = 0; leg->intensities && k < leg->levels[LEVEL_BURST].count; k++)
                uses |= leg->intensities[k].base == base;
        return uses;
}

/* A protocol in %MSO has no kind of its own that would tell. */
static int second_refuse(const char *kind, struct tms_error *error)
{
        const char *quote = kind[0] ? "\"" : "";

        return tms_error_set(error, EINVAL, NULL, 0, 0, NULL,
                             "a second threshold is given, but the kind of the first is %s%s%s; expected rMT or aMT, "
                             "which tells which of the two is which",
                             quote, kind[0] ? kind : "not stated", quote);
}

/*
 * A tense muscle answers to less than one at rest. The safety tables take a
 * percentage of the active threshold as if of the resting one, which is
 * against the caller only as long as this holds.
 */
static int order_check(const struct tms_protocol *p, const struct tms_dose *dose, struct tms_error *error)
{
        const bool resting = strcmp(dose->threshold_kind, "rMT") == 0;

        if (dose->other_threshold_permille == 0)
                return 0;
        if (!resting && strcmp(dose->threshold_kind, "aMT") != 0)
                return second_refuse(dose->threshold_kind, error);
        for (size_t i = 0; i <= p->n_legs; i++) {
                uint32_t own = i < p->n_legs ? dose->leg_threshold_permille[i] : dose->threshold_permille;
                uint32_t rmt = resting ? own : dose->other_threshold_permille;
                uint32_t amt = resting ? dose->other_threshold_permille : own;

                /* The other kind may have been measured on one side only. */
                if (own == 0 || amt <= rmt || (i < p->n_legs && !leg_uses(&p->legs[i], resting ? BASE_AMT : BASE_RMT)))
                        continue;
                return tms_error_set(error, EINVAL, NULL, 0, 0, NULL,
                                     "the active threshold (aMT) of %u.%u %%MSO is above the resting one (rMT) of "
                                     "%u.%u %%MSO; expected it to be no higher, as a tense muscle answers to less",
                                     amt / 10, amt % 10, rmt / 10, rmt % 10);
        }
        return 0;
}

/* Also where no pulse goes by it: the policy does, and makes little of a pulse by a threshold that is too high. */
static int thresholds_check(const struct tms_dose *dose, struct tms_error *error)
{
        uint32_t most = dose->threshold_permille;

        if (dose->other_threshold_permille > most)
                most = dose->other_threshold_permille;
        for (size_t i = 0; i < TMS_LEGS_MAX; i++)
                if (dose->leg_threshold_permille[i] > most)
                        most = dose->leg_threshold_permille[i];
        if (most <= 1000)
                return 0;
        return tms_error_set(error, EINVAL, NULL, 0, 0, NULL,
                             "a threshold of %u.%u %%MSO is impossible; expected at most 100 %%MSO", most / 10,
                             most % 10);
}

int dose_check(const struct tms_protocol *p, const struct tms_dose *dose, struct tms_error *error)
{
        const char *coil = protocol_coils[p->coil];
        bool missing = false, given = dose->threshold_permille || dose->other_threshold_permille;
        int r;

        for (size_t i = 0; i < p->n_legs; i++) {
                given |= dose->leg_threshold_permille[i] > 0;
                missing |= dose->threshold_permille == 0 && dose->leg_threshold_permille[i] == 0;
        }
        if (p->reference != BASE_MSO) {
                if (missing)
                        return tms_error_set(error, EINVAL, NULL, 0, 0, NULL,
                                             "%s is given in percent of the %s; expected the patient's threshold",
                                             p->id, base_names[p->reference]);
                if (strcmp(dose->threshold_kind, base_names[p->reference]) != 0)
                        return tms_error_set(error, EINVAL, NULL, 0, 0, NULL,
                                             "the threshold is \"%s\", but %s is given in percent of the %s; expected "
                                             "that one",
                                             dose->threshold_kind, p->id, base_names[p->reference]);
        }
        r = thresholds_check(dose, error);
        if (r < 0)
                return r;
        for (size_t i = p->n_legs; i < TMS_LEGS_MAX; i++)
                if (dose->leg_threshold_permille[i])
                        return tms_error_set(error, EINVAL, NULL, 0, 0, NULL,
                                             "a threshold is given for leg %zu, and %s has %zu; expected one for each "
                                             "leg at most",
                                             i + 1, p->id, p->n_legs);
        /* Whichever of them it is: with another coil it would be another number. */
        if (given && strcmp(coil, "any") != 0 && strcmp(dose->threshold_coil, coil) != 0)
                return tms_error_set(error, EINVAL, NULL, 0, 0, NULL,
                                     "the threshold was measured with a %s coil, but %s is for a %s coil; expected a "
                                     "threshold "
                                     "measured with that coil",
                                     dose->threshold_coil[0] ? dose->threshold_coil : "(not stated)", p->id, coil);
        if (dose->percent_permille > PERCENT_MAX_PERMILLE)
                return tms_error_set(error, EINVAL, NULL, 0, 0, NULL,
                                     "%u.%u %% is out of range; expected at most %u %%", dose->percent_permille / 10,
                                     dose->percent_permille % 10, PERCENT_MAX_PERMILLE / 10);
        r = dose_adjust_check(p, dose, error);
        return r < 0 ? r : order_check(p, dose, error);
}

/* An intensity as base (0.1 %MSO) x two percentages; BASE_MAIN goes through the leg to the session's. */
struct resolved {
        uint32_t base_permille;
        uint32_t percent_permille; /* of the base */
        uint32_t share_permille;   /* of that, 1000 for all of it */
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

struct share ramp_share(const struct leg *leg, uint32_t train)
{
        if (train >= leg->ramp_trains)
                return (struct share){1, 1};
        return (struct share){
                        (uint64_t)leg->ramp_start_permille * leg->ramp_trains +
                                        (uint64_t)(1000 - leg->ramp_start_permille) * train,
                        (uint64_t)1000 * leg->ramp_trains,
        };
}

/* The exact intensity as a fraction of 0.1 %MSO. */
static void resolved_exact(const struct resolved *x, struct share s, unsigned __int128 *ret_num,
                           unsigned __int128 *ret_den)
{
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

/* The highest session percentage (0.1 %) at which x would not exceed what the stimulator gives. */
static uint32_t highest_percent(const struct resolved *x)
{
        return (uint32_t)((uint64_t)1000 * 1000000000 / ((uint64_t)x->base_permille * x->share_permille) /
                          x->leg_share_permille);
}

/* Refuses what is above 100 %MSO before rounding: nobody gets less than was asked for without being told. */
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
        best = highest_percent(x);
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
        *ret_strongest = strongest;
        *ret_weakest = weakest;
        return 0;
}

/* The full-intensity entries of one burst, each checked against what can be set at all. */
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
                                /* The bursts of a train are alike, and so are all trains after the ramp. */
                                if (b > 0)
                                        pulses->intensity_permille = (pulses - n)->intensity_permille;
                                else if (full)
                                        pulses->intensity_permille = full[k].intensity_permille;
                                else
                                        pulses->intensity_permille = (uint16_t)resolved_permille(&table[k], s);
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

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Goes through a leg's pulses one by one, in order of time. No other file
 * makes pulses. A pulse's time is a sum of whole ticks, rounded once to the
 * nearest nanosecond (a half goes up), so that errors do not add up.
 */
#include "protocol.h"

/* --- Jitter --------------------------------------------------------------------------------- */

/* SplitMix64, as in the manual page. It is part of the file format and must not change. */
static uint64_t splitmix64(uint64_t *state)
{
        uint64_t z;

        *state += 0x9e3779b97f4a7c15u;
        z = *state;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
}

/* A jittered interval, in ticks: a whole number of nanoseconds, each from min to max equally likely. */
static uint64_t jitter_draw(const struct level *l, uint64_t den, uint64_t *state)
{
        uint64_t min_ns = l->jitter_min_ticks / den, max_ns = l->jitter_max_ticks / den;
        unsigned __int128 x = splitmix64(state);

        assert(0 < min_ns && min_ns < max_ns);
        return (min_ns + (uint64_t)((x * (max_ns - min_ns + 1)) >> 64)) * den;
}

/* --- Times ---------------------------------------------------------------------------------- */

/* From the onset of unit i - 1 to that of unit i. */
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

/* What a pulse waits for. If it begins units of several levels, the outermost one with "wait" counts. */
static uint16_t pulse_wait_flags(const struct leg *leg, uint32_t train, uint32_t burst, uint32_t pulse)
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
        const struct level *series = &leg->levels[LEVEL_SERIES], *train = &leg->levels[LEVEL_TRAIN],
                           *burst = &leg->levels[LEVEL_BURST];
        uint64_t state = leg->seed, train_ticks = leg->start_ticks, last = 0;

        assert(den > 0 && series->count > 0 && train->count > 0 && burst->count > 0);
        for (uint32_t t = 0; t < series->count; t++) {
                uint64_t burst_ticks;

                if (t > 0)
                        train_ticks += level_step(series, t, den, &state);
                burst_ticks = train_ticks;

                for (uint32_t b = 0; b < train->count; b++) {
                        uint64_t ticks;

                        if (b > 0)
                                burst_ticks += level_step(train, b, den, &state);
                        ticks = burst_ticks;

                        for (uint32_t k = 0; k < burst->count; k++) {
                                if (k > 0)
                                        ticks += level_step(burst, k, den, &state);
                                /* leg_check_overlap() has checked this: two pulses are at least 1 ns apart. */
                                assert((t == 0 && b == 0 && k == 0) || ticks >= last + den);
                                last = ticks;
                                if (!pulses)
                                        continue;

                                *pulses++ = (struct tms_pulse){
                                                .t_ns = ticks_to_ns(ticks, den),
                                                .train = first_train + t,
                                                .flags = pulse_wait_flags(leg, t, b, k) |
                                                         (k + 1 == burst->count ? TMS_PULSE_END_OF_BURST : 0) |
                                                         (k + 1 == burst->count && b + 1 == train->count
                                                                          ? TMS_PULSE_END_OF_TRAIN
                                                                          : 0),
                                };
                        }
                }
        }

        if (ret_last_ticks)
                *ret_last_ticks = last - leg->start_ticks;
}

/* --- The ramp ---------------------------------------------------------------------------------- */

struct share ramp_share(const struct leg *leg, uint32_t train)
{
        assert(leg->ramp_start_permille <= 1000);
        if (train >= leg->ramp_trains)
                return (struct share){1, 1};
        return (struct share){
                        (uint64_t)leg->ramp_start_permille * leg->ramp_trains +
                                        (uint64_t)(1000 - leg->ramp_start_permille) * train,
                        (uint64_t)1000 * leg->ramp_trains,
        };
}

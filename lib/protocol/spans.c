/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What follows from a pattern in closed form: counts, spans, lengths, the
 * shortest distance. This file does not go through the pulses; walk.c does,
 * so that the two results are independent of each other.
 */
#include "protocol.h"

uint64_t leg_trains(const struct leg *leg)
{
        return leg->levels[LEVEL_SERIES].count;
}

uint64_t leg_pulses_per_train(const struct leg *leg)
{
        return (uint64_t)leg->levels[LEVEL_TRAIN].count * leg->levels[LEVEL_BURST].count;
}

uint64_t leg_pulses(const struct leg *leg)
{
        uint64_t per_train = leg_pulses_per_train(leg);

        /* Each count is at most TMS_PULSES_MAX (22 bits). The product of three does not fit 64 bits. */
        return per_train > TMS_PULSES_MAX ? per_train : per_train * leg_trains(leg);
}

uint64_t ticks_to_ns(uint64_t ticks, uint64_t den)
{
        assert(den > 0);
        return (ticks + den / 2) / den;
}

uint64_t mul_sat(uint64_t a, uint64_t b)
{
        unsigned __int128 v = (unsigned __int128)a * b;

        return v > UINT64_MAX / 2 ? UINT64_MAX / 2 : (uint64_t)v;
}

uint64_t add_sat(uint64_t a, uint64_t b)
{
        return mul_sat(1, a + b < a ? UINT64_MAX : a + b);
}

uint64_t level_shortest(const struct level *level)
{
        uint64_t best = UINT64_MAX;

        assert(level->count > 0);
        if (level->count == 1)
                return UINT64_MAX;

        switch (level->spacing) {
        case SPACING_REGULAR:
                return level->interval_ticks;
        case SPACING_JITTER:
                return level->jitter_min_ticks;
        case SPACING_ONSETS:
                for (uint32_t i = 1; i < level->count; i++)
                        if (level->onset_ticks[i] - level->onset_ticks[i - 1] < best)
                                best = level->onset_ticks[i] - level->onset_ticks[i - 1];
                return best;
        case SPACING_NONE:
                break;
        }
        return UINT64_MAX;
}

uint64_t leg_span_longest(const struct leg *leg, int level)
{
        const struct level *l;
        uint64_t inner;

        assert(level < LEVEL_COUNT);
        if (level < 0)
                return 0;
        l = &leg->levels[level];
        inner = leg_span_longest(leg, level - 1);

        switch (l->spacing) {
        case SPACING_REGULAR:
                return add_sat(mul_sat(l->count - 1, l->interval_ticks), inner);
        case SPACING_JITTER:
                return add_sat(mul_sat(l->count - 1, l->jitter_max_ticks), inner);
        case SPACING_ONSETS:
                return add_sat(l->onset_ticks[l->count - 1], inner);
        case SPACING_NONE:
                break;
        }
        return inner;
}

bool leg_nominal(const struct leg *leg, int level, uint64_t *ret_ticks)
{
        const struct level *l;
        uint64_t inner;

        assert(level < LEVEL_COUNT);
        if (level < 0) {
                *ret_ticks = 0;
                return true;
        }
        l = &leg->levels[level];

        switch (l->spacing) {
        case SPACING_REGULAR:
                *ret_ticks = mul_sat(l->count, l->interval_ticks);
                return true;
        case SPACING_JITTER:
                return false;
        case SPACING_ONSETS:
                if (!leg_nominal(leg, level - 1, &inner))
                        return false;
                *ret_ticks = add_sat(l->onset_ticks[l->count - 1], inner);
                return true;
        case SPACING_NONE:
                break;
        }
        return leg_nominal(leg, level - 1, ret_ticks);
}

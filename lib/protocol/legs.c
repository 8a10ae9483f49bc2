/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What needs all legs of a session, after each of them was read: the common
 * denominator of their times, when each leg begins and ends, and a check that
 * nothing in them overlaps.
 */
#include "protocol.h"

#include <errno.h>

static bool den_include(uint64_t *den, uint64_t other)
{
        if (other == 0)
                return true;
        *den = *den / gcd_u64(*den, other) * other;
        return *den <= RATIO_DEN_MAX;
}

static bool leg_den(const struct leg *leg, uint64_t *den)
{
        if (!den_include(den, leg->pause.den))
                return false;
        for (int i = 0; i < LEVEL_COUNT; i++) {
                const struct level *l = &leg->levels[i];

                if (l->spacing == SPACING_REGULAR && !den_include(den, l->interval.den))
                        return false;
                for (uint32_t j = 0; l->spacing == SPACING_ONSETS && j < l->count; j++)
                        if (!den_include(den, l->onsets[j].den))
                                return false;
        }
        return true;
}

/* The result is at most a day x RATIO_DEN_MAX, which is 63 bits. */
static uint64_t ratio_ticks(struct ratio v, uint64_t den)
{
        assert(v.den == 0 || den % v.den == 0);
        return v.den ? v.num * (den / v.den) : 0;
}

static int leg_ticks(struct leg *leg, uint64_t den)
{
        leg->pause_ticks = ratio_ticks(leg->pause, den);
        for (int i = 0; i < LEVEL_COUNT; i++) {
                struct level *l = &leg->levels[i];

                l->interval_ticks = ratio_ticks(l->interval, den);
                l->jitter_min_ticks = ratio_ticks(l->jitter_min, den);
                l->jitter_max_ticks = ratio_ticks(l->jitter_max, den);
                if (l->spacing != SPACING_ONSETS)
                        continue;
                l->onset_ticks = calloc(l->count, sizeof(*l->onset_ticks));
                if (!l->onset_ticks)
                        return -ENOMEM;
                for (uint32_t j = 0; j < l->count; j++)
                        l->onset_ticks[j] = ratio_ticks(l->onsets[j], den);
        }
        return 0;
}

/* The shortest time from a unit to the next one. A single unit with an interval has that time too. */
static uint64_t level_room(const struct level *level)
{
        if (level->spacing == SPACING_REGULAR)
                return level->interval_ticks;
        if (level->spacing == SPACING_JITTER)
                return level->jitter_min_ticks;
        return level_shortest(level);
}

static int leg_check_overlap(const struct reader *reader, const struct node *pattern, const struct leg *leg,
                             uint64_t den)
{
        for (int i = 0; i < LEVEL_COUNT; i++) {
                uint64_t step = level_room(&leg->levels[i]), inner = leg_span_longest(leg, i - 1);
                const struct node *at = node_get(pattern, level_keys[i]);

                /* Pulses that are at least 1 ns apart stay in order when their times are rounded. */
                if (step == UINT64_MAX || step >= add_sat(inner, den))
                        continue;
                if (inner == 0)
                        return node_fail(reader, at, "the onsets of %s are less than 1 ns apart; expected more",
                                         level_units[i]);
                return node_fail(reader, at,
                                 "the onsets of %s are %.9g s apart, but each lasts %.9g s to its last pulse, so they "
                                 "overlap; expected a longer interval (intervals are onset to onset)",
                                 level_units[i], (double)step / (double)den / 1e9, (double)inner / (double)den / 1e9);
        }
        return 0;
}

int legs_finish(const struct reader *reader, const struct node *n, struct tms_protocol *p)
{
        const struct node *legs = node_get(n, "legs");
        uint64_t start = 0, pulses = 0;
        int r;

        assert(p->n_legs > 0 && p->n_legs <= TMS_LEGS_MAX);
        p->den = 1;
        for (size_t i = 0; i < p->n_legs; i++)
                if (!leg_den(&p->legs[i], &p->den))
                        return node_fail(reader, legs ?: node_get(n, "pattern"),
                                         "the times have no common denominator up to %u; expected fewer odd fractions",
                                         RATIO_DEN_MAX);

        for (size_t i = 0; i < p->n_legs; i++) {
                const struct node *pattern = node_get(legs ? legs->children[i] : n, "pattern");
                struct leg *leg = &p->legs[i];

                r = leg_ticks(leg, p->den);
                if (r < 0)
                        return r;
                r = leg_check_overlap(reader, pattern, leg, p->den);
                if (r < 0)
                        return r;

                leg->start_ticks = add_sat(start, leg->pause_ticks);
                leg->span_ticks = leg_span_longest(leg, LEVEL_SERIES);
                if (add_sat(leg->start_ticks, leg->span_ticks) > mul_sat(TMS_DURATION_MAX_NS, p->den))
                        return node_fail(reader, pattern, "the pattern lasts longer than 24 h; expected less");
                pulses += leg_pulses(leg);
                if (pulses > TMS_PULSES_MAX)
                        return node_fail(reader, pattern, "this makes %llu pulses in all; expected at most %u",
                                         (unsigned long long)pulses, TMS_PULSES_MAX);

                /* The span of a jittered pattern follows from the intervals that are drawn. */
                if (leg->jittered)
                        leg_walk(leg, p->den, NULL, 0, &leg->span_ticks);
                if (!leg_nominal(leg, LEVEL_SERIES, &leg->length_ticks))
                        leg->length_ticks = leg->span_ticks;
                assert(leg->span_ticks <= leg_span_longest(leg, LEVEL_SERIES));
                start = add_sat(leg->start_ticks, leg->length_ticks);

                if (i + 1 < p->n_legs && add_sat(leg->length_ticks, ratio_ticks(p->legs[i + 1].pause, p->den)) <
                                                         add_sat(leg->span_ticks, p->den))
                        return node_missing(reader, legs->children[i + 1], "pause",
                                            "a pause that keeps this leg's first pulse away from the last of the leg "
                                            "before");
        }
        return 0;
}

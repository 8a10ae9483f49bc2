/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What kind of stimulation a leg is. The safety tables speak of trains with a
 * frequency; a file speaks of bursts, trains and series, and its author may
 * have called the same thing by either name. So this looks only at levels
 * that repeat at all, from the inside out.
 */
#include "safety.h"

#define MS 1000000ull
#define S (1000 * MS)

/* Down for the shortest, up for the longest: both against the caller. */
static uint64_t ns_down(uint64_t ticks, uint64_t den)
{
        return ticks / den;
}

static uint64_t ns_up(uint64_t ticks, uint64_t den)
{
        return ticks / den + (ticks % den != 0);
}

/* The first level from here outwards that repeats; -1 for none. */
static int innermost(const struct leg *leg, int from)
{
        for (int i = from; i < LEVEL_COUNT; i++)
                if (leg->levels[i].count > 1)
                        return i;
        return -1;
}

static bool theta(const struct leg *leg, int inner, uint64_t interval_ns, uint64_t outer_ns)
{
        const struct level *l = &leg->levels[inner];

        return l->spacing == SPACING_REGULAR && l->count >= 3 && l->count <= 5 && interval_ns >= 20 * MS &&
               interval_ns <= 34 * MS && outer_ns >= 125 * MS && outer_ns <= 334 * MS;
}

void leg_character(const struct tms_protocol *p, const struct leg *leg, struct character *ret)
{
        struct character c = {.stimulation = STIMULATION_SINGLE, .iti_ns = TMS_TIME_NONE, .pulses_per_train = 1};
        int inner = innermost(leg, 0), outer;
        uint64_t length, shortest;
        const struct level *l;

        if (inner < 0) {
                *ret = c; /* one pulse */
                return;
        }

        l = &leg->levels[inner];
        shortest = level_shortest(l);
        c.interval_ns = ns_down(shortest, p->den);
        c.pulses_per_train = l->count;
        c.burst_pulses = l->count;

        /* At its longest, the interval after the last pulse included. */
        if (l->spacing == SPACING_REGULAR)
                length = l->count * l->interval_ticks;
        else if (l->spacing == SPACING_JITTER)
                length = l->count * l->jitter_max_ticks;
        else
                length = leg_span_longest(leg, inner) + level_shortest(l);
        c.train_ns = ns_up(length, p->den);

        /* The shortest pause that any outer level leaves, from the train's end. */
        for (int i = inner + 1; i < LEVEL_COUNT; i++) {
                uint64_t step = level_shortest(&leg->levels[i]), used, pause;

                if (step == UINT64_MAX)
                        continue;
                if (step - leg_span_longest(leg, i - 1) < shortest)
                        shortest = step - leg_span_longest(leg, i - 1);
                used = leg_span_longest(leg, i - 1) + (length - leg_span_longest(leg, inner));
                pause = step > used ? ns_down(step - used, p->den) : 0;
                if (pause < c.iti_ns)
                        c.iti_ns = pause;
        }

        outer = innermost(leg, inner + 1);
        if (ns_down(shortest, p->den) >= single_pulse_min_ns.value)
                c.stimulation = STIMULATION_SINGLE;
        else if (c.interval_ns * table_max_hz.value < S || (outer >= 0 && l->count <= 5 && c.interval_ns <= 50 * MS)) {
                /* Short bursts over and over (quadripulse at 50 ms among them) are not what the tables' trains were. */
                uint64_t outer_ns = outer < 0 ? 0 : ns_down(level_shortest(&leg->levels[outer]), p->den);

                c.stimulation = theta(leg, inner, c.interval_ns, outer_ns) ? STIMULATION_THETA : STIMULATION_BURSTS;
        } else
                c.stimulation = l->spacing == SPACING_ONSETS ? STIMULATION_ARRHYTHMIC : STIMULATION_TRAINS;
        *ret = c;
}

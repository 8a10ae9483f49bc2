/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading a pattern: a series of trains of bursts of pulses, with an
 * onset-to-onset interval at every level. spans.c calculates durations and
 * counts from it.
 */
#include "protocol.h"

#include <errno.h>
#include <string.h>

#define ONSETS_MAX 65536

/* "interval: 100 ms" or "interval: {from: 4 s, to: 6 s}" */
static int interval_read(const struct reader *reader, const struct node *n, struct level *level)
{
        static const char *const keys[] = {"from", "to", NULL};
        const struct node *from, *to;
        int r;

        if (n->kind != NODE_MAP) {
                r = read_time(reader, n, &level->interval);
                if (r < 0)
                        return r;
                if (level->interval.num == 0)
                        return node_fail(reader, n, "an interval of 0 is impossible; expected a time above 0");
                level->spacing = SPACING_REGULAR;
                return 0;
        }

        r = node_check_keys(reader, n, keys);
        if (r < 0)
                return r;
        from = node_get(n, "from");
        to = node_get(n, "to");
        if (!from)
                return node_missing(reader, n, "from", "the shortest interval, such as \"4 s\"");
        if (!to)
                return node_missing(reader, n, "to", "the longest interval, such as \"6 s\"");
        r = read_time(reader, from, &level->jitter_min);
        if (r < 0)
                return r;
        r = read_time(reader, to, &level->jitter_max);
        if (r < 0)
                return r;
        if (level->jitter_min.den != 1)
                return node_fail(reader, from, "expected a whole number of nanoseconds");
        if (level->jitter_max.den != 1)
                return node_fail(reader, to, "expected a whole number of nanoseconds");
        if (level->jitter_min.num == 0)
                return node_fail(reader, from, "an interval of 0 is impossible; expected a time above 0");
        if (level->jitter_max.num <= level->jitter_min.num)
                return node_fail(reader, to, "expected a time longer than \"from\"");
        level->spacing = SPACING_JITTER;
        return 0;
}

static int onsets_read(const struct reader *reader, const struct node *n, struct level *level)
{
        int r;

        r = node_check_list(reader, n, 1, ONSETS_MAX, "times from the level's start, such as \"[0 ms, 60 ms]\"");
        if (r < 0)
                return r;
        level->onsets = calloc(n->n, sizeof(*level->onsets));
        if (!level->onsets)
                return -ENOMEM;

        for (size_t i = 0; i < n->n; i++) {
                struct ratio *t = &level->onsets[i];

                r = read_time(reader, n->children[i], t);
                if (r < 0)
                        return r;
                if (i == 0 && t->num != 0)
                        return node_fail(reader, n->children[i],
                                         "the first onset is the start itself; expected \"0 s\"");
                if (i > 0 && (unsigned __int128)t->num * t[-1].den <= (unsigned __int128)t[-1].num * t->den)
                        return node_fail(reader, n->children[i],
                                         "\"%.48s\" is not later than the onset before it; expected rising times",
                                         n->children[i]->text);
        }
        level->count = (uint32_t)n->n;
        level->spacing = SPACING_ONSETS;
        return 0;
}

static int level_duration_check(const struct reader *reader, const struct node *n, const struct level *level)
{
        struct ratio stated;
        int r;

        if (level->spacing != SPACING_REGULAR)
                return node_fail(reader, n,
                                 "a duration follows only from a count and a regular interval; expected none here");
        r = read_time(reader, n, &stated);
        if (r < 0)
                return r;
        if ((unsigned __int128)stated.num * level->interval.den !=
            (unsigned __int128)level->count * level->interval.num * stated.den)
                return node_fail(reader, n, "%u x the interval is %.9g s, not \"%.48s\"; mend one of the three",
                                 level->count,
                                 (double)level->count * (double)level->interval.num / (double)level->interval.den / 1e9,
                                 n->text);
        return 0;
}

static int level_read(const struct reader *reader, const struct node *n, enum level_index index, const char *unit,
                      struct level *level)
{
        const char *const keys[] = {unit, "interval", "frequency", "onsets", "duration", "wait", NULL};
        const struct node *count, *interval, *frequency, *onsets, *other, *k;
        unsigned wait = WAIT_NONE;
        uint64_t v;
        int r;

        /* This is the most frequent mistake, and the sentence of node_check_keys() would not explain it. */
        other = node_get(n, strcmp(unit, "pulses") == 0 ? "bursts" : "pulses");
        if (index == LEVEL_TRAIN && other)
                return node_fail(reader, other,
                                 "this pattern has %s \"burst\", so its trains count %s; expected \"%s\"",
                                 strcmp(unit, "pulses") == 0 ? "no" : "a", unit, unit);
        r = node_check_keys(reader, n, keys);
        if (r < 0)
                return r;

        count = node_get(n, unit);
        interval = node_get(n, "interval");
        frequency = node_get(n, "frequency");
        onsets = node_get(n, "onsets");

        k = node_get(n, "wait");
        if (k) {
                r = read_choice(reader, k, wait_names, &wait);
                if (r < 0)
                        return r;
        }
        level->wait = (enum wait)wait;

        if (onsets) {
                other = count ?: interval ?: frequency;
                if (other)
                        return node_fail(reader, other,
                                         "\"onsets\" says it all; expected either onsets or a count and an interval");
                r = onsets_read(reader, onsets, level);
        } else {
                if (!count)
                        return node_missing(reader, n, unit, "how many there are");
                r = read_count(reader, count, 1, TMS_PULSES_MAX, &v);
                if (r < 0)
                        return r;
                level->count = (uint32_t)v;
                level->spacing = SPACING_NONE;

                if (interval && frequency)
                        return node_fail(reader, frequency, "expected either an interval or a frequency, not both");
                if (interval)
                        r = interval_read(reader, interval, level);
                else if (frequency) {
                        r = read_frequency(reader, frequency, &level->interval);
                        level->spacing = SPACING_REGULAR;
                } else if (level->count > 1)
                        return node_missing(reader, n, "interval",
                                            index == LEVEL_SERIES
                                                            ? "the onset-to-onset time of trains, such as \"30 s\""
                                                            : "the onset-to-onset time, such as \"100 ms\"");
        }
        if (r < 0)
                return r;

        k = node_get(n, "duration");
        return k ? level_duration_check(reader, k, level) : 0;
}

static int ramp_read(const struct reader *reader, const struct node *n, struct leg *leg)
{
        static const char *const keys[] = {"start", "trains", NULL};
        const struct node *start, *trains;
        uint64_t v;
        int r;

        r = node_check_keys(reader, n, keys);
        if (r < 0)
                return r;
        start = node_get(n, "start");
        trains = node_get(n, "trains");
        if (!start)
                return node_missing(reader, n, "start", "the first train's share of the intensity, such as \"80 %\"");
        if (!trains)
                return node_missing(reader, n, "trains", "the number of trains until the full intensity");
        r = read_percent(reader, start, 1000, &leg->ramp_start_permille);
        if (r < 0)
                return r;
        r = read_count(reader, trains, 1, RAMP_TRAINS_MAX, &v);
        if (r < 0)
                return r;
        if (v > leg_trains(leg))
                return node_fail(reader, trains,
                                 "the ramp has %llu trains, but the pattern only %llu; expected no more",
                                 (unsigned long long)v, (unsigned long long)leg_trains(leg));
        leg->ramp_trains = (uint32_t)v;
        return 0;
}

static int intensities_read(const struct reader *reader, const struct node *n, struct leg *leg)
{
        const uint32_t count = leg->levels[LEVEL_BURST].count;
        int r;

        if (n->kind != NODE_LIST)
                return node_fail(reader, n, "expected a list with one intensity for each pulse of the burst");
        if (n->n != count)
                return node_fail(reader, n,
                                 "the list has %zu entries, but the burst has %u pulses; expected one for each", n->n,
                                 count);
        leg->intensities = calloc(n->n, sizeof(*leg->intensities));
        if (!leg->intensities)
                return -ENOMEM;
        for (size_t i = 0; i < n->n; i++) {
                r = intensity_read(reader, n->children[i], true, &leg->intensities[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}

int pattern_read(const struct reader *reader, const struct node *n, struct leg *leg)
{
        static const char *const keys[] = {"burst", "train", "series", "intensities", "ramp", "seed", NULL};
        const struct node *given[LEVEL_COUNT], *k;
        int r;

        r = node_check_keys(reader, n, keys);
        if (r < 0)
                return r;

        for (int i = 0; i < LEVEL_COUNT; i++)
                given[i] = node_get(n, level_keys[i]);
        if (!given[LEVEL_BURST] && !given[LEVEL_TRAIN] && !given[LEVEL_SERIES])
                return node_missing(reader, n, "train", "at least one of burst, train and series");

        for (int i = 0; i < LEVEL_COUNT; i++) {
                struct level *level = &leg->levels[i];

                level->count = 1;
                level->spacing = SPACING_NONE;
                if (!given[i])
                        continue;
                /* In a pattern without bursts the units of a train are called pulses. */
                r = level_read(reader, given[i], (enum level_index)i,
                               i == LEVEL_TRAIN && !given[LEVEL_BURST] ? "pulses" : level_units[i], level);
                if (r < 0)
                        return r;
                leg->jittered |= level->spacing == SPACING_JITTER;
        }

        if (leg_pulses(leg) > TMS_PULSES_MAX)
                return node_fail(reader, n, "the pattern has %llu pulses; expected at most %u",
                                 (unsigned long long)leg_pulses(leg), TMS_PULSES_MAX);

        k = node_get(n, "intensities");
        if (k) {
                r = intensities_read(reader, k, leg);
                if (r < 0)
                        return r;
        }

        leg->ramp_start_permille = 1000;
        k = node_get(n, "ramp");
        if (k) {
                r = ramp_read(reader, k, leg);
                if (r < 0)
                        return r;
        }

        k = node_get(n, "seed");
        if (k) {
                if (!leg->jittered)
                        return node_fail(reader, k,
                                         "there is no jittered interval that a seed could serve; expected none");
                r = read_count(reader, k, 0, 999999999999999999u, &leg->seed);
                if (r < 0)
                        return r;
        } else if (leg->jittered)
                return node_missing(reader, n, "seed", "a whole number that makes the jittered intervals reproducible");
        return 0;
}

void leg_clear(struct leg *leg)
{
        for (int i = 0; i < LEVEL_COUNT; i++) {
                free(leg->levels[i].onsets);
                free(leg->levels[i].onset_ticks);
        }
        free(leg->intensities);
        free(leg->name);
        free(leg->target);
}

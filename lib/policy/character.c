/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What kind of stimulation a session is. The safety tables are about trains
 * with a frequency. A file has bursts, trains, series and legs, and its author
 * may have used any of these words for the same pulses. So this file looks at
 * the times of the pulses only: the same pulses get the same verdict, however
 * they were written down.
 *
 * Pulses less than 5 s apart form a block. If all of them are equally far
 * apart, the block is one train. Else it is divided into runs of equal
 * intervals with longer intervals between the runs, and from the runs it is
 * decided whether the tables apply.
 */
#include "safety.h"

#include <errno.h>
#include <string.h>

#define MS 1000000ull
#define S (1000 * MS)

/* Onsets are rounded to whole nanoseconds, so that equal intervals of, say, 1/18 s differ by one. */
#define ROUNDING_NS 1

/* At most BURST_PULSES_MAX pulses no further apart than this are a pair or a burst: the tables are of longer trains. */
#define BURST_INTERVAL_NS (50 * MS)

/* --- The pulses ----------------------------------------------------------------------------------- */

/*
 * The intensity of pulse k of each burst of one train, in 0.1 % of the motor threshold (the lower of the measured and
 * the adjusted one), rounded up. 0: there is no threshold to compare it with.
 */
static uint32_t pulse_percent(const struct tms_protocol *p, size_t leg, const struct tms_dose *dose, uint32_t k,
                              uint32_t train)
{
        const struct leg *l = &p->legs[leg];
        const uint32_t threshold = dose_judged(dose, leg);
        struct intensity v = l->intensities ? l->intensities[k] : (struct intensity){BASE_MAIN, 1000};
        unsigned __int128 num = 1, den = 1;
        struct share ramp = ramp_share(l, train);

        if (v.base == BASE_MAIN) {
                num *= v.permille;
                den *= 1000;
                v = l->intensity;
                if (v.base == BASE_MAIN) {
                        num *= v.permille;
                        den *= 1000;
                        v = (struct intensity){p->reference, dose->percent_permille ?: p->percent_permille};
                }
        }
        if (v.base == BASE_MSO) {
                if (threshold == 0)
                        return 0;
                num *= 1000;
                den *= threshold;
        } else if (threshold > 0) {
                num *= dose_played(dose, leg);
                den *= threshold;
        }
        num *= (unsigned __int128)v.permille * ramp.num;
        den *= ramp.den;
        num = (num + den - 1) / den;
        return num > UINT32_MAX ? UINT32_MAX : (uint32_t)num;
}

static int leg_percents(const struct tms_protocol *p, size_t leg, const struct tms_dose *dose, uint32_t *percent)
{
        const struct leg *l = &p->legs[leg];
        const uint32_t n = l->levels[LEVEL_BURST].count, bursts = l->levels[LEVEL_TRAIN].count;
        _cleanup_free_ uint32_t *burst = calloc(n, sizeof(*burst));

        if (!burst)
                return -ENOMEM;
        for (uint32_t t = 0; t < l->levels[LEVEL_SERIES].count; t++) {
                /* All trains after the ramp have the same intensities. */
                if (t <= l->ramp_trains)
                        for (uint32_t k = 0; k < n; k++)
                                burst[k] = pulse_percent(p, leg, dose, k, t);
                for (uint32_t b = 0; b < bursts; b++, percent += n)
                        memcpy(percent, burst, n * sizeof(*burst));
        }
        return 0;
}

void session_pulses_clear(struct session_pulses *c)
{
        free(c->pulses);
        free(c->percent_permille);
        *c = (struct session_pulses){};
}

int session_pulses_make(const struct tms_protocol *p, const struct tms_dose *dose, struct session_pulses *ret)
{
        struct session_pulses c = {.legs = p->n_legs};
        int r = 0;

        for (size_t i = 0; i < p->n_legs; i++)
                c.leg_end[i] = c.count += leg_pulses(&p->legs[i]);
        c.pulses = malloc(c.count * sizeof(*c.pulses));
        c.percent_permille = malloc(c.count * sizeof(*c.percent_permille));
        if (!c.pulses || !c.percent_permille)
                r = -ENOMEM;

        for (size_t i = 0, at = 0; r >= 0 && i < p->n_legs; at = c.leg_end[i++]) {
                leg_walk(&p->legs[i], p->den, c.pulses + at, 0, NULL);
                r = leg_percents(p, i, dose, c.percent_permille + at);
        }
        assert(c.count > 0 && c.leg_end[p->n_legs - 1] == c.count);
        if (r < 0) {
                session_pulses_clear(&c);
                return r;
        }
        *ret = c;
        return 0;
}

uint64_t session_pulses_per_s(const struct session_pulses *c)
{
        uint64_t most = 0;

        for (size_t first = 0, i = 0; i < c->count; i++) {
                while (c->pulses[i].t_ns - c->pulses[first].t_ns >= S)
                        first++;
                if (i - first + 1 > most)
                        most = i - first + 1;
        }
        assert(most > 0 && most <= c->count);
        return most;
}

/* --- Runs ----------------------------------------------------------------------------------------- */

struct scan {
        const struct session_pulses *session;
        train_found found;
        void *userdata;
        size_t leg;
        bool after_train;
        uint64_t end_ns; /* of the train before, its last interval included */
        uint32_t percent_permille;
};

/* From pulse i to the next. */
static uint64_t gap(const struct session_pulses *c, size_t i)
{
        return c->pulses[i + 1].t_ns - c->pulses[i].t_ns;
}

/* Undoes the rounding of onsets: up to 2 ns from a whole microsecond, it is taken for that microsecond. */
static uint64_t unrounded(uint64_t ns)
{
        return (ns + 2) % 1000 <= 4 ? (ns + 2) / 1000 * 1000 : ns;
}

/* The duration of pulses first..last with one more mean interval at the end, as people state a train's duration. */
static uint64_t nominal_ns(const struct session_pulses *c, size_t first, size_t last)
{
        const uint64_t span = c->pulses[last].t_ns - c->pulses[first].t_ns, n = last - first;

        return unrounded((uint64_t)(((unsigned __int128)span * (n + 1) + n / 2) / n));
}

static void train_report(struct scan *x, enum stimulation kind, size_t first, size_t last, struct train t)
{
        const struct session_pulses *c = x->session;
        const uint64_t start_ns = c->pulses[first].t_ns;

        assert(first <= last && last < c->count);
        while (first >= c->leg_end[x->leg])
                x->leg++;
        t.stimulation = kind;
        t.leg = t.last_leg = x->leg;
        while (last >= c->leg_end[t.last_leg])
                t.last_leg++;
        assert(x->leg <= t.last_leg && t.last_leg < c->legs);
        t.begins_leg = first == (x->leg ? c->leg_end[x->leg - 1] : 0);
        t.pulses = last - first + 1;
        for (size_t i = first; i <= last; i++) {
                if (c->percent_permille[i] == 0)
                        t.unrelated = true;
                if (c->percent_permille[i] > t.percent_permille)
                        t.percent_permille = c->percent_permille[i];
        }

        t.pause_ns = TMS_TIME_NONE;
        if (kind != STIMULATION_SINGLE) {
                if (x->after_train)
                        t.pause_ns = start_ns > x->end_ns ? unrounded(start_ns - x->end_ns) : 0;
                t.pause_percent_permille =
                                x->percent_permille > t.percent_permille ? x->percent_permille : t.percent_permille;
                x->after_train = true;
                x->end_ns = start_ns + t.train_ns;
                x->percent_permille = t.percent_permille;
        }
        x->found(&t, x->userdata);
}

/* Is the interval after pulse i within a run? It is if neither of its neighbours in first..last is shorter. */
static bool is_inner(const struct session_pulses *c, size_t i, size_t first, size_t last)
{
        return (i == first || gap(c, i) <= gap(c, i - 1) + ROUNDING_NS) &&
               (i + 1 == last || gap(c, i) <= gap(c, i + 1) + ROUNDING_NS);
}

struct run {
        size_t first, last;
        uint64_t shortest_ns, longest_ns; /* 0 for one pulse */
};

/* The run that begins with pulse i, within the block first..last. */
static struct run run_at(const struct session_pulses *c, size_t i, size_t first, size_t last)
{
        struct run r = {.first = i, .last = i};

        while (r.last < last && is_inner(c, r.last, first, last)) {
                uint64_t g = gap(c, r.last++);

                if (r.shortest_ns == 0 || g < r.shortest_ns)
                        r.shortest_ns = g;
                if (g > r.longest_ns)
                        r.longest_ns = g;
        }
        return r;
}

static bool is_above_tables(uint64_t interval_ns)
{
        return (interval_ns + ROUNDING_NS) * table_max_hz.value < S;
}

static bool is_about(uint64_t ns, uint64_t from, uint64_t to)
{
        return ns + ROUNDING_NS >= from && ns <= to + ROUNDING_NS;
}

/* The kind of the block first..last, in which not all pulses are equally far apart. */
static enum stimulation uneven_kind(const struct session_pulses *c, size_t first, size_t last, struct train *t)
{
        bool even = true, alike = true, theta = true;
        uint64_t slowest_ns = 0, begin_ns = 0;
        size_t fewest = SIZE_MAX, most = 0;
        struct run r, before = {};

        for (size_t i = first; i <= last; i = r.last + 1) {
                size_t n;

                r = run_at(c, i, first, last);
                n = r.last - r.first + 1;
                even &= r.longest_ns - r.shortest_ns <= ROUNDING_NS;
                theta &= n >= 3 && n <= BURST_PULSES_MAX && is_about(r.shortest_ns, 20 * MS, 34 * MS) &&
                         (i == first || is_about(c->pulses[i].t_ns - begin_ns, 125 * MS, 334 * MS));
                if (i != first)
                        alike &= n == before.last - before.first + 1 &&
                                 is_about(r.shortest_ns, before.shortest_ns, before.shortest_ns);
                if (r.longest_ns > slowest_ns)
                        slowest_ns = r.longest_ns;
                fewest = n < fewest ? n : fewest;
                most = n > most ? n : most;
                begin_ns = c->pulses[i].t_ns;
                before = r;
        }

        t->burst_pulses = most;
        if (is_above_tables(t->interval_ns) ||
            (most <= BURST_PULSES_MAX && slowest_ns <= BURST_INTERVAL_NS + ROUNDING_NS))
                return theta ? STIMULATION_THETA : STIMULATION_BURSTS;
        /* Runs of two may come from chance; they count as trains only if all runs are alike. */
        return even && (fewest >= 3 || (fewest == 2 && alike)) ? STIMULATION_TRAINS : STIMULATION_ARRHYTHMIC;
}

/* Reports the trains of one block: pulses first..last, each less than 5 s after the one before. */
static void block_report(struct scan *x, size_t first, size_t last)
{
        const struct session_pulses *c = x->session;
        struct train t = {.interval_ns = UINT64_MAX};
        enum stimulation kind;
        struct run r;

        assert(first < last && last < c->count);
        for (size_t i = first; i < last; i++) {
                if (gap(c, i) < t.interval_ns)
                        t.interval_ns = gap(c, i);
                if (gap(c, i) > t.longest_ns)
                        t.longest_ns = gap(c, i);
        }

        if (t.longest_ns - t.interval_ns <= ROUNDING_NS) {
                const bool alone = first == 0 && last + 1 == c->count;

                t.burst_pulses = last - first + 1;
                kind = is_above_tables(t.interval_ns) || (!alone && t.burst_pulses <= BURST_PULSES_MAX &&
                                                          t.longest_ns <= BURST_INTERVAL_NS + ROUNDING_NS)
                                       ? STIMULATION_BURSTS
                                       : STIMULATION_TRAINS;
                t.train_ns = nominal_ns(c, first, last);
                train_report(x, kind, first, last, t);
                return;
        }

        kind = uneven_kind(c, first, last, &t);
        if (kind != STIMULATION_TRAINS) {
                t.train_ns = c->pulses[last].t_ns - c->pulses[first].t_ns + gap(c, last - 1);
                train_report(x, kind, first, last, t);
                return;
        }
        for (size_t i = first; i <= last; i = r.last + 1) {
                r = run_at(c, i, first, last);
                t = (struct train){
                                .interval_ns = r.shortest_ns,
                                .longest_ns = r.longest_ns,
                                .train_ns = nominal_ns(c, r.first, r.last),
                };
                train_report(x, kind, r.first, r.last, t);
        }
}

void session_pulses_trains(const struct session_pulses *c, train_found found, void *userdata)
{
        struct scan x = {.session = c, .found = found, .userdata = userdata};

        for (size_t first = 0, last; first < c->count; first = last + 1) {
                last = first;
                while (last + 1 < c->count && gap(c, last) < single_pulse_min_ns.value)
                        last++;
                if (last > first) {
                        block_report(&x, first, last);
                        continue;
                }
                train_report(&x, STIMULATION_SINGLE, first, last,
                             (struct train){.interval_ns = last + 1 < c->count ? gap(c, last) : 0});
        }
}

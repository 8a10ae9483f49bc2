/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Totals: the figures that people quote for a protocol, in every meaning that
 * is in use. A file states them, and they are compared with what its pattern
 * gives. The stated figures are a second, independent account of the dose:
 * tms_session_limits() takes the number of pulses and the duration from them.
 *
 * The inter-train interval has two meanings: since the nominal end of a train
 * (its last interval included), and since its last pulse. Both are here.
 */
#include "protocol.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* The times that not every pattern has. */
#define NO_TIMES                                                                                                       \
        .train_ns = TMS_TIME_NONE, .train_span_ns = TMS_TIME_NONE, .cycle_ns = TMS_TIME_NONE, .iti_ns = TMS_TIME_NONE, \
        .iti_last_to_first_ns = TMS_TIME_NONE, .without_last_iti_ns = TMS_TIME_NONE,                                   \
        .last_to_first_total_ns = TMS_TIME_NONE

void leg_readings(const struct tms_protocol *p, const struct leg *leg, struct tms_readings *ret)
{
        const struct level *series = &leg->levels[LEVEL_SERIES];
        const uint64_t den = p->den;
        struct tms_readings v = {
                        .pulses = (uint32_t)leg_pulses(leg),
                        .trains = (uint32_t)leg_trains(leg),
                        .pulses_per_train = (uint32_t)leg_pulses_per_train(leg),
                        NO_TIMES,
        };
        uint64_t train = 0, span, iti;
        bool fixed_train, fixed_span;

        v.cycle_total_ns = ticks_to_ns(leg->length_ticks, den);
        v.first_to_last_ns = ticks_to_ns(leg->span_ticks, den);

        fixed_train = leg_nominal(leg, LEVEL_TRAIN, &train);
        if (fixed_train)
                v.train_ns = ticks_to_ns(train, den);
        fixed_span = leg->levels[LEVEL_BURST].spacing != SPACING_JITTER &&
                     leg->levels[LEVEL_TRAIN].spacing != SPACING_JITTER;
        span = leg_span_longest(leg, LEVEL_TRAIN);
        if (fixed_span)
                v.train_span_ns = ticks_to_ns(span, den);

        if (series->spacing == SPACING_REGULAR) {
                v.cycle_ns = ticks_to_ns(series->interval_ticks, den);
                if (fixed_span)
                        v.iti_last_to_first_ns = ticks_to_ns(series->interval_ticks - span, den);
                if (fixed_train && train <= series->interval_ticks) {
                        iti = series->interval_ticks - train;
                        v.iti_ns = ticks_to_ns(iti, den);
                        v.without_last_iti_ns = ticks_to_ns(leg->length_ticks - iti, den);
                        v.last_to_first_total_ns = ticks_to_ns(series->count * span + (series->count - 1) * iti, den);
                }
        } else if (series->count == 1 && fixed_train) {
                v.without_last_iti_ns = v.cycle_total_ns;
                /* ((P - 1) / f + ITI) x 1 - ITI */
                v.last_to_first_total_ns = v.train_span_ns;
        }

        *ret = v;
}

/* "2223.9 s" from whole nanoseconds, without trailing zeros. */
static const char *seconds(uint64_t ns, char buf[48])
{
        size_t n = (size_t)snprintf(buf, 40, "%" PRIu64 ".%09" PRIu64, ns / 1000000000, ns % 1000000000);

        while (buf[n - 1] == '0')
                n--;
        if (buf[n - 1] == '.')
                n--;
        memcpy(buf + n, " s", 3);
        return buf;
}

static int check_number(const struct reader *reader, const struct node *n, uint64_t actual, uint64_t *ret)
{
        uint64_t v;
        int r;

        r = read_count(reader, n, 1, TMS_PULSES_MAX, &v);
        if (r < 0)
                return r;
        if (v != actual)
                return node_fail(reader, n,
                                 "the pattern gives %" PRIu64 ", not %" PRIu64 "; mend the pattern or this total",
                                 actual, v);
        if (ret)
                *ret = v;
        return 0;
}

/* A stated time must be that of the pattern, both rounded to the nearest nanosecond. */
static int check_time(const struct reader *reader, const struct node *n, uint64_t actual_ns, uint64_t *ret_ns)
{
        char a[48], b[48];
        struct ratio v;
        uint64_t ns;
        int r;

        r = read_time(reader, n, &v);
        if (r < 0)
                return r;
        if (actual_ns == TMS_TIME_NONE)
                return node_fail(reader, n,
                                 "this pattern has no such time (its trains are single, jittered, listed or in legs); "
                                 "expected none here");
        ns = ticks_to_ns(v.num, v.den);
        if (ns != actual_ns)
                return node_fail(reader, n, "the pattern gives %s, not %s; mend the pattern or this total",
                                 seconds(actual_ns, a), seconds(ns, b));
        if (ret_ns)
                *ret_ns = ns;
        return 0;
}

/* From the first pulse to the last of the whole session, with every jittered interval at its longest. */
static uint64_t longest_ns(const struct tms_protocol *p)
{
        const struct leg *last = &p->legs[p->n_legs - 1];
        uint64_t ticks = 0;

        for (size_t i = 0; i + 1 < p->n_legs; i++) {
                uint64_t nominal;

                ticks += p->legs[i].pause_ticks;
                ticks += leg_nominal(&p->legs[i], LEVEL_SERIES, &nominal) ? nominal
                                                                          : leg_span_longest(&p->legs[i], LEVEL_SERIES);
        }
        return ticks_to_ns(ticks + last->pause_ticks + leg_span_longest(last, LEVEL_SERIES), p->den);
}

static void whole_readings(const struct tms_protocol *p, struct tms_readings *ret)
{
        const struct leg *last = &p->legs[p->n_legs - 1];
        struct tms_readings v;

        if (p->n_legs == 1) {
                leg_readings(p, last, ret);
                return;
        }
        v = (struct tms_readings){
                        NO_TIMES,
                        .cycle_total_ns = ticks_to_ns(last->start_ticks + last->length_ticks, p->den),
                        .first_to_last_ns = ticks_to_ns(last->start_ticks + last->span_ticks, p->den),
        };
        for (size_t i = 0; i < p->n_legs; i++) {
                v.pulses += (uint32_t)leg_pulses(&p->legs[i]);
                v.trains += (uint32_t)leg_trains(&p->legs[i]);
        }
        *ret = v;
}

int tms_protocol_readings(const struct tms_protocol *p, size_t leg, struct tms_readings *ret)
{
        if (leg == SIZE_MAX)
                whole_readings(p, ret);
        else if (leg < p->n_legs)
                leg_readings(p, &p->legs[leg], ret);
        else
                return -EINVAL;
        return 0;
}

uint32_t tms_protocol_pulses(const struct tms_protocol *p)
{
        struct tms_readings v;

        whole_readings(p, &v);
        return v.pulses;
}

uint32_t tms_protocol_trains(const struct tms_protocol *p)
{
        struct tms_readings v;

        whole_readings(p, &v);
        return v.trains;
}

uint64_t tms_protocol_first_to_last_ns(const struct tms_protocol *p)
{
        struct tms_readings v;

        whole_readings(p, &v);
        return v.first_to_last_ns;
}

uint64_t tms_protocol_cycle_total_ns(const struct tms_protocol *p)
{
        struct tms_readings v;

        whole_readings(p, &v);
        return v.cycle_total_ns;
}

/* leg NULL: the totals of the whole protocol, in which pulses, trains and the duration are required. */
int totals_read(const struct reader *reader, const struct node *n, const struct tms_protocol *p, const struct leg *leg,
                struct stated *ret)
{
        static const char *const keys[] = {
                        "pulses",
                        "trains",
                        "pulses_per_train",
                        "train_duration",
                        "iti",
                        "iti_last_to_first",
                        "cycle_total",
                        "without_last_iti",
                        "first_to_last",
                        "last_to_first_total",
                        "longest",
                        NULL,
        };
        const struct node *pulses, *trains, *first_to_last, *longest, *k;
        struct tms_readings v;
        struct stated stated = {};
        bool jittered = false;
        int r;

        r = node_check_keys(reader, n, keys);
        if (r < 0)
                return r;

        if (leg)
                leg_readings(p, leg, &v);
        else
                whole_readings(p, &v);
        for (size_t i = 0; i < p->n_legs; i++)
                jittered |= (!leg || leg == &p->legs[i]) && p->legs[i].jittered;

        pulses = node_get(n, "pulses");
        trains = node_get(n, "trains");
        first_to_last = node_get(n, "first_to_last");
        longest = node_get(n, "longest");

        if (!leg) {
                if (!pulses)
                        return node_missing(reader, n, "pulses", "the number of pulses of a session");
                if (!trains)
                        return node_missing(reader, n, "trains", "the number of trains of a session");
                if (!jittered && !first_to_last)
                        return node_missing(reader, n, "first_to_last", "the time from the first pulse to the last");
                if (jittered && !longest)
                        return node_missing(reader, n, "longest",
                                            "the time from the first pulse to the last with every jittered interval at "
                                            "its longest");
        }

        if (pulses) {
                r = check_number(reader, pulses, v.pulses, &stated.pulses);
                if (r < 0)
                        return r;
        }
        if (trains) {
                r = check_number(reader, trains, v.trains, &stated.trains);
                if (r < 0)
                        return r;
        }
        if (first_to_last) {
                r = check_time(reader, first_to_last, v.first_to_last_ns, &stated.duration_ns);
                if (r < 0)
                        return r;
        }
        if (longest) {
                if (!jittered || leg)
                        return node_fail(reader, longest,
                                         "this is only for the whole of a protocol with jittered intervals; "
                                         "expected none here");
                r = check_time(reader, longest, longest_ns(p), &stated.duration_ns);
                if (r < 0)
                        return r;
        }

        k = node_get(n, "pulses_per_train");
        if (k) {
                if (v.pulses_per_train == 0)
                        return node_fail(reader, k, "the legs differ in this; expected it in each leg's totals");
                r = check_number(reader, k, v.pulses_per_train, NULL);
                if (r < 0)
                        return r;
        }

        {
                const struct {
                        const char *key;
                        uint64_t ns;
                } times[] = {
                                {"train_duration", v.train_ns},
                                {"iti", v.iti_ns},
                                {"iti_last_to_first", v.iti_last_to_first_ns},
                                {"cycle_total", v.cycle_total_ns},
                                {"without_last_iti", v.without_last_iti_ns},
                                {"last_to_first_total", v.last_to_first_total_ns},
                };

                for (size_t i = 0; i < ELEMENTS(times); i++) {
                        k = node_get(n, times[i].key);
                        if (!k)
                                continue;
                        r = check_time(reader, k, times[i].ns, NULL);
                        if (r < 0)
                                return r;
                }
        }

        /* tms_session_limits() relies on this. */
        assert(!ret || (stated.pulses > 0 && stated.pulses == v.pulses));
        if (ret)
                *ret = stated;
        return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* The clinical safety policy looks at the pulses only: one timeline has one verdict, however its file is written. */
#include "protocol-text.h"
#include "safety-reasons.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Legs that follow each other at once, or after a moment, are what their pulses are: together. */
static void test_legs_together(void **state)
{
        static const struct {
                const char *body;
                unsigned percent;
                enum tms_safety_class class_;
                const char *table, *row, *limit, *actual;
        } cases[] = {
                        /* Four times 3.2 s at 10 Hz without a pause: one train of 12.8 s. */
                        {"legs:\n"
                         "  - {name: a, target: t, pattern: {train: {pulses: 32, interval: 100 ms}}}\n"
                         "  - {name: b, target: t, pattern: {train: {pulses: 32, interval: 100 ms}}}\n"
                         "  - {name: c, target: t, pattern: {train: {pulses: 32, interval: 100 ms}}}\n"
                         "  - {name: d, target: t, pattern: {train: {pulses: 32, interval: 100 ms}}}\n"
                         "totals: {pulses: 128, trains: 4, first_to_last: 12.7 s}\n",
                         1200, TMS_SAFETY_OVERRIDE, ROSSI, "10 Hz", "4.2 s", "12.8 s"},
                        /* Four single pulses, 20 ms apart: 50 Hz, and no single pulses that may be as strong as this. */
                        {"legs:\n"
                         "  - {name: a, target: t, pattern: {train: {pulses: 1}}}\n"
                         "  - {name: b, target: t, pause: 20 ms, pattern: {train: {pulses: 1}}}\n"
                         "  - {name: c, target: t, pause: 20 ms, pattern: {train: {pulses: 1}}}\n"
                         "  - {name: d, target: t, pause: 20 ms, pattern: {train: {pulses: 1}}}\n"
                         "totals: {pulses: 4, trains: 4, first_to_last: 60 ms}\n",
                         2000, TMS_SAFETY_NEVER, "ceiling_percent_mt", "", "150 %", "200 %"},
                        {"legs:\n"
                         "  - {name: a, target: t, pattern: {train: {pulses: 1}}}\n"
                         "  - {name: b, target: t, pause: 20 ms, pattern: {train: {pulses: 1}}}\n"
                         "totals: {pulses: 2, trains: 2, first_to_last: 20 ms}\n",
                         1000, TMS_SAFETY_OVERRIDE, ROSSI, "50 Hz (none)", "25 Hz", "50 Hz"},
                        /* Trains of two legs, too soon after each other. */
                        {"legs:\n"
                         "  - {name: a, target: t, pattern: {train: {pulses: 20, interval: 100 ms}}}\n"
                         "  - {name: b, target: t, pause: 4.9 s, pattern: {train: {pulses: 20, interval: 100 ms}}}\n"
                         "totals: {pulses: 40, trains: 2, first_to_last: 8.8 s}\n",
                         1000, TMS_SAFETY_OVERRIDE, ITI, "< 5 s", "5 s", "4.9 s"},
                        {"legs:\n"
                         "  - {name: a, target: t, pattern: {train: {pulses: 20, interval: 100 ms}}}\n"
                         "  - {name: b, target: t, pause: 5 s, pattern: {train: {pulses: 20, interval: 100 ms}}}\n"
                         "totals: {pulses: 40, trains: 2, first_to_last: 8.9 s}\n",
                         1000, TMS_SAFETY_ALLOWED, ITI, ">= 5 s", "5 s", "5 s"},
                        /* A strong leg before a weak one: the pause is as one after the strong. */
                        {"legs:\n"
                         "  - {name: a, target: t, intensity: 120 % rMT, pattern: {train: {pulses: 20, interval: 100 "
                         "ms}}}\n"
                         "  - {name: b, target: t, pause: 9 s, pattern: {train: {pulses: 20, interval: 100 ms}}}\n"
                         "totals: {pulses: 40, trains: 2, first_to_last: 12.9 s}\n",
                         1000, TMS_SAFETY_OVERRIDE, ITI, ">= 5 s", "5 s", "9 s"},
                        /* Four times 30 at 30 Hz without a pause: no more than 30 in any second. */
                        {"legs:\n"
                         "  - {name: a, target: t, pattern: {train: {pulses: 30, frequency: 30 Hz}}}\n"
                         "  - {name: b, target: t, pattern: {train: {pulses: 30, frequency: 30 Hz}}}\n"
                         "  - {name: c, target: t, pattern: {train: {pulses: 30, frequency: 30 Hz}}}\n"
                         "  - {name: d, target: t, pattern: {train: {pulses: 30, frequency: 30 Hz}}}\n"
                         "totals: {pulses: 120, trains: 4, first_to_last: 119/30 s}\n",
                         1000, TMS_SAFETY_OVERRIDE, "ceiling_pulses_per_s", "", "100", "30"},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct tms_protocol *p = protocol_from("rMT", "100 %", cases[i].body);
                struct tms_safety s = check(p, 400, cases[i].percent, 0);
                const struct tms_safety_reason *r = reason(&s, cases[i].table);

                print_message("%zu\n", i);
                assert_int_equal(s.class_, cases[i].class_);
                assert_non_null(r);
                assert_string_equal(r->row, cases[i].row);
                assert_string_equal(r->limit, cases[i].limit);
                assert_string_equal(r->actual, cases[i].actual);
                tms_protocol_free(p);
        }
}

/* The second side may begin as soon as the operator says so; how long that takes, nobody knows beforehand. */
static void test_leg_that_waits(void **state)
{
        struct tms_protocol *p = protocol_shipped("mdd-seq-bilateral");
        struct tms_safety s = check(p, 500, 1000, 0);
        const struct tms_safety_reason *r = reason(&s, ITI);

        assert_int_equal(r->class_, TMS_SAFETY_NOTICE);
        assert_string_equal(r->actual, "0 s");
        assert_non_null(strstr(r->sentence, "Leg 2 (left): trains are 0 s apart if the leg need not wait;"));
        tms_protocol_free(p);
}

/* A wait before the leg does nothing for the trains inside it. */
static void test_leg_that_waits_in_vain(void **state)
{
        static const struct {
                const char *pause, *cycle, *first_to_last, *sentence;
        } cases[] = {
                        /* Between leg 1 and leg 2, and between the two onsets of leg 2, whose trains take 1 s. */
                        {"60 s", "3 s", "64.9 s", "Leg 2 (b): trains are 2 s apart; less"},
                        {"2 s", "3 s", "6.9 s", "Leg 2 (b): trains are 2 s apart; less"},
                        {"2 s", "3.5 s", "7.4 s", "Leg 2 (b): trains are 2 s apart if the leg need not wait; less"},
                        {"2 s", "60 s", "63.9 s", "Leg 2 (b): trains are 2 s apart if the leg need not wait; less"},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const struct tms_safety_reason *r = NULL;
                struct tms_protocol *p;
                struct tms_safety s;
                char body[600];

                snprintf(body, sizeof(body),
                         "legs:\n"
                         "  - {name: a, target: t, pattern: {train: {pulses: 10, interval: 100 ms}}}\n"
                         "  - {name: b, target: t, pause: %s, wait: operator, pattern: {train: {pulses: 10, interval: "
                         "100 ms}, "
                         "series: {trains: 2, interval: %s}}}\n"
                         "totals: {pulses: 30, trains: 3, first_to_last: %s}\n",
                         cases[i].pause, cases[i].cycle, cases[i].first_to_last);
                p = protocol_from("rMT", "100 %", body);
                s = check(p, 500, 1000, 0);
                for (size_t k = 0; k < s.n_reasons; k++)
                        if (strcmp(s.reasons[k].table, ITI) == 0 && strncmp(s.reasons[k].sentence, "Leg 2", 5) == 0)
                                r = &s.reasons[k];
                assert_non_null(r);
                print_message("%s\n", r->sentence);
                assert_memory_equal(r->sentence, cases[i].sentence, strlen(cases[i].sentence));
                tms_protocol_free(p);
        }
}

/* As a protocol file takes it: "1076.400000001 s" */
static const char *time_text(uint64_t ns)
{
        static char buf[4][40];
        static unsigned next;

        next = (next + 1) % 4;
        snprintf(buf[next], sizeof(buf[next]), "%llu.%09llu s", (unsigned long long)(ns / 1000000000),
                 (unsigned long long)(ns % 1000000000));
        return buf[next];
}

/* Times as a list of onsets, and as one leg a train, from pulses that are already there. */
static void write_onsets(char *body, size_t size, const struct tms_timeline *t)
{
        size_t n = (size_t)snprintf(body, size, "pattern: {burst: {onsets: [");

        for (uint32_t i = 0; i < t->count; i++)
                n += (size_t)snprintf(body + n, size - n, "%s%s", i ? ", " : "", time_text(t->pulses[i].t_ns));
        snprintf(body + n, size - n, "]}}\ntotals: {pulses: %u, trains: 1, first_to_last: %s}\n", t->count,
                 time_text(t->pulses[t->count - 1].t_ns));
}

/* Cut into legs after the pulses that cut says, each leg a list of onsets. */
static void write_legs(char *body, size_t size, const struct tms_timeline *t, const uint32_t *cut, unsigned cuts)
{
        size_t n = (size_t)snprintf(body, size, "legs:\n");
        uint32_t first = 0;

        for (unsigned leg = 0; leg <= cuts; leg++) {
                const uint32_t end = leg < cuts ? cut[leg] : t->count;

                n += (size_t)snprintf(body + n, size - n, "  - {name: n%u, target: t, ", leg);
                if (leg)
                        n += (size_t)snprintf(body + n, size - n, "pause: %s, ",
                                              time_text(t->pulses[first].t_ns - t->pulses[first - 1].t_ns));
                n += (size_t)snprintf(body + n, size - n, "pattern: {burst: {onsets: [");
                for (uint32_t i = first; i < end; i++)
                        n += (size_t)snprintf(body + n, size - n, "%s%s", i > first ? ", " : "",
                                              time_text(t->pulses[i].t_ns - t->pulses[first].t_ns));
                n += (size_t)snprintf(body + n, size - n, "]}}}\n");
                first = end;
        }
        snprintf(body + n, size - n, "totals: {pulses: %u, trains: %u, first_to_last: %s}\n", t->count, cuts + 1,
                 time_text(t->pulses[t->count - 1].t_ns));
}

static uint32_t most_in_a_second(const struct tms_timeline *t)
{
        uint32_t most = 0;

        for (uint32_t i = 0; i < t->count; i++) {
                uint32_t n = 0;

                for (uint32_t k = i; k < t->count && t->pulses[k].t_ns < t->pulses[i].t_ns + 1000000000; k++)
                        n++;
                if (n > most)
                        most = n;
        }
        return most;
}

static struct tms_timeline timeline_of(const struct tms_protocol *p)
{
        struct tms_dose d = dose_for(p, 400);
        struct tms_timeline t = {};
        struct tms_error e = {};

        if (tms_compile(p, &d, &t, &e) < 0)
                fail_msg("%s", e.message);
        return t;
}

/* The same pulses, another text: the same class, the same count, and where trains are judged the same cell. */
static void same_verdict(const char *first, const char *body, const struct tms_timeline *t,
                         const struct tms_safety *expected, unsigned percent)
{
        static const char *const tables[] = {"ceiling_pulses_per_s", "ceiling_percent_mt"};
        struct tms_protocol *p = protocol_from("rMT", "100 %", body);
        struct tms_safety s = check(p, 400, percent, 0);
        struct tms_timeline same = timeline_of(p);

        assert_int_equal(same.count, t->count);
        for (uint32_t i = 0; i < t->count; i++)
                assert_int_equal(same.pulses[i].t_ns, t->pulses[i].t_ns);
        if (s.class_ != expected->class_)
                fail_msg("%s, but %s:\n%s\n%s", tms_safety_class_name(expected->class_),
                         tms_safety_class_name(s.class_), first, body);
        for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
                const struct tms_safety_reason *a = reason(expected, tables[i]), *b = reason(&s, tables[i]);

                assert_int_equal(!a, !b);
                if (a)
                        assert_string_equal(a->actual, b->actual);
        }
        tms_timeline_clear(&same);
        tms_protocol_free(p);
}

/* Of several pauses and several trains, the worst is told, wherever it stands. */
static void test_worst_of_a_leg(void **state)
{
        static const char *const onsets[] = {"0 s, 6.95 s, 16 s, 22.9 s, 30 s", "0 s, 6.9 s, 16 s, 22.95 s, 30 s",
                                             "0 s, 7 s, 14 s, 21 s, 27.9 s"};

        for (size_t i = 0; i < sizeof(onsets) / sizeof(onsets[0]); i++) {
                const char *last = strrchr(onsets[i], ',') + 2;
                struct tms_protocol *p;
                struct tms_safety s;
                char body[400];

                snprintf(body, sizeof(body),
                         "pattern: {train: {pulses: 20, interval: 100 ms}, series: {onsets: [%s]}}\n"
                         "totals: {pulses: 100, trains: 5, first_to_last: %.1f s}\n",
                         onsets[i], strtod(last, NULL) + 1.9);
                p = protocol_from("rMT", "100 %", body);
                s = check(p, 500, 0, 0);
                assert_int_equal(s.class_, TMS_SAFETY_OVERRIDE);
                assert_string_equal(reason(&s, ITI)->actual, "4.9 s");
                tms_protocol_free(p);
        }
        for (unsigned longest = 0; longest < 3; longest++) {
                struct tms_protocol *p;
                struct tms_safety s;
                char body[700];

                snprintf(body, sizeof(body),
                         "legs:\n"
                         "  - {name: a, target: t, pattern: {train: {pulses: %u, interval: 100 ms}}}\n"
                         "  - {name: b, target: t, pause: 9 s, pattern: {train: {pulses: %u, interval: 100 ms}}}\n"
                         "  - {name: c, target: t, pause: 9 s, pattern: {train: {pulses: %u, interval: 100 ms}}}\n"
                         "totals: {pulses: 111, trains: 3, first_to_last: 29 s}\n",
                         longest == 0 ? 51 : 30, longest == 1 ? 51 : 30, longest == 2 ? 51 : 30);
                p = protocol_from("rMT", "100 %", body);
                s = check(p, 500, 0, 0);
                assert_int_equal(s.class_, TMS_SAFETY_OVERRIDE);
                for (size_t k = 0; k < s.n_reasons; k++)
                        if (strcmp(s.reasons[k].table, ROSSI) == 0 && s.reasons[k].class_ == TMS_SAFETY_OVERRIDE) {
                                assert_string_equal(s.reasons[k].actual, "5.1 s");
                                assert_int_equal(s.reasons[k].sentence[4], '1' + longest);
                        }

                /* The same in one leg, where it is one of three. */
                {
                        struct tms_timeline t = timeline_of(p);
                        char *list = malloc(1 << 13);

                        write_onsets(list, 1 << 13, &t);
                        tms_protocol_free(p);
                        p = protocol_from("rMT", "100 %", list);
                        s = check(p, 500, 0, 0);
                        assert_string_equal(reason(&s, ROSSI)->actual, "5.1 s");
                        free(list);
                        tms_timeline_clear(&t);
                }
                tms_protocol_free(p);
        }
}

static uint32_t next_random(uint32_t *state, uint32_t below)
{
        *state = *state * 1664525 + 1013904223;
        return (uint32_t)(((uint64_t)*state * below) >> 32);
}

/*
 * Patterns of two or three levels, told in several ways: each level moved one
 * further out, a train cut into bursts that follow without a gap, legs cut
 * anywhere, a plain list of onsets.
 */
static void test_one_timeline_one_verdict(void **state)
{
        static const char *const intervals[] = {"2 ms",   "10 ms", "20 ms",  "1/30 s", "40 ms",  "50 ms",
                                                "1/18 s", "60 ms", "100 ms", "200 ms", "1 s",    "4 s",
                                                "4.9 s",  "5 s",   "6 s",    "1/3 s",  "500 ms", "5.1 s"};
        static const uint64_t interval_ns[] = {2000000,    10000000,   20000000,   33333334,  40000000,   50000000,
                                               55555556,   60000000,   100000000,  200000000, 1000000000, 4000000000,
                                               4900000000, 5000000000, 6000000000, 333333334, 500000000,  5100000000};
        static const unsigned pauses_ms[] = {1, 20, 60, 100, 160, 1000, 4400, 4900, 5000, 5100, 8000, 26000};
        static const unsigned percents[] = {500, 1000, 1100, 1110, 1200, 1300, 1310, 1500, 1510};
        unsigned seen[4] = {};
        uint32_t random = 20260114;
        char *body = malloc(1 << 16), *first = malloc(1 << 16);

        for (unsigned round = 0; round < 600; round++) {
                const unsigned i = next_random(&random, sizeof(intervals) / sizeof(intervals[0]));
                const unsigned n = 1 + next_random(&random, round % 3 ? 12 : 60);
                const unsigned trains = 1 + next_random(&random, 5);
                const unsigned percent = percents[next_random(&random, sizeof(percents) / sizeof(percents[0]))];
                const uint64_t pause = pauses_ms[next_random(&random, 12)];
                /* A whole number of ms, at least the pause after a train's last interval. */
                const uint64_t cycle_ms = (interval_ns[i] * n + 999999) / 1000000 + pause;
                struct tms_protocol *p;
                struct tms_timeline t;
                struct tms_safety s;
                uint32_t cut[3];
                unsigned cuts;
                size_t used;

                snprintf(first, 1 << 16,
                         "pattern:\n  train: {pulses: %u, interval: %s}\n  series: {trains: %u, interval: %llu ms}\n",
                         n, intervals[i], trains, (unsigned long long)cycle_ms);
                used = strlen(first);
                /* A fraction to the nearest nanosecond, as the totals are held. */
                {
                        unsigned num, den = 1;
                        char unit[8];
                        uint64_t span;

                        if (sscanf(intervals[i], "%u/%u s", &num, &den) == 2)
                                span = ((uint64_t)(n - 1) * num * 1000000000 * 2 / den + 1) / 2;
                        else {
                                double v;

                                assert_int_equal(sscanf(intervals[i], "%lf %7s", &v, unit), 2);
                                span = (uint64_t)(n - 1) * (uint64_t)(v * (strcmp(unit, "ms") ? 1e9 : 1e6) + 0.5);
                        }
                        snprintf(first + used, (1 << 16) - used,
                                 "totals: {pulses: %u, trains: %u, first_to_last: %s}\n", n * trains, trains,
                                 time_text(span + (trains - 1) * cycle_ms * 1000000));
                }
                p = protocol_from("rMT", "100 %", first);
                t = timeline_of(p);
                s = check(p, 400, percent, 0);
                seen[s.class_]++;
                assert_int_equal(strtoul(reason(&s, "ceiling_pulses_per_s")->actual, NULL, 10), most_in_a_second(&t));

                /* One level further out. */
                snprintf(body, 1 << 16,
                         "pattern:\n  burst: {pulses: %u, interval: %s}\n  train: {bursts: %u, interval: "
                         "%llu ms}\ntotals: {pulses: %u, trains: 1, first_to_last: %s}\n",
                         n, intervals[i], trains, (unsigned long long)cycle_ms, n * trains,
                         time_text(t.pulses[t.count - 1].t_ns));
                same_verdict(first, body, &t, &s, percent);

                /* Bursts that follow each other without a gap. */
                for (unsigned of = 2; of < n && trains == 1; of++)
                        if (n % of == 0) {
                                unsigned num, den;
                                char interval[40];

                                if (sscanf(intervals[i], "%u/%u s", &num, &den) == 2)
                                        snprintf(interval, sizeof(interval), "%u/%u s", of, den);
                                else
                                        snprintf(interval, sizeof(interval), "%s", time_text(interval_ns[i] * of));
                                snprintf(body, 1 << 16,
                                         "pattern:\n  burst: {pulses: %u, interval: %s}\n  train: {bursts: %u, "
                                         "interval: %s}\ntotals: {pulses: %u, trains: 1, first_to_last: %s}\n",
                                         of, intervals[i], n / of, interval, n, time_text(t.pulses[t.count - 1].t_ns));
                                same_verdict(first, body, &t, &s, percent);
                        }

                write_onsets(body, 1 << 16, &t);
                same_verdict(first, body, &t, &s, percent);

                /* Cut anywhere. */
                cuts = t.count < 4 ? t.count - 1 : 1 + next_random(&random, 3);
                for (unsigned c = 0, from = 1; c < cuts; c++) {
                        cut[c] = from + next_random(&random, t.count - from - (cuts - c) + 1);
                        from = cut[c] + 1;
                }
                if (cuts) {
                        write_legs(body, 1 << 16, &t, cut, cuts);
                        same_verdict(first, body, &t, &s, percent);
                }
                tms_timeline_clear(&t);
                tms_protocol_free(p);
        }

        /* None of the classes was left out: a property of one class holds for nothing. */
        print_message("allowed %u, override %u, never %u\n", seen[0], seen[2], seen[3]);
        assert_true(seen[TMS_SAFETY_ALLOWED] > 20);
        assert_true(seen[TMS_SAFETY_OVERRIDE] > 20);
        assert_true(seen[TMS_SAFETY_NEVER] > 20);
        free(body);
        free(first);
}

/* The most pulses in any second, as they come and not as a bound on them. */
static void test_pulses_in_a_second(void **state)
{
        static const struct {
                const char *body, *actual;
                enum tms_safety_class class_;
        } cases[] = {
                        {"pattern: {train: {pulses: 500, interval: 10 ms}}\n"
                         "totals: {pulses: 500, trains: 1, first_to_last: 4.99 s}\n",
                         "100", TMS_SAFETY_OVERRIDE},
                        {"pattern: {burst: {pulses: 5, interval: 10 ms}, train: {bursts: 100, interval: 50 ms}}\n"
                         "totals: {pulses: 500, trains: 1, first_to_last: 4.99 s}\n",
                         "100", TMS_SAFETY_OVERRIDE},
                        {"pattern: {burst: {pulses: 101, interval: 9 ms}}\n"
                         "totals: {pulses: 101, trains: 1, first_to_last: 0.9 s}\n",
                         "101", TMS_SAFETY_NEVER},
                        /* 18 Hz: its nineteenth pulse is a second after the first, exactly. */
                        {"pattern: {train: {pulses: 19, frequency: 18 Hz}}\n"
                         "totals: {pulses: 19, trains: 1, first_to_last: 1 s}\n",
                         "18", TMS_SAFETY_ALLOWED},
        };
        struct tms_protocol *p;
        struct tms_safety s;

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                p = protocol_from("rMT", "90 %", cases[i].body);
                s = check(p, 400, 0, 0);
                assert_string_equal(reason(&s, "ceiling_pulses_per_s")->actual, cases[i].actual);
                assert_int_equal(s.class_, cases[i].class_);
                tms_protocol_free(p);
        }
        p = protocol_shipped("mdd-itbs-600");
        s = check(p, 400, 0, 0);
        assert_string_equal(reason(&s, "ceiling_pulses_per_s")->actual, "15");
        tms_protocol_free(p);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_legs_together),
                        cmocka_unit_test(test_worst_of_a_leg),
                        cmocka_unit_test(test_leg_that_waits),
                        cmocka_unit_test(test_leg_that_waits_in_vain),
                        cmocka_unit_test(test_one_timeline_one_verdict),
                        cmocka_unit_test(test_pulses_in_a_second),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The clinical safety policy: what the published tables say of real
 * protocols, the three layers against each other, and that nothing which
 * lies outside the tables passes in silence.
 */
#include "next-step.h"
#include "protocol-text.h"

#include <errno.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define ROSSI "rossi2009_max_train_s"
#define CHEN "chen1997_max_train_s"
#define ITI "chen1997_min_iti_s"

static struct tms_safety check(const struct tms_protocol *p, unsigned threshold, unsigned percent, unsigned today)
{
        struct tms_dose d = dose_for(p, threshold);
        struct tms_safety s = {};
        struct tms_error e = {};

        d.percent_permille = percent;
        if (tms_safety_check(p, &d, &(struct tms_today){.treatment = today}, &s, &e) < 0)
                fail_msg("%s", e.message);
        for (size_t i = 0; i < s.n_reasons; i++)
                if (s.reasons[i].class_ == TMS_SAFETY_NEVER)
                        tells_next_step(s.reasons[i].sentence);
        return s;
}

static const struct tms_safety_reason *reason(const struct tms_safety *s, const char *table)
{
        for (size_t i = 0; i < s->n_reasons; i++)
                if (strcmp(s->reasons[i].table, table) == 0)
                        return &s->reasons[i];
        return NULL;
}

static struct tms_protocol *trains(unsigned pulses, const char *interval, unsigned n, const char *cycle,
                                   const char *first_to_last)
{
        char body[600];

        snprintf(body, sizeof(body),
                 "pattern:\n  train: {pulses: %u, interval: %s}\n  series: {trains: %u, interval: %s}\n"
                 "totals: {pulses: %u, trains: %u, first_to_last: %s}\n",
                 pulses, interval, n, cycle, pulses * n, n, first_to_last);
        return protocol_from("rMT", "100 %", body);
}

/* --- What the tables say of real protocols --------------------------------------------------- */

static void test_tables_on_shipped(void **state)
{
        enum { IN, OUT, NOT_COVERED };
        static const struct {
                const char *id;
                unsigned percent;
                int rossi, chen;
                const char *row, *column, *limit, *actual;
                enum tms_safety_class class_;
        } cases[] = {
                        {"mdd-hfl-10hz", 1200, IN, OUT, "10 Hz", "120 %", "4.2 s", "4 s", TMS_SAFETY_NOTICE},
                        {"mdd-hfl-10hz-19min", 1200, IN, OUT, "10 Hz", "120 %", "4.2 s", "4 s", TMS_SAFETY_NOTICE},
                        {"mdd-hfl-10hz-5s25", 1100, IN, IN, "10 Hz", "110 %", "5 s", "5 s", TMS_SAFETY_ALLOWED},
                        {"smoking-dtms-h4", 1200, IN, IN, "10 Hz", "120 %", "4.2 s", "3 s", TMS_SAFETY_NOTICE},
                        {"ocd-dtms-h7", 1000, IN, OUT, "20 Hz", "100 %", "2.05 s", "2 s", TMS_SAFETY_NOTICE},
                        {"mdd-dtms-h1", 1200, OUT, OUT, "20 Hz", "120 %", "1 s", "2 s", TMS_SAFETY_NOTICE},
                        {"mdd-lfr-1hz-360", 1200, IN, OUT, "1 Hz", "120 %", "360 s", "360 s", TMS_SAFETY_NOTICE},
                        {"mdd-lfr-1hz-900", 1200, OUT, OUT, "1 Hz", "120 %", "360 s", "900 s", TMS_SAFETY_NOTICE},
                        {"mdd-lfr-1hz-1200", 1200, OUT, OUT, "1 Hz", "120 %", "360 s", "1200 s", TMS_SAFETY_NOTICE},
                        {"mdd-lfr-1hz-1800", 1200, OUT, OUT, "1 Hz", "120 %", "360 s", "1800 s", TMS_SAFETY_NOTICE},
                        {"mdd-lfr-1hz-1800", 1100, IN, OUT, "1 Hz", "110 %", "1800 s", "1800 s", TMS_SAFETY_NOTICE},
                        {"mdd-itbs-600", 1200, NOT_COVERED, NOT_COVERED, NULL, NULL, NULL, NULL, TMS_SAFETY_NOTICE},
                        {"ctbs-600", 800, NOT_COVERED, NOT_COVERED, NULL, NULL, NULL, NULL, TMS_SAFETY_NOTICE},
                        {"mdd-snt", 900, NOT_COVERED, NOT_COVERED, NULL, NULL, NULL, NULL, TMS_SAFETY_NOTICE},
                        {"qps-5", 900, NOT_COVERED, NOT_COVERED, NULL, NULL, NULL, NULL, TMS_SAFETY_NOTICE},
                        {"qps-50", 900, NOT_COVERED, NOT_COVERED, NULL, NULL, NULL, NULL, TMS_SAFETY_NOTICE},
                        {"sici", 1200, NOT_COVERED, NOT_COVERED, NULL, NULL, NULL, NULL, TMS_SAFETY_NOTICE},
                        {"lici", 1200, NOT_COVERED, NOT_COVERED, NULL, NULL, NULL, NULL, TMS_SAFETY_NOTICE},
                        {"icf", 1200, NOT_COVERED, NOT_COVERED, NULL, NULL, NULL, NULL, TMS_SAFETY_NOTICE},
                        {"single-pulse", 400, NOT_COVERED, NOT_COVERED, NULL, NULL, NULL, NULL, TMS_SAFETY_ALLOWED},
                        {"mdd-opt-tms", 1200, IN, OUT, "10 Hz", "120 %", "4.2 s", "4 s", TMS_SAFETY_NOTICE},
                        {"mdd-adolescent", 1200, IN, OUT, "10 Hz", "120 %", "4.2 s", "4 s", TMS_SAFETY_NOTICE},
                        {"mdd-maintenance-10hz", 1200, IN, OUT, "10 Hz", "120 %", "4.2 s", "4 s", TMS_SAFETY_NOTICE},
                        /* Its right side; its left is inside both tables. */
                        {"mdd-seq-bilateral", 1200, OUT, OUT, "1 Hz", "120 %", "360 s", "600 s", TMS_SAFETY_NOTICE},
        };
        glob_t g;

        /* No shipped file without its verdict here. */
        assert_int_equal(glob(SOURCE_DIR "/lib/protocols/*.yaml", 0, NULL, &g), 0);
        for (size_t k = 0; k < g.gl_pathc; k++) {
                char name[80];
                bool found = false;

                for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]) && !found; i++) {
                        snprintf(name, sizeof(name), "/%s.yaml", cases[i].id);
                        found = strcmp(strrchr(g.gl_pathv[k], '/'), name) == 0;
                }
                if (!found)
                        fail_msg("%s has no verdict here", g.gl_pathv[k]);
        }
        globfree(&g);

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct tms_protocol *p = protocol_shipped(cases[i].id);
                struct tms_safety s = check(p, 500, cases[i].percent, 0);
                const struct tms_safety_reason *rossi = reason(&s, ROSSI), *chen = reason(&s, CHEN);

                print_message("%s at %u permille\n", cases[i].id, cases[i].percent);
                assert_int_equal(s.class_, cases[i].class_);
                if (cases[i].rossi == NOT_COVERED) {
                        assert_true(!rossi || strstr(rossi->row, "(none)"));
                        /* The last pair of lici has no single pulse 5 s behind it: a train of two. */
                        assert_true(!chen || strcmp(chen->actual, "0.2 s") == 0);
                } else {
                        assert_int_equal(rossi->class_, cases[i].rossi == IN ? TMS_SAFETY_ALLOWED : TMS_SAFETY_NOTICE);
                        assert_int_equal(chen->class_, cases[i].chen == IN ? TMS_SAFETY_ALLOWED : TMS_SAFETY_NOTICE);
                        assert_string_equal(rossi->layer, "table");
                        assert_string_equal(rossi->row, cases[i].row);
                        assert_string_equal(rossi->column, cases[i].column);
                        assert_string_equal(rossi->limit, cases[i].limit);
                        assert_string_equal(rossi->actual, cases[i].actual);
                        assert_non_null(strstr(rossi->source, "Rossi"));
                }
                tms_protocol_free(p);
        }
}

/* What of the tables was not read in their source says so, in the sentence that goes by it. */
static void test_tables_are_marked(void **state)
{
        static const struct {
                const char *id, *table;
                unsigned percent;
                const char *mark; /* NULL: none */
        } cases[] = {
                        {"mdd-hfl-10hz", ROSSI, 1200, NULL},
                        {"mdd-hfl-10hz", CHEN, 1200, "(table not verified)"},
                        {"mdd-lfr-1hz-360", ROSSI, 1200, "that it is only the longest tested is not)"},
                        {"mdd-hfl-10hz-5s25", ITI, 1100, NULL},
                        {"mdd-hfl-10hz", ITI, 1200, "(not verified)"},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct tms_protocol *p = protocol_shipped(cases[i].id);
                struct tms_safety s = check(p, 500, cases[i].percent, 0);
                const char *sentence = reason(&s, cases[i].table)->sentence;

                assert_int_equal(strstr(sentence, "verified") != NULL, cases[i].mark != NULL);
                if (cases[i].mark)
                        assert_non_null(strstr(sentence, cases[i].mark));
                tms_protocol_free(p);
        }
}

/* The same pattern that is on the list gets no benefit from it in a file of another hash. */
static void test_listed_by_hash_only(void **state)
{
        struct tms_protocol *p = trains(40, "100 ms", 75, "30 s", "2223.9 s");
        struct tms_safety s = check(p, 500, 1200, 0);

        assert_int_equal(s.class_, TMS_SAFETY_OVERRIDE);
        assert_int_equal(reason(&s, ROSSI)->class_, TMS_SAFETY_ALLOWED);
        assert_int_equal(reason(&s, CHEN)->class_, TMS_SAFETY_OVERRIDE);
        tms_protocol_free(p);
}

/* --- Free-form protocols ------------------------------------------------------------------------- */

/* Every cell of the table that is its name's: just inside, and the next pulse outside. */
static void test_every_cell(void **state)
{
        static const unsigned hz[] = {1, 5, 10, 20, 25}, percent[] = {900, 1000, 1100, 1200, 1300};
        static const unsigned ms[5][5] = {
                        {1800000, 1800000, 1800000, 360000, 50000},
                        {10000, 10000, 10000, 10000, 10000},
                        {5000, 5000, 5000, 4200, 2900},
                        {2050, 2050, 1600, 1000, 550},
                        {1280, 1280, 840, 400, 240},
        };

        for (size_t row = 0; row < 5; row++)
                for (size_t column = 0; column < 5; column++)
                        for (unsigned more = 0; more < 2; more++) {
                                unsigned pulses = ms[row][column] * hz[row] / 1000 + more;
                                const struct tms_safety_reason *r;
                                struct tms_protocol *p;
                                struct tms_safety s;
                                char body[400];

                                snprintf(body, sizeof(body),
                                         "pattern: {train: {pulses: %u, frequency: %u Hz}}\n"
                                         "totals: {pulses: %u, trains: 1, first_to_last: %u ms}\n",
                                         pulses, hz[row], pulses, (pulses - 1) * 1000 / hz[row]);
                                p = protocol_from("rMT", "100 %", body);
                                s = check(p, 300, percent[column], 0);
                                r = reason(&s, ROSSI);
                                assert_int_equal(r->class_, more ? TMS_SAFETY_OVERRIDE : TMS_SAFETY_ALLOWED);
                                if (more)
                                        assert_int_equal(s.class_, TMS_SAFETY_OVERRIDE);
                                tms_protocol_free(p);
                        }
}

/* The same of the shorter table, with its strings; typed in from the print. */
static void test_every_cell_of_chen(void **state)
{
        static const unsigned hz[] = {1, 5, 10, 20, 25}, percent[] = {1000, 1100, 1200, 1300};
        static const struct {
                unsigned ms;
                const char *limit;
        } cells[5][4] = {
                        {{270000, "270 s"}, {270000, "270 s"}, {180000, "180 s"}, {50000, "50 s"}},
                        {{10000, "10 s"}, {10000, "10 s"}, {10000, "10 s"}, {10000, "10 s"}},
                        {{5000, "5 s"}, {5000, "5 s"}, {3200, "3.2 s"}, {2200, "2.2 s"}},
                        {{1500, "1.5 s"}, {1200, "1.2 s"}, {800, "0.8 s"}, {400, "0.4 s"}},
                        {{1000, "1 s"}, {700, "0.7 s"}, {300, "0.3 s"}, {200, "0.2 s"}},
        };
        char body[400], row[16], column[16], actual[32];

        for (size_t i = 0; i < 5; i++)
                for (size_t k = 0; k < 4; k++)
                        for (unsigned more = 0; more < 2; more++) {
                                const unsigned pulses = cells[i][k].ms * hz[i] / 1000 + more;
                                const struct tms_safety_reason *r;
                                struct tms_protocol *p;
                                struct tms_safety s;

                                snprintf(body, sizeof(body),
                                         "pattern: {train: {pulses: %u, frequency: %u Hz}}\n"
                                         "totals: {pulses: %u, trains: 1, first_to_last: %u ms}\n",
                                         pulses, hz[i], pulses, (pulses - 1) * 1000 / hz[i]);
                                snprintf(row, sizeof(row), "%u Hz", hz[i]);
                                snprintf(column, sizeof(column), "%u %%", percent[k] / 10);
                                snprintf(actual, sizeof(actual), "%.6g s", (double)pulses / hz[i]);
                                p = protocol_from("rMT", "100 %", body);
                                s = check(p, 300, percent[k], 0);
                                r = reason(&s, CHEN);
                                assert_int_equal(r->class_, more ? TMS_SAFETY_OVERRIDE : TMS_SAFETY_ALLOWED);
                                assert_string_equal(r->layer, "table");
                                assert_string_equal(r->row, row);
                                assert_string_equal(r->column, column);
                                assert_string_equal(r->limit, cells[i][k].limit);
                                assert_string_equal(r->actual, actual);
                                assert_non_null(strstr(r->source, "Chen"));
                                tms_protocol_free(p);
                        }
}

static void test_rounding_up(void **state)
{
        static const struct {
                const char *frequency, *row, *column;
                unsigned percent;
        } cases[] = {
                        {"1 Hz", "1 Hz", "90 %", 500},       {"1.1 Hz", "5 Hz", "90 %", 900},
                        {"5.1 Hz", "10 Hz", "100 %", 901},   {"10 Hz", "10 Hz", "110 %", 1100},
                        {"18 Hz", "20 Hz", "120 %", 1101},   {"20 Hz", "20 Hz", "120 %", 1200},
                        {"20.5 Hz", "25 Hz", "130 %", 1201}, {"7 Hz", "10 Hz", "130 %", 1300},
                        {"25 Hz", "25 Hz", "90 %", 100},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                double f = strtod(cases[i].frequency, NULL);
                struct tms_protocol *p;
                struct tms_safety s;
                char body[400];

                snprintf(body, sizeof(body),
                         "pattern: {train: {pulses: 3, frequency: %s}}\n"
                         "totals: {pulses: 3, trains: 1, first_to_last: %.0f ns}\n",
                         cases[i].frequency, 2e9 / f);
                p = protocol_from("rMT", "100 %", body);
                s = check(p, 500, cases[i].percent, 0);
                assert_string_equal(reason(&s, ROSSI)->row, cases[i].row);
                assert_string_equal(reason(&s, ROSSI)->column, cases[i].column);
                tms_protocol_free(p);
        }
}

static void test_between_trains(void **state)
{
        static const struct {
                unsigned percent;
                const char *cycle, *first_to_last;
                enum tms_safety_class class_;
                const char *row, *column, *actual;
        } cases[] = {
                        {1000, "7 s", "8.9 s", TMS_SAFETY_ALLOWED, ">= 5 s", "110 %", "5 s"},
                        {1100, "7 s", "8.9 s", TMS_SAFETY_ALLOWED, ">= 5 s", "110 %", "5 s"},
                        {1100, "6.9 s", "8.8 s", TMS_SAFETY_OVERRIDE, "< 5 s", "110 %", "4.9 s"},
                        {500, "2.5 s", "4.4 s", TMS_SAFETY_OVERRIDE, "< 5 s", "110 %", "0.5 s"},
                        /* no data above 110 % */
                        {1110, "7 s", "8.9 s", TMS_SAFETY_OVERRIDE, ">= 5 s", "120 %", "5 s"},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct tms_protocol *p = trains(20, "100 ms", 2, cases[i].cycle, cases[i].first_to_last);
                struct tms_safety s = check(p, 500, cases[i].percent, 0);

                assert_int_equal(reason(&s, ITI)->class_, cases[i].class_);
                assert_string_equal(reason(&s, ITI)->row, cases[i].row);
                assert_string_equal(reason(&s, ITI)->column, cases[i].column);
                assert_string_equal(reason(&s, ITI)->limit, "5 s");
                assert_string_equal(reason(&s, ITI)->actual, cases[i].actual);
                assert_int_equal(s.class_, cases[i].class_);
                tms_protocol_free(p);
        }
}

/* What is outside the tables is neither silently allowed nor forbidden, however it is written down. */
static void test_outside_the_tables(void **state)
{
        static const char *const bodies[] = {
                        /* above 25 Hz */
                        "pattern: {train: {pulses: 10, frequency: 26 Hz}}\ntotals: {pulses: 10, trains: 1, "
                        "first_to_last: 9/26 s}\n",
                        "pattern: {burst: {pulses: 10, frequency: 30 Hz}}\ntotals: {pulses: 10, trains: 1, "
                        "first_to_last: 0.3 s}\n",
                        /* theta burst, in its own words and in others */
                        "pattern: {burst: {pulses: 3, interval: 20 ms}, train: {bursts: 10, interval: 200 ms}}\n"
                        "totals: {pulses: 30, trains: 1, first_to_last: 1.84 s}\n",
                        "pattern: {train: {pulses: 3, interval: 20 ms}, series: {trains: 10, interval: 200 ms}}\n"
                        "totals: {pulses: 30, trains: 10, first_to_last: 1.84 s}\n",
                        /* arrhythmic */
                        "pattern: {burst: {onsets: [0 ms, 60 ms, 190 ms, 250 ms, 500 ms]}}\n"
                        "totals: {pulses: 5, trains: 1, first_to_last: 0.5 s}\n",
                        /* pairs */
                        "pattern: {burst: {pulses: 2, interval: 2 ms}, series: {trains: 10, interval: 6 s}}\n"
                        "totals: {pulses: 20, trains: 10, first_to_last: 54.002 s}\n",
                        /* 10 Hz, called a series of single pulses */
                        "pattern: {series: {trains: 60, interval: 100 ms}}\ntotals: {pulses: 60, trains: 60, "
                        "first_to_last: 5.9 s}\n",
                        /* jitter: at its fastest and its longest */
                        "pattern: {train: {pulses: 30, interval: {from: 50 ms, to: 200 ms}}, seed: 1}\n"
                        "totals: {pulses: 30, trains: 1, longest: 5.8 s}\n",
                        /* a session of more pulses than common ones have */
                        "pattern: {series: {trains: 3001, interval: 5 s}}\ntotals: {pulses: 3001, trains: 3001, "
                        "first_to_last: 15000 s}\n",
        };

        for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
                struct tms_protocol *p = protocol_from("rMT", "100 %", bodies[i]);
                struct tms_safety s = check(p, 500, 0, 0);

                print_message("%zu: %s\n", i, tms_safety_class_name(s.class_));
                assert_int_equal(s.class_, TMS_SAFETY_OVERRIDE);
                tms_protocol_free(p);
        }
}

/* --- One timeline, however it is written ----------------------------------------------------------- */

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

/* Above the last column. */
static void test_percent(void **state)
{
        struct tms_protocol *p = trains(2, "1 s", 2, "10 s", "11 s");
        struct tms_safety s;

        s = check(p, 500, 1301, 0);
        assert_int_equal(s.class_, TMS_SAFETY_OVERRIDE);
        assert_string_equal(reason(&s, ROSSI)->column, "130.1 % (none)");
        s = check(p, 500, 1500, 0);
        assert_int_equal(s.class_, TMS_SAFETY_OVERRIDE);
        s = check(p, 500, 1501, 0);
        assert_int_equal(s.class_, TMS_SAFETY_NEVER);
        assert_int_equal(reason(&s, "ceiling_percent_mt")->class_, TMS_SAFETY_NEVER);
        assert_string_equal(reason(&s, "ceiling_percent_mt")->limit, "150 %");
        assert_string_equal(reason(&s, "ceiling_percent_mt")->actual, "150.1 %");
        tms_protocol_free(p);
}

static void test_single_pulses(void **state)
{
        struct tms_protocol *p =
                        protocol_from("rMT", "100 %",
                                      "pattern: {series: {trains: 20, interval: {from: 5 s, to: 7 s}}, seed: 3}\n"
                                      "totals: {pulses: 20, trains: 20, longest: 133 s}\n");
        struct tms_safety s = check(p, 400, 1800, 0);

        /* As strong as they come: that is how input-output curves are measured. */
        assert_int_equal(s.class_, TMS_SAFETY_ALLOWED);
        assert_non_null(reason(&s, "single_pulse_min_interval_s"));
        tms_protocol_free(p);

        /* A pair hidden among pulses that are far apart is a train like any other. */
        p = protocol_from("rMT", "100 %",
                          "pattern:\n  train: {pulses: 2, interval: 6 s}\n  series: {onsets: [0 s, 6.5 s]}\n"
                          "totals: {pulses: 4, trains: 2, first_to_last: 12.5 s}\n");
        s = check(p, 400, 1000, 0);
        assert_null(reason(&s, "single_pulse_min_interval_s"));
        assert_string_equal(reason(&s, ROSSI)->row, "5 Hz");
        assert_string_equal(reason(&s, ROSSI)->actual, "1 s");
        assert_int_equal(s.class_, TMS_SAFETY_ALLOWED);
        s = check(p, 400, 1400, 0);
        assert_int_equal(s.class_, TMS_SAFETY_OVERRIDE);
        s = check(p, 400, 1501, 0);
        assert_int_equal(s.class_, TMS_SAFETY_NEVER);
        tms_protocol_free(p);
}

/* In %MSO, a threshold makes it comparable; without one nothing is known. */
static void test_mso(void **state)
{
        struct tms_protocol *p = protocol_from("MSO", "50 %",
                                               "pattern: {train: {pulses: 40, interval: 100 ms}}\n"
                                               "totals: {pulses: 40, trains: 1, first_to_last: 3.9 s}\n");
        struct tms_dose d = {};
        struct tms_safety s;
        struct tms_error e;

        assert_int_equal(tms_safety_check(p, &d, 0, &s, &e), 0);
        assert_int_equal(s.class_, TMS_SAFETY_OVERRIDE);
        d.threshold_permille = 500;
        assert_int_equal(tms_safety_check(p, &d, 0, &s, &e), -EINVAL); /* of which coil? */
        strcpy(d.threshold_coil, "figure-8");
        assert_int_equal(tms_safety_check(p, &d, 0, &s, &e), 0);
        assert_int_equal(s.class_, TMS_SAFETY_ALLOWED);
        assert_string_equal(reason(&s, ROSSI)->column, "100 %");
        d.threshold_permille = 320; /* 156 % of it */
        assert_int_equal(tms_safety_check(p, &d, 0, &s, &e), 0);
        assert_int_equal(s.class_, TMS_SAFETY_NEVER);
        tms_protocol_free(p);
}

/* --- The list, the day, the threshold ------------------------------------------------------------- */

static void test_percent_above_the_listed(void **state)
{
        struct tms_protocol *p = protocol_shipped("mdd-itbs-600");
        struct tms_safety s;

        s = check(p, 500, 1200, 0);
        assert_int_equal(s.class_, TMS_SAFETY_NOTICE);
        s = check(p, 500, 800, 0);
        assert_int_equal(s.class_, TMS_SAFETY_NOTICE);
        s = check(p, 500, 1201, 0);
        assert_int_equal(s.class_, TMS_SAFETY_OVERRIDE);
        tms_protocol_free(p);

        /* Published as a range. */
        p = protocol_shipped("mdd-lfr-1hz-900");
        assert_int_equal(tms_protocol_percent_permille(p), 1100);
        assert_int_equal(tms_protocol_highest_permille(p), 1200);
        s = check(p, 500, 1200, 0);
        assert_int_equal(s.class_, TMS_SAFETY_NOTICE);
        s = check(p, 500, 1210, 0);
        assert_int_equal(s.class_, TMS_SAFETY_OVERRIDE);
        tms_protocol_free(p);
}

static void test_pulses_of_the_day(void **state)
{
        struct tms_protocol *itbs = protocol_shipped("mdd-itbs-600"), *snt = protocol_shipped("mdd-snt"),
                            *single = protocol_shipped("single-pulse");
        struct tms_safety s;

        /* Once a day: one pulse of a treatment that was cut short is too much for the whole of it. */
        s = check(itbs, 500, 0, 0);
        assert_int_equal(s.class_, TMS_SAFETY_NOTICE);
        s = check(itbs, 500, 0, 1);
        assert_int_equal(s.class_, TMS_SAFETY_OVERRIDE);
        assert_int_equal(reason(&s, "protocol_day_pulses")->class_, TMS_SAFETY_OVERRIDE);

        /* Ten times a day. */
        s = check(snt, 500, 0, 9 * 1800);
        assert_int_equal(s.class_, TMS_SAFETY_NOTICE);
        s = check(snt, 500, 0, 9 * 1800 + 1);
        assert_int_equal(s.class_, TMS_SAFETY_OVERRIDE);
        s = check(snt, 500, 0, 18201);
        assert_int_equal(s.class_, TMS_SAFETY_NEVER);

        /* A measurement may follow any session. */
        s = check(single, 500, 0, 3000);
        assert_int_equal(s.class_, TMS_SAFETY_ALLOWED);
        tms_protocol_free(itbs);
        tms_protocol_free(snt);
        tms_protocol_free(single);

        itbs = trains(10, "1 s", 2, "20 s", "29 s");
        s = check(itbs, 500, 0, 5980);
        assert_int_equal(s.class_, TMS_SAFETY_ALLOWED);
        s = check(itbs, 500, 0, 5981);
        assert_int_equal(s.class_, TMS_SAFETY_OVERRIDE);
        s = check(itbs, 500, 0, 19981);
        assert_int_equal(s.class_, TMS_SAFETY_NEVER);
        tms_protocol_free(itbs);
}

/* What was given to measure is no treatment, and no treatment is given in its name. */
static void test_measuring_is_counted_for_itself(void **state)
{
        struct tms_protocol *itbs = protocol_shipped("mdd-itbs-600"), *single = protocol_shipped("single-pulse"),
                            *sici = protocol_shipped("sici"), *free_form;
        struct tms_today today = {.measuring = 300, .whose = "T-1 has had 300 at 09:12"};
        struct tms_dose d = dose_for(itbs, 500);
        const struct tms_safety_reason *r;
        struct tms_safety s;
        struct tms_error e;

        assert_int_equal(tms_safety_check(itbs, &d, &today, &s, &e), 0);
        assert_int_equal(s.class_, TMS_SAFETY_NOTICE);
        assert_false(s.measuring);
        today.measuring = 301;
        assert_int_equal(tms_safety_check(itbs, &d, &today, &s, &e), 0);
        r = reason(&s, "measuring_pulses_per_day");
        assert_int_equal(r->class_, TMS_SAFETY_OVERRIDE);
        assert_non_null(strstr(r->sentence, "301 pulses for measuring"));
        assert_non_null(strstr(r->sentence, "T-1 has had 300 at 09:12"));
        today.measuring = 0;
        today.treatment = 300;
        assert_int_equal(tms_safety_check(itbs, &d, &today, &s, &e), 0);
        r = reason(&s, "protocol_day_pulses");
        assert_int_equal(r->class_, TMS_SAFETY_OVERRIDE);
        assert_string_equal(r->actual, "900");
        assert_string_equal(r->limit, "600");
        assert_non_null(strstr(r->sentence, "T-1 has had 300 at 09:12"));
        /* Both are pulses of the day. */
        today.treatment = today.measuring = 9999;
        assert_int_equal(tms_safety_check(itbs, &d, &today, &s, &e), 0);
        assert_int_equal(s.class_, TMS_SAFETY_NEVER);
        assert_non_null(strstr(reason(&s, "ceiling_pulses_per_day")->sentence, "T-1 has had 300"));

        s = check(single, 500, 0, 0);
        assert_true(s.measuring);
        s = check(sici, 500, 0, 0);
        assert_true(s.measuring);
        free_form = trains(1, "1 s", 20, "5 s", "95 s");
        s = check(free_form, 500, 0, 0);
        assert_true(s.measuring);
        tms_protocol_free(free_form);
        free_form = trains(1, "1 s", 20, "4 s", "76 s");
        s = check(free_form, 500, 0, 0);
        assert_false(s.measuring);
        tms_protocol_free(free_form);
        tms_protocol_free(itbs);
        tms_protocol_free(single);
        tms_protocol_free(sici);
}

static void test_visual_threshold(void **state)
{
        struct tms_protocol *p = protocol_shipped("mdd-hfl-10hz-5s25");
        struct tms_dose d = dose_for(p, 500);
        struct tms_safety s;
        struct tms_error e;

        strcpy(d.threshold_method, "EMG");
        assert_int_equal(tms_safety_check(p, &d, 0, &s, &e), 0);
        assert_int_equal(s.class_, TMS_SAFETY_ALLOWED);
        strcpy(d.threshold_method, "visual");
        assert_int_equal(tms_safety_check(p, &d, 0, &s, &e), 0);
        assert_int_equal(s.class_, TMS_SAFETY_NOTICE);
        assert_string_equal(s.reasons[s.n_reasons - 1].layer, "threshold");
        assert_non_null(strstr(s.reasons[s.n_reasons - 1].sentence, "11.3 %"));
        tms_protocol_free(p);
}

static void approve(const char *path, unsigned mode, const char *text)
{
        FILE *f = fopen(path, "we");

        assert_non_null(f);
        fputs(text, f);
        fclose(f);
        assert_int_equal(chmod(path, mode), 0);
}

static void test_site_approval(void **state)
{
        struct tms_protocol *p = trains(40, "100 ms", 75, "30 s", "2223.9 s");
        char path[] = "/tmp/tms-approved-XXXXXX";
        struct tms_dose d = dose_for(p, 500);
        struct tms_safety s = {.n_reasons = 77};
        struct tms_error e = {};
        const char *sha256 = tms_protocol_sha256(p);
        char text[200], long_line[300] = "";
        int fd = mkstemp(path);

        assert_true(fd >= 0);
        close(fd);
        setenv("TMS_APPROVED", path, 1);
        d.percent_permille = 1000;

        snprintf(text, sizeof(text), "# approved by the board\n\n%s  %s # 2026-01\n", sha256, "example");
        approve(path, 0644, text);
        s = check(p, 500, 1000, 0);
        assert_int_equal(s.class_, TMS_SAFETY_ALLOWED);
        s = check(p, 300, 1000, 0);
        assert_int_equal(s.class_, TMS_SAFETY_ALLOWED);

        /* Hash and id belong together. */
        snprintf(text, sizeof(text), "%s %s\n", sha256, "other");
        approve(path, 0644, text);
        s = check(p, 500, 1200, 0);
        assert_int_equal(s.class_, TMS_SAFETY_OVERRIDE);

        snprintf(text, sizeof(text), "%.63s %s\n", sha256, "example");
        approve(path, 0644, text);
        s.n_reasons = 77;
        assert_int_equal(tms_safety_check(p, &d, 0, &s, &e), -EINVAL);
        assert_int_equal(e.line, 1);
        assert_int_equal(s.n_reasons, 77);
        snprintf(text, sizeof(text), "%s %s more\n", sha256, "example");
        approve(path, 0644, text);
        assert_int_equal(tms_safety_check(p, &d, 0, &s, &e), -EINVAL);

        /* What nobody sees approves nothing: as a comment to the eye, as a line of its own to some programs. */
        snprintf(text, sizeof(text), "# no:\xe2\x80\xa8%s %s\n", sha256, "example");
        approve(path, 0644, text);
        assert_int_equal(tms_safety_check(p, &d, 0, &s, &e), -EINVAL);
        assert_int_equal(e.line, 1);
        assert_int_equal(e.column, 6);
        assert_non_null(strstr(e.message, "U+2028"));

        /* Longer than any approval; and a list without one. */
        memset(long_line, '-', sizeof(long_line) - 1);
        approve(path, 0644, long_line);
        assert_int_equal(tms_safety_check(p, &d, 0, &s, &e), -EINVAL);
        assert_non_null(strstr(e.message, "too long"));
        approve(path, 0644, "");
        s = check(p, 500, 1200, 0);
        assert_int_equal(s.class_, TMS_SAFETY_OVERRIDE);

        /* One that is there but cannot be opened is not none. */
        setenv("TMS_APPROVED", "/dev/null/list", 1);
        assert_int_equal(tms_safety_check(p, &d, 0, &s, &e), -ENOTDIR);
        assert_non_null(strstr(e.message, "cannot open the list"));
        setenv("TMS_APPROVED", path, 1);

        /* Not believed when others could have written it. */
        snprintf(text, sizeof(text), "%s %s\n", sha256, "example");
        approve(path, 0664, text);
        assert_int_equal(tms_safety_check(p, &d, 0, &s, &e), -EPERM);

        unlink(path);
        s = check(p, 500, 1200, 0);
        assert_int_equal(s.class_, TMS_SAFETY_OVERRIDE);
        unsetenv("TMS_APPROVED");
        tms_protocol_free(p);
}

/* A threshold of the other kind or another coil says nothing about this protocol. */
static void test_dose_that_does_not_fit(void **state)
{
        struct tms_protocol *p = protocol_shipped("mdd-hfl-10hz");
        struct tms_safety s = {.n_reasons = 77};
        struct tms_error e = {};
        struct tms_dose d;

        d = dose_for(p, 500);
        strcpy(d.threshold_kind, "aMT");
        assert_int_equal(tms_safety_check(p, &d, 0, &s, &e), -EINVAL);
        d = dose_for(p, 500);
        strcpy(d.threshold_coil, "H7");
        assert_int_equal(tms_safety_check(p, &d, 0, &s, &e), -EINVAL);
        d = dose_for(p, 900);
        assert_int_equal(tms_safety_check(p, &d, 0, &s, &e), -ERANGE);
        assert_non_null(strstr(e.message, "111.1 %"));
        assert_int_equal(s.n_reasons, 77);
        tms_protocol_free(p);
}

/* What no table covers says which row or column there is none of, and what was asked for. */
static void test_cells_of_the_uncovered(void **state)
{
#define TOTALS(n, t, f) "totals: {pulses: " #n ", trains: " #t ", first_to_last: " f "}\n"
        static const struct {
                const char *reference, *body;
                unsigned percent;
                const char *table, *row, *column, *limit, *actual;
        } cases[] = {
                        {"rMT", "pattern: {train: {pulses: 10, frequency: 50 Hz}}\n" TOTALS(10, 1, "180 ms"), 1200,
                         ROSSI, "50 Hz (none)", "120 %", "25 Hz", "50 Hz"},
                        {"rMT",
                         "pattern: {burst: {pulses: 3, interval: 20 ms}, train: {bursts: 10, interval: 200 "
                         "ms}}\n" TOTALS(30, 1, "1.84 s"),
                         800, "theta_burst", "50 Hz (none)", "80 %", "25 Hz", "3 pulses at 50 Hz"},
                        /* Triplets at 30 Hz are a variant of it, at 10 Hz between bursts they are none. */
                        {"rMT",
                         "pattern: {burst: {pulses: 3, frequency: 30 Hz}, train: {bursts: 10, interval: 200 "
                         "ms}}\n" TOTALS(30, 1, "28/15 s"),
                         800, "theta_burst", "30 Hz (none)", "80 %", "25 Hz", "3 pulses at 30 Hz"},
                        {"rMT",
                         "pattern: {burst: {pulses: 3, interval: 20 ms}, train: {bursts: 10, interval: 100 "
                         "ms}}\n" TOTALS(30, 1, "0.94 s"),
                         800, ROSSI, "50 Hz (none)", "80 %", "25 Hz", "50 Hz"},
                        {"rMT",
                         "pattern: {burst: {pulses: 4, interval: 50 ms}, series: {trains: 10, interval: 5 s}}\n" TOTALS(
                                         40, 10, "45.15 s"),
                         900, ROSSI, "20 Hz (none)", "90 %", "more than 5 pulses", "4 pulses"},
                        {"rMT",
                         "pattern: {burst: {onsets: [0 s, 60 ms, 190 ms, 250 ms, 490 ms]}}\n" TOTALS(5, 1, "490 ms"),
                         900, ROSSI, "arrhythmic (none)", "90 %", "one interval", "0.06 s to 0.24 s"},
                        {"rMT", "pattern: {train: {pulses: 10, interval: 100 ms}}\n" TOTALS(10, 1, "0.9 s"), 1400,
                         ROSSI, "10 Hz", "140 % (none)", "130 %", "140 %"},
                        {"MSO", "pattern: {train: {pulses: 10, interval: 100 ms}}\n" TOTALS(10, 1, "0.9 s"), 400, ROSSI,
                         "10 Hz", "unknown (none)", "130 %", "unknown"},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct tms_protocol *p = protocol_from(cases[i].reference, "50 %", cases[i].body);
                struct tms_dose d = dose_for(p, strcmp(cases[i].reference, "MSO") ? 500 : 0);
                const struct tms_safety_reason *r;
                struct tms_safety s;
                struct tms_error e;

                print_message("%zu\n", i);
                d.percent_permille = cases[i].percent;
                assert_int_equal(tms_safety_check(p, &d, 0, &s, &e), 0);
                assert_int_equal(s.class_, TMS_SAFETY_OVERRIDE);
                r = reason(&s, cases[i].table);
                assert_non_null(r);
                assert_string_equal(r->layer, "table");
                assert_string_equal(r->row, cases[i].row);
                assert_string_equal(r->column, cases[i].column);
                assert_string_equal(r->limit, cases[i].limit);
                assert_string_equal(r->actual, cases[i].actual);
                tms_protocol_free(p);
        }
}

/* Theta burst is a class of its own in every shipped file that has it, and in no other. */
static void test_theta_burst(void **state)
{
        static const char *const theta[] = {"mdd-itbs-600", "ctbs-600", "mdd-snt"};
        static const char *const others[] = {"qps-5", "qps-50", "sici", "icf", "lici", "mdd-dtms-h1", "single-pulse"};

        for (size_t i = 0; i < sizeof(theta) / sizeof(theta[0]); i++) {
                struct tms_protocol *p = protocol_shipped(theta[i]);
                struct tms_safety s = check(p, 500, 800, 0);
                const struct tms_safety_reason *r = reason(&s, "theta_burst");

                assert_non_null(r);
                assert_int_equal(r->class_, TMS_SAFETY_NOTICE);
                assert_string_equal(r->row, "50 Hz (none)");
                assert_string_equal(r->actual, "3 pulses at 50 Hz");
                assert_non_null(strstr(r->source, "Huang 2005"));
                assert_null(reason(&s, ROSSI));
                tms_protocol_free(p);
        }
        for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
                struct tms_protocol *p = protocol_shipped(others[i]);
                struct tms_safety s = check(p, 500, 800, 0);

                assert_null(reason(&s, "theta_burst"));
                tms_protocol_free(p);
        }
}

/* What the stimulator cannot give is a verdict like any other. */
static void test_verdict_of_the_card(void **state)
{
        static const struct {
                const char *id;
                unsigned threshold, percent;
                enum tms_safety_class class_;
                const char *table, *row, *limit, *actual, *sentence;
        } cases[] = {
                        {"mdd-hfl-10hz", 950, 0, TMS_SAFETY_NEVER, "intensity", "", "100.0 %MSO", "114.0 %MSO",
                         "The highest percentage possible is 105.2 %."},
                        {"mdd-hfl-10hz", 300, 1, TMS_SAFETY_NEVER, "intensity_zero", "", "0.1 %MSO", "0.0 %MSO",
                         "below 0.1 %MSO"},
                        {"mdd-itbs-600", 820, 0, TMS_SAFETY_NEVER, "coil_heat", "pulse 255", "30000.000 J", NULL,
                         "The highest percentage possible is 102.4 %."},
                        {"mdd-hfl-10hz", 500, 0, TMS_SAFETY_NOTICE, NULL, NULL, NULL, NULL, NULL},
                        /* The last that there is, and 0.1 %MSO more of a threshold's product before rounding. */
                        {"single-pulse", 0, 1000, TMS_SAFETY_ALLOWED, NULL, NULL, NULL, NULL, NULL},
                        {"mdd-hfl-10hz", 834, 0, TMS_SAFETY_NEVER, "intensity", "", "100.0 %MSO", "100.1 %MSO",
                         "The highest percentage possible is 119.9 %."},
                        /* Never by the policy, too. */
                        {"mdd-hfl-10hz", 800, 1600, TMS_SAFETY_NEVER, "intensity", "", "100.0 %MSO", "128.0 %MSO",
                         "The highest percentage possible is 125.0 %."},
        };
        struct tms_safety s = {.n_reasons = 77}, plain;
        struct tms_protocol *p;
        struct tms_error e = {};
        struct tms_dose d;

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                size_t cards = 0;

                p = protocol_shipped(cases[i].id);
                d = dose_for(p, cases[i].threshold);
                d.percent_permille = cases[i].percent;
                print_message("%s %u\n", cases[i].id, cases[i].threshold);
                assert_int_equal(tms_safety_verdict(p, &d, 0, NULL, &s, &e), 0);
                assert_int_equal(s.class_, cases[i].class_);
                for (size_t k = 0; k < s.n_reasons; k++)
                        cards += strcmp(s.reasons[k].layer, "card") == 0;
                assert_int_equal(cards, cases[i].table != NULL);
                if (cases[i].table) {
                        const struct tms_safety_reason *r = &s.reasons[s.n_reasons - 1];

                        print_message("%s\n", r->sentence);
                        assert_string_equal(r->layer, "card");
                        assert_int_equal(r->class_, TMS_SAFETY_NEVER);
                        assert_string_equal(r->table, cases[i].table);
                        assert_string_equal(r->row, cases[i].row);
                        assert_string_equal(r->limit, cases[i].limit);
                        if (cases[i].actual)
                                assert_string_equal(r->actual, cases[i].actual);
                        assert_non_null(strstr(r->sentence, cases[i].sentence));
                        assert_true(r->source[0]);
                        s.n_reasons--;
                }
                /* The policy's reasons come first, and are what they are without the stimulator. */
                if (tms_safety_check(p, &d, 0, &plain, &e) == 0) {
                        assert_int_equal(plain.n_reasons, s.n_reasons);
                        for (size_t k = 0; k < s.n_reasons; k++)
                                assert_string_equal(plain.reasons[k].sentence, s.reasons[k].sentence);
                } else
                        assert_string_equal(cases[i].table, "intensity");
                tms_protocol_free(p);
        }

        /* An intensity that goes by no percentage has no highest one. */
        p = protocol_from("rMT", "100 %",
                          "pattern: {burst: {pulses: 2, interval: 10 ms}, intensities: [main, 101 % MSO]}\n"
                          "totals: {pulses: 2, trains: 1, first_to_last: 10 ms}\n");
        d = dose_for(p, 500);
        assert_int_equal(tms_safety_verdict(p, &d, 0, NULL, &s, &e), 0);
        assert_string_equal(s.reasons[s.n_reasons - 1].actual, "101.0 %MSO");
        assert_null(strstr(s.reasons[s.n_reasons - 1].sentence, "highest"));

        /* No dose at all is still an error. */
        strcpy(d.threshold_coil, "H7");
        s.n_reasons = 77;
        assert_int_equal(tms_safety_verdict(p, &d, 0, NULL, &s, &e), -EINVAL);
        assert_int_equal(s.n_reasons, 77);
        tms_protocol_free(p);
}

/* 40 pulses at 10 Hz, each 100 % of the active threshold. */
static struct tms_protocol *active_train(const char *reference, const char *pulse)
{
        char body[1200], list[700] = "";

        for (int i = 0; i < 40; i++)
                snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s", i ? ", " : "", pulse);
        snprintf(body, sizeof(body),
                 "pattern: {burst: {pulses: 40, interval: 100 ms}, intensities: [%s]}\n"
                 "totals: {pulses: 40, trains: 1, first_to_last: 3.9 s}\n",
                 list);
        return protocol_from(reference, "100 %", body);
}

/* The tables take percentages of the active threshold as if of the resting one: no lower may that be. */
static void test_active_above_resting(void **state)
{
        struct tms_protocol *p = active_train("rMT", "100 % aMT");
        struct tms_dose d = dose_for(p, 300);
        struct tms_timeline t = {};
        struct tms_safety s;
        struct tms_error e;

        /* 90 %MSO would be 300 % of the resting threshold. */
        d.other_threshold_permille = 900;
        assert_int_equal(tms_safety_check(p, &d, 0, &s, &e), -EINVAL);
        assert_non_null(strstr(e.message, "aMT) of 90.0 %MSO is above the resting one (rMT) of 30.0 %MSO"));
        assert_int_equal(tms_compile(p, &d, &t, &e), -EINVAL);
        d.other_threshold_permille = 301;
        assert_int_equal(tms_safety_check(p, &d, 0, &s, &e), -EINVAL);
        d.other_threshold_permille = 300;
        assert_int_equal(tms_safety_check(p, &d, 0, &s, &e), 0);
        assert_int_equal(s.class_, TMS_SAFETY_ALLOWED);
        assert_string_equal(reason(&s, ROSSI)->column, "100 %");
        tms_protocol_free(p);

        /* The other way about: the protocol goes by the active one. */
        p = active_train("aMT", "100 % rMT");
        d = dose_for(p, 301);
        d.other_threshold_permille = 300;
        assert_int_equal(tms_safety_check(p, &d, 0, &s, &e), -EINVAL);
        d.threshold_permille = 299;
        assert_int_equal(tms_safety_check(p, &d, 0, &s, &e), 0);
        tms_protocol_free(p);

        /* In %MSO both may be given, too. */
        p = active_train("MSO", "100 % aMT");
        d = (struct tms_dose){.threshold_permille = 300, .threshold_kind = "rMT", .threshold_coil = "figure-8"};
        d.other_threshold_permille = 900;
        assert_int_equal(tms_safety_check(p, &d, 0, &s, &e), -EINVAL);
        tms_protocol_free(p);

        /* A leg's own resting threshold counts for it, if it has to do with the active one at all. */
        p = protocol_from("rMT", "100 %",
                          "legs:\n"
                          "  - {name: a, target: t, intensity: 100 % aMT, pattern: {train: {pulses: 2, interval: 1 "
                          "s}}}\n"
                          "  - {name: b, target: t, pause: 9 s, pattern: {train: {pulses: 2, interval: 1 s}}}\n"
                          "totals: {pulses: 4, trains: 2, first_to_last: 12 s}\n");
        d = dose_for(p, 500);
        d.other_threshold_permille = 400;
        d.leg_threshold_permille[1] = 350;
        assert_int_equal(tms_safety_check(p, &d, 0, &s, &e), 0);
        d.leg_threshold_permille[0] = 350;
        assert_int_equal(tms_safety_check(p, &d, 0, &s, &e), -EINVAL);
        tms_protocol_free(p);
}

/* Of a protocol in %MSO nothing but the kind says which of two thresholds is which, and so what "110 % rMT" is of. */
static void test_two_thresholds_want_a_kind(void **state)
{
        static const char *const kinds[] = {"", "MSO", "RMT", "rmt", "aMT ", "a", "main"};
        struct tms_protocol *p = protocol_from(
                        "MSO", "100 %",
                        "pattern: {burst: {pulses: 2, interval: 100 ms}, intensities: [80 % aMT, 110 % rMT]}\n"
                        "totals: {pulses: 2, trains: 1, first_to_last: 100 ms}\n");
        struct tms_dose d = {.threshold_permille = 400, .other_threshold_permille = 600, .threshold_coil = "figure-8"};
        struct tms_timeline t = {};
        struct tms_limits limits;
        struct tms_safety s;
        struct tms_error e;

        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
                strcpy(d.threshold_kind, kinds[i]);
                assert_int_equal(tms_compile(p, &d, &t, &e), -EINVAL);
                assert_non_null(strstr(e.message, "a second threshold"));
                assert_non_null(strstr(e.message, kinds[i][0] ? kinds[i] : "not stated"));
                e.message[0] = 0;
                assert_int_equal(tms_session_limits(p, &d, &limits, &e), -EINVAL);
                assert_non_null(strstr(e.message, "a second threshold"));
                assert_int_equal(tms_safety_check(p, &d, 0, &s, &e), -EINVAL);
                assert_int_equal(tms_safety_verdict(p, &d, 0, NULL, &s, &e), -EINVAL);
                assert_int_equal(tms_dose_check(p, &d, NULL, &e), -EINVAL);
        }

        /* With it, the order of the two is seen. */
        strcpy(d.threshold_kind, "rMT");
        assert_int_equal(tms_compile(p, &d, &t, &e), -EINVAL);
        assert_non_null(strstr(e.message, "aMT) of 60.0 %MSO is above the resting one (rMT) of 40.0 %MSO"));
        strcpy(d.threshold_kind, "aMT");
        assert_int_equal(tms_compile(p, &d, &t, &e), 0);
        assert_int_equal(t.pulses[0].intensity_permille, 320);
        assert_int_equal(t.pulses[1].intensity_permille, 660);
        tms_timeline_clear(&t);
        assert_int_equal(tms_session_limits(p, &d, &limits, &e), 0);
        tms_protocol_free(p);
}

/* Whichever threshold is given, it was measured with some coil. */
static void test_coil_of_every_threshold(void **state)
{
        struct tms_protocol *p = active_train("MSO", "100 % aMT");
        struct tms_dose d = {.other_threshold_permille = 300, .threshold_kind = "rMT", .threshold_coil = "H7"};
        struct tms_safety s;
        struct tms_error e;

        assert_int_equal(tms_safety_check(p, &d, 0, &s, &e), -EINVAL);
        assert_non_null(strstr(e.message, "with a H7 coil"));
        strcpy(d.threshold_coil, "figure-8");
        assert_int_equal(tms_safety_check(p, &d, 0, &s, &e), 0);
        tms_protocol_free(p);

        p = protocol_shipped("mdd-seq-bilateral");
        d = dose_for(p, 0);
        d.leg_threshold_permille[0] = 400;
        assert_int_equal(tms_safety_check(p, &d, 0, &s, &e), -EINVAL); /* what of the other leg? */
        d.leg_threshold_permille[1] = 500;
        assert_int_equal(tms_safety_check(p, &d, 0, &s, &e), 0);
        strcpy(d.threshold_coil, "H7");
        assert_int_equal(tms_safety_check(p, &d, 0, &s, &e), -EINVAL);
        tms_protocol_free(p);
}

/* Whatever is asked: every reason is complete, and the verdict is its reasons' worst. */
static void test_reasons_are_whole(void **state)
{
        static const char *const ids[] = {"mdd-hfl-10hz", "mdd-itbs-600", "mdd-seq-bilateral",
                                          "sici",         "single-pulse", "mdd-dtms-h1"};

        for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
                for (unsigned percent = 100; percent <= 1900; percent += 300) {
                        struct tms_protocol *p = protocol_shipped(ids[i]);
                        enum tms_safety_class worst = TMS_SAFETY_ALLOWED;
                        struct tms_dose d = dose_for(p, 500);
                        struct tms_safety s;
                        struct tms_error e;

                        d.percent_permille = percent;
                        if (strcmp(tms_protocol_reference(p), "MSO") == 0 && percent > 1000)
                                d.percent_permille = 1000;
                        assert_int_equal(tms_safety_check(p, &d, 0, &s, &e), 0);
                        assert_in_range(s.n_reasons, 1, 24);
                        for (size_t k = 0; k < s.n_reasons; k++) {
                                const struct tms_safety_reason *r = &s.reasons[k];

                                assert_true(r->layer[0] && r->table[0] && r->source[0] && strlen(r->sentence) > 20);
                                assert_true(r->actual[0]);
                                /* Being on the list is no measure. */
                                assert_int_equal(r->limit[0] == 0, strcmp(r->table, "shipped_protocols") == 0);
                                if (strncmp(r->table, "rossi", 5) == 0 || strncmp(r->table, "chen", 4) == 0 ||
                                    strcmp(r->table, "theta_burst") == 0)
                                        assert_true(r->row[0] && r->column[0]);
                                assert_int_equal(r->sentence[strlen(r->sentence) - 1], '.');
                                /* Of the other classes the verdict says it once for all: a reason, or a confirmation. */
                                if (r->class_ == TMS_SAFETY_NEVER)
                                        tells_next_step(r->sentence);
                                if (r->class_ > worst)
                                        worst = r->class_;
                        }
                        assert_int_equal(s.class_, worst);
                        tms_protocol_free(p);
                }
        assert_string_equal(tms_safety_class_name(TMS_SAFETY_ALLOWED), "allowed");
        assert_string_equal(tms_safety_class_name(TMS_SAFETY_NEVER), "never");
        assert_string_equal(tms_safety_class_name(7), "unknown");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_tables_on_shipped),
                        cmocka_unit_test(test_tables_are_marked),
                        cmocka_unit_test(test_listed_by_hash_only),
                        cmocka_unit_test(test_every_cell),
                        cmocka_unit_test(test_every_cell_of_chen),
                        cmocka_unit_test(test_rounding_up),
                        cmocka_unit_test(test_between_trains),
                        cmocka_unit_test(test_outside_the_tables),
                        cmocka_unit_test(test_legs_together),
                        cmocka_unit_test(test_worst_of_a_leg),
                        cmocka_unit_test(test_leg_that_waits),
                        cmocka_unit_test(test_leg_that_waits_in_vain),
                        cmocka_unit_test(test_one_timeline_one_verdict),
                        cmocka_unit_test(test_pulses_in_a_second),
                        cmocka_unit_test(test_percent),
                        cmocka_unit_test(test_single_pulses),
                        cmocka_unit_test(test_mso),
                        cmocka_unit_test(test_percent_above_the_listed),
                        cmocka_unit_test(test_pulses_of_the_day),
                        cmocka_unit_test(test_measuring_is_counted_for_itself),
                        cmocka_unit_test(test_visual_threshold),
                        cmocka_unit_test(test_site_approval),
                        cmocka_unit_test(test_dose_that_does_not_fit),
                        cmocka_unit_test(test_cells_of_the_uncovered),
                        cmocka_unit_test(test_theta_burst),
                        cmocka_unit_test(test_verdict_of_the_card),
                        cmocka_unit_test(test_active_above_resting),
                        cmocka_unit_test(test_two_thresholds_want_a_kind),
                        cmocka_unit_test(test_coil_of_every_threshold),
                        cmocka_unit_test(test_reasons_are_whole),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

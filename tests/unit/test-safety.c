// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The clinical safety policy's tables: what they say of real protocols and of free-form ones, cell by cell, and that
 * nothing which lies outside of them passes in silence.
 */
#include "next-step.h"
#include "protocol-text.h"
#include "safety-reasons.h"

#include <errno.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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
                        cmocka_unit_test(test_percent),
                        cmocka_unit_test(test_single_pulses),
                        cmocka_unit_test(test_mso),
                        cmocka_unit_test(test_cells_of_the_uncovered),
                        cmocka_unit_test(test_theta_burst),
                        cmocka_unit_test(test_reasons_are_whole),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The clinical safety policy: what the published tables say of real
 * protocols, the three layers against each other, and that nothing which
 * lies outside the tables passes in silence.
 */
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
        if (tms_safety_check(p, &d, today, &s, &e) < 0)
                fail_msg("%s", e.message);
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
                        assert_null(rossi);
                        assert_null(chen);
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
        } cases[] = {
                        {1000, "7 s", "8.9 s", TMS_SAFETY_ALLOWED},    {1100, "7 s", "8.9 s", TMS_SAFETY_ALLOWED},
                        {1100, "6.9 s", "8.8 s", TMS_SAFETY_OVERRIDE}, {500, "2.5 s", "4.4 s", TMS_SAFETY_OVERRIDE},
                        {1110, "7 s", "8.9 s", TMS_SAFETY_OVERRIDE}, /* no data above 110 % */
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct tms_protocol *p = trains(20, "100 ms", 2, cases[i].cycle, cases[i].first_to_last);
                struct tms_safety s = check(p, 500, cases[i].percent, 0);

                assert_int_equal(reason(&s, ITI)->class_, cases[i].class_);
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
        assert_non_null(reason(&s, "table_max_percent_mt"));
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

        /* A pair hidden among pulses that are far apart. */
        p = protocol_from("rMT", "100 %",
                          "pattern:\n  train: {pulses: 2, interval: 6 s}\n  series: {onsets: [0 s, 6.5 s]}\n"
                          "totals: {pulses: 4, trains: 2, first_to_last: 12.5 s}\n");
        s = check(p, 400, 1000, 0);
        assert_null(reason(&s, "single_pulse_min_interval_s"));
        assert_int_equal(s.class_, TMS_SAFETY_OVERRIDE);
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

        /* Once a day, and the pulses of a threshold hunt. */
        s = check(itbs, 500, 0, 300);
        assert_int_equal(s.class_, TMS_SAFETY_NOTICE);
        s = check(itbs, 500, 0, 301);
        assert_int_equal(s.class_, TMS_SAFETY_OVERRIDE);
        assert_int_equal(reason(&s, "protocol_day_pulses")->class_, TMS_SAFETY_OVERRIDE);

        /* Ten times a day. */
        s = check(snt, 500, 0, 9 * 1800);
        assert_int_equal(s.class_, TMS_SAFETY_NOTICE);
        s = check(snt, 500, 0, 9 * 1800 + 301);
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
        char text[200];
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

                                assert_true(r->layer[0] && r->source[0] && strlen(r->sentence) > 20);
                                assert_int_equal(r->sentence[strlen(r->sentence) - 1], '.');
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
                        cmocka_unit_test(test_listed_by_hash_only),
                        cmocka_unit_test(test_every_cell),
                        cmocka_unit_test(test_rounding_up),
                        cmocka_unit_test(test_between_trains),
                        cmocka_unit_test(test_outside_the_tables),
                        cmocka_unit_test(test_percent),
                        cmocka_unit_test(test_single_pulses),
                        cmocka_unit_test(test_mso),
                        cmocka_unit_test(test_percent_above_the_listed),
                        cmocka_unit_test(test_pulses_of_the_day),
                        cmocka_unit_test(test_visual_threshold),
                        cmocka_unit_test(test_site_approval),
                        cmocka_unit_test(test_dose_that_does_not_fit),
                        cmocka_unit_test(test_reasons_are_whole),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

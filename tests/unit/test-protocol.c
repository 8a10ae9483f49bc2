// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Shipped protocols against the figures that were published for them, the
 * examples of the manual page, and finding files by id.
 */
#include "tms.h"

#include <errno.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define PROTOCOLS SOURCE_DIR "/lib/protocols"
#define MANUAL SOURCE_DIR "/lib/tms-protocol.5"

#define MS(ms) ((uint64_t)(ms)*1000000)
#define NONE TMS_TIME_NONE

/* Typed in from the publications, not from the files. */
static const struct figures {
        const char *id, *coil, *reference, *status;
        unsigned percent, pulses, trains, per_train;
        uint64_t train_ns, iti_ns, cycle_total_ns, without_last_ns, first_to_last_ns, last_to_first_ns;
} published[] = {
                {"mdd-hfl-10hz", "figure-8", "rMT", "cleared", 120, 3000, 75, 40, MS(4000), MS(26000), MS(2250000),
                 MS(2224000), MS(2223900), MS(2216500)},
                {"mdd-hfl-10hz-19min", "figure-8", "rMT", "cleared", 120, 3000, 75, 40, MS(4000), MS(11000),
                 MS(1125000), MS(1114000), MS(1113900), MS(1106500)},
                {"mdd-opt-tms", "figure-8", "rMT", "published", 120, 3000, 75, 40, MS(4000), MS(26000), MS(2250000),
                 MS(2224000), MS(2223900), MS(2216500)},
                {"mdd-hfl-10hz-5s25", "figure-8", "rMT", "published", 110, 3000, 60, 50, MS(5000), MS(25000),
                 MS(1800000), MS(1775000), MS(1774900), MS(1769000)},
                {"mdd-itbs-600", "figure-8", "rMT", "cleared", 120, 600, 20, 30, MS(2000), MS(8000), MS(200000),
                 MS(192000), MS(191840), MS(188800)},
                {"ctbs-600", "figure-8", "aMT", "published", 80, 600, 1, 600, MS(40000), NONE, MS(40000), MS(40000),
                 MS(39840), MS(39840)},
                {"mdd-lfr-1hz-360", "any", "rMT", "published", 120, 360, 1, 360, MS(360000), NONE, MS(360000),
                 MS(360000), MS(359000), MS(359000)},
                {"mdd-lfr-1hz-900", "figure-8", "rMT", "published", 110, 900, 1, 900, MS(900000), NONE, MS(900000),
                 MS(900000), MS(899000), MS(899000)},
                {"mdd-lfr-1hz-1200", "figure-8", "rMT", "published", 110, 1200, 1, 1200, MS(1200000), NONE, MS(1200000),
                 MS(1200000), MS(1199000), MS(1199000)},
                {"mdd-lfr-1hz-1800", "figure-8", "rMT", "published", 110, 1800, 1, 1800, MS(1800000), NONE, MS(1800000),
                 MS(1800000), MS(1799000), MS(1799000)},
                {"mdd-seq-bilateral", "figure-8", "rMT", "published", 120, 2100, 51, 0, NONE, NONE, MS(2250000), NONE,
                 MS(2219900), NONE},
                {"mdd-dtms-h1", "H1", "rMT", "cleared", 120, 1980, 55, 36, MS(2000), MS(20000), MS(1210000),
                 MS(1190000), 1189944444444, 1186944444444},
                {"ocd-dtms-h7", "H7", "rMT", "cleared", 100, 2000, 50, 40, MS(2000), MS(20000), MS(1100000),
                 MS(1080000), MS(1079950), MS(1077500)},
                {"smoking-dtms-h4", "H4", "rMT", "cleared", 120, 1800, 60, 30, MS(3000), MS(15000), MS(1080000),
                 MS(1065000), MS(1064900), MS(1059000)},
                {"mdd-snt", "figure-8", "rMT", "cleared", 90, 1800, 60, 30, MS(2000), MS(8000), MS(600000), MS(592000),
                 MS(591840), MS(582400)},
                {"mdd-adolescent", "figure-8", "rMT", "cleared", 120, 3000, 75, 40, MS(4000), MS(26000), MS(2250000),
                 MS(2224000), MS(2223900), MS(2216500)},
                {"mdd-maintenance-10hz", "figure-8", "rMT", "published", 120, 3000, 75, 40, MS(4000), MS(26000),
                 MS(2250000), MS(2224000), MS(2223900), MS(2216500)},
                {"single-pulse", "any", "MSO", "published", 40, 75, 75, 1, 0, MS(5000), MS(375000), MS(370000),
                 MS(370000), MS(370000)},
                {"sici", "figure-8", "rMT", "published", 120, 30, 10, 3, MS(5002), MS(4998), MS(100000), MS(95002),
                 MS(95002), MS(95002)},
                {"icf", "figure-8", "rMT", "published", 120, 30, 10, 3, MS(5012), MS(4988), MS(100000), MS(95012),
                 MS(95012), MS(95012)},
                {"lici", "figure-8", "rMT", "published", 120, 30, 10, 3, MS(5100), MS(4900), MS(100000), MS(95100),
                 MS(95100), MS(95100)},
                {"qps-5", "figure-8", "aMT", "published", 90, 1440, 360, 4, MS(20), MS(4980), MS(1800000), MS(1795020),
                 MS(1795015), MS(1793220)},
                {"qps-50", "figure-8", "aMT", "published", 90, 1440, 360, 4, MS(200), MS(4800), MS(1800000),
                 MS(1795200), MS(1795150), MS(1777200)},
};

static struct tms_protocol *load(const char *path)
{
        struct tms_protocol *p = NULL;
        struct tms_error e = {};
        char buf[1024];

        if (tms_protocol_load(path, &p, &e) < 0)
                fail_msg("%s", tms_error_format(&e, buf, sizeof(buf)));
        return p;
}

static void test_published_figures(void **state)
{
        for (size_t i = 0; i < sizeof(published) / sizeof(published[0]); i++) {
                const struct figures *f = &published[i];
                struct tms_protocol *p;
                struct tms_readings v;
                char path[512];

                snprintf(path, sizeof(path), PROTOCOLS "/%s.yaml", f->id);
                p = load(path);
                print_message("%s\n", f->id);
                assert_string_equal(tms_protocol_id(p), f->id);
                assert_string_equal(tms_protocol_coil(p), f->coil);
                assert_string_equal(tms_protocol_reference(p), f->reference);
                assert_string_equal(tms_protocol_status(p), f->status);
                assert_int_equal(tms_protocol_percent_permille(p), f->percent * 10);
                assert_int_equal(tms_protocol_pulses(p), f->pulses);
                assert_int_equal(tms_protocol_trains(p), f->trains);
                assert_int_equal(tms_protocol_cycle_total_ns(p), f->cycle_total_ns);
                assert_int_equal(tms_protocol_first_to_last_ns(p), f->first_to_last_ns);

                assert_int_equal(tms_protocol_readings(p, SIZE_MAX, &v), 0);
                assert_int_equal(v.pulses_per_train, f->per_train);
                assert_int_equal(v.train_ns, f->train_ns);
                assert_int_equal(v.iti_ns, f->iti_ns);
                assert_int_equal(v.without_last_iti_ns, f->without_last_ns);
                assert_int_equal(v.last_to_first_total_ns, f->last_to_first_ns);
                tms_protocol_free(p);
        }
}

/* A key of the totals at an indentation; its value was compared with the pattern when the file was read. */
static bool states(const char *totals, const char *indent, const char *key)
{
        char line[80];

        snprintf(line, sizeof(line), "\n%s%s: ", indent, key);
        return strstr(totals, line) != NULL;
}

/* Every reading that a pattern has is written in its file, for whoever reads only that. */
static void test_every_reading_is_stated(void **state)
{
        for (size_t i = 0; i < sizeof(published) / sizeof(published[0]); i++) {
                struct tms_protocol *p;
                const char *totals;
                char path[512];
                size_t legs;

                snprintf(path, sizeof(path), PROTOCOLS "/%s.yaml", published[i].id);
                p = load(path);
                legs = tms_protocol_legs(p);
                totals = tms_protocol_text(p, NULL);
                for (size_t leg = 0; leg < legs; leg++) {
                        const char *indent = legs > 1 ? "      " : "  ";
                        struct tms_readings v;
                        char part[1200];

                        assert_int_equal(tms_protocol_readings(p, leg, &v), 0);
                        totals = strstr(totals, legs > 1 ? "    totals:" : "\ntotals:");
                        assert_non_null(totals);
                        totals += 11;
                        snprintf(part, sizeof(part), "%s", totals);
                        if (strstr(part, legs > 1 ? "\n  - name" : "\n\n"))
                                *strstr(part, legs > 1 ? "\n  - name" : "\n\n") = 0;

                        const struct {
                                const char *key;
                                bool has;
                        } keys[] = {
                                        {"trains", true},
                                        {"pulses_per_train", true},
                                        {"train_duration", v.train_ns != NONE},
                                        {"iti", v.iti_ns != NONE},
                                        {"iti_last_to_first", v.iti_last_to_first_ns != NONE},
                                        {"cycle_total", true},
                                        {"without_last_iti", v.without_last_iti_ns != NONE},
                                        {"first_to_last", true},
                                        {"last_to_first_total", v.last_to_first_total_ns != NONE},
                        };

                        for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
                                if (states(part, indent, keys[k].key) != keys[k].has)
                                        fail_msg("%s, leg %zu: %s", published[i].id, leg + 1, keys[k].key);
                }
                tms_protocol_free(p);
        }
}

/* What domain knowledge was read in a source, per file; a mark that is better than that would be a lie. */
static void test_confidence_marks(void **state)
{
        static const char *const verified[] = {"mdd-hfl-10hz-5s25", "mdd-maintenance-10hz", "mdd-snt", "ocd-dtms-h7"};

        for (size_t i = 0; i < sizeof(published) / sizeof(published[0]); i++) {
                struct tms_course_defaults c;
                struct tms_protocol *p;
                bool expected = false, all = true;
                char path[512];

                snprintf(path, sizeof(path), PROTOCOLS "/%s.yaml", published[i].id);
                p = load(path);
                for (size_t k = 0; k < sizeof(verified) / sizeof(verified[0]); k++)
                        expected |= strcmp(verified[k], published[i].id) == 0;
                if (tms_protocol_verified(p) != expected)
                        fail_msg("%s", published[i].id);
                assert_true(tms_protocol_citations(p) > 0);
                for (size_t k = 0; k < tms_protocol_citations(p); k++) {
                        struct tms_citation v;

                        assert_int_equal(tms_protocol_citation(p, k, &v), 0);
                        assert_true(v.text[0] && v.supports[0] && v.basis[0]);
                        all &= v.verified;
                        if (strcmp(v.basis, "general-knowledge") == 0)
                                assert_false(v.verified);
                }
                assert_int_equal(tms_protocol_verified(p), all);
                /* A course of so many sessions a day, days and weeks has no more sessions than they hold. */
                tms_protocol_course(p, &c);
                if (c.sessions_per_day && c.days_per_week && c.weeks) {
                        assert_true(c.sessions <= c.sessions_per_day * c.days_per_week * c.weeks);
                        assert_true(c.sessions > c.sessions_per_day * c.days_per_week * (c.weeks - 1));
                }
                tms_protocol_free(p);
        }
}

/* No file is shipped that the table above does not hold to something. */
static void test_every_file_is_held(void **state)
{
        glob_t g;

        assert_int_equal(glob(PROTOCOLS "/*.yaml", 0, NULL, &g), 0);
        assert_int_equal(g.gl_pathc, sizeof(published) / sizeof(published[0]));
        globfree(&g);
}

static void test_legs(void **state)
{
        struct tms_protocol *p = load(PROTOCOLS "/mdd-seq-bilateral.yaml");
        struct tms_readings v;

        assert_int_equal(tms_protocol_legs(p), 2);
        assert_string_equal(tms_protocol_leg_name(p, 0), "right");
        assert_string_equal(tms_protocol_leg_target(p, 1), "left dorsolateral prefrontal cortex");
        assert_int_equal(tms_protocol_readings(p, 0, &v), 0);
        assert_int_equal(v.pulses, 600);
        assert_int_equal(v.first_to_last_ns, MS(599000));
        assert_int_equal(tms_protocol_readings(p, 1, &v), 0);
        assert_int_equal(v.pulses, 1500);
        assert_int_equal(v.iti_ns, MS(30000));
        assert_int_equal(v.iti_last_to_first_ns, MS(30100));
        assert_int_equal(tms_protocol_readings(p, 2, &v), -EINVAL);
        tms_protocol_free(p);
}

static void test_course_and_citations(void **state)
{
        static const struct {
                const char *id;
                uint32_t sessions, a_day, days, weeks, taper_weeks, all;
        } courses[] = {
                        /* Sessions with the taper: 36, 44 and 18 as published. */
                        {"mdd-hfl-10hz", 30, 1, 5, 6, 3, 36},    {"mdd-dtms-h1", 20, 1, 5, 4, 12, 44},
                        {"smoking-dtms-h4", 15, 1, 5, 3, 3, 18}, {"mdd-snt", 50, 10, 5, 1, 0, 50},
                        {"ocd-dtms-h7", 29, 1, 5, 6, 0, 29},
        };

        for (size_t i = 0; i < sizeof(courses) / sizeof(courses[0]); i++) {
                struct tms_course_defaults c;
                struct tms_protocol *p;
                uint32_t all;
                char path[512];

                snprintf(path, sizeof(path), PROTOCOLS "/%s.yaml", courses[i].id);
                p = load(path);
                tms_protocol_course(p, &c);
                assert_int_equal(c.sessions, courses[i].sessions);
                assert_int_equal(c.sessions_per_day, courses[i].a_day);
                assert_int_equal(c.days_per_week, courses[i].days);
                assert_int_equal(c.weeks, courses[i].weeks);
                assert_int_equal(c.taper_weeks, courses[i].taper_weeks);
                all = c.sessions;
                for (uint32_t w = 0; w < c.taper_weeks; w++)
                        all += c.taper[w];
                assert_int_equal(all, courses[i].all);
                /* Onset to onset: the paper's 50 minutes are between the end of a session of ten minutes and the next. */
                if (strcmp(courses[i].id, "mdd-snt") == 0)
                        assert_int_equal(c.min_gap_ns, 3600 * MS(1000));

                assert_true(tms_protocol_citations(p) > 0);
                for (size_t k = 0; k < tms_protocol_citations(p); k++) {
                        struct tms_citation v;

                        assert_int_equal(tms_protocol_citation(p, k, &v), 0);
                        assert_true(v.text[0] && v.supports[0] && v.basis[0]);
                        if (strcmp(v.basis, "general-knowledge") == 0)
                                assert_false(v.verified || tms_protocol_verified(p));
                }
                tms_protocol_free(p);
        }
}

static void test_identity(void **state)
{
        static const char hello[] = "hello";
        struct tms_protocol *p = load(PROTOCOLS "/mdd-itbs-600.yaml"), *again = NULL;
        struct tms_error e = {};
        const char *text;
        size_t size;
        char *copy;

        text = tms_protocol_text(p, &size);
        assert_int_equal(strlen(tms_protocol_sha256(p)), 64);
        assert_int_equal(tms_protocol_parse("again", text, size, &again, &e), 0);
        assert_string_equal(tms_protocol_sha256(again), tms_protocol_sha256(p));
        again = tms_protocol_free(again);

        /* A comment makes it another protocol. */
        copy = malloc(size + 3);
        memcpy(copy, text, size);
        memcpy(copy + size, "# \n", 3);
        assert_int_equal(tms_protocol_parse("again", copy, size + 3, &again, &e), 0);
        assert_string_not_equal(tms_protocol_sha256(again), tms_protocol_sha256(p));
        tms_protocol_free(again);
        free(copy);
        tms_protocol_free(p);

        /* And nothing is touched on failure but the error, which may be absent. */
        again = (void *)hello;
        assert_int_equal(tms_protocol_parse("x", "x: [", 4, &again, NULL), -EINVAL);
        assert_ptr_equal(again, hello);
}

static void test_describe(void **state)
{
        struct tms_protocol *p = load(PROTOCOLS "/mdd-hfl-10hz.yaml");
        char *text = NULL;

        assert_int_equal(tms_protocol_describe(p, &text), 0);
        assert_non_null(strstr(text, "40 pulses, onsets 100 ms apart (10 Hz)"));
        assert_non_null(strstr(text, "75 trains, onsets 30 s apart"));
        assert_non_null(strstr(text, "26 s\n"));
        assert_non_null(strstr(text, "26.1 s\n"));
        assert_non_null(strstr(text, "2216.5 s (36:56)"));
        free(text);
        tms_protocol_free(p);
}

/* A wait is shown at whatever level it stands, also where the level has one unit alone. */
static void test_describe_waits(void **state)
{
        static const struct {
                const char *pattern, *line;
        } cases[] = {
                        {"burst: {pulses: 1, wait: operator}, train: {bursts: 3, interval: 1 s}",
                         "  burst:  1 pulse; it waits for the operator\n"},
                        {"train: {pulses: 1, interval: 1 s, wait: trigger}, series: {trains: 3, interval: 1 s}",
                         "  train:  1 pulse; it waits for the external trigger\n"},
                        {"burst: {pulses: 3, interval: 20 ms}, train: {bursts: 1, wait: operator}",
                         "  train:  1 burst; it waits for the operator\n"},
                        {"train: {pulses: 3, interval: 1 s}, series: {trains: 1, wait: operator}",
                         "  series: 1 train; it waits for the operator\n"},
                        {"train: {pulses: 3, interval: 1 s, wait: operator}",
                         "  train:  3 pulses, onsets 1 s apart (1 Hz); each waits for the operator\n"},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const bool fast = strstr(cases[i].pattern, "20 ms");
                struct tms_protocol *p = NULL;
                struct tms_error e = {};
                char text[1024], *words;

                snprintf(text, sizeof(text),
                         "format: 1\nid: x\ntitle: t\nindication: i\ntarget: t\ncoil: any\nwaveform: biphasic\n"
                         "status: research\nintensity: {reference: rMT, percent: 100 %%}\npattern: {%s}\n"
                         "totals: {pulses: 3, trains: %u, first_to_last: %s}\n",
                         cases[i].pattern, strstr(cases[i].pattern, "trains: 3") ? 3 : 1, fast ? "40 ms" : "2 s");
                if (tms_protocol_parse("x", text, strlen(text), &p, &e) < 0)
                        fail_msg("%s", e.message);
                assert_int_equal(tms_protocol_describe(p, &words), 0);
                if (!strstr(words, cases[i].line))
                        fail_msg("expected: %sin: %s", cases[i].line, words);
                free(words);
                tms_protocol_free(p);
        }
}

/* Hours, more onsets than a line has room for, and two legs whose times are drawn. */
static void test_describe_long(void **state)
{
        static const struct {
                const char *body, *words;
        } cases[] = {
                        {"pattern: {train: {pulses: 2, interval: 2 h}}\n"
                         "totals: {pulses: 2, trains: 1, first_to_last: 2 h}\n",
                         " (2:00:00)\n"},
                        {"pattern: {train: {onsets: [0 ms, 10 ms, 20 ms, 30 ms, 40 ms, 50 ms, 60 ms, 70 ms, 80 ms, "
                         "90 ms, 100 ms, 110 ms, 120 ms]}}\n"
                         "totals: {pulses: 13, trains: 1, first_to_last: 120 ms}\n",
                         ", 110 ms ... 120 ms"},
                        {"legs:\n"
                         "  - {name: a, target: t, pattern: {series: {trains: 3, interval: {from: 5 s, to: 7 s}}, "
                         "seed: 5}}\n"
                         "  - {name: b, target: t, pause: 10 s,\n"
                         "     pattern: {series: {trains: 3, interval: {from: 5 s, to: 7 s}}, seed: 6}}\n"
                         "totals: {pulses: 6, trains: 6, longest: 38 s}\n",
                         "onsets 5 s to 7 s apart at random"},
        };
        struct tms_citation citation;
        struct tms_protocol *p;

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct tms_error e = {};
                char text[1024], *words;

                snprintf(text, sizeof(text),
                         "format: 1\nid: x\ntitle: t\nindication: i\ntarget: t\ncoil: any\nwaveform: biphasic\n"
                         "status: research\nintensity: {reference: rMT, percent: 100 %%}\n%s",
                         cases[i].body);
                if (tms_protocol_parse("x", text, strlen(text), &p, &e) < 0)
                        fail_msg("%zu: %s", i, e.message);
                assert_int_equal(tms_protocol_describe(p, &words), 0);
                if (!strstr(words, cases[i].words))
                        fail_msg("expected: %sin: %s", cases[i].words, words);
                free(words);
                tms_protocol_free(p);
        }

        p = load(PROTOCOLS "/mdd-lfr-1hz-360.yaml");
        assert_string_equal(tms_protocol_maintenance(p), "daily taper of up to 25 sessions");
        assert_int_equal(tms_protocol_citation(p, tms_protocol_citations(p), &citation), -EINVAL);
        tms_protocol_free(p);
}

/* Each key is held against all before it: a file of keys alone would keep a daemon busy for 18 s. */
static void test_too_many_keys(void **state)
{
        for (unsigned n = 64; n <= 65; n++)
                for (unsigned flow = 0; flow < 2; flow++) {
                        struct tms_protocol *p = NULL;
                        struct tms_error e = {};
                        char text[2048];
                        size_t used = 0;

                        used += (size_t)snprintf(text, sizeof(text), "%s", flow ? "{" : "");
                        for (unsigned i = 0; i < n; i++)
                                used += (size_t)snprintf(text + used, sizeof(text) - used, "k%u: 1%s", i,
                                                         flow ? ", " : "\n");
                        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s", flow ? "}" : "");
                        assert_int_equal(tms_protocol_parse("x", text, used, &p, &e), -EINVAL);
                        if (n > 64) {
                                assert_non_null(strstr(e.message, "more than 64 keys"));
                                assert_int_equal(e.line, flow ? 1 : 65);
                        } else
                                assert_non_null(strstr(e.message, "there is no such key"));
                }
}

/* --- The manual page ------------------------------------------------------------------------------ */

#define HEAD                                                                                                       \
        "format: 1\nid: example\ntitle: t\nindication: i\ntarget: t\ncoil: figure-8\nwaveform: biphasic\nstatus: " \
        "research\n"                                                                                               \
        "intensity: {reference: rMT, percent: 100 %}\n"

/* Every literal block with a pattern in it must be accepted as it stands. */
static void test_manual_examples(void **state)
{
        char text[8192] = "", line[512];
        bool inside = false;
        unsigned found = 0;
        FILE *f = fopen(MANUAL, "re");

        assert_non_null(f);
        while (fgets(line, sizeof(line), f)) {
                if (strncmp(line, ".Bd -literal", 12) == 0) {
                        inside = true;
                        text[0] = 0;
                } else if (strncmp(line, ".Ed", 3) == 0) {
                        struct tms_protocol *p = NULL;
                        struct tms_error e = {};
                        char whole[9000], buf[1024];

                        inside = false;
                        if (!strstr(text, "totals:"))
                                continue;
                        snprintf(whole, sizeof(whole), "%s%s", strncmp(text, "format", 6) == 0 ? "" : HEAD, text);
                        if (tms_protocol_parse("manual", whole, strlen(whole), &p, &e) < 0)
                                fail_msg("%s in:\n%s", tms_error_format(&e, buf, sizeof(buf)), whole);
                        tms_protocol_free(p);
                        found++;
                } else if (inside)
                        strncat(text, line, sizeof(text) - strlen(text) - 1);
        }
        fclose(f);
        assert_int_equal(found, 7);
}

/* --- Finding ---------------------------------------------------------------------------------------- */

static void write_file(const char *path, const char *text)
{
        FILE *f = fopen(path, "we");

        assert_non_null(f);
        fputs(text, f);
        fclose(f);
}

#define MINIMAL(id)                                                                                    \
        "format: 1\nid: " id                                                                           \
        "\ntitle: t\nindication: i\ntarget: t\ncoil: figure-8\nwaveform: biphasic\nstatus: research\n" \
        "intensity: {reference: rMT, percent: 100 %}\npattern: {train: {pulses: 2, interval: 1 s}}\n"  \
        "totals: {pulses: 2, trains: 1, first_to_last: 1 s}\n"

struct seen {
        unsigned good, bad;
        char bad_path[600];
        char message[600];
};

static int see(const char *path, struct tms_protocol *p, const struct tms_error *error, void *userdata)
{
        struct seen *s = userdata;

        if (p)
                s->good++;
        else {
                s->bad++;
                snprintf(s->bad_path, sizeof(s->bad_path), "%s", path);
                snprintf(s->message, sizeof(s->message), "%s", error->message);
        }
        return 0;
}

static int stop_at_first(const char *path, struct tms_protocol *p, const struct tms_error *error, void *userdata)
{
        ++*(unsigned *)userdata;
        return 17;
}

static void test_find_and_foreach(void **state)
{
        char first[] = "/tmp/tms-first-XXXXXX", second[] = "/tmp/tms-second-XXXXXX", path[600], list[600];
        struct tms_protocol *p = NULL;
        struct tms_error e = {};
        struct seen s = {};
        unsigned calls = 0;

        assert_non_null(mkdtemp(first));
        assert_non_null(mkdtemp(second));
        snprintf(list, sizeof(list), "%s:%s:/nowhere", first, second);
        setenv("TMS_PROTOCOL_PATH", list, 1);

        snprintf(path, sizeof(path), "%s/a.yaml", second);
        write_file(path, MINIMAL("a"));
        assert_int_equal(tms_protocol_find("a", &p, &e), 0);
        p = tms_protocol_free(p);

        /* The first folder hides the second, also when its file is wrong. */
        snprintf(path, sizeof(path), "%s/a.yaml", first);
        write_file(path, MINIMAL("b"));
        assert_int_equal(tms_protocol_find("a", &p, &e), -EINVAL);
        assert_string_equal(e.key, "id");
        snprintf(path, sizeof(path), "%s/c.yaml", second);
        write_file(path, MINIMAL("c"));
        assert_int_equal(tms_protocol_foreach(see, &s), 0);
        assert_int_equal(s.good, 1);
        assert_int_equal(s.bad, 1);
        assert_non_null(strstr(s.bad_path, first));
        /* Whatever a file is called, its path can be told. */
        snprintf(path, sizeof(path), "%s/b\xe9.yaml", first);
        write_file(path, MINIMAL("b"));
        s = (struct seen){};
        assert_int_equal(tms_protocol_foreach(see, &s), 0);
        assert_int_equal(s.bad, 2);
        snprintf(path, sizeof(path), "%s/b?.yaml", first);
        assert_string_equal(s.bad_path, path);
        assert_int_equal(tms_protocol_foreach(stop_at_first, &calls), 17);
        assert_int_equal(calls, 1);

        assert_int_equal(tms_protocol_find("none", &p, &e), -ENOENT);
        assert_int_equal(tms_protocol_find("../c", &p, &e), -EINVAL);
        assert_int_equal(tms_protocol_find("", &p, &e), -EINVAL);
        assert_int_equal(tms_protocol_load("/nowhere/x.yaml", &p, &e), -ENOENT);
        assert_int_equal(tms_protocol_load("/dev/null", &p, &e), -EINVAL);
        assert_int_equal(tms_protocol_load(first, &p, &e), -EINVAL);

        unsetenv("TMS_PROTOCOL_PATH");
        snprintf(path, sizeof(path), "rm -r %s %s", first, second);
        assert_int_equal(system(path), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_published_figures),
                        cmocka_unit_test(test_every_reading_is_stated),
                        cmocka_unit_test(test_confidence_marks),
                        cmocka_unit_test(test_every_file_is_held),
                        cmocka_unit_test(test_legs),
                        cmocka_unit_test(test_course_and_citations),
                        cmocka_unit_test(test_identity),
                        cmocka_unit_test(test_describe),
                        cmocka_unit_test(test_describe_waits),
                        cmocka_unit_test(test_describe_long),
                        cmocka_unit_test(test_too_many_keys),
                        cmocka_unit_test(test_manual_examples),
                        cmocka_unit_test(test_find_and_foreach),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

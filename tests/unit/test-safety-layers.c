// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The clinical safety policy beside its tables: the lists of approved protocols, the pulses of the day, the threshold, and
 * what the card can do.
 */
#include "protocol-text.h"
#include "safety-reasons.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

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

/* The order of the two thresholds matters to a leg of which only one pulse of a burst goes by the active one. */
static void test_active_within_a_burst(void **state)
{
        struct tms_protocol *p = protocol_from(
                        "rMT", "100 %",
                        "legs:\n"
                        "  - {name: a, target: t, pattern: {burst: {pulses: 3, interval: 20 ms},\n"
                        "     intensities: [100 % main, 90 % main, 80 % aMT]}}\n"
                        "  - {name: b, target: t, pause: 9 s, pattern: {burst: {pulses: 2, interval: 20 ms},\n"
                        "     intensities: [100 % main, 90 % main]}}\n"
                        "totals: {pulses: 5, trains: 2, first_to_last: 9080 ms}\n");
        struct tms_dose d = dose_for(p, 500);
        struct tms_safety s;
        struct tms_error e = {};

        d.other_threshold_permille = 400;
        if (tms_safety_check(p, &d, 0, &s, &e) < 0)
                fail_msg("%s", e.message);
        /* The second leg does not use the active threshold, so its resting one may be lower than that. */
        d.leg_threshold_permille[1] = 350;
        assert_int_equal(tms_safety_check(p, &d, 0, &s, &e), 0);
        d.leg_threshold_permille[0] = 350;
        assert_int_equal(tms_safety_check(p, &d, 0, &s, &e), -EINVAL);
        assert_non_null(strstr(e.message, "(aMT) of 40.0 %MSO is above the resting one (rMT) of 35.0 %MSO"));
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

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_percent_above_the_listed),
                        cmocka_unit_test(test_pulses_of_the_day),
                        cmocka_unit_test(test_measuring_is_counted_for_itself),
                        cmocka_unit_test(test_visual_threshold),
                        cmocka_unit_test(test_site_approval),
                        cmocka_unit_test(test_dose_that_does_not_fit),
                        cmocka_unit_test(test_verdict_of_the_card),
                        cmocka_unit_test(test_active_above_resting),
                        cmocka_unit_test(test_active_within_a_burst),
                        cmocka_unit_test(test_two_thresholds_want_a_kind),
                        cmocka_unit_test(test_coil_of_every_threshold),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

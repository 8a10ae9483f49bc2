/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is filled in about a course: what every field takes and refuses, and what fields have to be together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "course-samples.h"
#include "indication.h"
#include "life.h"
#include "prescription.h"
#include "screening.h"

static char why[FORM_WHY];

/* The form's sample with these values instead of its own. */
static json_t *patched(enum course_form form, const char *patch)
{
        json_t *o = course_sample(course_samples[form]), *p = course_sample(patch);
        const char *key;
        json_t *v;

        json_object_foreach(p, key, v) {
                if (json_is_null(v))
                        (void)json_object_del(o, key);
                else
                        (void)json_object_set(o, key, v);
        }
        json_decref(p);
        return o;
}

static void takes(enum course_form form, const char *patch)
{
        json_t *o = patched(form, patch);

        if (form_check(&course_forms[form], o, why) < 0)
                fail_msg("%s: %s", patch, why);
        json_decref(o);
}

/* Every refusal's sentence has a second part, which says what to do. */
static void refuses(enum course_form form, const char *patch, const char *part)
{
        json_t *o = patched(form, patch);

        why[0] = '\0';
        assert_int_equal(form_check(&course_forms[form], o, why), -EINVAL);
        if (!strstr(why, part) || !strpbrk(why, ";"))
                fail_msg("%s: refused with '%s', expected '%s'", patch, why, part);
        json_decref(o);
}

static void test_samples(void **state)
{
        unsigned form;

        for (form = 0; form < COURSE_FORMS; form++) {
                assert_non_null(course_samples[form]);
                takes(form, "{}");
        }
}

/* Each field: missing it is refused exactly if it is not optional, and a value of another type always is. */
static void test_each_field(void **state)
{
        const struct form_field *f;
        unsigned form, n = 0;

        for (form = 0; form < COURSE_FORMS; form++) {
                for (f = course_forms[form].fields; f->name; f++, n++) {
                        char patch[96], part[96];

                        (void)snprintf(patch, sizeof(patch), "{'%s':null}", f->name);
                        (void)snprintf(part, sizeof(part), "%s is missing; give it", f->name);
                        if (!f->optional)
                                refuses(form, patch, part);
                        (void)snprintf(patch, sizeof(patch), "{'%s':true}", f->name);
                        (void)snprintf(part, sizeof(part), "%s is ", f->name);
                        refuses(form, patch, part);
                        (void)snprintf(patch, sizeof(patch), "{'%s':'Mrs Miller'}", f->name);
                        refuses(form, patch, part);
                        (void)snprintf(patch, sizeof(patch), "{'%s':['Mrs Miller']}", f->name);
                        refuses(form, patch, part);
                        (void)snprintf(patch, sizeof(patch), "{'%s':-1}", f->name);
                        refuses(form, patch, part);
                }
                refuses(form, "{'name':'x'}", "there is no 'name' here; known is: ");
        }
        assert_true(n > 45);
}

static void test_dates(void **state)
{
        static const char *const no[] = {"2026-02-29", "2100-02-29", "2026-13-01", "2026-00-10", "2026-01-00",
                                         "2026-04-31", "1899-12-31", "2200-01-01", "2026-1-1",   "2026/01/01",
                                         "20260101",   "",           "2026-01-0x", "2026-01-011"};
        int32_t day = 77;
        size_t i;

        for (i = 0; i < ELEMENTS(no); i++) {
                assert_int_equal(form_date(no[i], &day), -EINVAL);
                assert_int_equal(day, 77);
        }
        assert_int_equal(form_date("1970-01-01", &day), 0);
        assert_int_equal(day, 0);
        assert_int_equal(form_date("2024-02-29", &day), 0);
        assert_int_equal(day, 19782);
        assert_int_equal(form_date("2000-02-29", &day), 0);
        assert_int_equal(day, 11016);
        refuses(COURSE_CONSENT, "{'date':'2026-02-30'}", "date is no day of 1900 to 2199; give it as YYYY-MM-DD");
}

static void test_about(void **state)
{
        takes(COURSE_ABOUT, "{'trials':[],'indication':'depression-adolescent','age':15,'diagnosis':'F32.A'}");
        refuses(COURSE_ABOUT, "{'indication':'depression-adolescent'}", "is for 15 to 21 years");
        refuses(COURSE_ABOUT, "{'indication':'migraine'}",
                "give one of: depression, depression-adolescent, ocd, smoking");
        refuses(COURSE_ABOUT, "{'age':121}", "age is no number from 0 to 120");
        refuses(COURSE_ABOUT, "{'diagnosis':'Miller'}", "diagnosis is a code");
        refuses(COURSE_ABOUT, "{'diagnosis':'F3Smith'}", "diagnosis is a code");
        refuses(COURSE_ABOUT, "{'diagnosis':'33.2'}", "diagnosis is a code");
        refuses(COURSE_ABOUT, "{'diagnosis':'F33.2.1.2'}", "diagnosis is to have 2 to 8");
        refuses(COURSE_ABOUT, "{'referred_by':'Dr Miller'}", "referred_by is to have 1 to 32 letters");
        refuses(COURSE_ABOUT, "{'referred_by':''}", "referred_by is to have 1 to 32 letters");
        refuses(COURSE_ABOUT, "{'subject':'Anna Miller'}", "subject is to have 1 to 64 letters");
}

static void test_indications(void **state)
{
        const struct form_field *f;
        unsigned i;

        for (f = course_forms[COURSE_ABOUT].fields; !STREQ(f->name, "indication"); f++)
                ;
        for (i = 0; indication_name(i); i++)
                assert_string_equal(f->words[i], indication_name(i));
        assert_null(f->words[i]);
        f = course_forms[COURSE_ENDING].fields;
        for (i = 0; course_end_reason(i); i++)
                assert_string_equal(f->words[i], course_end_reason(i));
        assert_null(f->words[i]);
        f = course_forms[COURSE_SCORE].fields;
        for (i = 0; i < INSTRUMENTS; i++)
                assert_string_equal(f->words[i], instrument_name(i));
        assert_null(f->words[i]);
}

static void test_trials(void **state)
{
        static const struct {
                const char *trial, *wrong;
        } no[] = {
                        {"", "class"},
                        {"ssri", "class"},
                        {"ssri,", "adequate"},
                        {"miller,adequate,8,response,tolerated", "class"},
                        {"ssr,adequate,8,response,tolerated", "class"},
                        {"ssri,yes,8,response,tolerated", "adequate"},
                        {"ssri,adequate,,response,tolerated", "weeks"},
                        {"ssri,adequate,1000,response,tolerated", "weeks"},
                        {"ssri,adequate,8w,response,tolerated", "weeks"},
                        {"ssri,adequate,8,better,tolerated", "outcome"},
                        {"ssri,adequate,8,response", "outcome"},
                        {"ssri,adequate,8,response,", "tolerance"},
                        {"ssri,adequate,8,response,tolerated,", "tolerance"},
                        {"ssri,adequate,8,response,tolerated,x", "tolerance"},
        };
        char part[64];
        size_t i;

        assert_int_equal(trial_check("other,not-known,0,not-known,not-known", why), 0);
        assert_int_equal(trial_check("lithium,not-adequate,999,response,not-tolerated", why), 0);
        for (i = 0; i < ELEMENTS(no); i++) {
                assert_int_equal(trial_check(no[i].trial, why), -EINVAL);
                (void)snprintf(part, sizeof(part), "and its %s is wrong; ", no[i].wrong);
                if (!strstr(why, part))
                        fail_msg("%s: %s", no[i].trial, why);
        }
        refuses(COURSE_ABOUT, "{'trials':['ssri,adequate,8,no-response,tolerated','ssri,adequate,8,no,tolerated']}",
                "and its outcome is wrong");
        refuses(COURSE_ABOUT, "{'trials':['Mrs Miller took it']}", "trials is a list of at most 16");
        refuses(COURSE_ABOUT, "{'trials':['a','a','a','a','a','a','a','a','a','a','a','a','a','a','a','a','a']}",
                "trials is a list of at most 16");
}

static void test_screening(void **state)
{
        takes(COURSE_SCREENING, "{'yes':[],'no':[]}");
        refuses(COURSE_SCREENING, "{'yes':[14],'no':[]}", "yes is a list of at most 13 numbers, each from 1 to 13");
        refuses(COURSE_SCREENING, "{'yes':[0],'no':[]}", "yes is a list");
        refuses(COURSE_SCREENING, "{'yes':[9],'no':[9]}",
                "item 9 of the screening (pacemaker or cardiac lines) is "
                "answered twice");
        refuses(COURSE_SCREENING, "{'yes':[],'no':[2,2]}", "item 2 of the screening (fainting) is answered twice");
        refuses(COURSE_DECISION, "{'items':[]}", "name at least one");
}

static void test_score(void **state)
{
        refuses(COURSE_SCORE, "{'items':[1,2]}", "phq-9 has 9 items, and 2 answers are given; give");
        refuses(COURSE_SCORE, "{'items':[2,2,1,4,0,1,2,0,1]}", "item 4 of phq-9 is answered with 4");
        takes(COURSE_SCORE, "{'instrument':'madrs','items':[6,6,6,6,6,6,6,6,6,6]}");
}

/* What is prescribed comes to the plan that the rules go by. */
static void test_prescription(void **state)
{
        json_t *o = course_sample(course_samples[COURSE_PRESCRIPTION]);
        struct plan p = {0};

        assert_int_equal(prescription_plan(o, &p, why), 0);
        assert_int_equal(p.sessions, 30);
        assert_int_equal(p.per_day, 1);
        assert_int_equal(p.days_per_week, 5);
        assert_int_equal(p.weekdays, 0x1f);
        assert_int_equal(p.min_gap_ns, 28800 * NS_PER_S);
        assert_int_equal(plan_sessions(&p, PART_TAPER), 6);
        assert_int_equal(p.taper_weeks, 3);
        assert_int_equal(p.taper[0], 3);
        assert_int_equal(p.n_steps, 1);
        assert_int_equal(p.step[0].sessions, 4);
        assert_int_equal(p.step[0].every_days, 7);
        json_decref(o);
        o = patched(COURSE_PRESCRIPTION,
                    "{'taper':null,'maintenance_sessions':null,'maintenance_days':null,'min_gap_s':null,"
                    "'weekdays':['sun'],'days_per_week':1}");
        assert_int_equal(form_check(&course_forms[COURSE_PRESCRIPTION], o, why), 0);
        assert_int_equal(prescription_plan(o, &p, why), 0);
        assert_int_equal(p.weekdays, 0x40);
        assert_int_equal(p.min_gap_ns, 0);
        assert_int_equal(plan_sessions(&p, PART_TAPER) + plan_sessions(&p, PART_MAINTENANCE), 0);
        json_decref(o);
        /* The accelerated course: ten a day, five days. */
        takes(COURSE_PRESCRIPTION, "{'sessions':50,'per_day':10,'min_gap_s':3600,'taper':null}");
}

static void test_contradictions(void **state)
{
        refuses(COURSE_PRESCRIPTION, "{'maintenance_days':null}",
                "maintenance_sessions has 1 steps and maintenance_days has 0; give both");
        refuses(COURSE_PRESCRIPTION, "{'days_per_week':6}", "6 treatment days a week are prescribed");
        refuses(COURSE_PRESCRIPTION, "{'weekdays':['mon','mon']}", "weekdays is a list of words, each once");
        refuses(COURSE_PRESCRIPTION, "{'weekdays':[]}", "name at least one");
        refuses(COURSE_PRESCRIPTION, "{'per_day':10,'min_gap_s':null}", "without a gap between them");
        refuses(COURSE_PRESCRIPTION, "{'sha256':'0123456789ABCDEF'}", "sha256 is to have 64 lower-case");
        refuses(COURSE_PRESCRIPTION, "{'sessions':101}", "sessions is no number from 1 to 100");
        refuses(COURSE_PRESCRIPTION, "{'taper':[8]}", "taper is a list of at most 16 numbers, each from 1 to 7");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_samples),      cmocka_unit_test(test_each_field),
                        cmocka_unit_test(test_dates),        cmocka_unit_test(test_about),
                        cmocka_unit_test(test_indications),  cmocka_unit_test(test_trials),
                        cmocka_unit_test(test_screening),    cmocka_unit_test(test_score),
                        cmocka_unit_test(test_prescription), cmocka_unit_test(test_contradictions),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

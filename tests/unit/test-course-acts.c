/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What may be done about a course, and when; and that each act's record is what the log's schema wants. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "course-record.h"
#include "course-samples.h"
#include "schema.h"

static char why[FORM_WHY];

static json_t *course_in(const char *state, const char *more)
{
        json_t *course = course_sample("{'subject':'S-1','part':'course','prescriptions':0,'missed':0,'decided':[],"
                                       "'scores':{}}"),
               *other = course_sample(more);

        (void)json_object_set_new(course, "state", json_string(state));
        (void)json_object_update(course, other);
        json_decref(other);
        return course;
}

/* A course that may be activated. */
static json_t *ready_in(const char *state)
{
        static const char *const keys[] = {"screening", "consent", "prescription"};
        static const enum course_form forms[] = {COURSE_SCREENING, COURSE_CONSENT, COURSE_PRESCRIPTION};
        json_t *course = course_in(state, "{'decided':[11]}");
        size_t i;

        for (i = 0; i < ELEMENTS(keys); i++)
                (void)json_object_set_new(course, keys[i], course_sample(course_samples[forms[i]]));
        return course;
}

/* course is taken over. */
static void refused(enum course_act act, json_t *course, const char *filled, const char *part)
{
        json_t *o = course_sample(filled);
        enum course_state next;

        assert_int_equal(act_look(act, course, o, &next, why), -EACCES);
        if (!strstr(why, part) || !strchr(why, ';'))
                fail_msg("refused with '%s', expected '%s'", why, part);
        json_decref(o);
        json_decref(course);
}

static void allowed(enum course_act act, json_t *course, const char *filled, enum course_state wanted)
{
        json_t *o = course_sample(filled);
        enum course_state next = COURSE_NOWHERE;

        if (act_look(act, course, o, &next, why) < 0)
                fail_msg("refused: %s", why);
        assert_int_equal(next, wanted);
        json_decref(o);
        json_decref(course);
}

static json_t *without(json_t *course, const char *key)
{
        (void)json_object_del(course, key);
        return course;
}

static void test_activate(void **state)
{
        json_t *course;

        allowed(ACT_ACTIVATE, ready_in("planned"), "{}", COURSE_ACTIVE);
        refused(ACT_ACTIVATE, without(ready_in("planned"), "screening"), "{}", "item 1 of the screening");
        refused(ACT_ACTIVATE, without(ready_in("planned"), "consent"), "{}", "consent is not recorded; record");
        refused(ACT_ACTIVATE, without(ready_in("planned"), "prescription"), "{}", "nothing is prescribed; have");
        course = ready_in("planned");
        (void)json_object_set_new(course, "decided", json_array());
        refused(ACT_ACTIVATE, course, "{}", "item 11 of the screening (medicines) is answered with yes");
        refused(ACT_ACTIVATE, ready_in("active"), "{}", "the course is active; see");
        refused(ACT_ACTIVATE, ready_in("locked-planned"), "{}", "the course is locked; see");
}

static void test_decide(void **state)
{
        allowed(ACT_DECIDE, ready_in("planned"), "{'items':[11]}", COURSE_PLANNED);
        refused(ACT_DECIDE, ready_in("planned"), "{'items':[11,3]}", "item 3 of the screening (head injury) is not");
        refused(ACT_DECIDE, course_in("planned", "{}"), "{'items':[11]}",
                "item 11 of the screening (medicines) is not");
}

static void test_parts(void **state)
{
        json_t *course = ready_in("active");

        allowed(ACT_ENTER_PART, json_incref(course), "{'part':'taper'}", COURSE_ACTIVE);
        allowed(ACT_ENTER_PART, json_incref(course), "{'part':'maintenance'}", COURSE_MAINTENANCE);
        (void)json_object_set_new(course, "part", json_string("taper"));
        refused(ACT_ENTER_PART, json_incref(course), "{'part':'taper'}", "the course is in its taper already");
        allowed(ACT_ENTER_PART, json_incref(course), "{'part':'maintenance'}", COURSE_MAINTENANCE);
        (void)json_object_del(json_object_get(course, "prescription"), "taper");
        (void)json_object_set_new(course, "part", json_string("course"));
        refused(ACT_ENTER_PART, course, "{'part':'taper'}", "no taper is prescribed; prescribe one first");
        refused(ACT_ENTER_PART, ready_in("planned"), "{'part':'taper'}", "the course is planned; see");
        refused(ACT_ENTER_PART, ready_in("paused"), "{'part':'taper'}", "the course is paused; see");
        refused(ACT_ENTER_PART, ready_in("maintenance"), "{'part':'maintenance'}", "the course is maintenance; see");
}

static void test_life(void **state)
{
        allowed(ACT_PAUSE, ready_in("active"), "{}", COURSE_PAUSED);
        allowed(ACT_RESUME, ready_in("paused"), "{}", COURSE_ACTIVE);
        allowed(ACT_PAUSE, ready_in("maintenance"), "{}", COURSE_MAINTENANCE_PAUSED);
        refused(ACT_PAUSE, ready_in("planned"), "{}", "the course is planned");
        refused(ACT_RESUME, ready_in("locked"), "{}", "the course is locked");
        allowed(ACT_END, ready_in("locked"), "{'reason':'seizure'}", COURSE_ENDED);
        allowed(ACT_SCORE, ready_in("locked"), "{}", COURSE_LOCKED);
        refused(ACT_SCORE, ready_in("nowhere"), "{}", "state is not known; run");
}

/* Every act, with its form filled in: its record matches the schema, and has each field of the form. */
static void test_records(void **state)
{
        unsigned act;

        for (act = 0; act < ACTS; act++) {
                const struct act_row *row = &course_acts[act];
                json_t *course = ready_in("active"), *filled = course_sample(course_samples[row->form]), *answer = NULL;
                json_t *data = course_record(&(struct course_recorded){.act = act,
                                                                       .code = "A12N",
                                                                       .subject = "S-1",
                                                                       .course = course,
                                                                       .next = COURSE_PAUSED},
                                             filled, &answer);
                const struct form_field *f;

                (void)json_object_set_new(data, "boottime_ns", json_integer(1));
                (void)json_object_set_new(data, "synchronised", json_true());
                if (schema_check(row->record, NULL, "", data, why) < 0)
                        fail_msg("%s: %s", row->method, why);
                for (f = course_forms[row->form].fields; f->name; f++) {
                        if (!json_object_get(data, f->name) && row->form != COURSE_PART)
                                fail_msg("%s: no '%s'", row->method, f->name);
                }
                assert_int_equal(!!answer, act == ACT_SCORE);
                json_decref(answer);
                json_decref(data);
                json_decref(filled);
                json_decref(course);
        }
}

static json_t *scored(json_t *course, const char *filled, const char *key, const char *value)
{
        json_t *o = course_sample(filled), *answer, *data;

        data = course_record(&(struct course_recorded){.act = ACT_SCORE, .code = "A12N", .course = course}, o, &answer);
        json_decref(o);
        if (!STREQ(json_get_str(answer, key), value))
                fail_msg("%s is '%s', expected '%s'", key, json_get_str(answer, key), value);
        json_decref(data);
        return answer;
}

/* What a score has come to is said with it, by what was before the course. */
static void test_scores(void **state)
{
        static const char before[] = "{'instrument':'phq-9','items':[3,3,3,3,0,3,3,0,1]}";
        static const char half[] = "{'instrument':'phq-9','items':[1,2,1,1,0,1,2,0,1]}";
        static const char risen[] = "{'instrument':'phq-9','items':[0,0,0,0,0,0,0,0,2]}";
        json_t *course = ready_in("active"), *answer, *two = json_object();

        answer = scored(course, before, "severity", "moderately severe");
        assert_int_equal(json_get_u64(answer, "total"), 19);
        assert_string_equal(json_get_str(answer, "suicidality"), "present");
        assert_null(json_object_get(answer, "response"));
        json_decref(answer);
        (void)json_object_set_new(two, "first", course_sample(before));
        (void)json_object_set_new(two, "last", course_sample(before));
        (void)json_object_set_new(json_object_get(course, "scores"), "phq-9", two);
        answer = scored(course, half, "response", "full");
        assert_true(json_is_false(json_object_get(answer, "remission")));
        json_decref(answer);
        answer = scored(course, risen, "suicidality", "risen");
        assert_true(json_is_true(json_object_get(answer, "remission")));
        json_decref(answer);
        json_decref(course);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_activate), cmocka_unit_test(test_decide),  cmocka_unit_test(test_parts),
                        cmocka_unit_test(test_life),     cmocka_unit_test(test_records), cmocka_unit_test(test_scores),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the records of courses come to, in memory and in a checkpoint. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "course-samples.h"
#include "courses.h"
#include "history.h"
#include "plan.h"

static struct history *h;

static int begin(void **state)
{
        return history_new(31 * 86400 * NS_PER_S, &h);
}

static int end(void **state)
{
        h = history_free(h);
        return 0;
}

static void see(const char *type, const char *data)
{
        json_t *record = json_pack("{s:s, s:s, s:s, s:o}", "type", type, "boot", "b", "utc", "2026-01-31T09:00:00Z",
                                   "data", course_sample(data));

        (void)json_object_set_new(json_object_get(record, "data"), "boottime_ns", json_integer(5));
        (void)json_object_set_new(json_object_get(record, "data"), "synchronised", json_true());
        history_see(record, h);
        json_decref(record);
}

/* A record of that course, with what its form's sample has. */
static void see_of(const char *type, const char *code, enum course_form form)
{
        json_t *data = course_sample(course_samples[form]);
        char *text, *p;

        (void)json_object_set_new(data, "course", json_string(code));
        text = json_dumps(data, 0);
        for (p = text; (p = strchr(p, '"')); p++)
                *p = '\'';
        see(type, text);
        free(text);
        json_decref(data);
}

static const char *state_of(const char *code)
{
        return json_get_str(courses_find(history_courses(h), code), "state");
}

/* Goes on from a checkpoint, which says the same of itself. */
static void restart(void)
{
        json_t *before = history_state(h), *after;
        struct history *restored;

        assert_non_null(before);
        assert_int_equal(history_restore(31 * 86400 * NS_PER_S, before, &restored), 0);
        history_free(h);
        h = restored;
        after = history_state(h);
        assert_true(json_equal(before, after));
        json_decref(before);
        json_decref(after);
}

static void test_a_course(void **state)
{
        const json_t *course;

        see_of("course.create", "A12N", COURSE_ABOUT);
        see_of("course.screening", "A12N", COURSE_SCREENING);
        see_of("course.decision", "A12N", COURSE_DECISION);
        see_of("course.consent", "A12N", COURSE_CONSENT);
        see_of("course.authorisation", "A12N", COURSE_AUTHORISATION);
        see_of("course.prescription", "A12N", COURSE_PRESCRIPTION);
        see_of("course.prescription", "A12N", COURSE_PRESCRIPTION);
        see_of("course.missed", "A12N", COURSE_ABSENCE);
        see("course.score", "{'course':'A12N','instrument':'phq-9','items':[1],'total':1,'suicidality':'none'}");
        see("course.score", "{'course':'A12N','instrument':'phq-9','items':[2],'total':2,'suicidality':'none'}");
        assert_string_equal(state_of("A12N"), "planned");
        see("course.state", "{'course':'A12N','event':'begin','state':'active'}");
        restart();
        course = courses_find(history_courses(h), "A12N");
        assert_string_equal(json_get_str(course, "state"), "active");
        assert_string_equal(json_get_str(course, "subject"), "S-1");
        assert_int_equal(json_get_u64(course, "prescriptions"), 2);
        assert_int_equal(json_get_u64(course, "missed"), 1);
        assert_int_equal(json_array_size(json_object_get(course, "decided")), 1);
        /* As it was filled in, without what the daemon added. */
        assert_int_equal(json_object_size(json_object_get(course, "consent")), 2);
        assert_int_equal(json_integer_value(json_array_get(
                                         json_object_get(json_object_get(json_object_get(json_object_get(course,
                                                                                                         "scores"),
                                                                                         "phq-9"),
                                                                         "first"),
                                                         "items"),
                                         0)),
                         1);
        /* Other answers want other decisions. */
        see_of("course.screening", "A12N", COURSE_SCREENING);
        assert_int_equal(json_array_size(json_object_get(courses_find(history_courses(h), "A12N"), "decided")), 0);
        see("course.state", "{'course':'A12N','event':'taper','state':'active'}");
        assert_string_equal(json_get_str(courses_find(history_courses(h), "A12N"), "part"), "taper");
        see("course.state", "{'course':'A12N','event':'maintain','state':'maintenance'}");
        assert_string_equal(json_get_str(courses_find(history_courses(h), "A12N"), "part"), "maintenance");
        assert_string_equal(state_of("A12N"), "maintenance");
        see("course.state", "{'course':'A12N','event':'end','state':'ended','reason':'completed'}");
        assert_null(courses_find(history_courses(h), "A12N"));
        restart();
        assert_true(courses_has_ended(history_courses(h), "A12N"));
        assert_false(courses_has_ended(history_courses(h), "B12X"));
        /* What comes after that is of no course. */
        see("course.state", "{'course':'A12N','event':'pause','state':'paused'}");
        see_of("course.missed", "B12X", COURSE_ABSENCE);
        assert_int_equal(json_object_size(courses_running(history_courses(h))), 0);
}

/* A lock is the subject's, however its code is spelled, over each of its courses, and over those that are made later. */
static void test_lock(void **state)
{
        see_of("course.create", "A12N", COURSE_ABOUT);
        see("course.state", "{'course':'A12N','event':'begin','state':'active'}");
        see("course.create", "{'course':'B12X','subject':'s.1'}");
        see("course.create", "{'course':'C12Y','subject':'S-2'}");
        assert_false(courses_is_locked(history_courses(h), "S-1"));
        see("course.seizure", "{'subject':'S_1','phase':'during'}");
        restart();
        assert_true(courses_is_locked(history_courses(h), "S-1"));
        assert_true(courses_is_locked(history_courses(h), "s_1"));
        assert_false(courses_is_locked(history_courses(h), "S-2"));
        assert_string_equal(state_of("A12N"), "locked");
        assert_string_equal(state_of("B12X"), "locked-planned");
        assert_string_equal(state_of("C12Y"), "planned");
        see("course.create", "{'course':'D12Z','subject':'S-1'}");
        assert_string_equal(state_of("D12Z"), "locked-planned");
        /* A second one changes nothing, and a resume that comes late does not either. */
        see("course.seizure", "{'subject':'S-1','phase':'after'}");
        see("course.state", "{'course':'A12N','event':'resume','state':'active'}");
        assert_string_equal(state_of("A12N"), "locked");
        see("course.unlock", "{'subject':'S-1','reason':'cause-removed'}");
        restart();
        assert_false(courses_is_locked(history_courses(h), "S-1"));
        assert_string_equal(state_of("A12N"), "paused");
        assert_string_equal(state_of("D12Z"), "planned");
}

/* A lock outlives the subject's last course. */
static void test_lock_without_a_course(void **state)
{
        see("course.seizure", "{'subject':'S-9','phase':'during'}");
        restart();
        assert_true(courses_is_locked(history_courses(h), "S-9"));
        see("course.unlock", "{'subject':'S-9','reason':'no-seizure'}");
        assert_false(courses_is_locked(history_courses(h), "S-9"));
}

/* A checkpoint that was made before there were courses says nothing of them, and is gone on from. */
static void test_old_checkpoint(void **state)
{
        json_t *old = history_state(h), *odd;
        struct history *restored;

        assert_null(json_object_get(old, "courses"));
        assert_int_equal(history_restore(31 * 86400 * NS_PER_S, old, &restored), 0);
        assert_int_equal(json_object_size(courses_running(history_courses(restored))), 0);
        history_free(restored);
        odd = json_deep_copy(old);
        (void)json_object_set_new(odd, "courses", json_pack("{s:[]}", "courses"));
        assert_int_equal(history_restore(31 * 86400 * NS_PER_S, odd, &restored), -EINVAL);
        json_decref(odd);
        json_decref(old);
}

static void test_no_memory(void **state)
{
        history_see(NULL, h);
        assert_null(history_courses(h));
        assert_false(courses_is_locked(history_courses(h), "S-1"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(test_a_course, begin, end),
                        cmocka_unit_test_setup_teardown(test_lock, begin, end),
                        cmocka_unit_test_setup_teardown(test_lock_without_a_course, begin, end),
                        cmocka_unit_test_setup_teardown(test_old_checkpoint, begin, end),
                        cmocka_unit_test_setup_teardown(test_no_memory, begin, end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

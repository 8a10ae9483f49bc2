/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A course in the daemon: from its making to its end, over restarts; a seizure, which stops and locks; and who may see what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "course-calls.h"
#include "fake-bus.h"
#include "fake-device.h"
#include "names.h"
#include "scratch.h"

static uint32_t number_of(struct fixture *f, const char *property)
{
        uint32_t n = 0;

        assert_true(sd_bus_get_property_trivial(f->bus, BUS_NAME, COURSE_PATH, COURSE_INTERFACE, property, NULL, 'u',
                                                &n) >= 0);
        return n;
}

/* A reply as text: every word of it, with blanks between. */
static char *words_of(sd_bus_message *m)
{
        char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);

        assert_true(sd_bus_message_dump(m, out, 0) >= 0);
        (void)fclose(out);
        sd_bus_message_unref(m);
        return text;
}

static void restart(struct fixture *f, const char *boot)
{
        sd_bus_flush_close_unref(f->bus);
        stop_daemon(f);
        start_daemon(f, boot);
        f->bus = fake_bus_connect();
}

static void test_a_course(void **state)
{
        struct fixture *f = *state;
        sd_bus *prescriber = connect_as(f, 65534);
        sd_bus_message *reply;
        char *text;

        course_begin(f, prescriber);
        course_is(f, "Code", COURSE);
        course_is(f, "State", "active");
        course_is(f, "Part", "course");
        assert_int_equal(number_of(f, "SessionsPlanned"), 30 + 6 + 4);
        course_must(f, f->bus, "ReportEvent", course_samples[COURSE_EFFECT]);
        course_must(f, f->bus, "ReportMissed", course_samples[COURSE_ABSENCE]);
        assert_int_equal(number_of(f, "SessionsMissed"), 1);
        assert_true(course_call(f, f->bus, "Score", course_samples[COURSE_SCORE], &reply));
        text = words_of(reply);
        assert_non_null(strstr(text, "\"moderate\""));
        assert_non_null(strstr(text, "\"present\""));
        free(text);
        course_must(f, f->bus, "Pause", NULL);
        course_is(f, "State", "paused");
        restart(f, BOOT_B);
        course_is(f, "State", "paused");
        assert_int_equal(number_of(f, "SessionsMissed"), 1);
        sd_bus_flush_close_unref(prescriber);
        prescriber = connect_as(f, 65534);
        course_must(f, prescriber, "Resume", NULL);
        course_must(f, prescriber, "EnterPart", course_samples[COURSE_PART]);
        course_is(f, "Part", "taper");
        course_must(f, prescriber, "EnterPart", "{'part':'maintenance'}");
        course_is(f, "State", "maintenance");
        course_must(f, prescriber, "End", course_samples[COURSE_ENDING]);
        /* It has left the bus, and its code is not given again. */
        assert_false(course_call(f, f->bus, "Get", NULL, NULL));
        assert_string_equal(f->error, "org.freedesktop.DBus.Error.UnknownObject");
        assert_false(manager_call(f, f->bus, "CreateCourse", COURSE, course_samples[COURSE_ABOUT]));
        refused(f, "InvalidArgument", "there is a course A12N already, or there was one; give");
        restart(f, BOOT_B);
        assert_false(manager_call(f, f->bus, "CreateCourse", "a12n", course_samples[COURSE_ABOUT]));
        refused(f, "InvalidArgument", "there is a course A12N already");
        sd_bus_flush_close_unref(prescriber);
        stop_daemon(f);
        assert_int_equal(logged(f, "\"type\":\"course.state\""), 6);
        check_log(f, 0, 0);
}

/* The old prescription stays on record, and the new one has the next number. */
static void test_prescribed_anew(void **state)
{
        struct fixture *f = *state;
        sd_bus *prescriber = connect_as(f, 65534);
        sd_bus_message *reply;
        char *text;

        course_begin(f, prescriber);
        course_must(f, prescriber, "Prescribe", course_samples[COURSE_PRESCRIPTION]);
        assert_true(course_call(f, f->bus, "Get", NULL, &reply));
        text = words_of(reply);
        assert_non_null(strstr(text, "\"F33.2\""));
        assert_non_null(strstr(text, "\"left-dlpfc\""));
        assert_non_null(strstr(text, "\"locked\""));
        free(text);
        sd_bus_flush_close_unref(prescriber);
        stop_daemon(f);
        assert_int_equal(logged(f, "\"type\":\"course.prescription\""), 2);
        assert_int_equal(logged(f, "\"number\":1"), 1);
        assert_int_equal(logged(f, "\"number\":2"), 1);
}

/* It stops the subject's session before anything else, and nothing is given to that subject until a prescriber says so. */
static void test_seizure(void **state)
{
        struct fixture *f = *state;
        sd_bus *prescriber = connect_as(f, 65534);

        course_begin(f, prescriber);
        must_run(f);
        course_must(f, f->bus, "ReportSeizure", course_samples[COURSE_SEIZURE]);
        wait_state(f, "ended");
        course_is(f, "State", "locked");
        must(f, "Close");
        must_create(f);
        assert_false(prepare_text(f, "mdd-itbs-600.yaml", f->protocol, 520));
        refused(f, "SubjectLocked", "a seizure was reported for S-1");
        must(f, "Close");
        /* Somebody else goes on. */
        assert_true(create_with(f, f->bus, "S-2"));
        assert_true(prepare_text(f, "mdd-itbs-600.yaml", f->protocol, 520));
        must(f, "Close");
        restart(f, BOOT_B);
        course_is(f, "State", "locked");
        must_create(f);
        assert_false(prepare_text(f, "mdd-itbs-600.yaml", f->protocol, 520));
        refused(f, "SubjectLocked", "ask one to look at it");
        sd_bus_flush_close_unref(prescriber);
        prescriber = connect_as(f, 65534);
        course_must(f, prescriber, "Unlock", course_samples[COURSE_UNLOCKING]);
        course_is(f, "State", "paused");
        assert_true(prepare_text(f, "mdd-itbs-600.yaml", f->protocol, 520));
        assert_false(course_call(f, prescriber, "Unlock", course_samples[COURSE_UNLOCKING], NULL));
        refused(f, "OutOfOrder", "the subject is not locked; leave");
        sd_bus_flush_close_unref(prescriber);
}

/* Nobody who may not report it is recorded as having done so, and the session is stopped all the same. */
static void test_seizure_by_anybody(void **state)
{
        struct fixture *f = *state;

        must_run(f);
        fake_polkit_say(POLKIT_NO);
        assert_false(manager_call(f, f->bus, "ReportSeizure", "s_1", course_samples[COURSE_SEIZURE]));
        refused(f, "NotAuthorized", "org.tmsd1.prescribe");
        fake_polkit_say(POLKIT_YES);
        wait_state(f, "ended");
        check_end(f, "seizure", get_number(f, "Delivered"));
        must(f, "Close");
        /* No lock: whoever wants one has to be somebody who may. */
        must_create(f);
        assert_true(prepare_text(f, "mdd-itbs-600.yaml", f->protocol, 520));
}

/* A subject without a course. */
static void test_seizure_without_a_course(void **state)
{
        struct fixture *f = *state;
        sd_bus *prescriber = connect_as(f, 65534);

        if (!manager_call(f, f->bus, "ReportSeizure", "S-1", course_samples[COURSE_SEIZURE]))
                fail_msg("%s", f->message);
        must_create(f);
        assert_false(prepare_text(f, "mdd-itbs-600.yaml", f->protocol, 520));
        refused(f, "SubjectLocked", "");
        assert_false(manager_call(f, f->bus, "Unlock", "S-1", course_samples[COURSE_UNLOCKING]));
        refused(f, "NotAuthorized", "root never is");
        assert_true(manager_call(f, prescriber, "Unlock", "S-1", course_samples[COURSE_UNLOCKING]));
        assert_true(prepare_text(f, "mdd-itbs-600.yaml", f->protocol, 520));
        sd_bus_flush_close_unref(prescriber);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(test_a_course, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_prescribed_anew, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_seizure, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_seizure_by_anybody, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_seizure_without_a_course, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

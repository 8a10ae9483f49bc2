/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is refused about courses: wrong values, wrong order, wrong people; and two acts at one time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "act.h"
#include "course-calls.h"
#include "fake-bus.h"
#include "names.h"
#include "sync-fail.h"

static void test_codes(void **state)
{
        static const char *const no[] = {"", "A12", "A12X", "A1 W", "MILLER", "A12N/..", "A12NA12NA12NA"};
        struct fixture *f = *state;
        size_t i;

        for (i = 0; i < ELEMENTS(no); i++) {
                assert_false(manager_call(f, f->bus, "CreateCourse", no[i], course_samples[COURSE_ABOUT]));
                refused(f, "InvalidArgument", "CreateCourse: ");
        }
        assert_false(manager_call(f, f->bus, "ReportSeizure", "Mrs Miller", course_samples[COURSE_SEIZURE]));
        refused(f, "InvalidArgument", "ReportSeizure wants a subject's pseudonymous code");
        stop_daemon(f);
        assert_int_equal(logged(f, "\"type\":\"course."), 0);
}

/* Each method refuses what its form refuses, and nothing is recorded. */
static void test_values(void **state)
{
        struct fixture *f = *state;
        sd_bus *prescriber = connect_as(f, 65534);
        sd_bus_message *m;
        unsigned act, before;

        course_begin(f, prescriber);
        before = logged(f, "\"type\":\"course.");
        for (act = ACT_CREATE + 1; act < ACTS; act++) {
                const struct act_row *row = &course_acts[act];

                if (row->form == COURSE_NOTHING)
                        continue;
                assert_false(course_call(f, prescriber, row->method, "{'name':'Miller'}", NULL));
                refused(f, "InvalidArgument", "there is no 'name' here; known is");
                m = new_call(prescriber, COURSE_PATH, COURSE_INTERFACE, row->method);
                (void)sd_bus_message_append(m, "a{sv}", 1, "reason", "i", 5);
                assert_false(finish(f, prescriber, m, NULL));
                refused(f, "InvalidArgument", "The value of 'reason' cannot be read");
                m = new_call(prescriber, COURSE_PATH, COURSE_INTERFACE, row->method);
                (void)sd_bus_message_append(m, "a{sv}", 2, "date", "s", "2026-01-01", "date", "s", "2026-01-02");
                assert_false(finish(f, prescriber, m, NULL));
                refused(f, "InvalidArgument", "Value date is given twice");
        }
        assert_false(course_call(f, prescriber, "Activate", NULL, NULL));
        refused(f, "OutOfOrder", "Activate: the course is active; see");
        assert_false(course_call(f, prescriber, "DecideScreening", "{'items':[1],'reason':'clarified'}", NULL));
        refused(f, "OutOfOrder", "item 1 of the screening (seizure or epilepsy) is not answered with yes");
        assert_int_equal(logged(f, "\"type\":\"course."), before);
        sd_bus_flush_close_unref(prescriber);
}

/* Who is not authorized, and root where a prescriber has to be on record by name. */
static void test_people(void **state)
{
        struct fixture *f = *state;
        sd_bus *prescriber = connect_as(f, 65534);
        unsigned act;

        course_begin(f, prescriber);
        for (act = ACT_CREATE + 1; act < ACTS; act++) {
                const struct act_row *row = &course_acts[act];
                const char *filled = row->form == COURSE_NOTHING ? NULL : course_samples[row->form];

                if (row->prescribers) {
                        assert_false(course_call(f, f->bus, row->method, filled, NULL));
                        refused(f, "NotAuthorized", "root never is");
                }
                fake_polkit_say(POLKIT_NO);
                assert_false(course_call(f, prescriber, row->method, filled, NULL));
                refused(f, "NotAuthorized", "org.tmsd1.prescribe");
                fake_polkit_say(POLKIT_YES);
        }
        fake_polkit_say(POLKIT_NO);
        assert_false(course_call(f, prescriber, "Get", NULL, NULL));
        refused(f, "NotAuthorized", "org.tmsd1.read");
        /* What is no clinical data everybody sees. */
        course_is(f, "State", "active");
        fake_polkit_say(POLKIT_YES);
        sd_bus_flush_close_unref(prescriber);
}

static int on_reply(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const sd_bus_error *e = sd_bus_message_get_error(m);
        unsigned *n = userdata;

        n[0]++;
        n[1] += e && strcmp(e->name, "org.tmsd1.Error.Busy") == 0;
        return 0;
}

/* Of two acts at a time, each of which may be, the second is refused while the first is on its way to the disk. */
static void test_two_at_a_time(void **state)
{
        struct fixture *f = *state;
        sd_bus *prescriber = connect_as(f, 65534);
        unsigned n[2] = {0}, i;

        course_begin(f, prescriber);
        atomic_store(hold_sync, 1);
        for (i = 0; i < 2; i++) {
                sd_bus_message *m = new_call(f->bus, COURSE_PATH, COURSE_INTERFACE, "Pause");

                assert_true(sd_bus_call_async(f->bus, NULL, m, on_reply, n, 0) >= 0);
                sd_bus_message_unref(m);
        }
        while (n[1] == 0)
                if (sd_bus_process(f->bus, NULL) == 0)
                        (void)sd_bus_wait(f->bus, UINT64_MAX);
        atomic_store(hold_sync, 0);
        while (n[0] < 2)
                if (sd_bus_process(f->bus, NULL) == 0)
                        (void)sd_bus_wait(f->bus, UINT64_MAX);
        assert_int_equal(n[1], 1);
        course_is(f, "State", "paused");
        sd_bus_flush_close_unref(prescriber);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(test_codes, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_values, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_people, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_two_at_a_time, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls about courses; see course-calls.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "course-calls.h"
#include "names.h"
#include "values.h"

static void append(sd_bus_message *m, const char *filled)
{
        json_t *o;

        if (!filled)
                return;
        o = course_sample(filled);
        assert_true(values_append(m, o) >= 0);
        json_decref(o);
}

bool course_call(struct fixture *f, sd_bus *bus, const char *method, const char *filled, sd_bus_message **reply)
{
        sd_bus_message *m = new_call(bus, COURSE_PATH, COURSE_INTERFACE, method);

        append(m, filled);
        return finish(f, bus, m, reply);
}

void course_must(struct fixture *f, sd_bus *bus, const char *method, const char *filled)
{
        if (!course_call(f, bus, method, filled, NULL))
                fail_msg("%s: %s: %s", method, f->error, f->message);
}

bool manager_call(struct fixture *f, sd_bus *bus, const char *method, const char *code, const char *filled)
{
        sd_bus_message *m = new_call(bus, MANAGER_PATH, MANAGER_INTERFACE, method);

        assert_true(sd_bus_message_append(m, "s", code) >= 0);
        append(m, filled);
        return finish(f, bus, m, NULL);
}

void course_begin(struct fixture *f, sd_bus *prescriber)
{
        if (!manager_call(f, f->bus, "CreateCourse", COURSE, course_samples[COURSE_ABOUT]))
                fail_msg("CreateCourse: %s: %s", f->error, f->message);
        course_must(f, f->bus, "Screen", course_samples[COURSE_SCREENING]);
        course_must(f, prescriber, "DecideScreening", course_samples[COURSE_DECISION]);
        course_must(f, f->bus, "Consent", course_samples[COURSE_CONSENT]);
        course_must(f, f->bus, "Authorise", course_samples[COURSE_AUTHORISATION]);
        course_must(f, prescriber, "Prescribe", course_samples[COURSE_PRESCRIPTION]);
        course_must(f, prescriber, "Activate", NULL);
}

void course_is(struct fixture *f, const char *property, const char *value)
{
        char *now = get_text(f->bus, COURSE_PATH, COURSE_INTERFACE, property);

        assert_string_equal(now, value);
        free(now);
}

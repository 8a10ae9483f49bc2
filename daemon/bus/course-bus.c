/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.tmsd1.Course: properties, and who may call which method. */
#include "course-bus.h"
#include "course-desk.h"
#include "manager-bus.h"
#include "prescription.h"
#include "property.h"
#include "subject.h"
#include "values.h"

/* --- Properties: what everybody may see ------------------------------------------------ */

static int get_text(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                    void *userdata, sd_bus_error *error)
{
        const json_t *course = course_known(userdata);
        const int state = course_state_find(json_get_str(course, "state"));

        if (STREQ(property, "Part"))
                return sd_bus_message_append(reply, "s", json_get_str(course, "part"));
        return sd_bus_message_append(reply, "s", state < 0 ? "" : course_state_name((enum course_state)state));
}

/* Of all parts, by the prescription that holds. */
static uint32_t planned(const json_t *course)
{
        const json_t *prescription = json_object_get(course, "prescription");
        char why[COURSE_WHY];
        struct plan plan;
        uint32_t n = 0;
        unsigned part;

        if (!prescription || prescription_plan(prescription, &plan, why) < 0)
                return 0;
        for (part = 0; part < PARTS; part++)
                n += plan_sessions(&plan, part);
        return n;
}

static int get_number(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                      void *userdata, sd_bus_error *error)
{
        const json_t *course = course_known(userdata);

        return sd_bus_message_append(reply, "u",
                                     STREQ(property, "SessionsMissed") ? (uint32_t)json_get_u64(course, "missed")
                                                                       : planned(course));
}

/* --- Get: what those may see who treat, or who read the records --------------------------- */

static void go_get(struct request *q, void *object)
{
        const struct course_object *o = object;
        const struct courses *c = history_courses(course_desk_ward(o->desk)->recorder->history);
        const json_t *course = course_known(o);
        sd_bus_message *reply = NULL;
        json_t *answer;

        if (!course) {
                request_refuse(q, ERROR_OUT_OF_ORDER,
                               "Get: the course has ended; see it in the audit log: tmsctl audit show.");
                return;
        }
        answer = json_copy((json_t *)course);
        json_add(&answer, "locked", json_boolean(courses_is_locked(c, json_get_str(course, "subject"))));
        if (answer && sd_bus_message_new_method_return(request_message(q), &reply) >= 0 &&
            values_append(reply, answer) < 0)
                reply = sd_bus_message_unref(reply);
        json_decref(answer);
        request_reply_message(q, reply);
        sd_bus_message_unref(reply);
}

static int method_get(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct course_object *o = userdata;

        return request_begin(course_desk_ward(o->desk)->calls, m, ACTION_TREAT_OR_READ, o, course_ref, course_unref,
                             go_get);
}

/* --- Acts ----------------------------------------------------------------------------------- */

/* The methods of this interface are the acts between the first one and the end of the table. */
static enum course_act act_of(struct request *q)
{
        const char *method = sd_bus_message_get_member(request_message(q));
        unsigned act = ACT_CREATE + 1;

        while (!STREQ(course_acts[act].method, method)) {
                act++;
                assert(act < ACTS);
        }
        return (enum course_act)act;
}

static void go_act(struct request *q, void *object)
{
        struct course_object *o = object;

        course_desk_act(q, o->desk, o, act_of(q), NULL, NULL);
}

static int method_by_all(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct course_object *o = userdata;

        return request_begin(course_desk_ward(o->desk)->calls, m, ACTION_TREAT_OR_PRESCRIBE, o, course_ref,
                             course_unref, go_act);
}

static int method_by_prescriber(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct course_object *o = userdata;

        return request_begin(course_desk_ward(o->desk)->calls, m, ACTION_PRESCRIBE, o, course_ref, course_unref,
                             go_act);
}

/* Whoever reports it, and whether he may or not: the subject's session is stopped first. */
static int method_report_seizure(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct course_object *o = userdata;

        course_desk_stop(o->desk, json_get_str(course_known(o), "subject"));
        return method_by_all(m, userdata, error);
}

/* --- The manager's methods ------------------------------------------------------------------- */

static void go_create(struct request *q, void *userdata)
{
        struct manager_object *m = userdata;
        char code[COURSE_CODE_LONGEST + 1], why[COURSE_WHY];
        const char *typed;

        if (sd_bus_message_read(request_message(q), "s", &typed) < 0)
                request_refuse(q, ERROR_INVALID_ARGUMENT, "The arguments cannot be read; expected are sa{sv}.");
        else if (course_code_read(typed, code, why) < 0)
                request_refuse(q, ERROR_INVALID_ARGUMENT, "CreateCourse: %s.", why);
        else
                course_desk_act(q, m->courses, NULL, ACT_CREATE, code, NULL);
}

int manager_create_course(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct manager_object *manager = userdata;

        return request_begin(manager->ward->calls, m, ACTION_TREAT_OR_PRESCRIBE, userdata, NULL, NULL, go_create);
}

static void about_subject(struct request *q, struct manager_object *m, enum course_act act)
{
        const char *subject;

        if (sd_bus_message_read(request_message(q), "s", &subject) < 0)
                request_refuse(q, ERROR_INVALID_ARGUMENT, "The arguments cannot be read; expected are sa{sv}.");
        else if (!subject_is_code(subject))
                request_refuse(q, ERROR_INVALID_ARGUMENT,
                               "%s wants a subject's pseudonymous code: 1 to %d letters, digits, dots, hyphens or "
                               "underscores.",
                               course_acts[act].method, SUBJECT_MAX);
        else
                course_desk_act(q, m->courses, NULL, act, NULL, subject);
}

static void go_report_seizure(struct request *q, void *userdata)
{
        (void)sd_bus_message_rewind(request_message(q), true);
        about_subject(q, userdata, ACT_REPORT_SEIZURE);
}

int manager_report_seizure(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct manager_object *manager = userdata;
        const char *subject;

        if (sd_bus_message_read(m, "s", &subject) >= 0)
                course_desk_stop(manager->courses, subject);
        return request_begin(manager->ward->calls, m, ACTION_TREAT_OR_PRESCRIBE, userdata, NULL, NULL,
                             go_report_seizure);
}

static void go_unlock(struct request *q, void *userdata)
{
        about_subject(q, userdata, ACT_UNLOCK);
}

int manager_unlock(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct manager_object *manager = userdata;

        return request_begin(manager->ward->calls, m, ACTION_PRESCRIBE, userdata, NULL, NULL, go_unlock);
}

/* --- The table --------------------------------------------------------------------------------- */

#define OPEN_TO_ALL SD_BUS_VTABLE_UNPRIVILEGED

/* clang-format off */

const sd_bus_vtable course_vtable[] = {
        SD_BUS_VTABLE_START(0),
        PROPERTY_LINE("Code", course_object, code, PROPERTY_CONST),
        SD_BUS_PROPERTY("State", "s", get_text, 0, PROPERTY_CHANGES),
        SD_BUS_PROPERTY("Part", "s", get_text, 0, PROPERTY_CHANGES),
        SD_BUS_PROPERTY("SessionsPlanned", "u", get_number, 0, PROPERTY_CHANGES),
        SD_BUS_PROPERTY("SessionsMissed", "u", get_number, 0, PROPERTY_CHANGES),
        SD_BUS_METHOD_WITH_ARGS("Get", SD_BUS_NO_ARGS, SD_BUS_RESULT("a{sv}", course), method_get, OPEN_TO_ALL),
        SD_BUS_METHOD_WITH_ARGS("Screen", SD_BUS_ARGS("a{sv}", answers), SD_BUS_NO_RESULT, method_by_all, OPEN_TO_ALL),
        SD_BUS_METHOD_WITH_ARGS("DecideScreening", SD_BUS_ARGS("a{sv}", decision), SD_BUS_NO_RESULT,
                                method_by_prescriber, OPEN_TO_ALL),
        SD_BUS_METHOD_WITH_ARGS("Consent", SD_BUS_ARGS("a{sv}", consent), SD_BUS_NO_RESULT, method_by_all, OPEN_TO_ALL),
        SD_BUS_METHOD_WITH_ARGS("Authorise", SD_BUS_ARGS("a{sv}", authorisation), SD_BUS_NO_RESULT, method_by_all,
                                OPEN_TO_ALL),
        SD_BUS_METHOD_WITH_ARGS("Prescribe", SD_BUS_ARGS("a{sv}", prescription), SD_BUS_NO_RESULT, method_by_prescriber,
                                OPEN_TO_ALL),
        SD_BUS_METHOD_WITH_ARGS("Activate", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_by_prescriber, OPEN_TO_ALL),
        SD_BUS_METHOD_WITH_ARGS("EnterPart", SD_BUS_ARGS("a{sv}", part), SD_BUS_NO_RESULT, method_by_prescriber,
                                OPEN_TO_ALL),
        SD_BUS_METHOD_WITH_ARGS("Pause", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_by_all, OPEN_TO_ALL),
        SD_BUS_METHOD_WITH_ARGS("Resume", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_by_prescriber, OPEN_TO_ALL),
        SD_BUS_METHOD_WITH_ARGS("Score", SD_BUS_ARGS("a{sv}", score), SD_BUS_RESULT("a{sv}", result), method_by_all,
                                OPEN_TO_ALL),
        SD_BUS_METHOD_WITH_ARGS("ReportEvent", SD_BUS_ARGS("a{sv}", event), SD_BUS_NO_RESULT, method_by_all,
                                OPEN_TO_ALL),
        SD_BUS_METHOD_WITH_ARGS("ReportMissed", SD_BUS_ARGS("a{sv}", missed), SD_BUS_NO_RESULT, method_by_all,
                                OPEN_TO_ALL),
        SD_BUS_METHOD_WITH_ARGS("ReportSeizure", SD_BUS_ARGS("a{sv}", seizure), SD_BUS_NO_RESULT, method_report_seizure,
                                OPEN_TO_ALL),
        SD_BUS_METHOD_WITH_ARGS("Unlock", SD_BUS_ARGS("a{sv}", unlocking), SD_BUS_NO_RESULT, method_by_prescriber,
                                OPEN_TO_ALL),
        SD_BUS_METHOD_WITH_ARGS("End", SD_BUS_ARGS("a{sv}", end), SD_BUS_NO_RESULT, method_by_prescriber, OPEN_TO_ALL),
        SD_BUS_VTABLE_END,
};

/* clang-format on */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What may be done about a course; see act.h. */
#include "act.h"
#include "prescription.h"
#include "screening.h"

const struct act_row course_acts[ACTS] = {
                [ACT_CREATE] = {"CreateCourse", "course.create", COURSE_ABOUT, false},
                [ACT_SCREEN] = {"Screen", "course.screening", COURSE_SCREENING, false},
                [ACT_DECIDE] = {"DecideScreening", "course.decision", COURSE_DECISION, true},
                [ACT_CONSENT] = {"Consent", "course.consent", COURSE_CONSENT, false},
                [ACT_AUTHORISE] = {"Authorise", "course.authorisation", COURSE_AUTHORISATION, false},
                [ACT_PRESCRIBE] = {"Prescribe", "course.prescription", COURSE_PRESCRIPTION, true},
                [ACT_ACTIVATE] = {"Activate", "course.state", COURSE_NOTHING, true},
                [ACT_ENTER_PART] = {"EnterPart", "course.state", COURSE_PART, true},
                [ACT_PAUSE] = {"Pause", "course.state", COURSE_NOTHING, false},
                [ACT_RESUME] = {"Resume", "course.state", COURSE_NOTHING, true},
                [ACT_SCORE] = {"Score", "course.score", COURSE_SCORE, false},
                [ACT_REPORT_EVENT] = {"ReportEvent", "course.event", COURSE_EFFECT, false},
                [ACT_REPORT_MISSED] = {"ReportMissed", "course.missed", COURSE_ABSENCE, false},
                [ACT_END] = {"End", "course.state", COURSE_ENDING, true},
                [ACT_REPORT_SEIZURE] = {"ReportSeizure", "course.seizure", COURSE_SEIZURE, false},
                [ACT_UNLOCK] = {"Unlock", "course.unlock", COURSE_UNLOCKING, true},
};

static int refuse(char why[static COURSE_WHY], const char *format, ...) _printf_(2, 3);
static int refuse(char why[static COURSE_WHY], const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        (void)vsnprintf(why, COURSE_WHY, format, ap);
        va_end(ap);
        return -EACCES;
}

static bool has_item(const json_t *list, unsigned item)
{
        const json_t *v;
        size_t i;

        json_array_foreach(list, i, v) {
                if (json_integer_value(v) == (json_int_t)item)
                        return true;
        }
        return false;
}

int act_is_ready(const json_t *course, char why[static COURSE_WHY])
{
        const json_t *answers = json_object_get(course, "screening"), *decided = json_object_get(course, "decided");
        struct screening s;
        unsigned i;

        for (i = 0; i < SCREENING_ITEMS; i++) {
                s.yes[i] = has_item(json_object_get(answers, "yes"), i + 1);
                s.answered[i] = s.yes[i] || has_item(json_object_get(answers, "no"), i + 1);
                s.decided[i] = has_item(decided, i + 1);
        }
        if (screening_look(&s, why) < 0)
                return -EACCES;
        if (!json_object_get(course, "consent"))
                return refuse(why, "the subject's consent is not recorded; record its version and date");
        if (!json_object_get(course, "prescription"))
                return refuse(why, "nothing is prescribed; have a prescriber prescribe");
        return 0;
}

/* Only a yes is decided on. */
static int look_at_decision(const json_t *course, const json_t *filled, char why[static COURSE_WHY])
{
        const json_t *yes = json_object_get(json_object_get(course, "screening"), "yes"), *v;
        size_t i;

        json_array_foreach(json_object_get(filled, "items"), i, v) {
                const unsigned item = (unsigned)json_integer_value(v);

                if (!has_item(yes, item))
                        return refuse(why,
                                      "item %u of the screening (%s) is not answered with yes; record the screening "
                                      "first, or leave the item out",
                                      item, screening_title(item));
        }
        return 0;
}

static int look_at_part(const json_t *course, const json_t *filled, char why[static COURSE_WHY])
{
        const bool taper = STREQ(json_get_str(filled, "part"), "taper");
        const char *now = json_get_str(course, "part");
        struct plan plan;

        if (prescription_plan(json_object_get(course, "prescription"), &plan, why) < 0 ||
            plan_sessions(&plan, taper ? PART_TAPER : PART_MAINTENANCE) == 0)
                return refuse(why, "no %s is prescribed; prescribe one first, or end the course",
                              taper ? "taper" : "maintenance");
        if (taper && !STREQ(now, "course"))
                return refuse(why, "the course is in its %s already, and the taper comes before; leave it there", now);
        return 0;
}

static enum course_event event_of(enum course_act act, const json_t *filled)
{
        switch (act) {
        case ACT_ACTIVATE:
                return COURSE_BEGIN;
        case ACT_PAUSE:
                return COURSE_PAUSE;
        case ACT_RESUME:
                return COURSE_RESUME;
        case ACT_END:
                return COURSE_END;
        case ACT_ENTER_PART:
                return STREQ(json_get_str(filled, "part"), "maintenance") ? COURSE_MAINTAIN : COURSE_EVENTS;
        default:
                return COURSE_EVENTS;
        }
}

const char *act_event(enum course_act act, const json_t *filled)
{
        const enum course_event event = event_of(act, filled);

        return event == COURSE_EVENTS ? "taper" : course_event_id(event);
}

int act_look(enum course_act act, const json_t *course, const json_t *filled, enum course_state *ret_next,
             char why[static COURSE_WHY])
{
        const int found = course_state_find(json_get_str(course, "state"));
        const enum course_event event = event_of(act, filled);
        enum course_state state;
        int r = 0;

        if (found < 0)
                return refuse(why, "the course's state is not known; run tmsctl audit verify");
        state = (enum course_state)found;
        *ret_next = event == COURSE_EVENTS ? state : course_next(state, event);
        if (*ret_next == COURSE_NOWHERE || (act == ACT_ENTER_PART && !course_may_treat(state)))
                return refuse(why, "the course is %s; see tmsd(8) for what comes next in that state",
                              course_state_name(state));
        if (act == ACT_ACTIVATE)
                r = act_is_ready(course, why);
        else if (act == ACT_DECIDE)
                r = look_at_decision(course, filled, why);
        else if (act == ACT_ENTER_PART)
                r = look_at_part(course, filled, why);
        return r;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What may be done about a course: each act with its method on the bus, its record, and the form that is filled in; and
 * whether it may happen now, by what is known of the course.
 *
 * A course is known as an object: subject, state (course_state_id()), part (plan_part_name()), prescriptions and
 * missed (numbers), and what was filled in last, under the names of the acts' records behind the dot: about, screening,
 * consent, authorisation, prescription; decided is a list of the screening's items. record/courses.c keeps it.
 *
 * Nothing here allocates or blocks.
 */
#ifndef TMSD_COURSE_ACT_H
#define TMSD_COURSE_ACT_H

#include "forms.h"
#include "life.h"
#include "plan.h"

enum course_act {
        ACT_CREATE,
        ACT_SCREEN,
        ACT_DECIDE,
        ACT_CONSENT,
        ACT_AUTHORISE,
        ACT_PRESCRIBE,
        ACT_ACTIVATE,
        ACT_ENTER_PART,
        ACT_PAUSE,
        ACT_RESUME,
        ACT_SCORE,
        ACT_REPORT_EVENT,
        ACT_REPORT_MISSED,
        ACT_END,
        ACT_REPORT_SEIZURE, /* about a subject */
        ACT_UNLOCK,         /* about a subject */
        ACTS,
};

struct act_row {
        const char *method; /* of org.tmsd1.Course; CreateCourse is the manager's */
        const char *record;
        enum course_form form;
        bool prescribers; /* only a prescriber; else whoever treats, too */
};

extern const struct act_row course_acts[ACTS];

/*
 * May that act, so filled in, happen to the course? Not for the first one and the last two, which are about no course that
 * there is. *ret_next: the course's state after it. -EACCES: it may not; why says why, and what to do.
 */
int act_look(enum course_act act, const json_t *course, const json_t *filled, enum course_state *ret_next,
             char why[static COURSE_WHY]);

/*
 * What holds the course up before it may be activated: its screening, the consent, the prescription. -EACCES: why says
 * what is missing, and what to do.
 */
int act_is_ready(const json_t *course, char why[static COURSE_WHY]);

/* The word in a course.state record: "begin", "pause", "resume", "maintain", "taper", "end". */
const char *act_event(enum course_act act, const json_t *filled);

#endif

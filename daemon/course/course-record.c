/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From what was filled in to its record; see course-record.h. */
#include "course-record.h"
#include "prescription.h"

static const char *const suicidality_words[] = {
                [SUICIDALITY_NONE] = "none",
                [SUICIDALITY_PRESENT] = "present",
                [SUICIDALITY_RISEN] = "risen",
};

static const char *response_word(enum response response)
{
        return response == RESPONSE_FULL ? "full" : response == RESPONSE_PARTIAL ? "partial" : "none";
}

static const char *week3_word(enum week3 week3)
{
        return week3 == WEEK3_CONTINUE ? "continue" : week3 == WEEK3_REMISSION ? "remission" : "no-response";
}

/* The form has been checked, so that each score of a record is one. */
static bool score_of(const json_t *course, const char *instrument, const char *which, struct rating *ret)
{
        const json_t *two = json_object_get(json_object_get(course, "scores"), instrument);
        char why[COURSE_WHY];

        return two && rating_of(json_object_get(two, which), ret, why) >= 0;
}

static void add_score(const struct course_recorded *r, const json_t *filled, json_t **data, json_t **ret_answer)
{
        const char *instrument = json_get_str(filled, "instrument");
        struct rating now = {0}, first, last;
        const bool has_first = score_of(r->course, instrument, "first", &first);
        const bool has_last = score_of(r->course, instrument, "last", &last);
        json_t *answer = json_object();
        char why[COURSE_WHY];
        const char *word;

        (void)rating_of(filled, &now, why);
        word = suicidality_words[rating_suicidality(has_last ? &last : NULL, &now)];
        json_add(data, "total", json_integer(rating_total(&now)));
        json_add(data, "suicidality", json_string(word));
        json_add(&answer, "total", json_integer(rating_total(&now)));
        json_add(&answer, "suicidality", json_string(word));
        if (rating_severity(&now))
                json_add(&answer, "severity", json_string(rating_severity(&now)));
        json_add(&answer, "remission", json_boolean(rating_is_remission(&now)));
        if (has_first) {
                json_add(&answer, "response", json_string(response_word(rating_response(&first, &now))));
                if (rating_week3(&first, &now) != WEEK3_UNKNOWN)
                        json_add(&answer, "week3", json_string(week3_word(rating_week3(&first, &now))));
        }
        *ret_answer = answer;
        if (!answer) {
                json_decref(*data);
                *data = NULL;
        }
}

json_t *course_record(const struct course_recorded *r, const json_t *filled, json_t **ret_answer)
{
        const bool is_state = STREQ(course_acts[r->act].record, "course.state");
        json_t *data = is_state ? json_object() : json_deep_copy(filled);

        *ret_answer = NULL;
        if (*r->code)
                json_add(&data, "course", json_string(r->code));
        if (is_state) {
                json_add(&data, "event", json_string(act_event(r->act, filled)));
                json_add(&data, "state", json_string(course_state_id(r->next)));
                if (json_object_get(filled, "reason"))
                        json_add(&data, "reason", json_string(json_get_str(filled, "reason")));
        } else if (r->act == ACT_PRESCRIBE) {
                json_add(&data, "number", json_u64(json_get_u64(r->course, "prescriptions") + 1));
        } else if (r->act == ACT_SCORE) {
                add_score(r, filled, &data, ret_answer);
        } else if (r->act >= ACT_REPORT_SEIZURE) {
                json_add(&data, "subject", json_string(r->subject));
        }
        return data;
}

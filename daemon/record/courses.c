/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the audit log says of courses; see courses.h. */
#include "courses.h"
#include "history-internal.h"
#include "life.h"
#include "plan.h"
#include "subject.h"

int courses_init(struct courses *c)
{
        c->all = json_pack("{s:{}, s:[], s:{}}", "courses", "ended", "locked");
        return c->all ? 0 : -ENOMEM;
}

void courses_done(struct courses *c)
{
        json_decref(c->all);
        c->all = NULL;
}

static json_t *part_of(const struct courses *c, const char *key)
{
        return json_object_get(c->all, key);
}

/* --- What is asked ------------------------------------------------------------------ */

const struct courses *history_courses(const struct history *h)
{
        return h->incomplete ? NULL : &h->courses;
}

const json_t *courses_running(const struct courses *c)
{
        return part_of(c, "courses");
}

const json_t *courses_find(const struct courses *c, const char *code)
{
        return json_object_get(courses_running(c), code);
}

bool courses_has_ended(const struct courses *c, const char *code)
{
        const json_t *v;
        size_t i;

        json_array_foreach(part_of(c, "ended"), i, v) {
                if (STREQ(json_string_value(v), code))
                        return true;
        }
        return false;
}

bool courses_is_locked(const struct courses *c, const char *subject)
{
        char person[SUBJECT_MAX + 1];

        subject_fold(subject, person);
        return c && json_object_get(part_of(c, "locked"), person);
}

/* --- What is recorded ---------------------------------------------------------------- */

/* The record's data as it was filled in: without what the daemon has added. */
static json_t *filled_in(const json_t *data)
{
        static const char *const added[] = {"course", "boottime_ns", "synchronised", "number", "total", "suicidality"};
        json_t *copy = json_deep_copy(data);
        size_t i;

        for (i = 0; copy && i < ELEMENTS(added); i++)
                (void)json_object_del(copy, added[i]);
        return copy;
}

static bool set(json_t *object, const char *key, json_t *value)
{
        return json_object_set_new(object, key, value) >= 0;
}

static bool count(json_t *course, const char *key)
{
        return set(course, key, json_u64(json_get_u64(course, key) + 1));
}

static bool happen(json_t *course, enum course_event event)
{
        const int state = course_state_find(json_get_str(course, "state"));
        const enum course_state next = state < 0 ? COURSE_NOWHERE : course_next((enum course_state)state, event);

        return next == COURSE_NOWHERE || set(course, "state", json_string(course_state_id(next)));
}

/* Of every course of that subject. */
static bool happen_to_all(struct courses *c, const char *subject, enum course_event event)
{
        bool all = true;
        const char *code;
        json_t *course;

        json_object_foreach(part_of(c, "courses"), code, course) {
                if (subject_is_same(json_get_str(course, "subject"), subject))
                        all = happen(course, event) && all;
        }
        return all;
}

static bool see_create(struct courses *c, const json_t *data)
{
        const char *subject = json_get_str(data, "subject");
        const enum course_state state = courses_is_locked(c, subject) ? COURSE_LOCKED_PLANNED : COURSE_PLANNED;
        json_t *course = json_pack("{s:s, s:s, s:s, s:i, s:i, s:[], s:{}}", "subject", subject, "state",
                                   course_state_id(state), "part", plan_part_name(PART_COURSE), "prescriptions", 0,
                                   "missed", 0, "decided", "scores");

        if (!course || !set(course, "about", filled_in(data))) {
                json_decref(course);
                return false;
        }
        return set(part_of(c, "courses"), json_get_str(data, "course"), course);
}

static bool see_seizure(struct courses *c, const json_t *data)
{
        const char *subject = json_get_str(data, "subject");
        char person[SUBJECT_MAX + 1];

        subject_fold(subject, person);
        return set(part_of(c, "locked"), person, json_true()) && happen_to_all(c, subject, COURSE_LOCK);
}

static bool see_unlock(struct courses *c, const json_t *data)
{
        char person[SUBJECT_MAX + 1];

        subject_fold(json_get_str(data, "subject"), person);
        (void)json_object_del(part_of(c, "locked"), person);
        return happen_to_all(c, json_get_str(data, "subject"), COURSE_UNLOCK);
}

static bool see_decision(json_t *course, const json_t *data)
{
        const json_t *v;
        size_t i;

        json_array_foreach(json_object_get(data, "items"), i, v) {
                if (json_array_append_new(json_object_get(course, "decided"), json_integer(json_integer_value(v))) < 0)
                        return false;
        }
        return true;
}

/* The first one of an instrument is what the others are compared with. */
static bool see_score(json_t *course, const json_t *data)
{
        json_t *scores = json_object_get(course, "scores");
        const char *instrument = json_get_str(data, "instrument");
        json_t *two = json_object_get(scores, instrument);

        if (two)
                return set(two, "last", filled_in(data));
        two = json_object();
        if (!set(two, "first", filled_in(data)) || !set(two, "last", filled_in(data))) {
                json_decref(two);
                return false;
        }
        return set(scores, instrument, two);
}

static bool see_state(struct courses *c, json_t *course, const json_t *data)
{
        const char *code = json_get_str(data, "course"), *event = json_get_str(data, "event");
        unsigned i;

        if (STREQ(event, "taper"))
                return set(course, "part", json_string(plan_part_name(PART_TAPER)));
        if (STREQ(event, course_event_id(COURSE_MAINTAIN)) &&
            !set(course, "part", json_string(plan_part_name(PART_MAINTENANCE))))
                return false;
        for (i = 0; i < COURSE_EVENTS; i++) {
                if (STREQ(course_event_id(i), event) && !happen(course, i))
                        return false;
        }
        if (!STREQ(event, course_event_id(COURSE_END)))
                return true;
        if (json_array_append_new(part_of(c, "ended"), json_string(code)) < 0)
                return false;
        (void)json_object_del(part_of(c, "courses"), code);
        return true;
}

bool courses_see(struct courses *c, const char *type, const json_t *data)
{
        static const char *const kept[] = {"screening", "consent", "authorisation", "prescription"};
        json_t *course;
        size_t i;

        if (strncmp(type, "course.", strlen("course.")) != 0)
                return true;
        type += strlen("course.");
        if (STREQ(type, "create"))
                return see_create(c, data);
        if (STREQ(type, "seizure"))
                return see_seizure(c, data);
        if (STREQ(type, "unlock"))
                return see_unlock(c, data);
        course = json_object_get(part_of(c, "courses"), json_get_str(data, "course"));
        if (!course)
                return true;
        for (i = 0; i < ELEMENTS(kept); i++) {
                if (STREQ(type, kept[i]) && !set(course, kept[i], filled_in(data)))
                        return false;
        }
        if (STREQ(type, "screening"))
                return set(course, "decided", json_array());
        if (STREQ(type, "prescription"))
                return count(course, "prescriptions");
        if (STREQ(type, "decision"))
                return see_decision(course, data);
        if (STREQ(type, "score"))
                return see_score(course, data);
        if (STREQ(type, "missed"))
                return count(course, "missed");
        return STREQ(type, "state") ? see_state(c, course, data) : true;
}

/* --- In a checkpoint ------------------------------------------------------------------ */

int courses_state(const struct courses *c, json_t **ret)
{
        *ret = NULL;
        if (json_object_size(part_of(c, "courses")) == 0 && json_array_size(part_of(c, "ended")) == 0 &&
            json_object_size(part_of(c, "locked")) == 0)
                return 0;
        *ret = json_deep_copy(c->all);
        return *ret ? 0 : -ENOMEM;
}

int courses_restore(struct courses *c, const json_t *state)
{
        json_t *copy;

        if (!state)
                return 0;
        if (!json_is_object(json_object_get(state, "courses")) || !json_is_array(json_object_get(state, "ended")) ||
            !json_is_object(json_object_get(state, "locked")))
                return -EINVAL;
        copy = json_deep_copy(state);
        if (!copy)
                return -ENOMEM;
        courses_done(c);
        c->all = copy;
        return 0;
}

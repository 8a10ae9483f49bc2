/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The desk: courses, and what is being recorded about them; see course-desk.h. */
#include "course-desk.h"
#include "course-record.h"
#include "session.h"
#include "subject.h"
#include "values.h"

/* An act whose record is with the writer. */
struct doing {
        TAILQ_ENTRY(doing) link;
        struct course_desk *desk;
        struct course_object *object; /* NULL: there is none, or not yet */
        struct request *q;
        enum course_act act;
        char code[COURSE_CODE_LONGEST + 1];
        char subject[SUBJECT_MAX + 1];
        json_t *answer; /* NULL: the answer has no value */
};

struct course_desk {
        struct ward *ward;
        const sd_bus_vtable *vtable;
        TAILQ_HEAD(, course_object) objects;
        TAILQ_HEAD(, doing) doings;
};

/* --- Objects ------------------------------------------------------------------------ */

void *course_ref(void *object)
{
        struct course_object *o = object;

        o->n_ref++;
        return o;
}

void *course_unref(void *object)
{
        struct course_object *o = object;

        if (o && --o->n_ref == 0) {
                sd_bus_slot_unref(o->slot);
                free(o);
        }
        return NULL;
}

const json_t *course_known(const struct course_object *o)
{
        const struct courses *c = history_courses(o->desk->ward->recorder->history);

        return c ? courses_find(c, o->code) : NULL;
}

static int publish(struct course_desk *desk, const char *code, struct course_object **ret)
{
        struct course_object *o = calloc(1, sizeof(*o));
        int r;

        if (!o)
                return -ENOMEM;
        o->n_ref = 1;
        o->desk = desk;
        (void)snprintf(o->code, sizeof(o->code), "%s", code);
        (void)snprintf(o->path, sizeof(o->path), MANAGER_PATH "/course/%s", code);
        r = sd_bus_add_object_vtable(desk->ward->bus, &o->slot, o->path, COURSE_INTERFACE, desk->vtable, o);
        if (r < 0) {
                course_unref(o);
                return r;
        }
        TAILQ_INSERT_TAIL(&desk->objects, o, link);
        (void)sd_bus_emit_object_added(desk->ward->bus, o->path);
        if (ret)
                *ret = o;
        return 0;
}

static void withdraw(struct course_desk *desk, struct course_object *o)
{
        if (!o->slot)
                return;
        (void)sd_bus_emit_object_removed(desk->ward->bus, o->path);
        o->slot = sd_bus_slot_unref(o->slot);
        TAILQ_REMOVE(&desk->objects, o, link);
        course_unref(o);
}

/* A lock changes every course of the subject. */
static void tell_changed(struct course_desk *desk, const char *subject)
{
        const struct course_object *o;

        TAILQ_FOREACH(o, &desk->objects, link) {
                const json_t *course = course_known(o);

                if (course && subject_is_same(json_get_str(course, "subject"), subject))
                        (void)sd_bus_emit_properties_changed(desk->ward->bus, o->path, COURSE_INTERFACE, "State",
                                                             "Part", "SessionsPlanned", "SessionsMissed", NULL);
        }
}

/* --- Life ---------------------------------------------------------------------------- */

int course_desk_new(struct ward *ward, const sd_bus_vtable *vtable, struct course_desk **ret)
{
        struct course_desk *desk = calloc(1, sizeof(*desk));

        if (!desk)
                return -ENOMEM;
        desk->ward = ward;
        desk->vtable = vtable;
        TAILQ_INIT(&desk->objects);
        TAILQ_INIT(&desk->doings);
        *ret = desk;
        return 0;
}

int course_desk_open(struct course_desk *desk)
{
        const struct courses *c = history_courses(desk->ward->recorder->history);
        const char *code;
        json_t *course;
        int r = 0;

        if (!c)
                return 0;
        json_object_foreach((json_t *)courses_running(c), code, course) {
                r = publish(desk, code, NULL);
                if (r < 0)
                        break;
        }
        return r;
}

struct course_desk *course_desk_free(struct course_desk *desk)
{
        struct course_object *o;

        if (!desk)
                return NULL;
        assert(TAILQ_EMPTY(&desk->doings));
        while ((o = TAILQ_FIRST(&desk->objects))) {
                TAILQ_REMOVE(&desk->objects, o, link);
                course_unref(o);
        }
        free(desk);
        return NULL;
}

struct ward *course_desk_ward(const struct course_desk *desk)
{
        return desk->ward;
}

/* --- Acts ---------------------------------------------------------------------------- */

static void doing_free(struct doing *d)
{
        json_decref(d->answer);
        course_unref(d->object);
        free(d);
}

static void answer(struct request *q, const struct doing *d, const struct course_object *created)
{
        sd_bus_message *reply = NULL;

        if (!d->answer && !created) {
                request_reply(q);
                return;
        }
        if (sd_bus_message_new_method_return(request_message(q), &reply) >= 0 &&
            (created ? sd_bus_message_append(reply, "o", created->path) : values_append(reply, d->answer)) < 0)
                reply = sd_bus_message_unref(reply);
        request_reply_message(q, reply);
        sd_bus_message_unref(reply);
}

static void on_recorded(const struct audit_result *result, void *userdata)
{
        struct doing *d = userdata;
        struct course_desk *desk = d->desk;
        struct course_object *created = NULL;
        struct request *q = TAKE_PTR(d->q);
        char sentence[AUDIT_REFUSAL_SIZE];

        TAILQ_REMOVE(&desk->doings, d, link);
        if (result->error < 0) {
                request_refuse(q, audit_refusal(desk->ward->recorder->audit, result->error, sentence), "%s", sentence);
        } else if (d->act == ACT_CREATE && publish(desk, d->code, &created) < 0) {
                request_refuse(q, ERROR_FAILED,
                               "The course is on record, and there is no memory to put it on the bus. End other "
                               "programs, then: systemctl restart tmsd.");
        } else {
                if (d->act == ACT_END && d->object)
                        withdraw(desk, d->object);
                tell_changed(desk, d->subject);
                answer(q, d, created);
        }
        doing_free(d);
}

/* Two acts at a time could each be right, and not both. A seizure is told whatever else is told. */
static bool is_busy(const struct course_desk *desk, const char *subject, const char *code)
{
        const struct doing *d;

        TAILQ_FOREACH(d, &desk->doings, link) {
                if (subject_is_same(d->subject, subject) || (*code && STREQ(d->code, code)))
                        return true;
        }
        return false;
}

/* What is known of the course, and whether the act may be: false: q has been refused. */
static bool look(struct request *q, const struct course_desk *desk, const struct doing *d, const json_t *filled,
                 enum course_state *ret_next)
{
        const struct courses *c = history_courses(desk->ward->recorder->history);
        const char *method = course_acts[d->act].method;
        char why[FORM_WHY];

        if (d->act != ACT_REPORT_SEIZURE && is_busy(desk, d->subject, d->code)) {
                request_refuse(q, ERROR_BUSY,
                               "%s: something else about that subject is being recorded; try again in a moment.",
                               method);
                return false;
        }
        if (d->act == ACT_CREATE && (courses_find(c, d->code) || courses_has_ended(c, d->code))) {
                request_refuse(q, ERROR_INVALID_ARGUMENT,
                               "%s: there is a course %s already, or there was one; give this one another number.",
                               method, d->code);
                return false;
        }
        if (d->act == ACT_UNLOCK && !courses_is_locked(c, d->subject)) {
                request_refuse(q, ERROR_OUT_OF_ORDER, "%s: the subject is not locked; leave it as it is.", method);
                return false;
        }
        *ret_next = COURSE_NOWHERE;
        if (d->object && d->act < ACT_REPORT_SEIZURE &&
            act_look(d->act, courses_find(c, d->code), filled, ret_next, why) < 0) {
                request_refuse(q, ERROR_OUT_OF_ORDER, "%s: %s.", method, why);
                return false;
        }
        return true;
}

/* filled is taken over. */
static void record(struct request *q, struct course_desk *desk, struct doing *d, json_t *filled)
{
        enum course_state next;
        json_t *data;

        if (!look(q, desk, d, filled, &next)) {
                json_decref(filled);
                doing_free(d);
                return;
        }
        data = course_record(&(struct course_recorded){.act = d->act,
                                                       .code = d->code,
                                                       .subject = d->subject,
                                                       .course = d->object ? course_known(d->object) : NULL,
                                                       .next = next},
                             filled, &d->answer);
        json_decref(filled);
        d->q = q;
        TAILQ_INSERT_TAIL(&desk->doings, d, link);
        if (!data || audit_write(desk->ward->recorder->audit,
                                 &(struct audit_record){.type = course_acts[d->act].record,
                                                        .who = request_who(q),
                                                        .on = d->object ? d->object->path : "",
                                                        .data = data,
                                                        .need_bytes = 1,
                                                        .refusable = true},
                                 on_recorded, d) < 0)
                on_recorded(&(struct audit_result){.error = -ENOMEM}, d);
}

/* The values as they have to be; NULL: q has been refused. */
static json_t *read_form(struct request *q, enum course_act act)
{
        const struct act_row *row = &course_acts[act];
        json_t *filled = row->form == COURSE_NOTHING ? json_object() : values_read(q);
        char why[FORM_WHY];

        if (!filled && row->form == COURSE_NOTHING)
                request_refuse(q, ERROR_FAILED, "No memory. End other programs and try again.");
        if (filled && form_check(&course_forms[row->form], filled, why) < 0) {
                request_refuse(q, ERROR_INVALID_ARGUMENT, "%s: %s.", row->method, why);
                json_decref(filled);
                filled = NULL;
        }
        return filled;
}

void course_desk_act(struct request *q, struct course_desk *desk, struct course_object *o, enum course_act act,
                     const char *code, const char *subject)
{
        const struct audit *a = desk->ward->recorder->audit;
        const json_t *course = o ? course_known(o) : NULL;
        struct doing *d;
        json_t *filled;

        if (audit_failure(a)) {
                request_refuse(q, ERROR_AUDIT_FAILED, "%s: nothing can be recorded: %s.", course_acts[act].method,
                               audit_failure(a));
                return;
        }
        /* A seizure of a subject goes on record whatever else is known. */
        if (!history_courses(desk->ward->recorder->history) && !(act == ACT_REPORT_SEIZURE && subject)) {
                request_refuse(q, ERROR_FAILED,
                               "%s: there was no memory for a record of the audit log, so nobody knows how the courses "
                               "are. Restart the daemon: systemctl restart tmsd.",
                               course_acts[act].method);
                return;
        }
        if (o && !course) {
                request_refuse(q, ERROR_OUT_OF_ORDER, "%s: the course has ended; make a new course.",
                               course_acts[act].method);
                return;
        }
        filled = read_form(q, act);
        if (!filled)
                return;
        d = calloc(1, sizeof(*d));
        if (!d) {
                json_decref(filled);
                request_refuse(q, ERROR_FAILED, "No memory. End other programs and try again.");
                return;
        }
        d->desk = desk;
        d->act = act;
        d->object = o ? course_ref(o) : NULL;
        (void)snprintf(d->code, sizeof(d->code), "%s", o ? o->code : code ? code : "");
        (void)snprintf(d->subject, sizeof(d->subject), "%s",
                       subject  ? subject
                       : course ? json_get_str(course, "subject")
                                : json_get_str(filled, "subject"));
        record(q, desk, d, filled);
}

void course_desk_stop(struct course_desk *desk, const char *subject)
{
        struct session *s;

        /* An end takes effect on the loop, later: nobody leaves the list meanwhile. */
        TAILQ_FOREACH(s, &desk->ward->sessions, link) {
                if (*subject && s->state != SESSION_ENDED && subject_is_same(s->subject, subject)) {
                        session_halt(s);
                        session_end_as(s, ENDING_SEIZURE, NULL);
                }
        }
}

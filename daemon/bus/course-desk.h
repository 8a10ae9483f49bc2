/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The desk: the objects of all courses that have not ended, and what is being recorded about them. An act takes effect
 * when its record is on disk: then the history has seen it, and the objects on the bus say so.
 *
 * On the loop; no locks.
 */
#ifndef TMSD_COURSE_DESK_H
#define TMSD_COURSE_DESK_H

#include "act.h"
#include "courses.h"
#include "ward.h"

struct course_desk;

/* What the object at /org/tmsd1/course/CODE is served from. */
struct course_object {
        TAILQ_ENTRY(course_object) link;
        unsigned n_ref;
        struct course_desk *desk;
        char code[COURSE_CODE_LONGEST + 1];
        char path[sizeof(MANAGER_PATH "/course/") + COURSE_CODE_LONGEST];
        sd_bus_slot *slot; /* NULL: it has ended */
};

/* vtable: what serves the objects. */
int course_desk_new(struct ward *ward, const sd_bus_vtable *vtable, struct course_desk **ret);
/* To be called when the log has been read: the courses that it knows get their objects. */
int course_desk_open(struct course_desk *desk);
struct course_desk *course_desk_free(struct course_desk *desk); /* returns NULL, takes NULL */
struct ward *course_desk_ward(const struct course_desk *desk);

void *course_ref(void *object);
void *course_unref(void *object); /* returns NULL */
/* The course as the history knows it; NULL: it has ended, or nothing is known. Borrowed until the next record. */
const json_t *course_known(const struct course_object *o);

/*
 * Reads the a{sv} that comes next in q's message, and has the act recorded; then q is answered. o: of that course, or NULL
 * for an act about a subject without one. code: of a course that is to be made; else NULL. subject: for an act about one;
 * else NULL.
 */
void course_desk_act(struct request *q, struct course_desk *desk, struct course_object *o, enum course_act act,
                     const char *code, const char *subject);
/* Stops that subject's session at once, as Stop does. It wants no memory. */
void course_desk_stop(struct course_desk *desk, const char *subject);

#endif

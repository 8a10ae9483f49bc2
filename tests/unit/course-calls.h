/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls about courses, in the daemon of session-fixture.h. */
#ifndef COURSE_CALLS_H
#define COURSE_CALLS_H

#include "course-samples.h"
#include "session-fixture.h"

#define COURSE "A12N"
#define COURSE_PATH "/org/tmsd1/course/A12N"

/* filled: JSON with ' for ". NULL: the method takes nothing. reply may be NULL. */
bool course_call(struct fixture *f, sd_bus *bus, const char *method, const char *filled, sd_bus_message **reply);
void course_must(struct fixture *f, sd_bus *bus, const char *method, const char *filled);
/* Of the manager, with a code or a subject in front. */
bool manager_call(struct fixture *f, sd_bus *bus, const char *method, const char *code, const char *filled);
/* A course of subject S-1, up to its activation. prescriber: a client that is not root. */
void course_begin(struct fixture *f, sd_bus *prescriber);
void course_is(struct fixture *f, const char *property, const char *value);

#endif

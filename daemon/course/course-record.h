/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From what was filled in to the data of its record, and to what whoever filled it in is told. Nothing here blocks. */
#ifndef TMSD_COURSE_RECORD_H
#define TMSD_COURSE_RECORD_H

#include "act.h"

struct course_recorded {
        enum course_act act;
        const char *code;       /* "": of no course */
        const char *subject;    /* for acts about one */
        const json_t *course;   /* as act.h knows it, before the act; may be NULL */
        enum course_state next; /* of an act that changes it */
};

/*
 * The data, as record/schema.c wants it. *ret_answer: what a rating scale has come to (total, severity, response, remission,
 * week3, suicidality), else NULL. Both are the caller's. NULL: there was no memory.
 */
json_t *course_record(const struct course_recorded *r, const json_t *filled, json_t **ret_answer);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The screening before a course, by the published questionnaire's 13 items. The questions themselves are their owners'
 * and are nowhere here: an item has its number and a short title of our own.
 *
 * No answer decides by itself. Each yes wants a prescriber's recorded decision, and some are told as what the makers of
 * stimulators exclude. Without an answer to each item the screening is not done.
 *
 * Nothing here allocates or blocks.
 */
#ifndef TMSD_COURSE_SCREENING_H
#define TMSD_COURSE_SCREENING_H

#include <stdbool.h>
#include <stddef.h>

#include "code.h"

#define SCREENING_ITEMS 13

enum screening_weight {
        SCREENING_DECIDE,  /* the prescriber weighs risk and benefit */
        SCREENING_EXCLUDE, /* the same, and makers of stimulators exclude it, wherever in the body it is */
};

/* item is the questionnaire's number, 1 to SCREENING_ITEMS. */
const char *screening_title(unsigned item);
enum screening_weight screening_weight(unsigned item);

/* What is known of a course's screening; item 1 is in [0]. */
struct screening {
        bool answered[SCREENING_ITEMS];
        bool yes[SCREENING_ITEMS];
        bool decided[SCREENING_ITEMS]; /* a prescriber has decided that the course may go on in spite of that yes */
};

/*
 * Does the screening let a session begin? -EACCES: an item has no answer, or a yes has no decision; why names the first
 * one and what to do. The session is what this holds up; the course may be prepared meanwhile.
 */
int screening_look(const struct screening *s, char why[static COURSE_WHY]);

#endif

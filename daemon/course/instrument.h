/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rating scales, by the numbers of their items: totals, severity, response and remission. The wording of the items is
 * their owners' and is nowhere here. Ranges, cut-offs and rules have their sources in instrument.c.
 *
 * Nothing here allocates or blocks.
 */
#ifndef TMSD_COURSE_INSTRUMENT_H
#define TMSD_COURSE_INSTRUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "code.h"

#define INSTRUMENT_ITEMS 17 /* of the longest instrument */

enum instrument {
        INSTRUMENT_PHQ9,
        INSTRUMENT_HAMD17,
        INSTRUMENT_MADRS,
        INSTRUMENT_YBOCS,
        INSTRUMENTS,
};

const char *instrument_name(enum instrument i); /* for programs and for people: "phq-9" */
int instrument_find(const char *name);          /* an enum instrument, or -ENOENT */
size_t instrument_items(enum instrument i);

/* One filled-in form: item 1 is in item[0]. */
struct rating {
        enum instrument instrument;
        uint8_t item[INSTRUMENT_ITEMS];
};

/*
 * Holds n answers against the instrument and fills in the form. -EINVAL: too few, too many, or one beyond its range; why
 * names the item and its range, and ret is not touched.
 */
int rating_read(enum instrument instrument, const int64_t *answer, size_t n, struct rating *ret,
                char why[static COURSE_WHY]);

unsigned rating_total(const struct rating *r);
const char *rating_severity(const struct rating *r); /* a word, or NULL: no bands are published for it */

enum response {
        RESPONSE_NONE,
        RESPONSE_PARTIAL, /* Y-BOCS alone has it */
        RESPONSE_FULL,
};

/*
 * How now compares with the form that was filled in before the course. Both are of one instrument. A total of 0 before
 * the course cannot get better, so that it gives no response.
 */
enum response rating_response(const struct rating *before, const struct rating *now);
bool rating_is_remission(const struct rating *r); /* never for Y-BOCS, which has no such cut-off */

/* What the rule at week 3 says. It is a rule of HAM-D alone. */
enum week3 {
        WEEK3_UNKNOWN,   /* the rule does not speak of this instrument, or the total before was 0 */
        WEEK3_CONTINUE,  /* go on as prescribed */
        WEEK3_REMISSION, /* go over to the taper */
        WEEK3_NO_RESPONSE,
};

enum week3 rating_week3(const struct rating *before, const struct rating *now);

/* What the item on suicidality asks of a prescriber. last is the form before this one, or NULL. */
enum suicidality {
        SUICIDALITY_NONE,
        SUICIDALITY_PRESENT, /* above 0 */
        SUICIDALITY_RISEN,   /* and above what it was in last */
};

enum suicidality rating_suicidality(const struct rating *last, const struct rating *now);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All that is filled in about a course, one form a kind of record. Each form has the fields that its record of the audit
 * log has, but for what the daemon adds itself.
 *
 * Nothing here allocates or blocks.
 */
#ifndef TMSD_COURSE_FORMS_H
#define TMSD_COURSE_FORMS_H

#include "form.h"

enum course_form {
        COURSE_ABOUT,         /* what the course is for, and what was tried before */
        COURSE_SCREENING,     /* the answers to the questionnaire's items */
        COURSE_DECISION,      /* a prescriber's, on items that were answered with yes */
        COURSE_CONSENT,       /* the subject's */
        COURSE_AUTHORISATION, /* the payer's */
        COURSE_PRESCRIPTION,
        COURSE_PART,   /* a prescriber goes over to the taper or to maintenance */
        COURSE_ENDING, /* the course is over */
        COURSE_SCORE,  /* one filled-in rating scale */
        COURSE_EFFECT, /* an adverse event, or its absence before the session */
        COURSE_SEIZURE,
        COURSE_UNLOCKING, /* a prescriber takes the lock off */
        COURSE_ABSENCE,   /* a session that was planned and did not take place */
        COURSE_NOTHING,   /* nothing is filled in */
        COURSE_FORMS,
};

extern const struct form course_forms[COURSE_FORMS];

#define TRIALS_MAX 16 /* of medicines, in one course */

/*
 * A trial of a medicine is class,adequate,weeks,outcome,tolerance: "ssri,adequate,8,no-response,tolerated". -EINVAL: it is
 * none; why says which of the five is wrong, and what to give.
 */
int trial_check(const char *trial, char why[static COURSE_WHY]);

#endif

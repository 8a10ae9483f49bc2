/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A course's code: the pseudonym that a clinic gives to a course of treatment, with a check character, so that a slip of
 * the typist is told from another person's course.
 *
 * A code has COURSE_CODE_LEAST to COURSE_CODE_LONGEST characters of 0-9 and A-Z. The last one is the check character of
 * ISO 7064, MOD 37,36, over those before it: each single wrong character is found, and nearly each two that were
 * exchanged. One of the characters before the check character is a digit, so that no person's name is a code.
 *
 * A subject's code in base/subject.h is older and free. It needs no check character, and stays readable.
 *
 * Nothing here allocates or blocks.
 */
#ifndef TMSD_COURSE_CODE_H
#define TMSD_COURSE_CODE_H

#define COURSE_CODE_LEAST 4
#define COURSE_CODE_LONGEST 12

#define COURSE_WHY 256 /* room for the sentence of a refusal, in bytes */

/*
 * Reads a code as a person types it, in upper or lower case, and writes it in upper case. -EINVAL: it is none; why says
 * what is wrong with it and what to do, and ret is not touched.
 */
int course_code_read(const char *typed, char ret[static COURSE_CODE_LONGEST + 1], char why[static COURSE_WHY]);

/*
 * Adds the check character to what a clinic numbers its courses by: COURSE_CODE_LEAST - 1 to COURSE_CODE_LONGEST - 1
 * characters. -EINVAL as above.
 */
int course_code_make(const char *body, char ret[static COURSE_CODE_LONGEST + 1], char why[static COURSE_WHY]);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A subject's code: what may be one, and when two of them mean one person. */
#ifndef TMSD_SUBJECT_H
#define TMSD_SUBJECT_H

#include <stdbool.h>

#define SUBJECT_MAX 64

/*
 * A code has 1 to SUBJECT_MAX ASCII letters, digits, dots, hyphens and underscores. Blanks are refused, so that a
 * person's name is not taken for a code.
 */
bool subject_is_code(const char *s);

/*
 * Says whether both codes mean the same person. Upper and lower case are the same, and so are dot, hyphen and
 * underscore: a code that is typed in two ways must not give the person two days' dose. No character is ignored: 1-11
 * and 11-1 are two people.
 */
bool subject_is_same(const char *a, const char *b);

/* Writes the code as all codes of that person are written, cut to what ret has room for. */
void subject_fold(const char *s, char ret[static SUBJECT_MAX + 1]);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A subject's code: what may be one, and when two of them mean one person. */
#ifndef TMSD_SUBJECT_H
#define TMSD_SUBJECT_H

#include <stdbool.h>

#define SUBJECT_MAX 64

/* A code, never a name: a name's blanks are refused. 1 to SUBJECT_MAX ASCII letters, digits, dots, hyphens, underscores. */
bool subject_is_code(const char *s);

/*
 * A person's code typed twice in two ways must not give the person two days' dose: upper and lower case are the same,
 * and so are the dot, the hyphen and the underscore. No character is left out: 1-11 and 11-1 are two people.
 */
bool subject_is_same(const char *a, const char *b);

#endif

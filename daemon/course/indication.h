/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a course is given for, and for whom: each indication with the ages that it is for.
 *
 * Nothing here allocates or blocks.
 */
#ifndef TMSD_COURSE_INDICATION_H
#define TMSD_COURSE_INDICATION_H

#include "code.h"

/* The indications' names, from 0 on; NULL behind the last. */
const char *indication_name(unsigned i);

/*
 * May a subject of that age, in full years, have a course for that indication? -EINVAL: there is no such indication, or
 * it is for another age; why says which ages, and what to do.
 */
int indication_look(const char *name, unsigned years, char why[static COURSE_WHY]);

#endif

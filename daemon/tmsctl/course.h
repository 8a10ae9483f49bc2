/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is told of a course on the command line, as the daemon wants it, and as people read it. */
#ifndef TMSCTL_COURSE_H
#define TMSCTL_COURSE_H

#include "tmsctl.h"

/*
 * Appends an a{sv} of words such as "sessions=30", "taper=3,2,1", "yes=1-3,9", "weekdays=mon,tue" and "trials=A B", where A
 * and B have commas. What a name's value may be is the daemon's to say. Prints what is wrong with a word: minus an exit status.
 */
int course_append_values(sd_bus_message *m, int n, char **words);

/* Prints what Course.Get or Course.Score has answered, a line a value. */
void course_print(const json_t *course);

#endif

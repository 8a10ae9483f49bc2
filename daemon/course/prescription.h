/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From what was filled in, or a record that says the same, to what the rules go by. Nothing here allocates or blocks.
 */
#ifndef TMSD_COURSE_PRESCRIPTION_H
#define TMSD_COURSE_PRESCRIPTION_H

#include <jansson.h>

#include "instrument.h"
#include "plan.h"

/* Each field is as course_forms[] has it. -EINVAL: they contradict each other; why says where, and what to do. */
int prescription_plan(const json_t *prescription, struct plan *ret, char why[static COURSE_WHY]);
int rating_of(const json_t *score, struct rating *ret, char why[static COURSE_WHY]);

#endif

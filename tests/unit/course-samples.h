/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each form of a course, filled in as it should be. */
#ifndef COURSE_SAMPLES_H
#define COURSE_SAMPLES_H

#include "forms.h"

#define SAMPLE_SHA256 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* JSON, with ' for ". */
extern const char *const course_samples[COURSE_FORMS];

/* One of them, or a text like them, as JSON; the caller's. */
json_t *course_sample(const char *text);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a caller gives to Prepare. It is read and checked before anything else is done. */
#ifndef TMSD_SESSION_ARGUMENTS_H
#define TMSD_SESSION_ARGUMENTS_H

#include <tms.h>
#include "request.h"

#define OVERRIDE_REASON_MAX 256

struct prepare_arguments {
        const char *name, *text; /* they belong to the message */
        struct tms_dose dose;
        char override_reason[OVERRIDE_REASON_MAX + 1]; /* "" none was given */
};

/* Refuses q when it returns false. */
bool prepare_arguments_read(struct request *q, struct prepare_arguments *ret);

/* Adds what was given beside the threshold itself, as a record says it. Without memory *data is freed and becomes NULL. */
void dose_describe(json_t **data, const struct tms_dose *dose);
/* Appends value to *array, and takes it over. Likewise. */
void json_append(json_t **array, json_t *value);

#endif

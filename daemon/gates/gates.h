/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What has to hold whoever is treated, looked at in Prepare and once more in
 * Arm and Start: that the clock can be believed, and that what the subject had
 * today is known and no more than Prepare went by.
 */
#ifndef TMSD_GATES_H
#define TMSD_GATES_H

#include <tms.h>

#include "recorder.h"
#include "request.h"

#define GATE_SENTENCE_MAX 512

/* For whom it has to hold, and what his preparation goes by. */
struct gated {
        struct recorder *recorder;
        const char *subject, *session;               /* borrowed */
        uint32_t judged_treatment, judged_measuring; /* pulses of today that Prepare went by */
        unsigned clock_notices;                      /* of the clock, among the notices that it had confirmed */
};

/* Of one moment. */
struct gates {
        struct tms_today today;
        unsigned clock_notices; /* bits; one that was not confirmed forbids to arm */
        /* The same in words, ended by "". */
        struct {
                unsigned kind; /* its bit */
                const char *name;
                char sentence[GATE_SENTENCE_MAX];
        } notices[CLOCK_TROUBLES + 2];
};

/* Refuses q, and returns false, when the clock or the day forbids that method. */
bool gates_look(struct request *q, const struct gated *who, const char *method, struct gates *ret);
/* The notices, as reasons of the verdict, which then has them to be confirmed. False: it has no room for them all. */
bool gates_add_notices(const struct gates *g, struct tms_safety *safety);
/* He goes by these from now on. */
void gates_keep(struct gated *who, const struct gates *g);
/* As gates_look(), and false too when something is worse than what the session goes by. */
bool gates_hold(struct request *q, const struct gated *who, const char *method);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What has to hold whoever is treated: the clock can be believed, and what the subject had today is known and is no
 * more than Prepare went by. Prepare looks at it with gates_look(); Arm, Start and each charging in mid-run look again
 * with gates_hold(). The interlocks are looked at in treat/session-arm.c. On the loop; no locks.
 */
#ifndef TMSD_GATES_H
#define TMSD_GATES_H

#include <tms.h>

#include "recorder.h"
#include "request.h"

#define GATE_SENTENCE_MAX 512

/* For whom the gates have to hold, and what his preparation was judged by. */
struct gated {
        struct recorder *recorder;
        const char *subject, *session;               /* borrowed */
        uint32_t judged_treatment, judged_measuring; /* how many pulses of today Prepare counted */
        unsigned clock_notices; /* bits of the notices about the clock that Prepare's verdict had */
};

/* What the gates found at one moment. */
struct gates {
        struct tms_today today;
        unsigned clock_notices; /* bits; Arm is refused if one of them is not in struct gated */
        /* The same in words; the last one is followed by an empty sentence. */
        struct {
                unsigned kind; /* its bit */
                const char *name;
                char sentence[GATE_SENTENCE_MAX];
        } notices[CLOCK_TROUBLES + 2];
};

/* Looks at the clock and at the day. Refuses q, and returns false, when one of them forbids that method. */
bool gates_look(struct request *q, const struct gated *who, const char *method, struct gates *ret);
/*
 * Adds the notices to the reasons of the verdict, so that they have to be confirmed. False: the verdict has no room for
 * all of them.
 */
bool gates_add_notices(const struct gates *g, struct tms_safety *safety);
/* The session's preparation was judged by these, from now on. */
void gates_keep(struct gated *who, const struct gates *g);
/* As gates_look(). Also refuses q when something has become worse than what the preparation was judged by. */
bool gates_hold(struct request *q, const struct gated *who, const char *method);

#endif

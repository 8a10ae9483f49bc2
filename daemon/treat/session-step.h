/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One method of a session that adds risk, from its beginning to its answer:
 * its intent is on disk, the state is looked at again, then the kernel is asked.
 */
#ifndef TMSD_SESSION_STEP_H
#define TMSD_SESSION_STEP_H

#include "session.h"

struct step;

struct step_plan {
        const char *method; /* its name in sentences */
        unsigned states;    /* the session's, in which it may begin and go on; IN_STATE() */
        /* Where the card may have to be charged first: what for, in the records, and how it goes on then. */
        const char *why;
        void (*charged)(struct step *step);
};

struct step {
        struct session *s;
        struct request *q;
        const struct step_plan *plan;
        bool charging;             /* in mid-run, for what the plan says */
        struct tms_device *device; /* arm: the thread's own object over the same file */
        uint32_t timeline_gen;
        uint32_t fitness_max_ns;
        uint32_t pulse; /* go */
        uint32_t permille;
        int r;
};

/* The session is busy until step_free(). NULL without memory: q is refused. */
struct step *step_new(struct request *q, struct session *s, const struct step_plan *plan);
void step_free(struct step *step);
/* data: beside the session, taken over, may be NULL. Ends in done() in any case, and in a refusal without memory. */
void step_write_intent(struct step *step, const char *type, json_t *data, uint64_t need_bytes, audit_done_fn done);
/*
 * After the intent: true if the session is as it was when the request came. Else the outcome, a record of that
 * type, and the refusal are done, and the step is gone.
 */
bool step_may_go_on(struct step *step, const struct audit_result *result, const char *type);
/* Bytes that the records of the whole timeline may take. */
uint64_t step_room_needed(const struct session *s);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One method of a session that adds risk, from its beginning to its answer: its intent is written to disk, the state is
 * looked at again, then the kernel is asked.
 */
#ifndef TMSD_SESSION_STEP_H
#define TMSD_SESSION_STEP_H

#include "session.h"

struct step;

struct step_plan {
        const char *method; /* the method's name in sentences */
        unsigned states;    /* the states of the session in which it may begin and go on; IN_STATE() */
        /* Of a method that may have to charge the card first: why, for the records, and what goes on after it. */
        const char *why;
        void (*charged)(struct step *step);
};

struct step {
        struct session *s;
        struct request *q;
        const struct step_plan *plan;
        bool charging;             /* the card is charged in mid-run, for the reason in the plan */
        struct tms_device *device; /* arm: the thread's own object over the same file */
        uint32_t timeline_gen;
        uint32_t fitness_max_ns;
        uint32_t pulse; /* go */
        uint32_t permille;
        int r;
        struct tms_why kernel_why; /* arm: why the kernel refuses */
};

/* From here to step_free() the session is busy. NULL: there was no memory, and q is refused. */
struct step *step_new(struct request *q, struct session *s, const struct step_plan *plan);
void step_free(struct step *step);
/*
 * Writes the intent. data is taken over, may be NULL, and gets the session's id. done is called in any case, and q is
 * refused if there was no memory.
 */
void step_write_intent(struct step *step, const char *type, json_t *data, uint64_t need_bytes, audit_done_fn done);
/*
 * Called when the intent is on disk, or has failed. True: the session's state still allows the method. False: an
 * outcome of that type is recorded, q is refused, and the step is freed.
 */
bool step_may_go_on(struct step *step, const struct audit_result *result, const char *type);
/* What a record says of a call that the kernel has refused; why may be NULL. */
json_t *session_error_json(int error, const struct tms_why *why);
/* The most bytes that the records of the whole timeline can take. */
uint64_t step_room_needed(const struct session *s);

#endif

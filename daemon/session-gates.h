/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What has to hold whoever is treated, looked at in Prepare and once more in
 * Arm and Start: that the clock can be believed, that what the subject had
 * today is known and no more than Prepare went by, and, when a session is
 * made, that the subject has no other one.
 */
#ifndef TMSD_SESSION_GATES_H
#define TMSD_SESSION_GATES_H

#include "session.h"

#define GATE_SENTENCE_MAX 512

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
bool gates_look(struct request *q, const struct session *s, const char *method, struct gates *ret);
/* The notices, as reasons of the verdict, which then has them to be confirmed. False: it has no room for them all. */
bool gates_add_notices(const struct gates *g, struct tms_safety *safety);
/* The session goes by these from now on. */
void gates_keep(struct session *s, const struct gates *g);
/* As gates_look(), and false too when something is worse than what the session goes by. */
bool gates_hold(struct request *q, const struct session *s, const char *method);

/* Refuses q, and returns false, when that subject ("": none was given) has a session that has not ended. */
bool gates_subject_is_free(struct request *q, const struct manager *m, const char *subject);

#endif

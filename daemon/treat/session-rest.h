/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exactly the rest: a session that gives what an earlier one left. Its protocol is the recorded bytes, its dose the
 * recorded one, and its timeline is cut out of what these come to, behind the last pulse of which something came.
 *
 * One check, session_rest_allowed(), says whether that may be; CreateSession and Prepare both ask it.
 */
#ifndef TMSD_SESSION_REST_H
#define TMSD_SESSION_REST_H

#include "session-arguments.h"
#include "session.h"

/* What the log says of the session that was cut off. */
struct rest {
        char of[40];
        char protocol_sha256[65], timeline_sha256[65];
        uint32_t was_first;  /* the index in the whole of the first pulse that was loaded then */
        uint32_t was_pulses; /* how many were loaded then */
        uint32_t next_pulse; /* how far it was played, in the whole */
};

/*
 * May the rest of session id be given now, to that subject? subject "" is anybody's. Refuses q, and returns NULL, when
 * it must not or cannot be. method: the name that the sentence begins with. card_serial: the card that is about to be
 * asked how much it gave, by the session's first record; 0: none is.
 */
const struct past_session *session_rest_allowed(struct request *q, const struct ward *w, const char *method,
                                                const char *id, const char *subject, uint64_t card_serial);
/*
 * Has the stimulator of a new session the coil that the rest is for? Always true of a session that gives no rest. False:
 * sentence says what is wrong.
 */
bool session_rest_has_coil(const struct session *s, const struct tms_info *info,
                           char sentence[static AUDIT_REFUSAL_SIZE]);
/*
 * Of a call of Prepare: fills in name, dose and *ret. Refuses q, and returns false, when the caller gives anything but a
 * reason for an override, or the rest may not be given any more.
 */
bool session_rest_arguments(struct request *q, struct session *s, struct prepare_arguments *a, struct rest *ret);

/* --- On the thread of Prepare. The errors are sentences without the method's name. --- */

/* Reads the protocol from the bytes beside the log. state_fd: the state directory. */
int session_rest_protocol(int state_fd, const struct rest *rest, struct tms_protocol **ret, struct tms_error *error);
/*
 * Cuts the rest out of the whole, once the whole is what was loaded then. *ret_gap_ns: from the last pulse before the
 * rest to its first one, in the whole; 0: it begins where the whole does.
 */
int session_rest_cut(const struct rest *rest, const struct tms_timeline *whole, struct tms_timeline *ret,
                     uint32_t *ret_first_pulse, uint32_t *ret_first_train, uint64_t *ret_gap_ns,
                     struct tms_error *error);

/*
 * The rest comes no sooner behind the session that was cut off than its first pulse comes behind the one before in the
 * whole. Refuses q, and returns false, while that is longer than a Start can wait.
 */
bool session_rest_is_due(struct request *q, const struct session *s, const char *method);
/* Makes *delay_ns, from a Start to its first pulse, as long as that takes, if it is shorter. */
void session_rest_wait(const struct session *s, uint64_t *delay_ns);

#endif

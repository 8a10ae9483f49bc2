/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A run whose card is discharged: the kernel's BREAK. After a minute without a
 * pulse, or in a gap of the protocol that is longer, the card is safe and
 * nothing fires; subject, dose and place are kept. The session stays running
 * or paused, and says in its property Break what comes next:
 *
 *  - in a gap the daemon charges the card again, ten seconds ahead of the next
 *    pulse, by itself;
 *  - while a pulse waits for the operator, Go does so first;
 *  - in a pause, Resume does. A run that waits for the external trigger is paused.
 *
 * Each time every gate is looked at again. One that does not hold keeps the card
 * discharged, and the session is paused.
 */
#ifndef TMSD_SESSION_BREAK_H
#define TMSD_SESSION_BREAK_H

#include "session-step.h"

/* The kernel's record of it: a run came into its BREAK, or was paused there. */
void session_break(struct session *s, uint32_t cause);
/* Of the way out, or of its end. */
void session_break_over(struct session *s);
/* What comes next, for people; "" out of a BREAK. */
void session_break_say(struct session *s, const char *format, ...) _printf_(2, 3);

/* --- session-charge.c --------------------------------------------------------------------------- */

/* The recharge timer's: it is time to charge the card, in a gap. */
int session_charge_due(sd_event_source *source, uint64_t usec, void *userdata);

/* --- session-arm.c ------------------------------------------------------------------------------ */

/* Refuses q, and returns false, when a gate forbids to charge the card. */
bool session_may_charge(struct request *q, struct session *s, const char *method);
/* Then what its plan says, or the step's end. */
void session_charge(struct step *step);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A run whose card is discharged: the kernel's BREAK. It comes after a minute without a pulse, and in a gap of the
 * protocol that is longer. The output is safe and nothing fires; subject, dose and place are kept. The session stays
 * running or paused, and its property Break says what comes next:
 *
 * - in a gap the daemon charges the card again by itself, ten seconds before the next pulse;
 *
 * - while a pulse waits for the operator, Go charges the card first;
 *
 * - in a pause, Resume does. A run that waits for the external trigger is paused.
 *
 * Before each charging all gates are looked at again. If one of them refuses, the card stays discharged and the session
 * is paused.
 */
#ifndef TMSD_SESSION_BREAK_H
#define TMSD_SESSION_BREAK_H

#include "session-step.h"

/* Called for the kernel's record that a run came into BREAK, or was paused in it. */
void session_break(struct session *s, uint32_t cause);
/* Called when the run leaves the BREAK, or ends. */
void session_break_over(struct session *s);
/* Sets the property Break: what comes next, for people; "" outside a BREAK. */
void session_break_say(struct session *s, const char *format, ...) _printf_(2, 3);

/* --- session-charge.c --------------------------------------------------------------------------- */

/* Handler of the timer recharge: charges the card in a gap. */
int session_charge_due(sd_event_source *source, uint64_t usec, void *userdata);

/* --- session-arm.c ------------------------------------------------------------------------------ */

/*
 * Looks at every gate that has to hold before the card is charged, in Arm and in mid-run. Refuses q, and returns false,
 * when one does not hold.
 */
bool session_may_charge(struct request *q, struct session *s, const char *method);
/* Charges the card in mid-run. Then the plan's charged() is called; or q is refused and the step freed. */
void session_charge(struct step *step);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A run whose card is discharged; see session-break.h. */
#include <stdarg.h>

#include "session-break.h"

/*
 * The card is asked to charge so long before the next pulse. The kernel's verifier allows eight seconds for charging.
 */
#define CHARGE_AHEAD_NS (10 * NS_PER_S)
#define CHARGE_ACCURACY_USEC (50 * USEC_PER_MS)

#define WAITS (TMS_PULSE_WAIT_OPERATOR | TMS_PULSE_WAIT_TRIGGER)

#define GAP_TEXT                                                                                                     \
        "The next pulse is more than a minute away: the stimulator is discharged, and is charged again ten seconds " \
        "before it."
#define GO_TEXT "No pulse for a minute: the stimulator is discharged. Go charges it first, which takes some seconds."
#define RESUME_TEXT \
        "No pulse for a minute: the stimulator is discharged. Resume charges it first, which takes some seconds."

void session_break_say(struct session *s, const char *format, ...)
{
        char text[sizeof(s->break_text)];
        va_list ap;

        va_start(ap, format);
        (void)vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        if (STREQ(text, s->break_text))
                return;
        memcpy(s->break_text, text, sizeof(text));
        if (s->slot)
                (void)sd_bus_emit_properties_changed(s->ward->bus, s->path, SESSION_INTERFACE, "Break", NULL);
}

/* --- In a gap --------------------------------------------------------------------------------------- */

/* The timer is made in the first BREAK and kept until the session's end. */
static int set_timer(struct session *s, uint64_t due_ns)
{
        uint64_t now = now_ns(CLOCK_MONOTONIC), usec = 0;
        int r = 0;

        if (due_ns > now + CHARGE_AHEAD_NS)
                usec = (due_ns - CHARGE_AHEAD_NS - now) / 1000;
        if (!s->recharge) {
                r = sd_event_add_time_relative(s->ward->event, &s->recharge, CLOCK_MONOTONIC, usec,
                                               CHARGE_ACCURACY_USEC, s->charge_due, s);
                if (r >= 0)
                        (void)sd_event_source_set_description(s->recharge, "session-recharge");
                return r;
        }
        r = sd_event_source_set_time_relative(s->recharge, usec);
        return r < 0 ? r : sd_event_source_set_enabled(s->recharge, SD_EVENT_ONESHOT);
}

/*
 * Pauses the run, since nobody could charge the card in time. The kernel's record of the pause is read later: this is
 * called while records are being read, and reading must not nest.
 */
static void wait_for_resume(struct session *s, const char *reason, const char *text)
{
        session_break_say(s, RESUME_TEXT);
        if (tms_device_pause(s->control, true) >= 0)
                session_record(s, "session.pause", NULL,
                               json_pack("{s:s, s:s, s:b}", "reason", reason, "text", text, "now", 1));
}

/* --- In and out ------------------------------------------------------------------------------------ */

void session_break(struct session *s, uint32_t cause)
{
        const struct tms_status *k = &s->st->status;
        const struct tms_pulse *next;
        bool paused, waits;
        int r;

        /* The kernel has taken back the pulse that Go had let go. */
        s->released = 0;
        (void)stimulator_refresh(s->st);
        /*
         * The card may have left the BREAK already. Then the next record says so, and the session's own state tells
         * whether it is paused.
         */
        paused = k->state == TMS_STATE_BREAK ? k->back_to == TMS_STATE_PAUSED : session_is(s, SESSION_IS_PAUSED);
        if (!session_is(s, SESSION_IN_BREAK))
                session_record(s, "session.break", NULL,
                               json_pack("{s:s, s:b}", "reason", tms_cause_name(cause), "paused", (int)paused));
        next = session_pulse(s, k->next_pulse);
        waits = next && (next->flags & WAITS);
        session_on(s, paused ? SESSION_BREAK_PAUSE : SESSION_BREAK);
        if (paused) {
                session_break_say(s, RESUME_TEXT);
        } else if (k->due_ns > k->mono_ns || !waits) {
                r = set_timer(s, k->due_ns);
                if (r < 0) {
                        log_with(LOG_WARNING, FIELDS(field_text("SESSION", s->id), field_errno(r)),
                                 "session %s: no timer to charge in time: %s", s->id, strerror(-r));
                        wait_for_resume(s, "not_charged", "There is no timer by which it could be charged in time.");
                } else {
                        session_break_say(s, GAP_TEXT);
                }
        } else if (STREQ(session_waits_for(s), "operator")) {
                session_break_say(s, GO_TEXT);
        } else {
                /* An edge of the external trigger would find the card discharged. */
                wait_for_resume(s, tms_cause_name(cause),
                                "It waits for the external trigger, and nobody can charge it.");
        }
        session_tell_waiting(s);
}

void session_break_over(struct session *s)
{
        if (s->recharge)
                (void)sd_event_source_set_enabled(s->recharge, SD_EVENT_OFF);
        session_break_say(s, "%s", "");
}

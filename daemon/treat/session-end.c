/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decides a session's end. The end takes effect later, from the loop, never within the call that decided it:
 * session-finish.c does that, by the timer that is set here. Deciding it needs no memory.
 */
#include <assert.h>

#include "base/go-on.h"
#include "session-break.h"

/* So long the end waits for the card's last answers of a run. */
#define LAST_RECORDS_USEC (100 * USEC_PER_MS)

void session_leave_bus(struct session *s)
{
        struct ward *w = s->ward;

        assert(s->state == SESSION_ENDED);
        if (s->slot) {
                (void)sd_bus_emit_object_removed(s->ward->bus, s->path);
                s->slot = sd_bus_slot_unref(s->slot);
        }
        TAILQ_REMOVE(&w->sessions, s, link);
        session_unref(s);
        w->settled(w->userdata);
}

void session_set_reason(struct session *s, const char *reason, const char *text)
{
        (void)snprintf(s->end_reason, sizeof(s->end_reason), "%s", reason);
        (void)snprintf(s->end_text, sizeof(s->end_text), "%s", text);
}

static void begin_end(struct session *s)
{
        bool at_once = audit_failure(s->ward->recorder->audit) || !s->pulsefile;
        int r;

        assert(s->state == SESSION_ENDING);
        s->tick = sd_event_source_disable_unref(s->tick);
        s->io = sd_event_source_disable_unref(s->io);
        /*
         * A thread in the kernel's ARM, or the recovery of what was left, still uses the controller's file. The end
         * waits until it is back.
         */
        if (s->in_kernel || (s->creating && !s->pulsefile))
                return;
        r = sd_event_source_set_time_relative(s->finish, at_once ? 0 : LAST_RECORDS_USEC);
        if (r >= 0)
                r = sd_event_source_set_enabled(s->finish, SD_EVENT_ONESHOT);
        /* Setting the time and enabling the timer need no memory, so they cannot fail. */
        assert(r >= 0);
}

/* The caller has made sure that the output is safe. */
void session_end_quietly(struct session *s, const char *reason, const char *text)
{
        char why[sizeof(s->end_text) + 64];

        assert(!session_is(s, SESSION_OVER));
        session_break_over(s);
        session_on(s, SESSION_END);
        session_set_reason(s, reason, text);
        if (s->slot)
                (void)sd_bus_emit_properties_changed(s->ward->bus, s->path, SESSION_INTERFACE, "State", "Pausing",
                                                     "Waiting", NULL);
        (void)snprintf(why, sizeof(why), "the session has ended: %s", text);
        (void)request_let_go(s->ward->calls, s, why);
        begin_end(s);
}

/* --- What takes risk away ------------------------------------------------------------------- */

static void halt(struct session *s)
{
        atomic_store(&s->halted, true);
        if (s->state != SESSION_ENDED && (!s->control || tms_device_stop(s->control) < 0))
                stimulator_halt(s->st);
}

bool session_overtake(struct session *s, const char *why)
{
        assert(why && !session_is(s, SESSION_OVER));
        /* Whatever adds risk and is under way was asked for earlier, so it is overtaken. */
        if (s->adds_risk)
                s->overtaken = why;
        /*
         * A stop makes the kernel's ARM return, so the thread comes back. In mid-run a stop would end the session, so
         * there ARM goes on; after a Pause it leads to paused.
         */
        if (s->in_kernel && !session_is(s, SESSION_STARTED))
                halt(s);
        return request_let_go(s->ward->calls, s, why) > 0 || s->adds_risk;
}

void session_halt(struct session *s)
{
        halt(s);
        if (!session_is(s, SESSION_OVER))
                (void)session_overtake(s, "a stop was asked for meanwhile. To go on, " GO_ON ", or begin anew.");
}

void session_end(struct session *s, const char *reason, const char *text, json_t *who)
{
        assert(reason && text);
        /* The output is stopped first, even if the end was decided before. */
        halt(s);
        if (s->state == SESSION_ENDED || (s->state == SESSION_ENDING && !who)) {
                json_decref(who);
                return;
        }
        if (s->state == SESSION_ENDING) {
                session_record_limited(s, "session.stop", who, json_pack("{s:s}", "reason", reason));
                return;
        }
        session_record(s, "session.stop", who, json_pack("{s:s}", "reason", reason));
        log_event(SESSION_STOP,
                  FIELDS(field_text("SESSION", s->id), field_number("CARD_SERIAL", s->st->info.card_serial),
                         field_text("REASON", reason)),
                  "session %s is stopped: %s", s->id, reason);
        /* The session was never on the bus, so nobody can close it. */
        if (s->creating)
                s->closed = true;
        session_end_quietly(s, reason, text);
}

void session_end_as(struct session *s, enum ending how, json_t *who)
{
        session_end(s, endings[how].reason, endings[how].text, who);
}

void session_end_gone(struct session *s)
{
        session_end_as(s, ENDING_GONE, NULL);
}

void session_see_gone(struct session *s)
{
        if (!s->st->gone)
                session_end_gone(s);
        stimulator_lost(s->st);
}

void session_left_kernel(struct session *s)
{
        assert(s->in_kernel && s->state != SESSION_ENDED);
        s->in_kernel = false;
        if (s->state == SESSION_ENDING)
                begin_end(s);
}

void session_close(struct session *s, struct request *q)
{
        if (q && s->state == SESSION_ENDED)
                request_reply(TAKE_PTR(q));
        if (s->closed) {
                /*
                 * Close came for a second time, for example because the owner has left the bus. Only the first Close is
                 * answered when the session has ended.
                 */
                if (q)
                        request_refuse(q, ERROR_OUT_OF_ORDER, "Close: the session is being closed already.");
                return;
        }
        s->closed = true;
        s->closing = q;
        if (s->state == SESSION_ENDED)
                session_leave_bus(s);
}

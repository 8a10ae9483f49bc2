/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * In a gap of the protocol the daemon charges the card again without being asked, ten seconds before the next pulse.
 * See session-break.h.
 */
#include "jsonline.h"
#include "schema.h"
#include "session-break.h"

/* If another method is under way, the charging is tried again after this time. */
#define BUSY_USEC (200 * USEC_PER_MS)

/* The charging has ended. If it failed, the run is paused, and an operator decides how it goes on. */
static void on_charge_over(enum error error, const char *sentence, void *userdata)
{
        struct session *s = userdata;
        int r;

        if (error == ERROR_NONE)
                return;
        session_catch_up(s);
        /* Somebody has stopped or paused the session meanwhile. */
        if (!session_is(s, SESSION_RUNS))
                return;
        r = tms_device_pause(s->control, true);
        session_log_pause(s, "not_charged");
        session_record(s, "session.pause", NULL,
                       json_pack("{s:s, s:o, s:b}", "reason", "not_charged", "text",
                                 json_clipped(sentence, SCHEMA_SENTENCE), "now", 1));
        session_catch_up(s);
        if (session_is(s, SESSION_OVER))
                return;
        if (r < 0 && session_is(s, SESSION_RUNS))
                session_end(s, "not_charged", sentence, NULL);
        else if (session_is(s, SESSION_IN_BREAK))
                session_break_say(s,
                                  "The stimulator was not charged for the next pulse, and the session is paused: %s "
                                  "Resume tries "
                                  "again.",
                                  sentence);
}

static void on_charged(struct step *step)
{
        request_reply(step->q);
        step_free(step);
}

static const struct step_plan charge = {
                .method = "Charge",
                .states = SESSION_RUNS,
                .why = "gap",
                .charged = on_charged,
};

int session_charge_due(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct session *s = userdata;
        struct request *q;
        struct step *step;

        if (!session_is(s, IN_STATE(SESSION_RUNNING_BREAK)))
                return 0;
        if (s->busy) {
                (void)sd_event_source_set_time_relative(source, BUSY_USEC);
                (void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
                return 0;
        }
        session_ref(s);
        q = request_own(s->ward->calls, charge.method, s->path, on_charge_over, s);
        if (!q) {
                on_charge_over(ERROR_FAILED, "No memory. End other programs.", s);
        } else if (session_may_begin(q, s, charge.method, charge.states) && session_may_charge(q, s, charge.method)) {
                step = step_new(q, s, &charge);
                if (step)
                        session_charge(step);
        }
        session_unref(s);
        return 0;
}

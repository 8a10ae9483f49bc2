/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An owner who is on the bus and does not answer. Then nobody watches the treatment, and it is paused at once. The
 * session does not end: when the owner answers again, it may be resumed. The owner is asked only while pulses may be
 * fired; in every other state nothing happens without a call.
 */
#include "session.h"

static void on_owner_silent(const char *text, void *userdata)
{
        struct session *s = userdata;
        int r;

        if (!session_is(s, SESSION_RUNS))
                return;
        session_ref(s);
        r = tms_device_pause(s->control, true);
        (void)session_overtake(s,
                               "the program that owns the session does not answer. Let it go on (fg), then ask again.");
        session_log_pause(s, endings[ENDING_OWNER_FROZEN].reason);
        session_record(s, "session.pause", NULL,
                       json_pack("{s:s, s:s, s:b}", "reason", "owner_frozen", "text", text, "now", 1));
        /* The session may have ended meanwhile, as records say that are read only here. */
        session_catch_up(s);
        if (session_is(s, SESSION_RUNS)) {
                if (r < 0)
                        session_end(s, "owner_frozen", text, NULL);
                else
                        session_set_pausing(s, PAUSING_NOW);
        }
        session_unref(s);
}

int session_owner_new(struct session *s)
{
        return heartbeat_new(s->ward->bus, s->ward->event, s->owner, on_owner_silent, s, &s->heartbeat);
}

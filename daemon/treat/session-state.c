/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A session's state. See session.h. */
#include <assert.h>

#include "session.h"

const char *session_state_name(enum session_state state)
{
        static const char *const names[] = {
                        [SESSION_NEW] = "new",     [SESSION_PREPARED] = "prepared", [SESSION_ARMING] = "arming",
                        [SESSION_ARMED] = "armed", [SESSION_RUNNING] = "running",   [SESSION_PAUSED] = "paused",
                        [SESSION_ENDED] = "ended",
        };

        return names[state];
}

const char *session_state_text(const struct session *s)
{
        return s->ending && s->state != SESSION_ENDED ? "ending" : session_state_name(s->state);
}

void session_set_pausing(struct session *s, enum session_pausing pausing)
{
        if (s->pausing == pausing)
                return;
        s->pausing = pausing;
        if (s->slot)
                (void)sd_bus_emit_properties_changed(s->ward->bus, s->path, "org.tmsd1.Session", "Pausing", NULL);
}

void session_set_state(struct session *s, enum session_state state)
{
        if (s->state == state)
                return;
        /* ENDED has no way out: every completion that comes late has to look before. */
        assert(s->state != SESSION_ENDED);
        s->state = state;
        /* The owner is asked whether he is alive while pulses may be fired. */
        if (state == SESSION_RUNNING)
                heartbeat_start(s->heartbeat);
        else
                heartbeat_stop(s->heartbeat);
        /* The end is told in one signal, with its reason: see session-end.c. */
        if (s->slot && state != SESSION_ENDED)
                (void)sd_bus_emit_properties_changed(s->ward->bus, s->path, "org.tmsd1.Session", "State", NULL);
        if (state == SESSION_RUNNING || state == SESSION_PAUSED)
                session_set_pausing(s, PAUSING_NOT);
        session_tell_waiting(s);
}

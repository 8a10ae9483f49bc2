/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The only place that sets a session's state, and what follows from each change. See session-table.h. */
#include <assert.h>

#include "session.h"

void session_set_pausing(struct session *s, enum session_pausing pausing)
{
        if (s->pausing == pausing)
                return;
        s->pausing = pausing;
        if (s->slot)
                (void)sd_bus_emit_properties_changed(s->ward->bus, s->path, SESSION_INTERFACE, "Pausing", NULL);
}

/*
 * Asks the owner whether he is alive only while pulses may be fired. In every other state nothing happens without a
 * call.
 */
static void follow_owner(struct session *s)
{
        keeper_ask(s->keeper, session_is(s, SESSION_RUNS));
}

void session_on(struct session *s, enum session_event event)
{
        const enum session_state from = s->state, to = session_next(from, event);

        /* Whoever completes something late looks at the state before it calls this. */
        assert(to != SESSION_NOWHERE);
        s->state = to;
        if (!(IN_STATE(from) & SESSION_TREATS) != !(IN_STATE(to) & SESSION_TREATS))
                s->ward->treats(s->ward->userdata);
        /* Nothing is signalled between two states that have one name on the bus. */
        if (STREQ(session_state_name(from), session_state_name(to)))
                return;
        follow_owner(s);
        /* An end is signalled together with its reason, by session-end.c and session-finish.c. */
        if (to == SESSION_ENDING)
                return;
        if (s->slot && to != SESSION_ENDED)
                (void)sd_bus_emit_properties_changed(s->ward->bus, s->path, SESSION_INTERFACE, "State", NULL);
        if (session_is(s, SESSION_STARTED))
                session_set_pausing(s, PAUSING_NOT);
        session_tell_waiting(s);
}

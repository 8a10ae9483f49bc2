/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A session's life as one table; see session-table.h. */
#include <assert.h>

#include "session-table.h"

/* What can happen to a run in each of its states. */
#define OF_A_RUN                                                                                                    \
        [SESSION_RUN] = SESSION_RUNNING, [SESSION_PAUSE] = SESSION_PAUSED, [SESSION_BREAK] = SESSION_RUNNING_BREAK, \
        [SESSION_BREAK_PAUSE] = SESSION_PAUSED_BREAK

/* SESSION_ENDED has no row, since nothing leads out of it. */
static const unsigned char table[SESSION_STATES][SESSION_EVENTS] = {
                [SESSION_BEGINNING] = {[SESSION_PUBLISH] = SESSION_NEW,
                                       [SESSION_END] = SESSION_ENDING,
                                       [SESSION_GIVE_UP] = SESSION_ENDED},
                [SESSION_NEW] = {[SESSION_LOAD] = SESSION_PREPARED,
                                 [SESSION_UNLOAD] = SESSION_NEW,
                                 [SESSION_END] = SESSION_ENDING},
                [SESSION_DROPPED] = {[SESSION_LOAD] = SESSION_PREPARED,
                                     [SESSION_UNLOAD] = SESSION_NEW,
                                     [SESSION_END] = SESSION_ENDING},
                [SESSION_PREPARED] = {[SESSION_LOAD] = SESSION_PREPARED,
                                      [SESSION_UNLOAD] = SESSION_NEW,
                                      [SESSION_DROP] = SESSION_DROPPED,
                                      [SESSION_FALL_BACK] = SESSION_PREPARED,
                                      [SESSION_ARM] = SESSION_ARMING,
                                      [SESSION_END] = SESSION_ENDING},
                [SESSION_ARMING] = {[SESSION_CHARGED] = SESSION_ARMED,
                                    [SESSION_DROP] = SESSION_DROPPED,
                                    [SESSION_FALL_BACK] = SESSION_PREPARED,
                                    [SESSION_END] = SESSION_ENDING},
                [SESSION_ARMED] = {[SESSION_START] = SESSION_RUNNING,
                                   [SESSION_DROP] = SESSION_DROPPED,
                                   [SESSION_FALL_BACK] = SESSION_PREPARED,
                                   [SESSION_END] = SESSION_ENDING},
                [SESSION_RUNNING] = {OF_A_RUN, [SESSION_HOLD] = SESSION_PAUSED, [SESSION_END] = SESSION_ENDING},
                [SESSION_PAUSED] = {OF_A_RUN, [SESSION_RESUME] = SESSION_RUNNING, [SESSION_END] = SESSION_ENDING},
                /* Only the kernel's record takes the session out of the BREAK. A Pause or a Resume alone does not. */
                [SESSION_RUNNING_BREAK] =
                                {OF_A_RUN, [SESSION_HOLD] = SESSION_PAUSED_BREAK, [SESSION_END] = SESSION_ENDING},
                [SESSION_PAUSED_BREAK] =
                                {OF_A_RUN, [SESSION_RESUME] = SESSION_RUNNING_BREAK, [SESSION_END] = SESSION_ENDING},
                [SESSION_ENDING] = {[SESSION_FINISH] = SESSION_ENDED, [SESSION_GIVE_UP] = SESSION_ENDED},
};

static const struct {
        const char *id, *name, *step;
} states[SESSION_STATES] = {
                [SESSION_BEGINNING] = {"beginning", "new", "Prepare comes first"},
                [SESSION_NEW] = {"new", "new", "Prepare comes first"},
                [SESSION_DROPPED] = {"dropped", "new", "Prepare comes first"},
                [SESSION_PREPARED] = {"prepared", "prepared", "Arm comes first"},
                [SESSION_ARMING] = {"arming", "arming", "wait until it is armed, or stop it"},
                [SESSION_ARMED] = {"armed", "armed", "Start comes next, or stop it"},
                [SESSION_RUNNING] = {"running", "running", "wait until it is over, or pause or stop it"},
                [SESSION_PAUSED] = {"paused", "paused", "Resume comes next, or stop it"},
                [SESSION_RUNNING_BREAK] = {"running-break", "running", "wait until it is over, or pause or stop it"},
                [SESSION_PAUSED_BREAK] = {"paused-break", "paused", "Resume comes next, or stop it"},
                [SESSION_ENDING] = {"ending", "ending", "begin a new session"},
                [SESSION_ENDED] = {"ended", "ended", "begin a new session"},
};

static const char *const events[SESSION_EVENTS] = {
                [SESSION_PUBLISH] = "publish",
                [SESSION_LOAD] = "load",
                [SESSION_UNLOAD] = "unload",
                [SESSION_DROP] = "drop",
                [SESSION_FALL_BACK] = "fall-back",
                [SESSION_ARM] = "arm",
                [SESSION_CHARGED] = "charged",
                [SESSION_START] = "start",
                [SESSION_HOLD] = "hold",
                [SESSION_RESUME] = "resume",
                [SESSION_RUN] = "run",
                [SESSION_PAUSE] = "pause",
                [SESSION_BREAK] = "break",
                [SESSION_BREAK_PAUSE] = "break-pause",
                [SESSION_END] = "end",
                [SESSION_GIVE_UP] = "give-up",
                [SESSION_FINISH] = "finish",
};

enum session_state session_next(enum session_state from, enum session_event event)
{
        assert(from > SESSION_NOWHERE && from < SESSION_STATES && event < SESSION_EVENTS);
        return table[from][event];
}

const char *session_state_name(enum session_state state)
{
        assert(state > SESSION_NOWHERE && state < SESSION_STATES);
        return states[state].name;
}

const char *session_state_step(enum session_state state)
{
        assert(state > SESSION_NOWHERE && state < SESSION_STATES);
        return states[state].step;
}

const char *session_state_id(enum session_state state)
{
        assert(state > SESSION_NOWHERE && state < SESSION_STATES);
        return states[state].id;
}

const char *session_event_id(enum session_event event)
{
        assert(event < SESSION_EVENTS);
        return events[event];
}

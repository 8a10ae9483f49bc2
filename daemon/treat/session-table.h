/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A session's life as one table: every state, everything that can happen in it, and where that leads. It does not know
 * struct session; session-state.c uses it. daemon/DESIGN.md prints the table, and a test holds the two together.
 */
#ifndef TMSD_SESSION_TABLE_H
#define TMSD_SESSION_TABLE_H

#include <stdbool.h>

enum session_state {
        SESSION_NOWHERE,       /* no state: in the table, that the event cannot happen */
        SESSION_BEGINNING,     /* its first record is not on disk yet, and it is not on the bus */
        SESSION_NEW,           /* nothing is loaded */
        SESSION_DROPPED,       /* something was prepared, and the kernel has dropped it */
        SESSION_PREPARED,      /* a timeline is loaded, and on record */
        SESSION_ARMING,        /* the kernel's ARM is under way */
        SESSION_ARMED,         /* the card is charged */
        SESSION_RUNNING,       /* pulses may be fired */
        SESSION_PAUSED,        /* the run is paused, its card is charged */
        SESSION_RUNNING_BREAK, /* the run goes on, its card is discharged */
        SESSION_PAUSED_BREAK,  /* the run is paused, its card is discharged */
        SESSION_ENDING,        /* the end is decided, the output is safe, the last records are not on disk yet */
        SESSION_ENDED,
        SESSION_STATES,
};

enum session_event {
        SESSION_PUBLISH,     /* its first record is on disk, and it is on the bus */
        SESSION_LOAD,        /* what Prepare has loaded is on record */
        SESSION_UNLOAD,      /* a Prepare has failed and dropped what was loaded */
        SESSION_DROP,        /* the kernel has dropped what was loaded, by itself */
        SESSION_FALL_BACK,   /* the card is not armed any more, the timeline is still loaded */
        SESSION_ARM,         /* a thread is on its way into the kernel's ARM */
        SESSION_CHARGED,     /* that thread is back, and the card is charged */
        SESSION_START,       /* the kernel has taken START */
        SESSION_HOLD,        /* the kernel has taken a Pause */
        SESSION_RESUME,      /* the kernel has taken a Resume */
        SESSION_RUN,         /* the kernel's record: running */
        SESSION_PAUSE,       /* the kernel's record: paused */
        SESSION_BREAK,       /* the kernel's record: a BREAK, of a run that goes on */
        SESSION_BREAK_PAUSE, /* the kernel's record: a BREAK, of a run that is paused */
        SESSION_END,         /* somebody or something ends it */
        SESSION_GIVE_UP,     /* it could not begin: nothing of it is on record */
        SESSION_FINISH,      /* the last records are on disk, or the log has failed */
        SESSION_EVENTS,
};

/* The next state; SESSION_NOWHERE: the event cannot happen in that state. */
enum session_state session_next(enum session_state from, enum session_event event);

/* The state's name for people and on the bus, where several states have the same name. */
const char *session_state_name(enum session_state state);
/* What has to be done next in that state, such as "Prepare comes first". */
const char *session_state_step(enum session_state state);
/* The state's name in the table of daemon/DESIGN.md: no two states have the same. */
const char *session_state_id(enum session_state state);
const char *session_event_id(enum session_event event);

#define IN_STATE(state) (1U << (state))
#define SESSION_RUNS (IN_STATE(SESSION_RUNNING) | IN_STATE(SESSION_RUNNING_BREAK))
#define SESSION_IS_PAUSED (IN_STATE(SESSION_PAUSED) | IN_STATE(SESSION_PAUSED_BREAK))
#define SESSION_IN_BREAK (IN_STATE(SESSION_RUNNING_BREAK) | IN_STATE(SESSION_PAUSED_BREAK))
/* The states of a run: pulses may have been fired. */
#define SESSION_STARTED (SESSION_RUNS | SESSION_IS_PAUSED)
/* The card is charged, or may be: nothing may happen to the computer now. */
#define SESSION_TREATS (IN_STATE(SESSION_ARMING) | IN_STATE(SESSION_ARMED) | SESSION_STARTED)
#define SESSION_NOT_PREPARED (IN_STATE(SESSION_NEW) | IN_STATE(SESSION_DROPPED))
#define SESSION_OVER (IN_STATE(SESSION_ENDING) | IN_STATE(SESSION_ENDED))

#endif

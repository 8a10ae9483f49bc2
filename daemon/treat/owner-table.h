/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is the owner of a session that has started there? As one table, which daemon/DESIGN.md prints; a test holds the two
 * together. It does not know struct session; session-owner.c uses it.
 */
#ifndef TMSD_OWNER_TABLE_H
#define TMSD_OWNER_TABLE_H

enum owner_state {
        OWNER_NOWHERE, /* no state: in the table, that the event cannot happen */
        OWNER_THERE,
        OWNER_SILENT, /* on the bus, and does not answer */
        OWNER_LEFT,
        OWNER_STATES,
};

enum owner_event {
        OWNER_LEAVES,       /* the bus */
        OWNER_FALLS_SILENT, /* no answer */
        OWNER_CALLS,        /* a call of its own that goes on with the session */
        OWNER_TAKEN,        /* another client is the owner now */
        OWNER_EVENTS,
};

/* The next state; OWNER_NOWHERE: the event cannot happen in that state. */
enum owner_state owner_next(enum owner_state from, enum owner_event event);
/* As in the table of daemon/DESIGN.md and on the bus. */
const char *owner_state_name(enum owner_state state);
const char *owner_event_name(enum owner_event event);

#endif

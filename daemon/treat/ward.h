/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ward: all stimulators and sessions, and what they need. Whoever composes the daemon fills it in. It knows nothing
 * above it, and calls upwards only by settled() and treats(), from the loop. On the loop; no locks.
 */
#ifndef TMSD_WARD_H
#define TMSD_WARD_H

#include <sys/queue.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "names.h"
#include "recorder.h"
#include "request.h"

struct session;
struct stimulator;

TAILQ_HEAD(stimulator_list, stimulator);
TAILQ_HEAD(session_list, session);

struct ward {
        sd_event *event;
        sd_bus *bus;
        struct calls *calls;
        struct recorder *recorder;
        /* The tables that serve them on the bus. The userdata of each table is the stimulator or session. */
        const sd_bus_vtable *stimulator_vtable, *session_vtable;
        /*
         * Called when a session has ended or left the bus, or when the recovery of a stimulator has ended. The handler must not act within the call.
         */
        void (*settled)(void *userdata);
        /* Called when a session begins to treat (SESSION_TREATS) or treats no more. As with settled(). */
        void (*treats)(void *userdata);
        void *userdata;

        struct stimulator_list stimulators;
        struct session_list sessions; /* sessions that have ended stay here until they are closed */
        unsigned recovering;          /* so many stimulators have a recovery under way */
        uint64_t hold_ns;             /* so long a session whose owner is absent waits for somebody who takes it */
        bool stopping;                /* nothing begins any more */
        char unusable_node[64];       /* a node that exists and cannot be opened; "": there is none */
        int unusable_error;
};

struct stimulator *ward_find_stimulator(const struct ward *w, const char *node);
struct stimulator *ward_stimulator_by_path(const struct ward *w, const char *path); /* "/": the only one */
/* Is there a session with that card whose last record is not on disk yet? */
bool ward_has_live_session(const struct ward *w, uint64_t card_serial);
/* Is a session in one of these states? IN_STATE(), and the sets in session-table.h. */
bool ward_has_session_in(const struct ward *w, unsigned states);
bool ward_have_all_ended(const struct ward *w);
/* Does that sender own the session at that path? Only sessions that hold a stimulator are looked at. */
bool ward_is_owner(const struct ward *w, const char *path, const char *sender);
/*
 * Refuses q, and returns false, when that subject has a session that has not ended. "" stands for all sessions without
 * a subject.
 */
bool ward_subject_is_free(struct request *q, const struct ward *w, const char *subject);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ward: the stimulators and sessions that there are, and what they all
 * need. Whoever composes the daemon fills it in; it knows nobody above it, and
 * says so to nobody but through settled(), from the loop.
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
        /* What serves them on the bus; their userdata is the object itself. */
        const sd_bus_vtable *stimulator_vtable, *session_vtable;
        /* A session has ended, or a stimulator's recovery: whoever waits for the last one looks. It may not act at once. */
        void (*settled)(void *userdata);
        void *userdata;

        struct stimulator_list stimulators;
        struct session_list sessions; /* those that have ended too, until they are closed */
        unsigned recovering;          /* stimulators whose records of an earlier run are being fetched */
        bool stopping;                /* nothing begins any more */
        char unusable_node[64];       /* one that is there and cannot be opened; "": none */
        int unusable_error;
};

struct stimulator *ward_find_stimulator(const struct ward *w, const char *node);
struct stimulator *ward_stimulator_by_path(const struct ward *w, const char *path); /* "/": the only one */
/* A session of that card that has not got its last record on disk. */
bool ward_has_live_session(const struct ward *w, uint64_t card_serial);
bool ward_have_all_ended(const struct ward *w);
/* Does that sender own the session at that path, of those that hold a stimulator? */
bool ward_is_owner(const struct ward *w, const char *path, const char *sender);
/* Refuses q, and returns false, when that subject ("": none was given) has a session that has not ended. */
bool ward_subject_is_free(struct request *q, const struct ward *w, const char *subject);

#endif

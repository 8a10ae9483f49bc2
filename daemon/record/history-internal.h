/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by history.c (what the log says) and history-day.c (what that amounts to in a day). */
#ifndef TMSD_HISTORY_INTERNAL_H
#define TMSD_HISTORY_INTERNAL_H

#include "courses.h"
#include "history.h"

struct past_card {
        TAILQ_ENTRY(past_card) link;
        uint64_t serial;
        uint64_t odometer; /* what the card's odometer should show at least */
        uint64_t unknown;  /* pulses with an unknown outcome: so many more it may show */
        bool asked;        /* the card itself has shown that odometer; else it follows from the last session's end */
};

TAILQ_HEAD(past_session_list, past_session);

struct history {
        struct past_session_list sessions; /* oldest first */
        TAILQ_HEAD(, past_card) cards;
        TAILQ_HEAD(, past_recovery) recoveries;
        json_t *cuts; /* names of the pieces that were cut off a file, as records give them */
        struct courses courses;
        struct elapsed elapsed;
        bool incomplete; /* there was no memory for a record */
};

/* Keeps of the record session.prepare what a rest needs. -ENOMEM: nothing has changed. */
int history_keep_prepared(struct past_session *s, const json_t *data);
/* Is id that session, or one of those of which it is the rest? */
bool history_is_part(const struct history *h, const char *session, const char *id);

#endif

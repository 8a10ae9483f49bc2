/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the audit log says of the past, as far as the daemon acts on it:
 * sessions that never ended, what each card's odometer should show, and what
 * each subject has had in the last 24 hours. Fed with every record, those of
 * earlier runs at the start and then each one that got on disk.
 */
#ifndef TMSD_HISTORY_H
#define TMSD_HISTORY_H

#include <sys/queue.h>
#include "util.h"

struct past_session {
        TAILQ_ENTRY(past_session) link;
        char *id, *boot, *subject;
        uint64_t card_serial;
        uint64_t odometer;    /* at its start */
        uint64_t delivered;   /* known so far */
        uint64_t last_utc_ns; /* of its last record, up to its end */
        uint32_t prescribed;
        bool ended;
};

struct history;

int history_new(struct history **ret);
struct history *history_free(struct history *h); /* returns NULL, takes NULL */
DEFINE_TRIVIAL_CLEANUP_FUNC(struct history *, history_free)

/* An audit_seen_fn. Records of this run carry utc_ns, those read from the log utc. */
void history_see(const json_t *record, void *history);

/* The newest session with that card, ended or not; NULL if there is none. */
const struct past_session *history_last_session(const struct history *h, uint64_t card_serial);
/* The oldest session that has not ended, whichever card; NULL if there is none. after: the one before, or NULL. */
const struct past_session *history_open_session(const struct history *h, const struct past_session *after);
/* False if the card was never seen. */
bool history_odometer(const struct history *h, uint64_t card_serial, uint64_t *ret);
/*
 * Pulses delivered to that subject in sessions that ended, or had a record and have not ended, in the 24 hours
 * before utc_ns. "" is one subject too.
 */
uint32_t history_pulses_today(const struct history *h, const char *subject, uint64_t utc_ns);

#endif

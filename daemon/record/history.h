/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the audit log says of the past, as far as the daemon acts on it:
 * sessions that never ended, what each card's odometer should show, and what
 * each subject has had in the last 24 hours. Fed with every record, those of
 * earlier runs at the start and then each one that got on disk.
 *
 * What is not known counts as given: pulses of a session that has not ended,
 * those of one whose card could not be asked at its end, or said less than is
 * known to have been given, until its odometer is seen, and those of a time
 * that only a wrong clock puts outside the day. A record that could not be
 * taken in for want of memory makes every day unknown.
 */
#ifndef TMSD_HISTORY_H
#define TMSD_HISTORY_H

#include <sys/queue.h>
#include <tms.h>
#include "elapsed.h"
#include "util.h"

struct past_session {
        TAILQ_ENTRY(past_session) link;
        char *id, *boot, *subject;
        uint64_t card_serial;
        uint64_t odometer;         /* at its start */
        uint64_t records_since_ns; /* of the card's records, see struct tms_info; 0: not known */
        uint64_t delivered;        /* known so far */
        uint64_t discharged;       /* by the card's own count, once it was asked; 0 before */
        struct instant last;       /* of its last record, up to its end */
        uint32_t prescribed;
        bool measuring; /* its pulses measure, and treat nobody */
        bool started;
        bool ended;
        bool unsure; /* it had started, and at its end the card said nothing of use; until its odometer is seen */
};

/* A recovery that has announced that it adds to a pulse file, and has not told what that came to. */
struct past_recovery {
        TAILQ_ENTRY(past_recovery) link;
        char *session;        /* or "outside_..." */
        uint64_t card_serial; /* 0: not known */
};

struct history;

/* max_off_ns: how long the computer is off at most without a notice. */
int history_new(uint64_t max_off_ns, struct history **ret);
struct history *history_free(struct history *h); /* returns NULL, takes NULL */
DEFINE_TRIVIAL_CLEANUP_FUNC(struct history *, history_free)

/*
 * An audit_seen_fn. Records of this run carry utc_ns, those read from the log utc. NULL: there was no memory for
 * a record.
 */
void history_see(const json_t *record, void *history);

/* The newest session with that card, ended or not; NULL if there is none. */
const struct past_session *history_last_session(const struct history *h, uint64_t card_serial);
/* The oldest session that has not ended, whichever card; NULL if there is none. after: the one before, or NULL. */
const struct past_session *history_open_session(const struct history *h, const struct past_session *after);
/*
 * The oldest recovery that was cut off, or is under way, save of a session that has not ended, whose end will tell;
 * NULL if there is none. after: the one before, or NULL.
 */
const struct past_recovery *history_interrupted(const struct history *h, const struct past_recovery *after);
/* False if the card was never seen. */
bool history_odometer(const struct history *h, uint64_t card_serial, uint64_t *ret);
/*
 * What that subject may have had in the 24 hours before now; "" is one subject too. boot: this boot's id. except: a
 * session that is not counted, or NULL. -ENODATA when a record is missing: nothing is known then.
 */
int history_today(const struct history *h, const char *subject, const char *boot, const struct clock_now *now,
                  const char *except, struct tms_today *ret);
/* The time that the records prove, as of now. */
void history_elapsed(const struct history *h, const char *boot, const struct clock_now *now, struct elapsed *ret);

#endif

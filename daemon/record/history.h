/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the audit log says of the past, as far as the daemon acts on it: sessions that never ended, what each card's
 * odometer should show, and what each subject has had in the last 24 hours. It is given every record: those of earlier
 * runs at the start, then each new one when it is on disk.
 *
 * What is not known counts as given: pulses with an unknown outcome, until the card's odometer tells how many of them
 * were given; the prepared pulses of a session that has not ended; those of a session at whose
 * end the card could not be asked, or showed less than is known to have been given, until the card's odometer is seen;
 * and those of a time that only a doubtful clock puts outside the day. If there was no memory for a record, every
 * subject's day is unknown.
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
        char *rest_of; /* the session of which it is the rest; "": of none */
        uint64_t card_serial, coil_serial;
        uint64_t odometer;         /* at its start */
        uint64_t records_since_ns; /* as in struct tms_info: the series of its records; 0: not known */
        uint64_t delivered;        /* pulses that are known to have been delivered */
        uint64_t unknown;          /* pulses whose trigger was given and whose answer never came */
        uint64_t discharged;       /* pulses by the card's own count; 0 until the card was asked */
        struct instant last;       /* when its last record was written; records after its end do not count */
        uint32_t prescribed;
        uint32_t next_pulse; /* how far its timeline was played, as the log says; in the whole, if that was a rest */
        bool has_next_pulse; /* the log says so: one of an older tmsd does not */
        json_t *prepared;    /* of its last session.prepare, what a rest of it needs; NULL: nothing was prepared */
        bool measuring;      /* its pulses measure a threshold and treat nobody */
        bool started;
        bool ended;
        bool unsure;  /* it had started, and no odometer has told yet what it gave */
        bool settled; /* an odometer has told what it gave */
};

/* A recovery that has recorded its intent to add to a pulse file, and not yet what the file then held. */
struct past_recovery {
        TAILQ_ENTRY(past_recovery) link;
        char *session;        /* or "outside_..." */
        uint64_t card_serial; /* 0: not known */
};

struct history;

/* max_off_ns: if the computer was off for longer, that is CLOCK_LONG_OFF. */
int history_new(uint64_t max_off_ns, struct history **ret);
struct history *history_free(struct history *h); /* returns NULL, takes NULL */
DEFINE_TRIVIAL_CLEANUP_FUNC(struct history *, history_free)

/*
 * An audit_seen_fn. Records that this run has written have utc_ns, those that were read from the log have utc. record
 * is NULL when there was no memory for it.
 */
void history_see(const json_t *record, void *history);

/*
 * What the records so far have come to. NULL: there was no memory for that, or for a record. Two histories that were
 * given the same records say the same.
 */
json_t *history_state(const struct history *h);
/*
 * A history that goes on from what history_state() said. -EINVAL: another version of tmsd has said that, or one with
 * another max_off_ns, or it is no such state.
 */
int history_restore(uint64_t max_off_ns, const json_t *state, struct history **ret);

/* The session of that id, if its end may be within a day or it is a card's newest one; NULL: there is none. */
const struct past_session *history_session(const struct history *h, const char *id);
/* The newest session that has started and is the rest of that one; NULL: there is none. */
const struct past_session *history_rest_of(const struct history *h, const char *id);
/*
 * The index of the first pulse of which nothing came, in the whole. Pulses that only the card's odometer tells of, after
 * a power cut, came behind those that are on record.
 */
uint32_t history_next_pulse(const struct past_session *s);
/* So long ago, at least, its last record was written, or its end. boot: this boot's id. */
uint64_t history_since_ns(const struct history *h, const struct past_session *s, const char *boot,
                          const struct clock_now *now);

/* The newest session with that card, whether it has ended or not; NULL if there is none. */
const struct past_session *history_last_session(const struct history *h, uint64_t card_serial);
/* The oldest session that has not ended, on any card, or the one that follows after; NULL if there is none. */
const struct past_session *history_open_session(const struct history *h, const struct past_session *after);
/*
 * The oldest recovery that was cut off or is under way, or the one that follows after; NULL if there is none.
 * Recoveries for a session that has not ended are left out, since the record of its end will tell what they came to.
 */
const struct past_recovery *history_interrupted(const struct history *h, const struct past_recovery *after);
/*
 * What the odometer of that card should show: the first number, or up to *ret_unknown more, since so many pulses have
 * an unknown outcome. False: the card was never seen.
 */
bool history_odometer(const struct history *h, uint64_t card_serial, uint64_t *ret, uint64_t *ret_unknown);
/*
 * A card has shown that odometer. True: it tells how many of the pulses with an unknown outcome were given. False: there
 * are none, or something else has been counted, too, or less, and they still count as given.
 */
static inline bool history_settles(uint64_t expected, uint64_t unknown, uint64_t found)
{
        return unknown > 0 && found >= expected && found - expected <= unknown;
}
/*
 * What that subject may have had in the 24 hours before now. The subject "" stands for all sessions without one. boot:
 * this boot's id. except: a session that is not counted, nor those of which it is the rest; or NULL. -ENODATA: there was no memory for some record, so
 * nothing is known.
 */
int history_today(const struct history *h, const char *subject, const char *boot, const struct clock_now *now,
                  const char *except, struct tms_today *ret);
/* Does a record name that piece, which was cut off a file of the log? */
bool history_names_cut(const struct history *h, const char *name);
/* What the records and now prove about the time. */
void history_elapsed(const struct history *h, const char *boot, const struct clock_now *now, struct elapsed *ret);

#endif

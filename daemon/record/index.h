/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The index: lists and totals of what the audit log says, in a database beside the log, index.sqlite in the state
 * directory. It is derived from the log, is no evidence, and can be deleted at any time. No gate asks it; gates ask the
 * history, which is in memory.
 *
 * A thread of its own keeps it. That thread is told only how many records are durable, and reads them back from the
 * log, whether they were written just now or years ago: what waits for a slow disk of the index is a number, and it
 * holds nobody up. Each batch of records is one transaction, and with it goes the place in the log up to which the
 * index has come. So after a crash the index is behind the log, and catches up.
 *
 * An index that is of another log, ahead of the log, damaged, of another version, or gone is thrown away and made anew
 * from the log. One that cannot be written (no room, no permission) is let be, and tried again a minute later; the
 * journal has one line about it. Treating goes on meanwhile. The index stops growing before it takes room from the log.
 *
 * The first group of functions is for the loop; none of them touches the disk. The second is for any other thread, and
 * may wait for the disk.
 */
#ifndef TMSD_INDEX_H
#define TMSD_INDEX_H

#include "util.h"

#define INDEX_NAME "index.sqlite"

struct index;

struct index_config {
        int state_fd;      /* the state directory; duplicated */
        const char *key0;  /* of the log, as audit_key0() gives it */
        uint64_t records;  /* so many are durable when this is called */
        uint64_t free_min; /* bytes that must stay free on the disk for the log */
};

/* Starts the thread. The log must be open, so that what is in its files is true. */
int index_new(const struct index_config *config, struct index **ret);
/*
 * Ends the thread behind its batch. A thread that a disk holds is left behind, with what it uses, since the process is
 * about to end. Returns NULL, takes NULL.
 */
struct index *index_free(struct index *x);
DEFINE_TRIVIAL_CLEANUP_FUNC(struct index *, index_free)

/* So many records of the log are durable now. x may be NULL. */
void index_durable(struct index *x, uint64_t records);
/* "ok" when all durable records are in it, else a sentence's end that says what it waits for. x may be NULL. */
#define INDEX_STATE_SIZE 640
const char *index_state(struct index *x, char buf[static INDEX_STATE_SIZE]);

/* --- What the index says, for a thread that may wait ---------------------------------------------- */

struct index_session {
        uint64_t seq; /* of its session.create in the log */
        char id[40], subject[65], protocol[64], protocol_sha256[65], verdict[32], reason[32];
        uint64_t card_serial, coil_serial;
        uint64_t created_utc_ns, started_utc_ns, last_utc_ns, ended_utc_ns; /* 0: not yet. last: its last record */
        uint64_t percent_permille, max_permille;
        uint64_t prescribed, trains, delivered, missed, unknown;
        uint64_t odometer;   /* of the card, when the session began */
        uint64_t discharged; /* by the card's odometer; 0 until that is known */
        bool measuring, overridden;
        bool unsure;  /* it has ended, and no odometer has told yet what it gave */
        bool settled; /* an odometer has */
};

struct index_dose {
        uint64_t sessions;
        uint64_t treatment, measuring;                 /* pulses that are known to have been delivered */
        uint64_t unknown;                              /* pulses of both, triggered, that were never answered */
        uint64_t treatment_at_most, measuring_at_most; /* and how many there may have been, as far as anybody knows */
};

struct index_reading {
        uint64_t seq, utc_ns; /* of the record that has it */
        uint64_t odometer;
        char type[32];     /* of that record */
        bool has_expected; /* the log had another number */
        uint64_t expected;
};

struct index_reader;

/*
 * Begins to read; what the reader then gives belongs to one moment, at which all records were in the index that were
 * durable when this was called. Waits for that, two seconds at most. -EAGAIN: the index does not have them yet;
 * index_state() says why. Any other error: it cannot be read.
 */
int index_read(struct index *x, struct index_reader **ret);
struct index_reader *index_reader_free(struct index_reader *r); /* returns NULL, takes NULL */
DEFINE_TRIVIAL_CLEANUP_FUNC(struct index_reader *, index_reader_free)

/* A callback that returns anything but 0 ends the list, and the call returns it. Times are UTC; until is left out. */
typedef int (*index_session_fn)(const struct index_session *session, void *userdata);
typedef int (*index_reading_fn)(const struct index_reading *reading, void *userdata);

/* Oldest first. A subject's code means the same person in each of its spellings; see subject.h. */
int index_sessions_of(struct index_reader *r, const char *subject, index_session_fn found, void *userdata);
/* Those that were created between the two. */
int index_sessions_between(struct index_reader *r, uint64_t from_utc_ns, uint64_t until_utc_ns, index_session_fn found,
                           void *userdata);
/* Of all sessions that were under way at some time between the two. */
int index_dose_of(struct index_reader *r, const char *subject, uint64_t from_utc_ns, uint64_t until_utc_ns,
                  struct index_dose *ret);
/* Each time that the log has what that card's odometer showed, oldest first. */
int index_odometer(struct index_reader *r, uint64_t card_serial, index_reading_fn found, void *userdata);

#endif

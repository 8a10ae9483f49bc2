/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The audit writer: one thread that writes and syncs, with a queue in front of it. Every function here is for the event
 * loop's thread.
 *
 * The loop submits entries and goes on; it never touches the disk. An entry's done() is called on the loop when the
 * entry is on disk or has failed. Entries take effect in the order in which they were submitted, so a caller may submit
 * several and wait for the last.
 *
 * Where the log was read from a checkpoint on, a second thread verifies what is older (audit-older.h). When that does not
 * hold, the log has failed for good, too.
 *
 * After a failed sync, an I/O error, or when the file system has become read-only, nobody knows what is on disk: the
 * log has failed for good. From then on every entry fails, and the failure handler stops treatment. Only a restart,
 * which reads the log again, ends that.
 *
 * Without memory, a descriptor or room nothing was written. The entry fails with its own error and the others go on.
 * But when the entry has no caller who is told (a record that is not refusable), the log has failed for good.
 *
 * A full disk ends sessions before the log fails: the log and each open pulse file reserve room for the records of an
 * end. When the disk has no room to reserve, the handler no_room is called; the records of the end still find the
 * reserved room.
 */
#ifndef TMSD_AUDIT_H
#define TMSD_AUDIT_H

#include <linux/tms.h>
#include <systemd/sd-event.h>

#include "auditlog.h"
#include "errors.h"
#include "pulsefile.h"
#include "util.h"

struct audit;
struct snapshot;

struct audit_result {
        int error; /* 0: on disk. -ENOSPC while audit_failure() is NULL: too little room, and nothing was done */
        struct pulse_totals totals; /* of an entry about a pulse file: what the file holds */
        const char *line;           /* a seal's record */
};

typedef void (*audit_done_fn)(const struct audit_result *result, void *userdata);
/* Called with every record that is on disk: first those of earlier runs, then each new one. */
typedef void (*audit_seen_fn)(const json_t *record, void *userdata);
typedef void (*audit_failed_fn)(const char *sentence, void *userdata);
/* Called when more records are on disk: so many, with those of earlier runs. */
typedef void (*audit_durable_fn)(uint64_t records, void *userdata);
/* sentence is NULL when there is room again. */
typedef void (*audit_no_room_fn)(const char *sentence, void *userdata);

struct audit_config {
        int state_fd;      /* the state directory; borrowed */
        const char *boot;  /* this boot's id */
        uint64_t free_min; /* bytes that must stay free on the disk */
        audit_seen_fn seen;
        /* As in struct auditlog_reading; NULL: seen wants all records of earlier runs. */
        int (*restore)(const json_t *state, void *userdata);
        uint64_t max_off_ns;      /* as for history_new() */
        audit_durable_fn durable; /* may be NULL */
        audit_failed_fn failed;
        audit_no_room_fn no_room;
        void *userdata;
};

/*
 * Opens the log and starts the thread. Blocking, so called before the loop runs. If the log cannot be opened, this
 * succeeds all the same, and the audit has failed from the beginning.
 */
int audit_new(sd_event *event, const struct audit_config *config, struct audit **ret);
struct audit *audit_free(struct audit *a); /* waits until the queue is written; returns NULL, takes NULL */
DEFINE_TRIVIAL_CLEANUP_FUNC(struct audit *, audit_free)

const char *audit_failure(const struct audit *a); /* NULL, or the sentence */
const char *audit_state(const struct audit *a);   /* "ok", or what is wrong */
/* Why nothing can be recorded: opening the log, or reading what is older, failed with that; problem may be NULL. */
#define AUDIT_SENTENCE 1024
void audit_unusable_sentence(int error, const char *problem, char buf[static AUDIT_SENTENCE]);
/* What the error of an entry means, as one clause of a sentence. */
const char *audit_error_text(int error);
/* How a call is refused after that error of its entry: returns the error on the bus, and puts the sentence into buf. */
#define AUDIT_REFUSAL_SIZE 1200
enum error audit_refusal(const struct audit *a, int error, char buf[static AUDIT_REFUSAL_SIZE]);
uint64_t audit_cut(const struct audit *a); /* bytes of an unfinished last line that opening has cut off */
const char *audit_key0(const struct audit *a);
uint64_t audit_records(const struct audit *a);
const char *audit_head(const struct audit *a);

/*
 * The content of a record. A reference to who and to data is taken over. The record is refused if the file begins could
 * not be opened, and that file is removed again unless the record is written. refusable: without memory, a descriptor
 * or room the record is refused; a record that is not refusable makes the log fail then.
 */
struct audit_record {
        const char *type;
        json_t *who;
        const char *on;           /* NULL: "" */
        json_t *data;             /* NULL: there was no memory for it, and the log fails */
        struct pulsefile *pulses; /* the totals of this pulse file are added to data */
        struct pulsefile *begins; /* the file that this record is the first to name */
        uint64_t need_bytes;      /* above 0: without so many bytes and free_min it is refused: -ENOSPC */
        bool refusable;           /* a shortage refuses the record */
};

/*
 * done may be NULL in every call below. -ENOMEM is the only error: nothing was submitted and done is not called. If
 * what could not be submitted must not be lost (a record that is not refusable, an entry for a pulse file), the log has
 * failed as well. The failure handler is called from the loop only, never from within these calls.
 */
int audit_write(struct audit *a, const struct audit_record *record, audit_done_fn done, void *userdata);
int audit_seal(struct audit *a, json_t *who, const char *nonce, audit_done_fn done, void *userdata);
/*
 * Closes the segment of the log that is written, and begins the next; the result's line is the seal between them. reason
 * NULL: only if it is long or old enough (auditlog_should_close()), and there may be no line. It takes as long as a seal
 * and some files more, so not while a session is live.
 */
int audit_close_segment(struct audit *a, json_t *who, const char *reason, audit_done_fn done, void *userdata);
int audit_keep_protocol(struct audit *a, const char *sha256, const char *text, size_t size, audit_done_fn done,
                        void *userdata);
/* Between audit_pulses_open() and the done of audit_pulses_close() only the writer's thread may touch the file. */
int audit_pulses_open(struct audit *a, struct pulsefile *p, bool existing, audit_done_fn done, void *userdata);
int audit_pulses_append(struct audit *a, struct pulsefile *p, const struct tms_event *events, size_t n,
                        audit_done_fn done, void *userdata);
void audit_pulses_close(struct audit *a, struct pulsefile *p); /* needs no memory; frees p at last */
/*
 * Notes what the log and the files beside it are when all entries that were submitted before are done, all of it on disk.
 * Until done is called only the writer's thread may touch s, which is {0}.
 */
int audit_snapshot(struct audit *a, struct snapshot *s, audit_done_fn done, void *userdata);
/* Calls done when all entries that were submitted before are done, and does nothing else. */
int audit_barrier(struct audit *a, audit_done_fn done, void *userdata);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The audit writer: one thread that writes and syncs, a queue before it.
 *
 * The event loop submits and goes on; it never touches the disk. Each entry's
 * done() is called on the loop, once what it submitted is on disk or has
 * failed. Entries take effect in the order of submission, so a caller may
 * submit several at once and wait for the last.
 *
 * A failed sync, an I/O error and a file system that has become read-only are
 * final: what the disk says cannot be believed. From then on every entry fails,
 * and whoever set the failure handler stops treatment. Only a restart, which
 * reads everything again, ends that.
 *
 * Want of memory, of a descriptor or of room is no such failure: nothing was
 * written. The entry fails with its own error, and all others go on; unless
 * nobody would be told (a record that is not refusable), which is final too.
 *
 * A full disk ends sessions before it fails: the log and each open pulse file
 * keep room for the records of an end. When the disk has none to keep, the
 * handler no_room is called, and those records are still written.
 *
 * All functions are for the event loop's thread.
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

struct audit_result {
        int error; /* 0: it is on disk. -ENOSPC with audit_failure() NULL: too little room, nothing done. */
        struct pulse_totals totals; /* entries about a pulse file: what stands in it */
        const char *line;           /* a seal's record */
};

typedef void (*audit_done_fn)(const struct audit_result *result, void *userdata);
/* Sees every record that got on disk, those of earlier runs first. */
typedef void (*audit_seen_fn)(const json_t *record, void *userdata);
typedef void (*audit_failed_fn)(const char *sentence, void *userdata);
/* NULL: there is room again. */
typedef void (*audit_no_room_fn)(const char *sentence, void *userdata);

struct audit_config {
        int state_fd;      /* the state directory; borrowed */
        const char *boot;  /* this boot's id */
        uint64_t free_min; /* bytes that must stay free on the disk */
        audit_seen_fn seen;
        audit_failed_fn failed;
        audit_no_room_fn no_room;
        void *userdata;
};

/*
 * Opens the log (blocking: before the loop runs) and starts the thread. A log
 * that cannot be opened gives an audit in the failed state, not an error.
 */
int audit_new(sd_event *event, const struct audit_config *config, struct audit **ret);
struct audit *audit_free(struct audit *a); /* waits until the queue is written; returns NULL, takes NULL */
DEFINE_TRIVIAL_CLEANUP_FUNC(struct audit *, audit_free)

const char *audit_failure(const struct audit *a); /* NULL, or the sentence */
const char *audit_state(const struct audit *a);   /* "ok", or that sentence, or that there is no room */
/* What an error of an entry means, as one clause. */
const char *audit_error_text(int error);
/* For a refusal after that error of an entry: the error on the bus, and the sentence in buf. */
#define AUDIT_REFUSAL_SIZE 1200
enum error audit_refusal(const struct audit *a, int error, char buf[static AUDIT_REFUSAL_SIZE]);
uint64_t audit_cut(const struct audit *a); /* bytes of a torn last line cut at the start */
const char *audit_key0(const struct audit *a);
uint64_t audit_records(const struct audit *a);
const char *audit_head(const struct audit *a);

/* What a record says. who and data: a reference of each is taken over. */
struct audit_record {
        const char *type;
        json_t *who;
        const char *on; /* NULL: "" */
        json_t *data;   /* NULL: it could not be made, and the log fails rather than have a record that says nothing */
        struct pulsefile *pulses; /* its totals are added to data */
        struct pulsefile *
                        begins; /* refused if that could not be opened; the file is taken back unless this is written */
        uint64_t need_bytes;    /* > 0: refused with -ENOSPC unless that much and free_min are free */
        bool refusable;         /* without memory, a descriptor or room it is refused, and the log is none the worse */
};

/*
 * Every call below may have done NULL. -ENOMEM, the only error, means that nothing was submitted and that done is not
 * called. What must not be lost (a record that is not refusable, what belongs to a pulse file) makes the log fail then.
 * The failure handler is called from the loop only, never from within these calls.
 */
int audit_write(struct audit *a, const struct audit_record *record, audit_done_fn done, void *userdata);
int audit_seal(struct audit *a, json_t *who, const char *nonce, audit_done_fn done, void *userdata);
int audit_keep_protocol(struct audit *a, const char *sha256, const char *text, size_t size, audit_done_fn done,
                        void *userdata);
/* From audit_pulses_open() until done of audit_pulses_close() the file is the writer's alone. */
int audit_pulses_open(struct audit *a, struct pulsefile *p, bool existing, audit_done_fn done, void *userdata);
int audit_pulses_append(struct audit *a, struct pulsefile *p, const struct tms_event *events, size_t n,
                        audit_done_fn done, void *userdata);
void audit_pulses_close(struct audit *a, struct pulsefile *p); /* needs no memory; frees it once all before is done */
/* Does nothing but call done when everything submitted before has been dealt with. */
int audit_barrier(struct audit *a, audit_done_fn done, void *userdata);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One entry of the audit writer's queue. It is made on the loop, queued by audit.c, and carried out by audit-perform.c
 * on the writer's thread.
 */
#ifndef TMSD_AUDIT_ENTRY_H
#define TMSD_AUDIT_ENTRY_H

#include <sys/queue.h>

#include "audit.h"
#include "reserve.h"
#include "snapshot.h"

enum entry_kind {
        ENTRY_RECORD,
        ENTRY_SEAL,
        ENTRY_CLOSE_SEGMENT,
        ENTRY_PROTOCOL,
        ENTRY_PULSES_OPEN,
        ENTRY_PULSES_APPEND,
        ENTRY_PULSES_CLOSE,
        ENTRY_SNAPSHOT,
        ENTRY_BARRIER,
};

struct entry {
        TAILQ_ENTRY(entry) link;
        enum entry_kind kind;
        char *type, *on;
        json_t *who, *data;
        uint64_t utc_ns, mono_ns, boottime_ns;
        bool synchronised;
        struct pulsefile *pulses, *begins;
        bool existing, refusable;
        uint64_t need_bytes;
        char *text; /* the protocol; the nonce of a seal; why a segment is closed; after the last two, the seal's line */
        size_t size;
        struct tms_event *events;
        size_t n_events;
        struct snapshot *snapshot; /* borrowed */
        audit_done_fn done;
        void *userdata;
        struct audit_result result;
        uint64_t seal_seq;  /* of a seal that was written: its record's number and hash */
        char seal_hash[65]; /* "": none was */
};

TAILQ_HEAD(entry_list, entry);

/* NULL: there was no memory. who and data are taken over in that case too. */
struct entry *entry_new(enum entry_kind kind, audit_done_fn done, void *userdata);
struct entry *entry_new_record(const struct audit_record *record, audit_done_fn done, void *userdata);
struct entry *entry_new_seal(json_t *who, const char *nonce, audit_done_fn done, void *userdata);
/* reason NULL: only if the segment should be closed. */
struct entry *entry_new_close(json_t *who, const char *reason, audit_done_fn done, void *userdata);
struct entry *entry_new_protocol(const char *sha256, const char *text, size_t size, audit_done_fn done, void *userdata);
struct entry *entry_new_snapshot(struct snapshot *s, audit_done_fn done, void *userdata);
struct entry *entry_new_append(struct pulsefile *p, const struct tms_event *events, size_t n, audit_done_fn done,
                               void *userdata);
struct entry *entry_free(struct entry *e); /* returns NULL, takes NULL */
DEFINE_TRIVIAL_CLEANUP_FUNC(struct entry *, entry_free)

/* Only the writer's thread touches this, once it runs. */
struct audit_writer {
        struct auditlog *log;
        uint64_t free_min;
        struct reserve reserve;
        char failure[AUDIT_SENTENCE]; /* "": none. Once set it stays: nothing is written any more */
        int failure_error;            /* its negative errno */
        char no_room[AUDIT_SENTENCE]; /* "": the disk had room at the last batch */
        char protocol[65];            /* SHA-256 of the protocol that could not be kept */
        int protocol_error;
};

/*
 * Carries out the entries in order and sets the result of each; then syncs once. An entry's result counts only after
 * that sync.
 */
void audit_perform(struct audit_writer *w, struct entry_list *batch);

#endif

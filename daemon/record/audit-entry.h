/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is submitted: made on the loop, queued by audit.c, done by audit-perform.c on the writer's thread. */
#ifndef TMSD_AUDIT_ENTRY_H
#define TMSD_AUDIT_ENTRY_H

#include <sys/queue.h>

#include "audit.h"

enum entry_kind {
        ENTRY_RECORD,
        ENTRY_SEAL,
        ENTRY_PROTOCOL,
        ENTRY_PULSES_OPEN,
        ENTRY_PULSES_APPEND,
        ENTRY_PULSES_CLOSE,
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
        char *text; /* protocol, nonce, or the sealed line that comes back */
        size_t size;
        struct tms_event *events;
        size_t n_events;
        audit_done_fn done;
        void *userdata;
        struct audit_result result;
};

TAILQ_HEAD(entry_list, entry);

/* NULL without memory. What is taken over (who, data) is so in any case. */
struct entry *entry_new(enum entry_kind kind, audit_done_fn done, void *userdata);
struct entry *entry_new_record(const struct audit_record *record, audit_done_fn done, void *userdata);
struct entry *entry_new_seal(json_t *who, const char *nonce, audit_done_fn done, void *userdata);
struct entry *entry_new_protocol(const char *sha256, const char *text, size_t size, audit_done_fn done, void *userdata);
struct entry *entry_new_append(struct pulsefile *p, const struct tms_event *events, size_t n, audit_done_fn done,
                               void *userdata);
struct entry *entry_free(struct entry *e); /* returns NULL, takes NULL */
DEFINE_TRIVIAL_CLEANUP_FUNC(struct entry *, entry_free)

#define AUDIT_SENTENCE 1024

/* The thread's own, once it runs. */
struct audit_writer {
        struct auditlog *log;
        uint64_t free_min;
        char failure[AUDIT_SENTENCE]; /* "": none; final */
        char no_room[AUDIT_SENTENCE]; /* "": none; as of the last batch */
        char protocol[65];            /* the hash of one that could not be kept */
        int protocol_error;
};

/* Entry by entry, each with its result; believed only after the one sync at the end. */
void audit_perform(struct audit_writer *w, struct entry_list *batch);

#endif

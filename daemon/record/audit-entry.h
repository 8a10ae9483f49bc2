/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between audit.c (the loop's side: queue and callbacks) and audit-perform.c (the writer thread's side). */
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

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The audit writer's queue, for the loop; see audit.h. */
#include <assert.h>

#include "audit-internal.h"

void audit_wake_loop(struct audit *a)
{
        const uint64_t one = 1;

        /* Does not block, and needs no memory: the eventfd's counter is far from its maximum. */
        (void)!write(a->event_fd, &one, sizeof(one));
}

void audit_set_failure(struct audit *a, const char *sentence, int error)
{
        if (*a->failure)
                return;
        (void)snprintf(a->failure, sizeof(a->failure), "%s", sentence);
        log_event(AUDIT_FAILED, FIELDS(field_errno(error)), "%s", a->failure);
        a->tell_failure = true;
        audit_wake_loop(a);
}

static void no_memory(struct audit *a)
{
        audit_set_failure(
                        a,
                        "the audit log cannot be written: no memory; end other programs, then: systemctl restart tmsd",
                        -ENOMEM);
}

static void tell_seen(struct audit *a, const struct entry *e)
{
        _cleanup_(json_decrefp) json_t *record = NULL;

        if (!a->config.seen || e->kind != ENTRY_RECORD)
                return;
        record = json_pack("{s:s, s:I, s:s, s:O}", "boot", a->boot, "utc_ns", (json_int_t)e->utc_ns, "type", e->type,
                           "data", e->data);
        if (record)
                a->config.seen(record, a->config.userdata);
        else
                /* The record got on disk, but the history could not be given it and would count too few pulses. */
                no_memory(a);
}

/* Where the journal is kept on another machine too, the log can be held against the hash of each seal there. */
static void log_seal(const struct entry *e)
{
        if (*e->seal_hash)
                log_event(AUDIT_SEALED,
                          FIELDS(field_number("SEAL_SEQ", e->seal_seq), field_text("SEAL_HASH", e->seal_hash)),
                          "record %llu seals the audit log", (unsigned long long)e->seal_seq);
}

void audit_collect(struct audit *a)
{
        struct entry_list finished = TAILQ_HEAD_INITIALIZER(finished);
        char failure[AUDIT_SENTENCE], no_room[AUDIT_SENTENCE];
        uint64_t before = a->records;
        struct entry *e;
        int error;

        pthread_mutex_lock(&a->lock);
        TAILQ_CONCAT(&finished, &a->finished, link);
        strcpy(failure, *a->done_failure ? a->done_failure : a->older_failure);
        error = *a->done_failure ? a->done_failure_error : a->older_failure_error;
        strcpy(no_room, a->done_no_room);
        a->records = a->done_records;
        strcpy(a->head, a->done_head);
        pthread_mutex_unlock(&a->lock);
        /* The failure handler stops treatment before any caller hears that its entry failed. */
        if (*failure)
                audit_set_failure(a, failure, error);
        if (a->tell_failure) {
                a->tell_failure = false;
                if (a->config.failed)
                        a->config.failed(a->failure, a->config.userdata);
        }
        if (!STREQ(no_room, a->no_room)) {
                strcpy(a->no_room, no_room);
                if (*no_room)
                        log_event(AUDIT_DISK_FULL, NO_FIELDS, "%s", no_room);
                else
                        log_event(AUDIT_DISK_HAS_ROOM, NO_FIELDS, "the disk of the audit log has room again");
                if (a->config.no_room)
                        a->config.no_room(*no_room ? no_room : NULL, a->config.userdata);
        }
        while ((e = TAILQ_FIRST(&finished))) {
                TAILQ_REMOVE(&finished, e, link);
                if (e->result.error == 0) {
                        log_seal(e);
                        tell_seen(a, e);
                }
                if (e->done)
                        e->done(&e->result, e->userdata);
                entry_free(e);
        }
        /* After a failure nobody knows which records are on disk. */
        if (!*failure && a->records > before && a->config.durable)
                a->config.durable(a->records, a->config.userdata);
}

/*
 * Queues e and takes it over. If the log has failed, or there is no thread because it could not be opened, the entry
 * fails; its done() is called from the loop all the same, never from here. Whatever the thread still has to do with a
 * pulse file comes before the entry that closes the file.
 */
static int submit(struct audit *a, struct entry *e)
{
        assert(e);
        pthread_mutex_lock(&a->lock);
        if (a->has_thread && (!*a->failure || e->kind == ENTRY_PULSES_CLOSE || e->kind == ENTRY_BARRIER)) {
                TAILQ_INSERT_TAIL(&a->queue, e, link);
                pthread_cond_signal(&a->wake);
        } else {
                e->result.error = -EIO;
                TAILQ_INSERT_TAIL(&a->finished, e, link);
                audit_wake_loop(a);
        }
        pthread_mutex_unlock(&a->lock);
        return 0;
}

/* The same for an entry that must not be lost. If there was no memory for it, the log has failed. */
static int submit_or_fail(struct audit *a, struct entry *e)
{
        if (e)
                return submit(a, e);
        no_memory(a);
        return -ENOMEM;
}

/* The same for an entry whose caller is told. */
static int submit_refusable(struct audit *a, struct entry *e)
{
        return e ? submit(a, e) : -ENOMEM;
}

int audit_write(struct audit *a, const struct audit_record *record, audit_done_fn done, void *userdata)
{
        struct entry *e = entry_new_record(record, done, userdata);

        return record->refusable ? submit_refusable(a, e) : submit_or_fail(a, e);
}

int audit_seal(struct audit *a, json_t *who, const char *nonce, audit_done_fn done, void *userdata)
{
        return submit_refusable(a, entry_new_seal(who, nonce, done, userdata));
}

int audit_close_segment(struct audit *a, json_t *who, const char *reason, audit_done_fn done, void *userdata)
{
        return submit_refusable(a, entry_new_close(who, reason, done, userdata));
}

int audit_keep_protocol(struct audit *a, const char *sha256, const char *text, size_t size, audit_done_fn done,
                        void *userdata)
{
        return submit_refusable(a, entry_new_protocol(sha256, text, size, done, userdata));
}

int audit_snapshot(struct audit *a, struct snapshot *s, audit_done_fn done, void *userdata)
{
        return submit_refusable(a, entry_new_snapshot(s, done, userdata));
}

int audit_pulses_open(struct audit *a, struct pulsefile *p, bool existing, audit_done_fn done, void *userdata)
{
        struct entry *e = entry_new(ENTRY_PULSES_OPEN, done, userdata);
        struct entry *closer = entry_new(ENTRY_PULSES_CLOSE, NULL, NULL);

        if (!e || !closer) {
                entry_free(e);
                entry_free(closer);
                return submit_or_fail(a, NULL);
        }
        closer->pulses = p;
        TAILQ_INSERT_TAIL(&a->closers, closer, link);
        e->pulses = p;
        e->existing = existing;
        return submit(a, e);
}

int audit_pulses_append(struct audit *a, struct pulsefile *p, const struct tms_event *events, size_t n,
                        audit_done_fn done, void *userdata)
{
        return submit_or_fail(a, entry_new_append(p, events, n, done, userdata));
}

void audit_pulses_close(struct audit *a, struct pulsefile *p)
{
        struct entry *closer;

        TAILQ_FOREACH(closer, &a->closers, link) {
                if (closer->pulses != p)
                        continue;
                TAILQ_REMOVE(&a->closers, closer, link);
                (void)submit(a, closer);
                return;
        }
        /*
         * There was no memory to submit the opening of this pulse file, so the log has failed and the thread has never
         * seen the file.
         */
        assert(*a->failure);
        pulsefile_free(p);
}

int audit_barrier(struct audit *a, audit_done_fn done, void *userdata)
{
        return submit_refusable(a, entry_new(ENTRY_BARRIER, done, userdata));
}

const char *audit_failure(const struct audit *a)
{
        return *a->failure ? a->failure : NULL;
}

const char *audit_state(const struct audit *a)
{
        return *a->failure ? a->failure : *a->no_room ? a->no_room : "ok";
}

uint64_t audit_cut(const struct audit *a)
{
        return a->writer.log ? auditlog_cut(a->writer.log) : 0;
}

const char *audit_key0(const struct audit *a)
{
        return a->key0;
}

uint64_t audit_records(const struct audit *a)
{
        return a->records;
}

const char *audit_head(const struct audit *a)
{
        return a->head;
}

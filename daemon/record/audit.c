/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The audit writer's thread and queue; see audit.h. */
#include <assert.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "audit-entry.h"
#include "thread.h"

#define THREAD_STACK (256 * 1024)
#define RESTART "systemctl restart tmsd"
#define REMEDY                                                          \
        "restore what was lost or changed from a backup, or put audit " \
        "and keys aside together and begin a new log: see THE AUDIT LOG in tmsd(8)"

struct audit {
        /* Only the loop touches these. */
        struct audit_config config;
        sd_event_source *source;
        int event_fd;
        pthread_t thread;
        bool has_thread;
        char failure[AUDIT_SENTENCE]; /* "": none */
        char no_room[AUDIT_SENTENCE]; /* "": the disk had room when the last entry was done */
        bool tell_failure;            /* the failure handler still has to be called, from the loop */
        struct entry_list closers;    /* made at each opening, so that closing needs no memory */
        uint64_t records;
        char head[65], key0[65], boot[40];

        struct audit_writer writer; /* only the thread touches it, once it runs */

        /* The lock covers these. */
        pthread_mutex_t lock;
        pthread_cond_t wake;
        struct entry_list queue, finished;
        bool closing;
        char done_failure[AUDIT_SENTENCE], done_no_room[AUDIT_SENTENCE];
        int done_failure_error;
        uint64_t done_records;
        char done_head[65];
};

/* --- The thread's side -------------------------------------------------------- */

static void *writer(void *userdata)
{
        struct audit *a = userdata;
        struct audit_writer *w = &a->writer;
        struct entry_list batch = TAILQ_HEAD_INITIALIZER(batch);
        const uint64_t one = 1;

        pthread_mutex_lock(&a->lock);
        for (;;) {
                while (TAILQ_EMPTY(&a->queue) && !a->closing)
                        pthread_cond_wait(&a->wake, &a->lock);
                if (TAILQ_EMPTY(&a->queue))
                        break;
                TAILQ_CONCAT(&batch, &a->queue, link);
                pthread_mutex_unlock(&a->lock);
                audit_perform(w, &batch);
                pthread_mutex_lock(&a->lock);
                TAILQ_CONCAT(&a->finished, &batch, link);
                a->done_records = auditlog_records(w->log);
                strcpy(a->done_head, auditlog_head(w->log));
                strcpy(a->done_failure, w->failure);
                a->done_failure_error = w->failure_error;
                strcpy(a->done_no_room, w->no_room);
                /* Does not block: the eventfd's counter is far from its maximum. */
                (void)!write(a->event_fd, &one, sizeof(one));
        }
        pthread_mutex_unlock(&a->lock);
        return NULL;
}

/* --- The loop's side ------------------------------------------------------------ */

static void wake_loop(struct audit *a)
{
        const uint64_t one = 1;

        /* Does not block, and needs no memory: the eventfd's counter is far from its maximum. */
        (void)!write(a->event_fd, &one, sizeof(one));
}

/*
 * Only notes the failure. The handler is called from the loop, since the caller of this function is in the middle of
 * its own work.
 */
static void set_failure(struct audit *a, const char *sentence, int error)
{
        if (*a->failure)
                return;
        (void)snprintf(a->failure, sizeof(a->failure), "%s", sentence);
        log_event(AUDIT_FAILED, FIELDS(field_errno(error)), "%s", a->failure);
        a->tell_failure = true;
        wake_loop(a);
}

static void no_memory(struct audit *a)
{
        set_failure(a, "the audit log cannot be written: no memory; end other programs, then: systemctl restart tmsd",
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

static void collect(struct audit *a)
{
        struct entry_list finished = TAILQ_HEAD_INITIALIZER(finished);
        char failure[AUDIT_SENTENCE], no_room[AUDIT_SENTENCE];
        uint64_t before = a->records;
        struct entry *e;
        int error;

        pthread_mutex_lock(&a->lock);
        TAILQ_CONCAT(&finished, &a->finished, link);
        strcpy(failure, a->done_failure);
        error = a->done_failure_error;
        strcpy(no_room, a->done_no_room);
        a->records = a->done_records;
        strcpy(a->head, a->done_head);
        pthread_mutex_unlock(&a->lock);
        /* The failure handler stops treatment before any caller hears that its entry failed. */
        if (*failure)
                set_failure(a, failure, error);
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

static int on_finished(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        uint64_t count;

        (void)!read(fd, &count, sizeof(count));
        collect(userdata);
        return 0;
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
                wake_loop(a);
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

/* --- Life ------------------------------------------------------------------------ */

static int found_record(const json_t *record, void *userdata)
{
        struct audit *a = userdata;

        if (a->config.seen)
                a->config.seen(record, a->config.userdata);
        return 0;
}

static int start_thread(struct audit *a)
{
        int r = thread_start(&a->thread, "audit-writer", THREAD_STACK, writer, a);

        a->has_thread = r >= 0;
        return r;
}

static int open_log(struct audit *a)
{
        _cleanup_(freep) char *found = NULL;
        char sentence[sizeof(a->failure)];
        int r;

        r = auditlog_open(a->config.state_fd, a->config.boot, found_record, a, &a->writer.log, &found);
        if (r >= 0) {
                a->records = auditlog_records(a->writer.log);
                strcpy(a->head, auditlog_head(a->writer.log));
                strcpy(a->key0, auditlog_key0(a->writer.log));
                return 0;
        }
        if (found && r == -EBADMSG)
                (void)snprintf(sentence, sizeof(sentence), "the audit log does not hold: %s; " REMEDY, found);
        else
                (void)snprintf(sentence, sizeof(sentence), "the audit log cannot be opened: %s%s",
                               r == -EBUSY ? "another process writes it; end it (fuser -v /var/lib/tmsd/audit)"
                               : found     ? found
                                           : audit_error_text(r),
                               found && strstr(found, RESTART) ? "" /* it names its own remedy */
                               : r == -EBUSY                   ? ", then: " RESTART
                                                               : "; mend that, then: " RESTART);
        set_failure(a, sentence, r);
        return -EIO;
}

int audit_new(sd_event *event, const struct audit_config *config, struct audit **ret)
{
        _cleanup_(audit_freep) struct audit *a = NULL;
        int r;

        a = calloc(1, sizeof(*a));
        if (!a)
                return -ENOMEM;
        a->config = *config;
        a->writer.free_min = config->free_min;
        a->writer.reserve.dir_fd = config->state_fd;
        a->event_fd = -1;
        TAILQ_INIT(&a->queue);
        TAILQ_INIT(&a->finished);
        TAILQ_INIT(&a->closers);
        pthread_mutex_init(&a->lock, NULL);
        pthread_cond_init(&a->wake, NULL);
        (void)snprintf(a->boot, sizeof(a->boot), "%s", config->boot);
        a->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (a->event_fd < 0)
                return -errno;
        r = sd_event_add_io(event, &a->source, a->event_fd, EPOLLIN, on_finished, a);
        if (r < 0)
                return r;
        (void)sd_event_source_set_description(a->source, "audit-finished");
        if (open_log(a) >= 0) {
                /* On a full disk there is none, and nothing may start; each batch looks again. */
                (void)reserve_take(&a->writer.reserve);
                r = start_thread(a);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(a);
        return 0;
}

struct audit *audit_free(struct audit *a)
{
        struct entry *e;

        if (!a)
                return NULL;
        if (a->has_thread) {
                pthread_mutex_lock(&a->lock);
                a->closing = true;
                pthread_cond_signal(&a->wake);
                pthread_mutex_unlock(&a->lock);
                pthread_join(a->thread, NULL);
                a->has_thread = false;
        }
        /* A callback may submit another entry. That entry fails, and its callback is called in the next round. */
        do
                collect(a);
        while (!TAILQ_EMPTY(&a->finished));
        while ((e = TAILQ_FIRST(&a->closers))) {
                TAILQ_REMOVE(&a->closers, e, link);
                entry_free(e);
        }
        sd_event_source_disable_unref(a->source);
        safe_close(a->event_fd);
        auditlog_free(a->writer.log);
        pthread_mutex_destroy(&a->lock);
        pthread_cond_destroy(&a->wake);
        free(a);
        return NULL;
}

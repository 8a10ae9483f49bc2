/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The thread that keeps the index; see index.h. */
#include <fcntl.h>
#include <inttypes.h>
#include <sys/statvfs.h>

#include "index-internal.h"
#include "keys.h"
#include "thread.h"

#define THREAD_STACK (256 * 1024)
/* Records of one transaction: one takes some milliseconds, and a stop of the daemon waits for one. */
#define BATCH 4096
/* Free on the disk beside what the log wants: more than a batch takes. */
#define ROOM (4 * 1024 * 1024)
/* Records of one moment become one transaction, which also keeps out of the way of what they are about. */
#define GATHER_NS (200 * NS_PER_MS)
/* So often it is looked whether its files are still there, when there are no new records. */
#define LOOK_NS (10 * NS_PER_S)
/* One that cannot be used is tried again after so long, and it is not thrown away more often. */
#define RETRY_NS (60 * NS_PER_S)
/* Its disk has not answered for so long: it counts as one that cannot be used. */
#define STALLED_NS (10 * NS_PER_S)
/* When the daemon ends, the thread gets so long. */
#define JOIN_NS (3 * NS_PER_S)

static struct timespec timespec_of(uint64_t ns)
{
        return (struct timespec){.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};
}

bool index_wait(struct index *x, pthread_cond_t *condition, uint64_t deadline_ns)
{
        struct timespec t = timespec_of(deadline_ns);

        return pthread_cond_timedwait(condition, &x->lock, &t) != ETIMEDOUT;
}

/* --- Batches -------------------------------------------------------------------------- */

struct batch {
        struct index *x;
        uint64_t until;
        unsigned left;
        struct tms_audit_place at; /* of its last record */
        bool refused;              /* the store has, and says why */
};

static int on_record(const struct tms_audit_record *record, void *userdata)
{
        struct batch *b = userdata;
        int r;

        r = index_apply(&b->x->apply, record);
        if (r < 0) {
                b->refused = true;
                return r;
        }
        if (--b->left > 0 && tms_audit_record_seq(record) + 1 < b->until)
                return 0;
        r = tms_audit_record_place(record, &b->at);
        return r < 0 ? r : 1;
}

/* Reads a batch of records into the transaction; with none to read, only looks whether the log is still that one. */
static int read_batch(struct batch *b)
{
        struct index_store *s = &b->x->store;
        struct tms_error error = {0};
        int r;

        r = tms_audit_read_on(b->x->dir_fd, s->records > 0 ? &s->at : NULL, b->until, on_record, b, &error);
        if (r < 0 && !b->refused)
                (void)tms_error_format(&error, s->why, sizeof(s->why));
        return r;
}

static int add_batch(struct index *x, uint64_t until)
{
        struct batch b = {.x = x, .until = until, .left = BATCH};
        int r;

        r = index_begin(&x->store);
        if (r >= 0)
                r = read_batch(&b);
        if (r >= 0)
                r = index_apply_flush(&x->apply);
        if (r >= 0)
                r = index_commit(&x->store, &b.at);
        if (r < 0) {
                index_apply_forget(&x->apply);
                index_rollback(&x->store);
        }
        return r;
}

/* What the index takes must not be missing when the log needs it: a full disk would end sessions. */
static int check_room(struct index *x)
{
        struct statvfs v;

        if (fstatvfs(x->state_fd, &v) < 0) {
                int r = -errno;

                (void)snprintf(x->store.why, sizeof(x->store.why), "its disk cannot be looked at: %s", strerror(-r));
                return r;
        }
        if ((uint64_t)v.f_bavail * v.f_frsize >= x->free_min + ROOM)
                return 0;
        (void)snprintf(x->store.why, sizeof(x->store.why), "the disk has too little room for it beside the log");
        return -ENOSPC;
}

/* Tells the readers and the loop how far it has come. Returns whether to go on. */
static bool tell_progress(struct index *x)
{
        bool closing;

        pthread_mutex_lock(&x->lock);
        x->records = x->store.records;
        x->busy_ns = now_ns(CLOCK_MONOTONIC);
        closing = x->closing;
        pthread_mutex_unlock(&x->lock);
        return !closing;
}

/* --- One look ------------------------------------------------------------------------- */

static int open_index(struct index *x, uint64_t durable)
{
        struct batch look = {.x = x, .until = 0};
        bool made = false;
        int r;

        r = index_store_open(&x->store, &made);
        if (r < 0)
                return r;
        if (made)
                log_info("the index is made from the audit log, which has %" PRIu64 " records", durable);
        if (x->store.records > durable) {
                (void)snprintf(x->store.why, sizeof(x->store.why), "it is ahead of the log");
                return -ESTALE;
        }
        return x->store.records > 0 ? read_batch(&look) : 0;
}

static int keep_up(struct index *x, uint64_t durable)
{
        int r;

        if (x->suspect) {
                x->suspect = false;
                (void)snprintf(x->store.why, sizeof(x->store.why), "it could not be read or written before");
                return -ESTALE;
        }
        r = x->store.db ? index_store_look(&x->store) : check_room(x);
        if (r >= 0 && !x->store.db)
                r = open_index(x, durable);
        while (r >= 0 && tell_progress(x) && x->store.records < durable) {
                r = check_room(x);
                if (r >= 0)
                        r = add_batch(x, durable);
        }
        return r;
}

/* -EAGAIN: that was so a moment ago as well, so that it would go on and on. */
static int throw_away(struct index *x)
{
        const uint64_t now = now_ns(CLOCK_MONOTONIC), before = x->discarded_ns;

        index_apply_forget(&x->apply);
        if (before != 0 && now - before < RETRY_NS) {
                index_store_close(&x->store);
                return -EAGAIN;
        }
        x->discarded_ns = now;
        log_event(INDEX_THROWN_AWAY, NO_FIELDS, "the index is thrown away and made anew from the audit log: %s",
                  x->store.why);
        return index_store_discard(&x->store);
}

static int look(struct index *x, uint64_t durable)
{
        int r;

        for (;;) {
                r = keep_up(x, durable);
                if (r != -ESTALE)
                        break;
                r = throw_away(x);
                if (r < 0)
                        break;
        }
        /* Where the disk has a bad place, another file will do. */
        x->suspect = r == -EIO;
        if (r < 0)
                index_store_close(&x->store);
        return r;
}

/* --- The thread ----------------------------------------------------------------------- */

/* Says what has come of a look; returns with the lock held. The journal is written to without it, as that may wait too. */
static void settle(struct index *x, int r, uint64_t asked)
{
        bool told;

        pthread_mutex_lock(&x->lock);
        told = x->told;
        x->told = r < 0;
        pthread_mutex_unlock(&x->lock);
        if (r < 0 && !told)
                log_event(INDEX_UNUSABLE, FIELDS(field_errno(r)),
                          "the index cannot be used, and treating goes on without it: %s", x->store.why);
        else if (r >= 0 && told)
                log_event(INDEX_USABLE, NO_FIELDS, "the index can be used again");
        pthread_mutex_lock(&x->lock);
        x->busy_ns = 0;
        x->answered = asked;
        x->records = x->store.records;
        x->condition = r < 0 ? INDEX_UNUSABLE : x->records < x->durable ? INDEX_MAKING : INDEX_OK;
        (void)snprintf(x->why, sizeof(x->why), "%s", r < 0 ? x->store.why : "");
        pthread_cond_broadcast(&x->moved);
}

/* Waits, with the lock held, until there is something to do. */
static void wait_for_work(struct index *x, uint64_t seen)
{
        const bool unusable = x->condition == INDEX_UNUSABLE;
        const uint64_t deadline = now_ns(CLOCK_MONOTONIC) + (unusable ? RETRY_NS : LOOK_NS);
        uint64_t gathered;

        while (!x->closing && (unusable || (x->durable == seen && x->asked == x->answered)) &&
               index_wait(x, &x->wake, deadline))
                ;
        gathered = now_ns(CLOCK_MONOTONIC) + GATHER_NS;
        while (!x->closing && x->asked == x->answered && x->durable != seen && index_wait(x, &x->wake, gathered))
                ;
}

static void dispose(struct index *x)
{
        safe_close(x->state_fd);
        safe_close(x->dir_fd);
        pthread_cond_destroy(&x->moved);
        pthread_cond_destroy(&x->wake);
        pthread_mutex_destroy(&x->lock);
        free(x);
}

static void *keeper(void *userdata)
{
        struct index *x = userdata;
        bool left;

        pthread_mutex_lock(&x->lock);
        while (!x->closing) {
                const uint64_t durable = x->durable, asked = x->asked;
                int r;

                x->busy_ns = now_ns(CLOCK_MONOTONIC);
                pthread_mutex_unlock(&x->lock);
                r = look(x, durable);
                settle(x, r, asked);
                wait_for_work(x, durable);
        }
        pthread_mutex_unlock(&x->lock);
        index_store_close(&x->store);
        pthread_mutex_lock(&x->lock);
        x->closed = true;
        left = x->left;
        pthread_mutex_unlock(&x->lock);
        if (left)
                dispose(x);
        return NULL;
}

/* --- The loop's side ------------------------------------------------------------------ */

void index_durable(struct index *x, uint64_t records)
{
        bool stalled;

        if (!x)
                return;
        pthread_mutex_lock(&x->lock);
        x->durable = records;
        pthread_cond_signal(&x->wake);
        stalled = !x->told && x->busy_ns != 0 && now_ns(CLOCK_MONOTONIC) - x->busy_ns > STALLED_NS;
        if (stalled)
                x->told = true;
        pthread_mutex_unlock(&x->lock);
        if (stalled)
                log_event(INDEX_UNUSABLE, NO_FIELDS,
                          "the index cannot be used, and treating goes on without it: its disk does not answer");
}

const char *index_state(struct index *x, char buf[static INDEX_STATE_SIZE])
{
        if (!x) {
                (void)snprintf(buf, INDEX_STATE_SIZE,
                               "cannot be used: the audit log has failed, or there was no memory when tmsd began; "
                               "mend that, then: systemctl restart tmsd");
                return buf;
        }
        pthread_mutex_lock(&x->lock);
        if (x->busy_ns != 0 && now_ns(CLOCK_MONOTONIC) - x->busy_ns > STALLED_NS)
                (void)snprintf(buf, INDEX_STATE_SIZE, "cannot be used: its disk does not answer");
        else if (x->condition == INDEX_UNUSABLE)
                (void)snprintf(buf, INDEX_STATE_SIZE, "cannot be used: %s; it is tried again within a minute", x->why);
        else if (x->records < x->durable)
                (void)snprintf(buf, INDEX_STATE_SIZE, "is being made: it has %" PRIu64 " of %" PRIu64 " records",
                               x->records, x->durable);
        else
                (void)snprintf(buf, INDEX_STATE_SIZE, "ok");
        pthread_mutex_unlock(&x->lock);
        return buf;
}

/* --- Life ----------------------------------------------------------------------------- */

static int open_dirs(struct index *x, int state_fd)
{
        x->state_fd = fcntl(state_fd, F_DUPFD_CLOEXEC, 0);
        if (x->state_fd < 0)
                return -errno;
        x->dir_fd = openat(state_fd, "audit", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        return x->dir_fd < 0 ? -errno : 0;
}

static void init_locks(struct index *x)
{
        pthread_condattr_t monotonic;

        (void)pthread_condattr_init(&monotonic);
        (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
        pthread_mutex_init(&x->lock, NULL);
        pthread_cond_init(&x->wake, &monotonic);
        pthread_cond_init(&x->moved, &monotonic);
        pthread_condattr_destroy(&monotonic);
}

int index_new(const struct index_config *config, struct index **ret)
{
        struct index *x = calloc(1, sizeof(*x));
        int r;

        if (!x)
                return -ENOMEM;
        x->state_fd = x->dir_fd = -1;
        init_locks(x);
        x->durable = config->records;
        x->free_min = config->free_min;
        r = key_fingerprint(config->key0, x->origin);
        if (r >= 0)
                r = open_dirs(x, config->state_fd);
        if (r >= 0) {
                x->store.state_fd = x->state_fd;
                strcpy(x->store.origin, x->origin);
                x->apply.store = &x->store;
                r = thread_start(&x->thread, "index", THREAD_STACK, keeper, x);
        }
        if (r < 0) {
                dispose(x);
                return r;
        }
        *ret = x;
        return 0;
}

struct index *index_free(struct index *x)
{
        struct timespec deadline;
        bool left;

        if (!x)
                return NULL;
        pthread_mutex_lock(&x->lock);
        x->closing = true;
        pthread_cond_signal(&x->wake);
        pthread_cond_broadcast(&x->moved);
        pthread_mutex_unlock(&x->lock);
        deadline = timespec_of(now_ns(CLOCK_MONOTONIC) + JOIN_NS);
        if (pthread_clockjoin_np(x->thread, NULL, CLOCK_MONOTONIC, &deadline) == 0) {
                dispose(x);
                return NULL;
        }
        pthread_mutex_lock(&x->lock);
        left = x->left = !x->closed;
        if (left)
                (void)pthread_detach(x->thread);
        pthread_mutex_unlock(&x->lock);
        /* From here on x belongs to the thread. */
        if (left) {
                log_notice("the index is left as it is: its disk does not answer");
                return NULL;
        }
        (void)pthread_join(x->thread, NULL);
        dispose(x);
        return NULL;
}

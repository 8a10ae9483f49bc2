/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is older than a checkpoint; see audit-older.h. */
#include <assert.h>
#include <audit/position.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/sha.h>
#include <tms.h>

#include "audit-older.h"
#include "base/directory.h"
#include "history.h"
#include "jsonline.h"
#include "thread.h"

#define PACE 64                    /* records or files between two looks at the time */
#define REST 3                     /* so many times as long as it has worked the thread pauses */
#define AGAIN_NS (60 * NS_PER_S)   /* when there was no memory or no descriptor */
#define THREAD_STACK (1024 * 1024) /* the library's reader keeps a directory's path and a record's members on it */

struct audit_older {
        struct audit_older_config config;
        uint64_t records; /* before the checkpoint's seal */
        char seal_sha256[65];
        char *state;
        int dir_fd;
        pthread_t thread;

        /* Only the thread touches these. */
        struct history *history; /* of this reading; NULL behind the checkpoint */
        bool whole;              /* this reading began with record 0 */
        bool reached;            /* this reading has seen the checkpoint's seal */
        char differs[128];       /* "": what was seen so far is what the checkpoint says */
        unsigned steps;
        uint64_t worked_ns; /* by the thread's own clock, when it last paused */

        /* The lock covers these. */
        pthread_mutex_t lock;
        pthread_cond_t wake;
        bool closing;
};

/* --- Pausing ---------------------------------------------------------------------- */

/* False: the thread is to end. */
static bool pause_for(struct audit_older *o, uint64_t ns)
{
        uint64_t until_ns = now_ns(CLOCK_MONOTONIC) + ns;
        struct timespec until = {.tv_sec = (time_t)(until_ns / NS_PER_S), .tv_nsec = (long)(until_ns % NS_PER_S)};
        bool closing;

        pthread_mutex_lock(&o->lock);
        while (!o->closing && pthread_cond_timedwait(&o->wake, &o->lock, &until) == 0)
                ;
        closing = o->closing;
        pthread_mutex_unlock(&o->lock);
        return !closing;
}

static bool go_on(struct audit_older *o)
{
        uint64_t worked_ns = now_ns(CLOCK_THREAD_CPUTIME_ID), before = o->worked_ns;

        if (++o->steps % PACE != 0)
                return true;
        o->worked_ns = worked_ns;
        return pause_for(o, (worked_ns - before) * REST);
}

/* --- Reading ---------------------------------------------------------------------- */

/* An error that may be gone when it is tried again. */
static bool is_passing(int r)
{
        return r == -ENOMEM || r == -EMFILE || r == -ENFILE;
}

static int forget_file(int dir_fd, const char *name)
{
        _cleanup_(closep) int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);

        if (fd < 0)
                return -errno;
        (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
        return 0;
}

/*
 * Lets memory forget the pulse files, so that what is read is what the disk has. What was written and is not on the disk
 * yet stays; the writer syncs that.
 *
 * A file that this thread cannot open, the library's reader cannot open either. Want of memory or of a descriptor is the
 * exception: it may pass before the reader comes, and the reader would read the file from memory. So such an error is
 * returned, and nothing is read. -ECANCELED: the thread is to end.
 */
static int forget_pulses(struct audit_older *o)
{
        _cleanup_(closedirp) DIR *d = NULL;
        const struct dirent *entry;
        int r;

        r = directory_open(o->dir_fd, "pulses", &d);
        if (r < 0)
                return is_passing(r) ? r : 0;
        while (r >= 0 && (errno = 0, entry = readdir(d))) {
                if (entry->d_name[0] == '.')
                        continue;
                r = forget_file(dirfd(d), entry->d_name);
                if (!is_passing(r))
                        r = go_on(o) ? 0 : -ECANCELED;
        }
        /* A list that ends with an error may lack names. */
        return r >= 0 && errno ? -errno : r;
}

static int begin(struct audit_older *o, const json_t *record)
{
        o->whole = json_get_u64(record, "seq") == 0;
        o->reached = false;
        o->differs[0] = '\0';
        o->history = history_free(o->history);
        return history_new(o->config.max_off_ns, &o->history);
}

/* The line is the one that was taken for the seal, and what is before it comes to the state that the checkpoint has. */
static int compare(struct audit_older *o, const char *json, size_t size)
{
        _cleanup_(json_decrefp) json_t *state = history_state(o->history);
        _cleanup_(freep) char *told = NULL;
        unsigned char digest[SHA256_DIGEST_LENGTH];
        char hash[65];

        o->reached = true;
        if (!state || json_line(state, &told) < 0 || !SHA256((const unsigned char *)json, size, digest))
                return -ENOMEM;
        hex_encode(digest, sizeof(digest), hash);
        if (!STREQ(hash, o->seal_sha256))
                (void)snprintf(o->differs, sizeof(o->differs), "record %" PRIu64 " was another one a moment ago",
                               o->records);
        /* A log whose beginning was moved out does not say what came before. */
        else if (o->whole && !STREQ(told, o->state))
                (void)snprintf(o->differs, sizeof(o->differs),
                               "checkpoints/%" PRIu64 ".json has another state than the records before it come to",
                               o->records);
        o->history = history_free(o->history);
        return 0;
}

static int on_record(uint64_t line, const char *json, size_t size, void *userdata)
{
        _cleanup_(json_decrefp) json_t *record = NULL;
        struct audit_older *o = userdata;
        int r = 0;

        if (!go_on(o))
                return -ECANCELED;
        if (line > 1 && !o->history)
                return 0;
        record = json_loadb(json, size, 0, NULL);
        if (!record)
                return -ENOMEM;
        if (line == 1)
                r = begin(o, record);
        if (r < 0)
                return r;
        if (json_get_u64(record, "seq") == o->records)
                return compare(o, json, size);
        history_see(record, o->history);
        return 0;
}

static void tell(struct audit_older *o, int error, const char *problem)
{
        o->config.failed(error, problem, o->config.userdata);
}

/* False: it is to be tried again. */
static bool verify(struct audit_older *o)
{
        struct tms_audit_report report;
        struct tms_error error = {0};
        char sentence[700];
        int r;

        r = forget_pulses(o);
        if (r < 0)
                (void)snprintf(error.message, sizeof(error.message), "audit/pulses cannot be listed: %s", strerror(-r));
        else
                r = tms_audit_read_live(o->dir_fd, on_record, o, &report, &error);
        if (r == -ECANCELED)
                return true;
        if (is_passing(r))
                return false;
        if (r < 0)
                tell(o, r, tms_error_format(&error, sentence, sizeof(sentence)));
        else if (report.result != TMS_AUDIT_PREFIX && report.result != TMS_AUDIT_TORN)
                tell(o, -EBADMSG, report.sentence);
        else if (*o->differs || !o->reached)
                tell(o, -EBADMSG, *o->differs ? o->differs : "the seal of its last checkpoint is gone");
        return true;
}

static void *run(void *userdata)
{
        struct audit_older *o = userdata;

        o->worked_ns = now_ns(CLOCK_THREAD_CPUTIME_ID);
        while (!verify(o) && pause_for(o, AGAIN_NS))
                ;
        return NULL;
}

/* --- Life ------------------------------------------------------------------------- */

static void destroy(struct audit_older *o)
{
        history_free(o->history);
        safe_close(o->dir_fd);
        free(o->state);
        pthread_mutex_destroy(&o->lock);
        pthread_cond_destroy(&o->wake);
        free(o);
}

int audit_older_new(const struct audit_older_config *config, struct audit_older **ret)
{
        struct audit_older *o = calloc(1, sizeof(*o));
        pthread_condattr_t attr;
        int r;

        assert(config->failed);
        if (!o)
                return -ENOMEM;
        o->config = *config;
        o->config.from = NULL;
        o->records = config->from->at.records;
        strcpy(o->seal_sha256, config->from->seal_sha256);
        pthread_mutex_init(&o->lock, NULL);
        pthread_condattr_init(&attr);
        (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        pthread_cond_init(&o->wake, &attr);
        pthread_condattr_destroy(&attr);
        o->state = strndup(config->from->state, config->from->state_size);
        o->dir_fd = fcntl(config->dir_fd, F_DUPFD_CLOEXEC, 0);
        r = !o->state       ? -ENOMEM
            : o->dir_fd < 0 ? -errno
                            : thread_start(&o->thread, "audit-older", THREAD_STACK, run, o);
        if (r < 0) {
                destroy(o);
                return r;
        }
        *ret = o;
        return 0;
}

struct audit_older *audit_older_free(struct audit_older *o)
{
        if (!o)
                return NULL;
        pthread_mutex_lock(&o->lock);
        o->closing = true;
        pthread_cond_signal(&o->wake);
        pthread_mutex_unlock(&o->lock);
        pthread_join(o->thread, NULL);
        destroy(o);
        return NULL;
}

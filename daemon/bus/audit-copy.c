/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Manager.OpenAudit; see audit-copy.h. A copy's steps, each of which begins the next:
 *
 *  1. A thread reads the directories, so that the kernel has in memory what is asked for in step 2.
 *  2. The audit writer notes names and sizes between two batches: the moment of the copy.
 *  3. The record audit.read is on disk.
 *  4. The caller has the read end of a pipe, and a thread writes the archive into it until the reader has all, has left,
 *     or takes nothing for a minute.
 *
 * Only the copy's own thread waits for the reader. Records wait while the audit writer is in step 2; a Stop does not wait
 * for the audit writer.
 */
#include <fcntl.h>
#include <sys/queue.h>
#include <unistd.h>

#include "audit-copy.h"
#include "job.h"
#include "recorder.h"
#include "request.h"
#include "snapshot.h"

/* Copies that are open at once: each has a thread, and a list of the log's files. */
#define COPIES_MAX 3
#define COPIES_PER_USER 1
/* A reader who takes nothing for so long is let go. */
#define STALLED_NS (60 * NS_PER_S)

struct copy {
        TAILQ_ENTRY(copy) link;
        struct audit_copies *copies; /* for the loop */
        struct request *q;           /* NULL: it has been answered */
        uid_t uid;
        struct snapshot snapshot;
        int dir_fd, out; /* audit/; the pipe's write end, -1: not made yet */
        int error;       /* of the thread */
};

struct audit_copies {
        sd_event *event;
        struct recorder *recorder;
        TAILQ_HEAD(, copy) list;
};

static void copy_end(struct copy *c)
{
        TAILQ_REMOVE(&c->copies->list, c, link);
        snapshot_clear(&c->snapshot);
        safe_close(c->dir_fd);
        safe_close(c->out);
        free(c);
}

static void copy_refuse(struct copy *c, int error)
{
        request_refuse(c->q,
                       c->copies->recorder->audit && audit_failure(c->copies->recorder->audit) ? ERROR_AUDIT_FAILED
                                                                                               : ERROR_FAILED,
                       "The audit log cannot be copied now: %s. Try again in a moment; if that does not help: tmsctl "
                       "status.",
                       audit_error_text(error));
        copy_end(c);
}

/* --- 4. The archive --------------------------------------------------------------------------- */

/* On a thread. When the write end is closed the reader sees the end of what there is. */
static void stream_run(void *userdata)
{
        struct copy *c = userdata;

        c->error = snapshot_write(&c->snapshot, c->dir_fd, c->out, (int)(STALLED_NS / NS_PER_MS));
        c->out = safe_close(c->out);
}

static void stream_done(void *userdata)
{
        struct copy *c = userdata;

        /* EPIPE: the reader has closed his end, which is no failure. */
        if (c->error < 0 && c->error != -EPIPE)
                log_notice("a copy of the audit log for user %u was not finished: %s", (unsigned)c->uid,
                           c->error == -ETIMEDOUT ? "it was not read for a minute" : audit_error_text(c->error));
        copy_end(c);
}

static int make_pipe(int ret[static 2])
{
        int flags;

        if (pipe2(ret, O_CLOEXEC | O_NONBLOCK) < 0)
                return -errno;
        /* The read end blocks, so that programs read it as they read a file. */
        flags = fcntl(ret[0], F_GETFL);
        if (flags >= 0 && fcntl(ret[0], F_SETFL, flags & ~O_NONBLOCK) >= 0)
                return 0;
        flags = -errno;
        safe_close(ret[0]);
        safe_close(ret[1]);
        return flags;
}

/* The message duplicates fd, which still belongs to the caller. */
static void answer(struct copy *c, int fd)
{
        sd_bus_message *reply = NULL;

        if (sd_bus_message_new_method_return(request_message(c->q), &reply) >= 0 &&
            sd_bus_message_append(reply, "h", fd) < 0)
                reply = sd_bus_message_unref(reply);
        request_reply_message(c->q, reply);
        sd_bus_message_unref(reply);
        c->q = NULL;
}

static void on_recorded(const struct audit_result *result, void *userdata)
{
        struct copy *c = userdata;
        int ends[2], r = result->error;

        if (r >= 0)
                r = make_pipe(ends);
        if (r < 0) {
                copy_refuse(c, r);
                return;
        }
        c->out = ends[1];
        r = job_start(c->copies->event, stream_run, stream_done, c);
        if (r < 0)
                copy_refuse(c, r);
        else
                answer(c, ends[0]);
        safe_close(ends[0]);
}

/* --- 3. and 2. ---------------------------------------------------------------------------------- */

static void on_taken(const struct audit_result *result, void *userdata)
{
        struct copy *c = userdata;
        int r = result->error;

        if (r >= 0)
                r = audit_write(c->copies->recorder->audit,
                                &(struct audit_record){
                                                .type = "audit.read",
                                                .who = request_who(c->q),
                                                .on = MANAGER_PATH,
                                                .data = json_pack("{s:I, s:I, s:I}", "records",
                                                                  (json_int_t)c->snapshot.records, "files",
                                                                  (json_int_t)c->snapshot.files, "bytes",
                                                                  (json_int_t)c->snapshot.bytes),
                                                .refusable = true,
                                },
                                on_recorded, c);
        if (r < 0)
                copy_refuse(c, r);
}

/* --- 1. ------------------------------------------------------------------------------------------- */

static void look_run(void *userdata)
{
        struct copy *c = userdata;

        c->error = snapshot_take(&c->snapshot, c->dir_fd);
}

static void look_done(void *userdata)
{
        struct copy *c = userdata;
        int r = c->error;

        snapshot_clear(&c->snapshot);
        if (r >= 0)
                r = audit_snapshot(c->copies->recorder->audit, &c->snapshot, on_taken, c);
        if (r < 0)
                copy_refuse(c, r);
}

void audit_copies_open(struct audit_copies *copies, struct request *q)
{
        struct audit *audit = copies->recorder->audit;
        unsigned all = 0, own = 0;
        struct copy *c;
        uid_t uid;
        int r;

        if (audit_failure(audit)) {
                request_refuse(q, ERROR_AUDIT_FAILED,
                               "Nobody is given what cannot be recorded: %s. Root may copy the log's directory: tmsctl "
                               "audit export.",
                               audit_failure(audit));
                return;
        }
        if (!request_uid(q, &uid)) {
                request_refuse(q, ERROR_FAILED, "The bus does not tell who calls. Try again in a moment.");
                return;
        }
        TAILQ_FOREACH(c, &copies->list, link) {
                all++;
                own += c->uid == uid;
        }
        if (own >= COPIES_PER_USER || all >= COPIES_MAX) {
                request_refuse(q, ERROR_BUSY,
                               own >= COPIES_PER_USER ? "You are reading a copy of the audit log already. End the "
                                                        "program that reads it, or let it read to its end."
                                                      : "Others are reading copies of the audit log, as many as may be "
                                                        "at once. Try again when one of them has ended.");
                return;
        }
        c = calloc(1, sizeof(*c));
        if (!c) {
                request_refuse(q, ERROR_FAILED, "No memory. End other programs and try again.");
                return;
        }
        *c = (struct copy){.copies = copies, .q = q, .uid = uid, .out = -1};
        TAILQ_INSERT_TAIL(&copies->list, c, link);
        c->dir_fd = openat(copies->recorder->state_fd, "audit", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        r = c->dir_fd < 0 ? -errno : job_start(copies->event, look_run, look_done, c);
        if (r < 0)
                copy_refuse(c, r);
}

/* --- Life ----------------------------------------------------------------------------------------- */

int audit_copies_new(sd_event *event, struct recorder *recorder, struct audit_copies **ret)
{
        struct audit_copies *copies = calloc(1, sizeof(*copies));

        if (!copies)
                return -ENOMEM;
        copies->event = sd_event_ref(event);
        copies->recorder = recorder;
        TAILQ_INIT(&copies->list);
        *ret = copies;
        return 0;
}

struct audit_copies *audit_copies_free(struct audit_copies *copies)
{
        struct copy *c;

        if (!copies)
                return NULL;
        TAILQ_FOREACH(c, &copies->list, link) {
                if (c->q)
                        request_drop(c->q);
        }
        sd_event_unref(copies->event);
        free(copies);
        return NULL;
}

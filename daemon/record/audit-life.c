/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the audit writer begins and ends, and its thread; see audit.h. */
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "audit-internal.h"
#include "thread.h"

#define THREAD_STACK (256 * 1024)

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

/* --- Life ------------------------------------------------------------------------ */

static int found_record(const json_t *record, void *userdata)
{
        struct audit *a = userdata;

        if (a->config.seen)
                a->config.seen(record, a->config.userdata);
        return 0;
}

static int restore(const json_t *state, void *userdata)
{
        struct audit *a = userdata;

        return a->config.restore(state, a->config.userdata);
}

/* On the thread that verifies what is older. */
static void on_older_failed(int error, const char *problem, void *userdata)
{
        struct audit *a = userdata;

        pthread_mutex_lock(&a->lock);
        audit_unusable_sentence(error, problem, a->older_failure);
        a->older_failure_error = error;
        pthread_mutex_unlock(&a->lock);
        audit_wake_loop(a);
}

static int verify_older(struct audit *a)
{
        const struct tms_audit_checkpoint *from = auditlog_older(a->writer.log);

        return from ? audit_older_new(&(struct audit_older_config){.dir_fd = auditlog_dir_fd(a->writer.log),
                                                                   .from = from,
                                                                   .max_off_ns = a->config.max_off_ns,
                                                                   .failed = on_older_failed,
                                                                   .userdata = a},
                                      &a->older)
                    : 0;
}

static int start_thread(struct audit *a)
{
        int r = thread_start(&a->thread, "audit-writer", THREAD_STACK, writer, a);

        a->has_thread = r >= 0;
        return r;
}

static int on_finished(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        uint64_t count;

        (void)!read(fd, &count, sizeof(count));
        audit_collect(userdata);
        return 0;
}

static int open_log(struct audit *a)
{
        const struct auditlog_reading reading = {.found = found_record,
                                                 .restore = a->config.restore ? restore : NULL,
                                                 .userdata = a,
                                                 .max_off_ns = a->config.max_off_ns};
        _cleanup_(freep) char *found = NULL;
        char sentence[AUDIT_SENTENCE];
        int r;

        r = auditlog_open(a->config.state_fd, a->config.boot, &reading, &a->writer.log, &found);
        if (r >= 0) {
                a->records = auditlog_records(a->writer.log);
                strcpy(a->head, auditlog_head(a->writer.log));
                strcpy(a->key0, auditlog_key0(a->writer.log));
                return 0;
        }
        audit_unusable_sentence(r, found, sentence);
        audit_set_failure(a, sentence, r);
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
                if (r >= 0)
                        r = verify_older(a);
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
        a->older = audit_older_free(a->older);
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
                audit_collect(a);
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

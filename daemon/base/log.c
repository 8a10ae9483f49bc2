/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes log lines; see log.h. Called by the loop and by the audit writer's thread.
 *
 * sd_journal_sendv() waits as long as the journal takes nothing, and has no way not to. So once log_begin() has been
 * called a thread of its own sends what the others put into a queue. The queue's lock is held while a line is put
 * together, never while one is sent: nobody but that thread waits for the journal.
 */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <assert.h>
#include <stdarg.h>
#include <systemd/sd-journal.h>

#include "thread.h"
#include "util.h"

/* MESSAGE, PRIORITY, MESSAGE_ID and the three of the place come before the caller's fields. */
#define OWN_FIELDS 6
/* A longer text is cut, as sd_journal_printv() cuts it; a longer field too. */
#define MESSAGE_SIZE 2048
#define FIELD_SIZE 320
/* What comes when so many lines wait is counted, and the count is told. */
#define LINES_MAX 64
/* So long the daemon waits at its end for the lines that the journal has not taken yet. */
#define END_NS (2 * NS_PER_S)
#define THREAD_STACK (128 * 1024)

struct line {
        struct iovec iov[OWN_FIELDS + LOG_FIELDS];
        char message[MESSAGE_SIZE];
        char text[OWN_FIELDS + LOG_FIELDS][FIELD_SIZE];
        int n;
};

static struct {
        pthread_mutex_t lock;
        pthread_cond_t came, over; /* a line, or that it ends; the thread's end */
        pthread_t thread;
        bool running, ending, ended;
        struct line lines[LINES_MAX];
        unsigned first, n;
        uint64_t lost; /* since the last line that told of it */
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER, .came = PTHREAD_COND_INITIALIZER};

static void add(struct line *l, const char *format, ...) _printf_(2, 3);
static void add(struct line *l, const char *format, ...)
{
        char *text = l->text[l->n];
        va_list ap;

        assert(l->n < OWN_FIELDS + LOG_FIELDS);
        va_start(ap, format);
        (void)vsnprintf(text, FIELD_SIZE, format, ap);
        va_end(ap);
        l->iov[l->n++] = (struct iovec){.iov_base = text, .iov_len = strlen(text)};
}

static void fill(struct line *l, const struct log_place *place, int priority, const char *id,
                 const struct log_field *fields, const char *format, va_list ap) _printf_(6, 0);
static void fill(struct line *l, const struct log_place *place, int priority, const char *id,
                 const struct log_field *fields, const char *format, va_list ap)
{
        static const char head[] = "MESSAGE=";
        const struct log_field *f;

        l->n = 0;
        (void)strcpy(l->message, head);
        (void)vsnprintf(l->message + strlen(head), sizeof(l->message) - strlen(head), format, ap);
        l->iov[l->n++] = (struct iovec){.iov_base = l->message, .iov_len = strlen(l->message)};
        add(l, "PRIORITY=%d", priority);
        add(l, "CODE_FILE=%s", place->file);
        add(l, "CODE_LINE=%d", place->line);
        add(l, "CODE_FUNC=%s", place->function);
        if (id)
                add(l, "MESSAGE_ID=%s", id);
        for (f = fields; f && f->name; f++) {
                if (f->left_out)
                        continue;
                if (f->text)
                        add(l, "%s=%s", f->name, f->text);
                else
                        add(l, "%s=%llu", f->name, (unsigned long long)f->number);
        }
}

void log_line(const struct log_place *place, int priority, const char *id, const struct log_field *fields,
              const char *format, ...)
{
        struct line own, *l = &own;
        bool queued;
        va_list ap;

        va_start(ap, format);
        if (!getenv("JOURNAL_STREAM")) {
                (void)vfprintf(stderr, format, ap);
                (void)fputc('\n', stderr);
                va_end(ap);
                return;
        }
        (void)pthread_mutex_lock(&queue.lock);
        queued = queue.running;
        if (queued && queue.n == LINES_MAX) {
                queue.lost++;
        } else {
                if (queued)
                        l = &queue.lines[(queue.first + queue.n++) % LINES_MAX];
                fill(l, place, priority, id, fields, format, ap);
                (void)pthread_cond_signal(&queue.came);
        }
        (void)pthread_mutex_unlock(&queue.lock);
        va_end(ap);
        if (!queued)
                (void)sd_journal_sendv(own.iov, own.n);
}

/* --- The thread -------------------------------------------------------------------------------------- */

/* With the lock, which is let go meanwhile. The line stays in its place until it is sent, so nobody writes over it. */
static void send_first(void)
{
        struct line *l = &queue.lines[queue.first];

        assert(queue.n > 0 && queue.n <= LINES_MAX);
        (void)pthread_mutex_unlock(&queue.lock);
        (void)sd_journal_sendv(l->iov, l->n);
        (void)pthread_mutex_lock(&queue.lock);
        queue.first = (queue.first + 1) % LINES_MAX;
        queue.n--;
}

static void fill_lost(struct line *l, const struct log_place *place, const char *format, ...) _printf_(3, 4);
static void fill_lost(struct line *l, const struct log_place *place, const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        fill(l, place, LOG_WARNING, NULL, NO_FIELDS, format, ap);
        va_end(ap);
}

/* With the lock. The lines that were lost came after all that waited; so the count is told behind those. */
static void tell_lost(void)
{
        assert(queue.n == 0);
        if (queue.lost == 0)
                return;
        fill_lost(&queue.lines[(queue.first + queue.n++) % LINES_MAX], LOG_HERE,
                  "the journal took no lines for a while, and %llu are lost; see systemctl status systemd-journald",
                  (unsigned long long)queue.lost);
        queue.lost = 0;
}

static void *run(void *unused)
{
        (void)pthread_mutex_lock(&queue.lock);
        while (queue.n > 0 || !queue.ending) {
                if (queue.n == 0) {
                        (void)pthread_cond_wait(&queue.came, &queue.lock);
                        continue;
                }
                send_first();
                if (queue.n == 0)
                        tell_lost();
        }
        queue.ended = true;
        (void)pthread_cond_signal(&queue.over);
        (void)pthread_mutex_unlock(&queue.lock);
        return NULL;
}

static int prepare(void)
{
        pthread_condattr_t clock;
        int r;

        r = pthread_condattr_init(&clock);
        if (r != 0)
                return -r;
        r = pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
        if (r == 0)
                r = pthread_cond_init(&queue.over, &clock);
        (void)pthread_condattr_destroy(&clock);
        return -r;
}

int log_begin(void)
{
        int r;

        assert(!queue.running);
        queue.ending = queue.ended = false;
        r = prepare();
        if (r >= 0)
                r = thread_start(&queue.thread, "journal-writer", THREAD_STACK, run, NULL);
        if (r < 0)
                return r;
        (void)pthread_mutex_lock(&queue.lock);
        queue.running = true;
        (void)pthread_mutex_unlock(&queue.lock);
        return 0;
}

void log_end(void)
{
        const uint64_t until_ns = now_ns(CLOCK_MONOTONIC) + END_NS;
        const struct timespec until = {.tv_sec = (time_t)(until_ns / NS_PER_S), .tv_nsec = (long)(until_ns % NS_PER_S)};
        bool ended;

        (void)pthread_mutex_lock(&queue.lock);
        if (!queue.running) {
                (void)pthread_mutex_unlock(&queue.lock);
                return;
        }
        queue.ending = true;
        (void)pthread_cond_signal(&queue.came);
        while (!queue.ended && pthread_cond_timedwait(&queue.over, &queue.lock, &until) == 0)
                ;
        ended = queue.ended;
        /* A thread that still waits for the journal goes with the process: until then it alone sends. */
        queue.running = !ended;
        (void)pthread_mutex_unlock(&queue.lock);
        if (ended)
                (void)pthread_join(queue.thread, NULL);
}

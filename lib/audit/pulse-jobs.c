/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A second thread for the pulse files; see pulse-jobs.h. */
#include "pulse-jobs.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#define QUEUE 16               /* jobs that wait */
#define STACK ((size_t)262144) /* of the thread: what it calls needs a few KiB, libcrypto included */

struct job {
        struct pulse_file *file;
        struct pulse_claim *claims;
        size_t n_claims;
};

struct pulse_jobs {
        struct pulse_reader *mine, threads; /* each of one thread only; mine is the caller's own */
        pthread_t thread;
        bool has_thread;
        pthread_mutex_t lock; /* covers what follows, and has_job of each file */
        pthread_cond_t more;  /* there is a job, or the thread is to end */
        pthread_cond_t done;  /* a job has been done */
        struct job queue[QUEUE];
        size_t first, n_queued, n_running;
        uint64_t delivered;
        bool failed, end;
};

/* The lock is held, and is let go in between. Takes the first job and does it. */
static void do_first(struct pulse_jobs *j, struct pulse_reader *reader)
{
        struct job job = j->queue[j->first];
        struct audit_why why;
        uint64_t delivered = 0;
        bool skip = j->failed;
        int r = 0;

        j->first = (j->first + 1) % QUEUE;
        j->n_queued--;
        j->n_running++;
        pthread_mutex_unlock(&j->lock);
        if (!skip)
                r = pulse_read_claims(reader, job.file, job.claims, job.n_claims, &delivered, &why);
        free(job.claims);
        pthread_mutex_lock(&j->lock);
        j->n_running--;
        j->delivered += delivered;
        if (r < 0)
                __atomic_store_n(&j->failed, true, __ATOMIC_RELAXED);
        job.file->has_job = false;
        pthread_cond_signal(&j->done);
}

static void *run(void *userdata)
{
        struct pulse_jobs *j = userdata;

        pthread_mutex_lock(&j->lock);
        while (!j->end) {
                if (j->n_queued > 0)
                        do_first(j, &j->threads);
                else
                        pthread_cond_wait(&j->more, &j->lock);
        }
        pthread_mutex_unlock(&j->lock);
        return NULL;
}

/* The thread takes no signal: those are for the threads of the program. */
static bool make_thread(struct pulse_jobs *j)
{
        sigset_t all, before;
        pthread_attr_t attr;
        bool made;

        if (pthread_attr_init(&attr) != 0)
                return false;
        sigfillset(&all);
        if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0) {
                pthread_attr_destroy(&attr);
                return false;
        }
        made = pthread_attr_setstacksize(&attr, STACK) == 0 && pthread_create(&j->thread, &attr, run, j) == 0;
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        pthread_attr_destroy(&attr);
        return made;
}

int pulse_jobs_new(struct pulse_reader *mine, struct pulse_jobs **ret)
{
        struct pulse_jobs *j = calloc(1, sizeof(*j));

        if (!j)
                return -ENOMEM;
        j->mine = mine;
        if (pulse_reader_new(&j->threads, mine->dir_fd) < 0) {
                free(j);
                return -ENOMEM;
        }
        pthread_mutex_init(&j->lock, NULL);
        pthread_cond_init(&j->more, NULL);
        pthread_cond_init(&j->done, NULL);
        j->has_thread = make_thread(j);
        *ret = j;
        return 0;
}

struct pulse_jobs *pulse_jobs_free(struct pulse_jobs *j)
{
        if (!j)
                return NULL;
        if (j->has_thread) {
                pthread_mutex_lock(&j->lock);
                j->end = true;
                pthread_cond_signal(&j->more);
                pthread_mutex_unlock(&j->lock);
                pthread_join(j->thread, NULL);
        }
        for (; j->n_queued > 0; j->n_queued--, j->first = (j->first + 1) % QUEUE)
                free(j->queue[j->first].claims);
        pulse_reader_clear(&j->threads);
        pthread_cond_destroy(&j->done);
        pthread_cond_destroy(&j->more);
        pthread_mutex_destroy(&j->lock);
        free(j);
        return NULL;
}

void pulse_jobs_hand_over(struct pulse_jobs *j, struct pulse_file *f)
{
        pthread_mutex_lock(&j->lock);
        while (f->has_job || j->n_queued == QUEUE) {
                if (j->n_queued > 0)
                        do_first(j, j->mine);
                else
                        pthread_cond_wait(&j->done, &j->lock);
        }
        j->queue[(j->first + j->n_queued) % QUEUE] = (struct job){f, f->claims, f->n_claims};
        j->n_queued++;
        f->has_job = true;
        pthread_cond_signal(&j->more);
        pthread_mutex_unlock(&j->lock);
        f->claims = NULL;
        f->n_claims = f->n_allocated = 0;
}

void pulse_jobs_finish(struct pulse_jobs *j)
{
        pthread_mutex_lock(&j->lock);
        while (j->n_queued > 0 || j->n_running > 0) {
                if (j->n_queued > 0)
                        do_first(j, j->mine);
                else
                        pthread_cond_wait(&j->done, &j->lock);
        }
        pthread_mutex_unlock(&j->lock);
}

bool pulse_jobs_failed(struct pulse_jobs *j)
{
        return __atomic_load_n(&j->failed, __ATOMIC_RELAXED);
}

uint64_t pulse_jobs_delivered(const struct pulse_jobs *j)
{
        return j->delivered;
}

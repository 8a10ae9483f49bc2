/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A blocking piece of work beside the event loop; see job.h. */
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "job.h"
#include "thread.h"
#include "util.h"

/* Of what runs on these threads, the library's protocol parser needs the most stack. */
#define THREAD_STACK (512 * 1024)

struct job {
        job_fn run, done;
        void *userdata;
        int event_fd;
        sd_event_source *source;
        pthread_t thread;
};

static void job_free(struct job *j)
{
        sd_event_source_disable_unref(j->source);
        safe_close(j->event_fd);
        free(j);
}

DEFINE_TRIVIAL_CLEANUP_FUNC(struct job *, job_free)

static void *thread_main(void *userdata)
{
        struct job *j = userdata;
        const uint64_t one = 1;

        j->run(j->userdata);
        (void)!write(j->event_fd, &one, sizeof(one));
        return NULL;
}

static int on_done(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        struct job *j = userdata;

        /* The thread has written to the eventfd as its last act, so joining it does not wait. */
        pthread_join(j->thread, NULL);
        j->done(j->userdata);
        job_free(j);
        return 0;
}

int job_start(sd_event *event, job_fn run, job_fn done, void *userdata)
{
        _cleanup_(job_freep) struct job *j = calloc(1, sizeof(*j));
        int r;

        if (!j)
                return -ENOMEM;
        j->run = run;
        j->done = done;
        j->userdata = userdata;
        j->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (j->event_fd < 0)
                return -errno;
        r = sd_event_add_io(event, &j->source, j->event_fd, EPOLLIN, on_done, j);
        if (r < 0)
                return r;
        (void)sd_event_source_set_description(j->source, "job-done");
        r = thread_start(&j->thread, NULL, THREAD_STACK, thread_main, j);
        if (r < 0)
                return r;
        TAKE_PTR(j);
        return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the daemon does, counted in it; see flood-counts.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <cmocka.h>

#include "fake-clock.h"
#include "flood-counts.h"
#include "job.h"
#include "polkit.h"
#include "session-fixture.h"
#include "tms.h"

struct flood_counts *counts;

struct counted {
        job_fn run, done;
        void *userdata;
};

static void counted_run(void *userdata)
{
        struct counted *c = userdata;

        c->run(c->userdata);
}

static void counted_done(void *userdata)
{
        struct counted *c = userdata;

        atomic_fetch_sub(&counts->jobs_now, 1);
        c->done(c->userdata);
        free(c);
}

int __real_job_start(sd_event *event, job_fn run, job_fn done, void *userdata);
int __wrap_job_start(sd_event *event, job_fn run, job_fn done, void *userdata);

int __wrap_job_start(sd_event *event, job_fn run, job_fn done, void *userdata)
{
        struct counted *c = malloc(sizeof(*c));
        unsigned now;
        int r;

        *c = (struct counted){run, done, userdata};
        r = __real_job_start(event, counted_run, counted_done, c);
        if (r < 0) {
                free(c);
                return r;
        }
        atomic_fetch_add(&counts->jobs, 1);
        now = atomic_fetch_add(&counts->jobs_now, 1) + 1;
        if (now > atomic_load(&counts->jobs_most))
                atomic_store(&counts->jobs_most, now);
        return r;
}

int __real_tms_protocol_parse(const char *file, const char *text, size_t size, struct tms_protocol **ret,
                              struct tms_error *error);
int __wrap_tms_protocol_parse(const char *file, const char *text, size_t size, struct tms_protocol **ret,
                              struct tms_error *error);

int __wrap_tms_protocol_parse(const char *file, const char *text, size_t size, struct tms_protocol **ret,
                              struct tms_error *error)
{
        atomic_fetch_add(&counts->parses, 1);
        return __real_tms_protocol_parse(file, text, size, ret, error);
}

int __real_polkit_ask(sd_bus *bus, const char *sender, uid_t uid, const char *action, bool interactive, polkit_fn done,
                      void *userdata, sd_bus_slot **ret_slot);
int __wrap_polkit_ask(sd_bus *bus, const char *sender, uid_t uid, const char *action, bool interactive, polkit_fn done,
                      void *userdata, sd_bus_slot **ret_slot);

int __wrap_polkit_ask(sd_bus *bus, const char *sender, uid_t uid, const char *action, bool interactive, polkit_fn done,
                      void *userdata, sd_bus_slot **ret_slot)
{
        atomic_fetch_add(&counts->questions, 1);
        return __real_polkit_ask(bus, sender, uid, action, interactive, done, userdata, ret_slot);
}

int __real_sd_bus_enqueue_for_read(sd_bus *bus, sd_bus_message *m);
int __wrap_sd_bus_enqueue_for_read(sd_bus *bus, sd_bus_message *m);

int __wrap_sd_bus_enqueue_for_read(sd_bus *bus, sd_bus_message *m)
{
        unsigned n = atomic_fetch_add(&counts->served, 1);

        if (n < ELEMENTS(counts->senders))
                (void)snprintf(counts->senders[n], sizeof(counts->senders[n]), "%s", sd_bus_message_get_sender(m));
        return __real_sd_bus_enqueue_for_read(bus, m);
}

int setup_in(void **state, const char *folder)
{
        counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        assert_true(counts != MAP_FAILED);
        assert_int_equal(setenv("TMS_PROTOCOL_PATH", folder, 1), 0);
        /* How much of a flood is refused must not hang on how fast this machine is today. */
        atomic_store(&fake_clock->standing, true);
        return setup(state);
}

int setup_shipped(void **state)
{
        return setup_in(state, SHIPPED);
}

int teardown_flood(void **state)
{
        int r = teardown(state);

        (void)munmap(counts, sizeof(*counts));
        (void)unsetenv("TMS_PROTOCOL_PATH");
        fake_clock_reset();
        return r;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plays a protocol file on a stimulator with nothing in between but libtms: no
 * daemon, no bus, no disk. So what is measured is the module.
 *
 *   play [-n NODE] [-w SECONDS] [-s SECONDS] [-a COMMAND] FILE THRESHOLD
 *
 * THRESHOLD is in 0.1 %MSO. -w plays only the pulses of the first SECONDS, as a
 * run of its own; -s has the whole loaded and stops it after SECONDS. -a runs
 * COMMAND when the card is armed, before the start.
 *
 * One line of result, KEY=VALUE. Exit status 0: the run ended, whatever ended it
 * (cause= says); 1: there was no run.
 */
#include "lib/tms.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000ull
#define KEEPALIVE_MS 100
#define START_DELAY_NS 10000000ull
#define ARM_ATTEMPTS 20
#define EVENTS_AT_ONCE 256

struct play {
        struct tms_device *device;
        struct tms_timeline timeline;
        uint32_t gen, run, fitness_ns;
        uint64_t compile_ns, load_ns, stop_after_ns;
        /* Written by the keeper. */
        atomic_bool started, over;
        uint32_t state, cause;
        uint64_t fired, delivered, missed;
};

static uint64_t now_ns(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static int fail(const char *what, int r)
{
        fprintf(stderr, "play: %s: %s\n", what, strerror(-r));
        return r;
}

static void count(struct play *p, const struct tms_event *e)
{
        switch (e->type) {
        case TMS_EVENT_PULSE_DUE:
                if (e->pulse.outcome == TMS_PULSE_OUTCOME_TRIGGERED)
                        p->fired++;
                else
                        p->missed++;
                break;
        case TMS_EVENT_PULSE_ANSWER:
                p->delivered += e->pulse.outcome == TMS_PULSE_OUTCOME_DELIVERED;
                break;
        case TMS_EVENT_STATE:
                p->state = e->state.to;
                p->cause = e->state.cause;
                /* Out of RUNNING: it will not go on by itself, so it is over. */
                if (atomic_load(&p->started) && e->state.from == TMS_STATE_RUNNING)
                        atomic_store(&p->over, true);
                break;
        }
}

/* Reads all that waits; returns the acknowledgement for it. */
static uint64_t drain(struct play *p, uint64_t acked)
{
        struct tms_event events[EVENTS_AT_ONCE];
        int n;

        while ((n = tms_device_read_events(p->device, events, EVENTS_AT_ONCE)) > 0) {
                for (int i = 0; i < n; i++)
                        count(p, &events[i]);
                acked = events[n - 1].seq + 1;
        }
        return acked;
}

/* Lease and records, on a thread of its own: arming sleeps. */
static void *keep(void *argument)
{
        struct play *p = argument;
        uint64_t acked = 0, begun_ns = 0;

        while (!atomic_load(&p->over)) {
                if (p->stop_after_ns && atomic_load(&p->started)) {
                        begun_ns = begun_ns ?: now_ns();
                        if (now_ns() - begun_ns >= p->stop_after_ns)
                                (void)tms_device_stop(p->device);
                }
                acked = drain(p, acked);
                /* Of no consequence here: a lease that ends, ends the run, and the run says so. */
                (void)tms_device_keepalive(p->device, acked, NULL);
                poll(NULL, 0, KEEPALIVE_MS);
        }
        /* The last pulse's answer; and nothing is left over for the next run. */
        acked = drain(p, acked);
        (void)tms_device_keepalive(p->device, acked, NULL);
        return NULL;
}

/* Only what is due in the first window_ns, as a whole of its own. */
static void cut(struct tms_timeline *t, uint64_t window_ns)
{
        while (t->count > 1 && t->pulses[t->count - 1].t_ns >= window_ns)
                t->count--;
        t->pulses[t->count - 1].flags |= TMS_PULSE_END_OF_TRAIN | TMS_PULSE_END_OF_BURST;
}

static int compile(struct play *p, const char *file, uint32_t threshold_permille, uint64_t window_ns,
                   struct tms_limits *ret_limits)
{
        struct tms_dose dose = {.threshold_permille = threshold_permille};
        struct tms_protocol *protocol = NULL;
        struct tms_error error = {};
        char text[1024];
        uint64_t begun_ns;
        int r;

        r = tms_protocol_load(file, &protocol, &error);
        if (r >= 0) {
                snprintf(dose.threshold_kind, sizeof(dose.threshold_kind), "%s", tms_protocol_reference(protocol));
                snprintf(dose.threshold_coil, sizeof(dose.threshold_coil), "%s", tms_protocol_coil(protocol));
                begun_ns = now_ns();
                r = tms_compile(protocol, &dose, &p->timeline, &error);
                p->compile_ns = now_ns() - begun_ns;
        }
        if (r >= 0)
                r = tms_session_limits(protocol, &dose, ret_limits, &error);
        tms_protocol_free(protocol);
        if (r < 0) {
                fprintf(stderr, "play: %s\n", tms_error_format(&error, text, sizeof(text)));
                return r;
        }
        if (window_ns)
                cut(&p->timeline, window_ns);
        return 0;
}

static int load(struct play *p, const struct tms_limits *limits)
{
        struct tms_verdict verdict = {};
        struct tms_status status;
        uint64_t begun_ns;
        char text[512];
        int r;

        r = tms_device_status(p->device, &status);
        if (r < 0)
                return fail("status", r);
        if (status.state == TMS_STATE_FAULT) {
                r = tms_device_clear_fault(p->device);
                if (r < 0)
                        return fail("clearing a fault", r);
        }
        r = tms_device_limits(p->device, limits);
        if (r < 0)
                return fail("limits", r);

        begun_ns = now_ns();
        r = tms_device_load(p->device, p->timeline.pulses, p->timeline.count, p->timeline.waveform, 0, &p->gen,
                            &verdict);
        p->load_ns = now_ns() - begun_ns;
        if (r == -ERANGE)
                fprintf(stderr, "play: %s\n", tms_verdict_format(&verdict, text, sizeof(text)));
        return r < 0 ? fail("load", r) : 0;
}

/* Arms and starts; the keeper sees the end. */
static int treat(struct play *p, const char *command)
{
        struct tms_verdict verdict = {};
        char text[512];
        int r;

        /* On a machine this busy the keeper may be late, and the lease over; nothing has begun yet, so once more. */
        for (int i = 0; i < ARM_ATTEMPTS; i++) {
                (void)tms_device_keepalive(p->device, 0, NULL);
                r = tms_device_arm(p->device, p->gen, &p->fitness_ns);
                if (r != -EPROTO)
                        break;
        }
        if (r < 0) {
                struct tms_status st = {};

                (void)tms_device_status(p->device, &st);
                fprintf(stderr, "play: not armed: %s, worst timer probe %u ns late\n", tms_cause_name(st.cause),
                        st.fitness_max_ns);
                return fail("arm", r);
        }
        if (command && system(command) != 0) {
                fprintf(stderr, "play: '%s' failed\n", command);
                return -EIO;
        }
        atomic_store(&p->started, true);
        r = tms_device_start(p->device, p->gen, START_DELAY_NS, NULL, &p->run, &verdict);
        if (r == -ERANGE)
                fprintf(stderr, "play: %s\n", tms_verdict_format(&verdict, text, sizeof(text)));
        return r < 0 ? fail("start", r) : 0;
}

static int play(struct play *p, const struct tms_limits *limits, const char *command)
{
        pthread_t keeper;
        int r;

        /* Records of others before us stand in the way of a load; and arming wants a lease. */
        r = tms_device_keepalive(p->device, drain(p, 0), NULL);
        if (r < 0)
                return fail("keepalive", r);
        p->fired = p->delivered = p->missed = 0;
        r = load(p, limits);
        if (r < 0)
                return r;
        r = -pthread_create(&keeper, NULL, keep, p);
        if (r < 0)
                return fail("thread", r);
        r = treat(p, command);
        if (r < 0)
                atomic_store(&p->over, true);
        pthread_join(keeper, NULL);
        return r;
}

static int usage(void)
{
        fprintf(stderr, "usage: play [-n NODE] [-w SECONDS] [-s SECONDS] [-a COMMAND] FILE THRESHOLD\n");
        return 2;
}

int main(int argc, char *argv[])
{
        const char *node = "/dev/tms0", *command = NULL;
        struct tms_limits limits = {};
        struct tms_latency latency = {};
        uint64_t window_ns = 0;
        struct play p = {};
        int option, r;

        while ((option = getopt(argc, argv, "n:w:s:a:")) > 0)
                switch (option) {
                case 'n':
                        node = optarg;
                        break;
                case 'w':
                        window_ns = strtoull(optarg, NULL, 10) * NS_PER_S;
                        break;
                case 's':
                        p.stop_after_ns = strtoull(optarg, NULL, 10) * NS_PER_S;
                        break;
                case 'a':
                        command = optarg;
                        break;
                default:
                        return usage();
                }
        if (argc - optind != 2)
                return usage();

        /* What user space does late here would only be its own page faults. */
        (void)mlockall(MCL_CURRENT | MCL_FUTURE);

        r = compile(&p, argv[optind], strtoul(argv[optind + 1], NULL, 10), window_ns, &limits);
        if (r < 0)
                return 1;
        r = tms_device_open(node, true, &p.device);
        if (r < 0)
                fail(node, r);
        if (r >= 0)
                r = play(&p, &limits, command);
        if (r >= 0) {
                (void)tms_device_latency(p.device, &latency);
                printf("pulses=%u fired=%llu delivered=%llu missed=%llu cause=%s state=%s fitness_ns=%u "
                       "error_max_ns=%u "
                       "compile_ns=%llu load_ns=%llu\n",
                       p.timeline.count, (unsigned long long)p.fired, (unsigned long long)p.delivered,
                       (unsigned long long)p.missed, tms_cause_name(p.cause), tms_state_name(p.state), p.fitness_ns,
                       latency.max_ns, (unsigned long long)p.compile_ns, (unsigned long long)p.load_ns);
        }
        tms_device_close(p.device);
        tms_timeline_clear(&p.timeline);
        return r < 0;
}

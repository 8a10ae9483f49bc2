// SPDX-License-Identifier: GPL-2.0-or-later
/* The controller of a card: a thread keeps its lease and collects its records. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tms_test.h"

#define KEEP_NS (50 * MS)

static void take_records(struct controller *c)
{
        struct tms_event some[64];
        ssize_t n;

        while ((n = read(c->fd, some, sizeof(some))) > 0) {
                n /= sizeof(some[0]);
                if (c->count + n > c->room) {
                        c->room = 2 * c->room + n + 1024;
                        c->events = realloc(c->events, c->room * sizeof(*c->events));
                        if (!c->events)
                                abort();
                }
                memcpy(c->events + c->count, some, n * sizeof(some[0]));
                c->count += n;
        }
}

static void keep_once(struct controller *c)
{
        struct tms_keepalive k = {};

        take_records(c);
        k.acked_seq = c->count ? c->events[c->count - 1].seq + 1 : status_of(c->fd).event_acked;
        c->error = call(c->fd, TMS_IOC_KEEPALIVE, &k);
}

static void *keeper(void *arg)
{
        struct controller *c = arg;
        bool go = true;

        while (go) {
                pthread_mutex_lock(&c->lock);
                go = c->keeping;
                if (go)
                        keep_once(c);
                pthread_mutex_unlock(&c->lock);
                if (go)
                        sleep_ns(KEEP_NS);
        }
        return NULL;
}

void controller_hang(struct controller *c)
{
        if (!c->running)
                return;
        pthread_mutex_lock(&c->lock);
        c->keeping = false;
        pthread_mutex_unlock(&c->lock);
        pthread_join(c->thread, NULL);
        c->running = false;
}

void controller_keep(struct controller *c)
{
        if (c->running)
                return;
        c->keeping = true;
        keep_once(c);
        c->running = pthread_create(&c->thread, NULL, keeper, c) == 0;
}

int controller_open_card(struct controller *c, unsigned int card)
{
        struct tms_limits limits = wide_limits();
        int r;

        *c = (struct controller){.fd = -1};
        pthread_mutex_init(&c->lock, NULL);
        c->fd = node_open_card(card, O_RDWR);
        if (c->fd < 0)
                return c->fd;
        c->from_seq = status_of(c->fd).event_head;
        controller_keep(c);
        if (status_of(c->fd).state == TMS_STATE_FAULT) {
                r = call_clear_fault(c->fd);
                if (r)
                        return r;
        }
        return call(c->fd, TMS_IOC_LIMITS, &limits);
}

int controller_open(struct controller *c)
{
        return controller_open_card(c, 0);
}

void controller_close(struct controller *c)
{
        controller_hang(c);
        if (c->fd >= 0)
                close(c->fd);
        c->fd = -1;
        free(c->events);
        c->events = NULL;
        c->count = c->room = 0;
}

int controller_load(struct controller *c, const struct tms_pulse *pulses, uint32_t count)
{
        struct tms_load load = {
                        .pulses = (uintptr_t)pulses,
                        .count = count,
                        PULSE_SIZE,
                        .waveform = c->waveform,
                        .lateness_ns = c->lateness_ns,
        };
        int r = -ERANGE;

        /* All the lateness that the timeline bears. */
        if (slow() && !load.lateness_ns) {
                load.lateness_ns = info_of(c->fd).lateness_max_ns;
                r = call(c->fd, TMS_IOC_LOAD, &load);
        }
        if (r == -ERANGE) {
                load.lateness_ns = c->lateness_ns;
                r = call(c->fd, TMS_IOC_LOAD, &load);
        }

        if (r)
                fprintf(stderr, "# load: %s: rule %u at pulse %u, limit %llu, actual %llu\n", strerror(-r),
                        load.verdict.rule, load.verdict.pulse, load.verdict.limit, load.verdict.actual);
        else
                c->gen = load.timeline_gen;
        return r;
}

int controller_arm(struct controller *c)
{
        struct tms_arm arm = {.timeline_gen = c->gen};
        int r = call(c->fd, TMS_IOC_ARM, &arm);

        /* As a person would: what the kernel had to do just then it does not do again at once. */
        if (r == -ETIME && status_of(c->fd).cause == TMS_CAUSE_UNFIT) {
                fprintf(stderr, "# arm: timers were off by up to %u ns, once more\n", arm.fitness_max_ns);
                arm = (struct tms_arm){.timeline_gen = c->gen};
                r = call(c->fd, TMS_IOC_ARM, &arm);
        }
        if (r == -ETIME)
                fprintf(stderr, "# arm: timers were off by up to %u ns\n", arm.fitness_max_ns);
        return r;
}

int controller_try_start(struct controller *c, struct tms_start *start)
{
        controller_catch_up(c);
        *start = (struct tms_start){.timeline_gen = c->gen, .delay_ns = MS};
        return call(c->fd, TMS_IOC_START, start);
}

int controller_start(struct controller *c)
{
        struct tms_start start = {.timeline_gen = c->gen, .delay_ns = 20 * MS};
        int r;

        controller_catch_up(c);
        r = call(c->fd, TMS_IOC_START, &start);
        if (r == -ERANGE)
                fprintf(stderr, "# start: rule %u at pulse %u, limit %llu, actual %llu\n", start.verdict.rule,
                        start.verdict.pulse, start.verdict.limit, start.verdict.actual);
        c->start_ns = start.start_ns;
        c->run = start.run;
        return r;
}

void controller_arg(const struct controller *c, unsigned long cmd, const struct tms_pulse *pulses, uint32_t count,
                    union controller_arg *ret)
{
        memset(ret, 0, sizeof(*ret));
        switch (cmd) {
        case TMS_IOC_LIMITS:
                ret->limits = wide_limits();
                break;
        case TMS_IOC_LOAD:
                ret->load.pulses = (uintptr_t)pulses;
                ret->load.count = count;
                ret->load.pulse_size = sizeof(*pulses);
                break;
        case TMS_IOC_ARM:
                ret->arm.timeline_gen = c->gen;
                break;
        case TMS_IOC_START:
                ret->start.timeline_gen = c->gen;
                ret->start.delay_ns = 10 * MS;
                break;
        case TMS_IOC_RESUME:
                ret->resume.delay_ns = 10 * MS;
                break;
        }
}

void *controller_arm_thread(void *controller)
{
        struct controller *c = controller;

        c->armed = controller_arm(c);
        return NULL;
}

int controller_go(struct controller *c, uint32_t pulse, uint32_t permille)
{
        struct tms_go go = {.pulse = pulse, .intensity_permille = permille};

        return call(c->fd, TMS_IOC_GO, &go);
}

int controller_pause(struct controller *c, uint32_t flags)
{
        struct tms_pause pause = {.flags = flags};

        return call(c->fd, TMS_IOC_PAUSE, &pause);
}

int controller_run(struct controller *c, const struct tms_pulse *pulses, uint32_t count)
{
        int r = controller_load(c, pulses, count);

        r = r ? r : controller_arm(c);
        return r ? r : controller_start(c);
}

void controller_catch_up(struct controller *c)
{
        pthread_mutex_lock(&c->lock);
        if (c->running)
                keep_once(c);
        else
                take_records(c);
        pthread_mutex_unlock(&c->lock);
}

size_t controller_events(struct controller *c, uint32_t type, struct tms_event *into, size_t max)
{
        size_t n = 0;

        sleep_ns(20 * MS);
        controller_catch_up(c);
        pthread_mutex_lock(&c->lock);
        for (size_t i = 0; i < c->count; i++)
                if (c->events[i].type == type && c->events[i].seq >= c->from_seq) {
                        if (n < max)
                                into[n] = c->events[i];
                        n++;
                }
        pthread_mutex_unlock(&c->lock);
        return n;
}

struct tms_event controller_last_state(struct controller *c)
{
        struct tms_event e = {};

        sleep_ns(20 * MS);
        controller_catch_up(c);
        pthread_mutex_lock(&c->lock);
        for (size_t i = 0; i < c->count; i++)
                if (c->events[i].type == TMS_EVENT_STATE && c->events[i].seq >= c->from_seq)
                        e = c->events[i];
        pthread_mutex_unlock(&c->lock);
        return e;
}

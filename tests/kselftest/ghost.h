/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * No ghost: a timeline of short-spaced pulses is ended at a random instant, and nothing of it comes out of the coil
 * any more: not after the end's call has returned, not in the timeline that is loaded, armed and started next,
 * which has another amplitude. For the programs that have the kinds of ends.
 *
 * Half of the instants lie around a pulse: in the quiet before it, in the engine's spin, between its last look and
 * the trigger, before the answer.
 */
#ifndef TMS_GHOST_H
#define TMS_GHOST_H

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "port.h"
#include "random.h"
#include "rest.h"
#include "tms_test.h"

#define COUNT 12
#define TRIES 50
/* A thousand times a reload and what the card has to rest behind it. */
#define A_DAY 100000

FIXTURE(ghost)
{
        int fd, monitor;
        char address[64], other[64];
        struct tms_pulse pulses[COUNT];
        struct dice dice;
        bool plain;           /* two CPUs, the host's time */
        uint64_t interval_ns; /* the shortest */
        uint32_t lateness_ns;

        /* of this instant */
        unsigned int instant;
        uint16_t permille;
        uint16_t run_permille; /* of the last timeline that was started: an answer may come late */
        uint64_t start_ns;
        int64_t offset_ns; /* from the start */
        uint64_t at_ns;
        uint32_t run;
        uint64_t lease_ends_ns;
        uint64_t odometer; /* when the end had been seen */
        bool seen;         /* the end itself has taken down odometer */

        /* of all instants: by the records of the monitor */
        uint64_t fired, delivered, unanswered;
        unsigned int wrong; /* records that fit no pulse of this timeline */
        struct tms_event last_wrong;
};

FIXTURE_VARIANT(ghost)
{
        /* Ends the timeline at self->at_ns. What it leaves open, or shut, begin() puts right. */
        int (*end)(FIXTURE_DATA(ghost) * self);
        unsigned int some; /* instants that check has the time for; TMS_TEST_INSTANTS says otherwise */
        bool lease;        /* the instant is the lease's end */
};

/* --- around the timeline --------------------------------------------------------- */

static void refuse(FIXTURE_DATA(ghost) * self, const struct tms_event *e, bool mine)
{
        if (mine)
                return;
        self->wrong++;
        self->last_wrong = *e;
}

/* All new records, as the monitor reads them. */
static void collect(FIXTURE_DATA(ghost) * self)
{
        struct tms_event some[64];
        ssize_t n;

        while ((n = read(self->monitor, some, sizeof(some))) > 0) {
                for (const struct tms_event *e = some; e < some + n / sizeof(*some); e++) {
                        bool mine = e->run == self->run && e->pulse.set_permille == self->run_permille &&
                                    e->pulse.due_ns == self->start_ns + e->pulse.index * self->interval_ns;

                        if (e->type == TMS_EVENT_PULSE_DUE) {
                                refuse(self, e, mine);
                                self->fired += e->pulse.outcome == TMS_PULSE_OUTCOME_TRIGGERED;
                        } else if (e->type == TMS_EVENT_PULSE_ANSWER) {
                                refuse(self, e, mine);
                                self->delivered += e->pulse.outcome == TMS_PULSE_OUTCOME_DELIVERED;
                                self->unanswered += e->pulse.outcome == TMS_PULSE_OUTCOME_UNKNOWN;
                        }
                }
        }
}

/* Reads and acknowledges, and has the lease renewed. */
static int keep(FIXTURE_DATA(ghost) * self)
{
        struct tms_keepalive k = {.acked_seq = status_of(self->fd).event_acked};
        struct tms_event some[64];
        ssize_t n;
        int r;

        while ((n = read(self->fd, some, sizeof(some))) > 0)
                k.acked_seq = some[n / sizeof(*some) - 1].seq + 1;
        r = call(self->fd, TMS_IOC_KEEPALIVE, &k);
        self->lease_ends_ns = k.lease_ends_ns;
        return r;
}

static void shut(FIXTURE_DATA(ghost) * self)
{
        if (self->monitor >= 0) {
                collect(self);
                close(self->monitor);
        }
        if (self->fd >= 0)
                close(self->fd);
        self->fd = self->monitor = -1;
}

static int open_again(FIXTURE_DATA(ghost) * self)
{
        struct tms_limits limits = wide_limits();
        int r = wait_node(true);

        if (r)
                return r;
        if (self->monitor < 0)
                self->monitor = node_open(O_RDONLY);
        self->fd = node_open(O_RDWR);
        if (self->fd < 0 || self->monitor < 0)
                return -EBADF;
        r = keep(self);
        for (int i = 0; !r && i < TRIES && status_of(self->fd).state == TMS_STATE_FAULT; i++, sleep_ns(MS))
                call_clear_fault(self->fd);
        return r ? r : call(self->fd, TMS_IOC_LIMITS, &limits);
}

/* As fast as the verifier lets it pass. */
static int load(FIXTURE_DATA(ghost) * self, uint16_t permille, uint32_t *ret_gen)
{
        struct tms_load l;
        int r;

        do {
                l = (struct tms_load){
                                .pulses = (uintptr_t)self->pulses,
                                .count = COUNT,
                                PULSE_SIZE,
                                .lateness_ns = self->lateness_ns,
                };
                flat(self->pulses, COUNT, self->interval_ns, permille, COUNT);
                r = call(self->fd, TMS_IOC_LOAD, &l);
                if (r != -ERANGE)
                        break;
                self->interval_ns += 100000;
        } while (l.verdict.rule == TMS_RULE_INTERVAL || l.verdict.rule == TMS_RULE_SETTLING);
        *ret_gen = l.timeline_gen;
        return r;
}

/* Where the pulse before the end is: before the first, in the middle, behind the last. */
static int64_t choose(FIXTURE_DATA(ghost) * self)
{
        int64_t due_ns = dice_below(&self->dice, COUNT) * self->interval_ns;

        switch (dice_below(&self->dice, 10)) {
        case 0: /* the quiet */
                return due_ns - 20000 - (int64_t)dice_below(&self->dice, 180000);
        case 1: /* the engine's spin */
                return due_ns - 3000 - (int64_t)dice_below(&self->dice, 17000);
        case 2: /* behind its look at the gate */
                return due_ns - (int64_t)dice_below(&self->dice, 3000);
        case 3: /* the trigger */
                return due_ns + (int64_t)dice_below(&self->dice, 2000);
        case 4: /* the answer */
                return due_ns + (int64_t)dice_below(&self->dice, 150000);
        default:
                return (int64_t)dice_below(&self->dice, (COUNT + 1) * self->interval_ns) - (int64_t)MS;
        }
}

/* Whatever the last end has left: nothing is open, latched, loaded, and a controller is there. */
static int ready(FIXTURE_DATA(ghost) * self)
{
        char reply[512];
        int r = 0;

        for (const char *const *line = (const char *const[]){"clear", "close=patient_stop", "close=contact_lost",
                                                             "close=cover_open", NULL};
             *line && !r; line++)
                r = port_talk(*line, reply, sizeof(reply));
        if (self->fd < 0)
                return r ? r : open_again(self);
        for (int i = 0; !r && i < TRIES && status_of(self->fd).state == TMS_STATE_FAULT; i++, sleep_ns(MS))
                call_clear_fault(self->fd);
        return r ? r : call(self->fd, TMS_IOC_STOP, NULL);
}

/* A timeline of the other amplitude, its start and its end's instant known. */
static int begin_once(FIXTURE_DATA(ghost) * self, const FIXTURE_VARIANT(ghost) * variant)
{
        struct tms_arm arm = {};
        struct tms_start start = {};
        int r;

        r = ready(self);
        r = r ? r : keep(self);
        r = r ? r : load(self, self->permille, &arm.timeline_gen);
        r = r ? r : call(self->fd, TMS_IOC_ARM, &arm);
        r = r ? r : keep(self);
        if (r)
                return r;
        /* What is still to come of the last run: its answer. */
        collect(self);
        start.timeline_gen = arm.timeline_gen;
        start.delay_ns = 2 * MS + dice_below(&self->dice, MS);
        if (variant->lease)
                start.delay_ns = self->lease_ends_ns - now_ns() - self->offset_ns;
        r = call(self->fd, TMS_IOC_START, &start);
        if (r)
                return r;
        self->start_ns = start.start_ns;
        self->run = start.run;
        self->run_permille = self->permille;
        self->at_ns = start.start_ns + self->offset_ns;
        return 0;
}

static int begin(FIXTURE_DATA(ghost) * self, const FIXTURE_VARIANT(ghost) * variant)
{
        int r = -EAGAIN;

        self->offset_ns = choose(self);
        for (int i = 0; r && i < TRIES; i++) {
                r = begin_once(self, variant);
                if (!r)
                        break;
                if (self->fd >= 0)
                        call(self->fd, TMS_IOC_STOP, NULL);
                /* It has to rest, or has given as many pulses as it may in a second; or the host slept. */
                sleep_ns(r == -EAGAIN && i > 5 ? REST_NS : 200 * MS);
        }
        return r;
}

/* Until the instant. */
static void until(FIXTURE_DATA(ghost) * self)
{
        uint64_t now = now_ns();

        if (self->at_ns > now + 400000)
                sleep_ns(self->at_ns - now - 300000);
        while (now_ns() < self->at_ns)
                ;
}

/* The end is over: from here on the card discharges no more. */
static int see(FIXTURE_DATA(ghost) * self)
{
        struct lab_state card;
        int r = port_query(&card);

        self->odometer = card.odometer;
        self->seen = true;
        return r;
}

/* The engine on the second CPU, which a card has that is alone; the test on the first. */
static int take_second_cpu(FIXTURE_DATA(ghost) * self)
{
        cpu_set_t set;
        int r = address_of(1, self->other, sizeof(self->other));

        CPU_ZERO(&set);
        CPU_SET(0, &set);
        r = r ? r : write_file("/sys/bus/pci/drivers/tms/unbind", self->other);
        r = r ? r : rebind();
        if (r || engine_cpu(0) != 1)
                return r ? r : -EXDEV;
        return sched_setaffinity(0, sizeof(set), &set) ? -errno : 0;
}

FIXTURE_SETUP(ghost)
{
        self->fd = self->monitor = -1;
        self->plain = sysconf(_SC_NPROCESSORS_CONF) > 1;
        dice_take(&self->dice);
        ASSERT_EQ(0, port_open());
        ASSERT_EQ(0, lab_reset());
        ASSERT_EQ(0, wait_node(true));
        ASSERT_EQ(0, card_address(self->address, sizeof(self->address)));
        ASSERT_EQ(0, report_errors());
        if (self->plain || slow())
                self->lateness_ns = MS;
        if (self->plain) {
                ASSERT_EQ(0, set_parameter("fitness_max_ns", 1000000000));
                ASSERT_EQ(0, take_second_cpu(self));
        }
}

FIXTURE_TEARDOWN(ghost)
{
        shut(self);
        lab_reset();
        if (*self->other)
                write_file("/sys/bus/pci/drivers/tms/bind", self->other);
}

TEST_F_TIMEOUT(ghost, nothing_of_before, A_DAY)
{
        uint64_t instants = number_from("TMS_TEST_INSTANTS", 0), begun_ns = now_ns(), first;
        struct lab_state card;
        uint32_t gen;

        if (!instants)
                instants = variant->some;
        ASSERT_EQ(0, open_again(self));
        self->interval_ns = info_of(self->fd).min_interval_ns;
        ASSERT_EQ(0, load(self, 60, &gen));
        ASSERT_EQ(0, port_query(&card));
        first = self->odometer = card.odometer;
        for (self->instant = 0; self->instant < instants && _metadata->passed; self->instant++) {
                struct window window;
                unsigned int pulses;

                self->permille = self->permille == 50 ? 60 : 50;
                ASSERT_EQ(0, window_open(&window, _metadata->name));
                ASSERT_EQ(0, port_query(&card));
                /* Between the end of before and here, resets and reloads among it. */
                EXPECT_EQ(self->odometer, card.odometer);
                window.permille = self->permille;
                EXPECT_EQ(0, begin(self, variant));
                self->seen = false;
                EXPECT_EQ(0, variant->end(self));
                if (!self->seen)
                        EXPECT_EQ(0, see(self));
                pulses = self->odometer - card.odometer;
                EXPECT_EQ(0, window_close(&window, pulses, REFUSED_ANY));
                /* The rest of the timeline goes by; or the next one follows at once. */
                if (dice_below(&self->dice, 2))
                        sleep_ns((COUNT + 3) * self->interval_ns);
                if (self->monitor >= 0)
                        collect(self);
                EXPECT_EQ(0, self->wrong);
                if (self->wrong)
                        TH_LOG("type %u, code %u, run %u (%u), pulse %u, %u permille (%u), %" PRId64
                               " ns from the start",
                               self->last_wrong.type, self->last_wrong.pulse.outcome, self->last_wrong.run, self->run,
                               self->last_wrong.pulse.index, self->last_wrong.pulse.set_permille, self->run_permille,
                               (int64_t)(self->last_wrong.pulse.due_ns - self->start_ns));
                if (!_metadata->passed)
                        TH_LOG("seed %" PRIu64 ", instant %u: %" PRId64 " ns from the start, pulses every %" PRIu64
                               " ns",
                               self->dice.seed, self->instant, self->offset_ns, self->interval_ns);
        }
        sleep_ns(200 * MS);
        if (self->monitor >= 0)
                collect(self);
        EXPECT_EQ(0, see(self));
        TH_LOG("seed %" PRIu64 ": %u instants, %" PRIu64 " pulses, %" PRIu64 " by the records, in %" PRIu64 " ms",
               self->dice.seed, self->instant, self->odometer - first, self->delivered, (now_ns() - begun_ns) / MS);
        /* Every discharge has its record; whose answer a reset took has one that says so. */
        EXPECT_LE(self->delivered, self->odometer - first);
        EXPECT_GE(self->delivered + self->unanswered, self->odometer - first);
        EXPECT_GE(self->fired, self->odometer - first);
        EXPECT_GT(self->odometer, first);
}

#endif

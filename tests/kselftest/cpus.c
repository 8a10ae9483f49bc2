// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A machine with two CPUs: each card's engine on its own, and what happens when it goes away. In plain
 * time, whose timers are as bad as the host's: nothing here is about exactness.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "tms_test.h"

FIXTURE(cpus)
{
        struct controller c;
        struct tms_pulse pulses[400];
        struct window window;
};

FIXTURE_VARIANT(cpus)
{
        uint32_t state;
};

FIXTURE_VARIANT_ADD(cpus, loaded){.state = TMS_STATE_LOADED};
FIXTURE_VARIANT_ADD(cpus, armed){.state = TMS_STATE_ARMED};
FIXTURE_VARIANT_ADD(cpus, running){.state = TMS_STATE_RUNNING};
FIXTURE_VARIANT_ADD(cpus, paused){.state = TMS_STATE_PAUSED};

static int set_online(int cpu, bool online)
{
        char path[64];

        snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/online", cpu);
        return write_file(path, online ? "1" : "0");
}

/*
 * The clock is the host's here. It may be late three times in a row, or let a CPU wait for so
 * long that the lease runs out, or the card's watchdog: then it is asked again.
 */
static bool starved(int fd)
{
        struct tms_status s = status_of(fd);

        if (s.state == TMS_STATE_FAULT && s.cause == TMS_CAUSE_WATCHDOG)
                return !call_clear_fault(fd);
        return s.state == TMS_STATE_LOADED && s.cause == TMS_CAUSE_LEASE;
}

static int arm_patiently(struct controller *c, const struct tms_pulse *pulses, uint32_t count)
{
        int r = controller_arm(c);

        while (r && starved(c->fd)) {
                r = controller_load(c, pulses, count);
                r = r ? r : controller_arm(c);
        }
        return r;
}

/*
 * Armed and not started yet: until it has fired @n, however often a starved host made it begin anew.
 * What ends the wait is the test's own time-out: how fast the host is says nothing of the module.
 * Whatever else ended it does so at once.
 */
static int start_patiently(struct controller *c, const struct tms_pulse *pulses, uint32_t count, uint32_t n)
{
        struct tms_resume resume;
        uint32_t before = 0; /* fired by the timelines that a starved host ended */
        struct tms_status s;
        int r;

        for (r = controller_start(c); !r; sleep_ns(10 * MS)) {
                s = status_of(c->fd);
                if (before + s.fired >= n)
                        return 0;
                if (s.state == TMS_STATE_RUNNING)
                        continue;
                resume = (struct tms_resume){.delay_ns = 50 * MS};
                if (s.state == TMS_STATE_PAUSED && s.cause == TMS_CAUSE_LATE) {
                        call(c->fd, TMS_IOC_RESUME, &resume);
                } else if (!starved(c->fd)) {
                        fprintf(stderr, "# start: state %u, cause %u after %u pulses\n", s.state, s.cause, s.fired);
                        return -EPROTO;
                } else {
                        before += s.fired;
                        r = controller_load(c, pulses, count);
                        r = r ? r : arm_patiently(c, pulses, count);
                        r = r ? r : controller_start(c);
                }
        }
        return r;
}

FIXTURE_SETUP(cpus)
{
        char other[64];

        ASSERT_EQ(0, write_file("/sys/module/tms/parameters/fitness_max_ns", "1000000000"));
        ASSERT_EQ(0, lab_reset());
        ASSERT_EQ(0, set_online(1, true));
        ASSERT_EQ(0, wait_node(true));
        /* Alone it has the CPU that has the least to do; the other card takes what is left. */
        ASSERT_EQ(0, address_of(1, other, sizeof(other)));
        ASSERT_EQ(0, write_file("/sys/bus/pci/drivers/tms/unbind", other));
        ASSERT_EQ(0, set_online(1, false));
        ASSERT_EQ(0, engine_cpu(0));
        ASSERT_EQ(0, set_online(1, true));
        ASSERT_EQ(1, engine_cpu(0));
        ASSERT_EQ(0, write_file("/sys/bus/pci/drivers/tms/bind", other));
        for (int i = 0; i < 100 && engine_cpu(1) < 0; i++)
                sleep_ns(10 * MS);
        ASSERT_EQ(0, engine_cpu(1));

        ASSERT_EQ(0, controller_open(&self->c));
        self->c.lateness_ns = MS;
        ASSERT_EQ(0, window_open(&self->window, _metadata->name));
        flat(self->pulses, 400, 50 * MS, 200, 400);
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 400));
        if (variant->state > TMS_STATE_LOADED)
                ASSERT_EQ(0, arm_patiently(&self->c, self->pulses, 400));
        if (variant->state > TMS_STATE_ARMED) {
                ASSERT_EQ(0, start_patiently(&self->c, self->pulses, 400, 1));
        }
        if (variant->state == TMS_STATE_PAUSED)
                ASSERT_EQ(0, controller_pause(&self->c, TMS_PAUSE_NOW));
        ASSERT_EQ(variant->state, status_of(self->c.fd).state);
}

FIXTURE_TEARDOWN(cpus)
{
        set_online(1, true);
        controller_close(&self->c);
}

/* The engine's CPU goes: a stop, and the next run is elsewhere. */
TEST_F(cpus, offline)
{
        bool treating = variant->state >= TMS_STATE_ARMED;
        struct lab_state card;
        int fired;

        ASSERT_EQ(0, set_online(1, false));
        EXPECT_EQ(TMS_STATE_LOADED, status_of(self->c.fd).state);
        if (treating)
                EXPECT_EQ(TMS_CAUSE_CPU_OFFLINE, status_of(self->c.fd).cause);
        ASSERT_EQ(0, lab_query(&card));
        EXPECT_STREQ("SAFE", card.state);
        fired = window_pulses(&self->window);
        EXPECT_EQ(status_of(self->c.fd).fired, treating ? fired : 0);
        EXPECT_EQ(0, window_close(&self->window, fired, 0));
        EXPECT_EQ(0, engine_cpu(0));
        sleep_ns(S);

        ASSERT_EQ(0, window_open(&self->window, "elsewhere"));
        ASSERT_EQ(0, arm_patiently(&self->c, self->pulses, 400));
        EXPECT_EQ(0, start_patiently(&self->c, self->pulses, 400, 3));
        EXPECT_EQ(0, call(self->c.fd, TMS_IOC_STOP, NULL));
        EXPECT_EQ(0, window_close(&self->window, window_pulses(&self->window), REFUSED_ANY));

        /* The CPU comes back: each engine has one of its own again. */
        EXPECT_EQ(engine_cpu(0), engine_cpu(1));
        ASSERT_EQ(0, set_online(1, true));
        EXPECT_NE(engine_cpu(0), engine_cpu(1));
}

static int move_to_cpu(int cpu)
{
        cpu_set_t set;

        CPU_ZERO(&set);
        CPU_SET(cpu, &set);
        return sched_setaffinity(0, sizeof(set), &set) ? -errno : 0;
}

/* On which CPUs is that timer waiting? A bit each. */
static int timers_cpus(const char *name)
{
        FILE *f = fopen("/proc/timer_list", "re");
        int cpu = -1, found = 0;
        char line[256], what[64];

        if (!f)
                return -errno;
        snprintf(what, sizeof(what), ", %s [tms], ", name);
        while (fgets(line, sizeof(line), f)) {
                sscanf(line, "cpu: %d", &cpu);
                if (cpu >= 0 && strstr(line, what))
                        found |= 1 << cpu;
        }
        fclose(f);
        return found;
}

/* On which it waits within 0.7 s: at any instant it may be running instead. */
static int timer_is_on(const char *name)
{
        int found = 0;

        for (int i = 0; i < 10; i++, sleep_ns(70 * MS))
                found |= timers_cpus(name);
        return found;
}

/* Armed and started from the other CPU: what kicks the card hangs when the engine's CPU does. */
TEST_F(cpus, timers_stay_with_the_engine)
{
        int r, kick, engine;

        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_STOP, NULL));
        sleep_ns(MS);
        EXPECT_EQ(0, window_close(&self->window, window_pulses(&self->window), REFUSED_ANY));
        ASSERT_EQ(0, move_to_cpu(0));
        for (;;) {
                struct tms_start start = {.delay_ns = 10 * S};

                r = 0;
                engine = 1 << 1;
                ASSERT_EQ(0, arm_patiently(&self->c, self->pulses, 400));
                kick = timer_is_on("kick_timer");
                if (variant->state > TMS_STATE_ARMED) {
                        controller_catch_up(&self->c);
                        start.timeline_gen = self->c.gen;
                        r = call(self->c.fd, TMS_IOC_START, &start);
                        engine = timer_is_on("engine_timer");
                        kick |= timer_is_on("kick_timer");
                }
                if (variant->state > TMS_STATE_RUNNING) {
                        r = r ? r : controller_pause(&self->c, TMS_PAUSE_NOW);
                        kick |= timer_is_on("kick_timer");
                }
                if (!starved(self->c.fd))
                        break;
                ASSERT_EQ(0, controller_load(&self->c, self->pulses, 400));
        }
        EXPECT_EQ(0, r);
        EXPECT_EQ(1 << 1, kick);
        EXPECT_EQ(1 << 1, engine);
        EXPECT_EQ(0, call(self->c.fd, TMS_IOC_STOP, NULL));
}

/* How many pulses each of the two cards gives while the other does. */
enum { TREATED = 20 };

struct driver {
        struct controller c;
        struct tms_pulse pulses[100];
        struct tms_event answers[4000];
        struct window window;
        pthread_t thread;
        int r;
};

FIXTURE(both)
{
        struct driver drivers[CARDS];
};

FIXTURE_SETUP(both)
{
        ASSERT_EQ(0, set_parameter("fitness_max_ns", 1000000000));
        ASSERT_EQ(0, lab_reset());
        ASSERT_EQ(0, set_online(1, true));
        for (unsigned int i = 0; i < CARDS; i++) {
                struct driver *d = &self->drivers[i];

                ASSERT_EQ(0, controller_open_card(&d->c, i));
                ASSERT_EQ(0, window_open_card(&d->window, _metadata->name, i));
                d->c.lateness_ns = MS;
                flat(d->pulses, 100, 50 * MS, 200 + i, 100);
                ASSERT_EQ(0, controller_load(&d->c, d->pulses, 100));
        }
}

FIXTURE_TEARDOWN(both)
{
        for (unsigned int i = 0; i < CARDS; i++)
                controller_close(&self->drivers[i].c);
}

static void *drive(void *arg)
{
        struct driver *d = arg;

        d->r = arm_patiently(&d->c, d->pulses, 100);
        d->r = d->r ? d->r : start_patiently(&d->c, d->pulses, 100, TREATED);
        return NULL;
}

/* Two cards treat at once, each engine on a CPU of its own, and know nothing of each other. */
TEST_F(both, treat)
{
        EXPECT_NE(engine_cpu(0), engine_cpu(1));
        for (unsigned int i = 0; i < CARDS; i++)
                ASSERT_EQ(0, pthread_create(&self->drivers[i].thread, NULL, drive, &self->drivers[i]));
        for (unsigned int i = 0; i < CARDS; i++)
                pthread_join(self->drivers[i].thread, NULL);
        for (unsigned int i = 0; i < CARDS; i++) {
                struct driver *d = &self->drivers[i];
                size_t answers, delivered = 0;
                int pulses;

                EXPECT_EQ(0, d->r);
                EXPECT_EQ(0, call(d->c.fd, TMS_IOC_STOP, NULL));
                sleep_ns(200 * MS);
                pulses = window_pulses(&d->window);
                EXPECT_GE(pulses, TREATED);
                answers = controller_events(&d->c, TMS_EVENT_PULSE_ANSWER, d->answers, ELEMENTSOF(d->answers));
                for (size_t k = 0; k < answers; k++) {
                        if (d->answers[k].pulse.outcome != TMS_PULSE_OUTCOME_DELIVERED)
                                continue;
                        EXPECT_EQ(200 + i, d->answers[k].pulse.delivered_permille);
                        delivered++;
                }
                EXPECT_EQ(pulses, delivered);
                EXPECT_EQ(0, window_close(&d->window, pulses, REFUSED_ANY));
        }
}

/* A card alone: off and on again, as behind each sleep, it is where it was; and a run is not moved. */
FIXTURE(alone)
{
        struct controller c;
        struct tms_pulse pulses[400];
        char other[64];
};

FIXTURE_SETUP(alone)
{
        ASSERT_EQ(0, set_parameter("fitness_max_ns", 1000000000));
        ASSERT_EQ(0, lab_reset());
        ASSERT_EQ(0, set_online(1, true));
        ASSERT_EQ(0, wait_node(true));
        ASSERT_EQ(0, address_of(1, self->other, sizeof(self->other)));
        ASSERT_EQ(0, write_file("/sys/bus/pci/drivers/tms/unbind", self->other));
        ASSERT_EQ(0, rebind());
        ASSERT_EQ(1, engine_cpu(0));
        ASSERT_EQ(0, controller_open(&self->c));
        self->c.lateness_ns = MS;
        flat(self->pulses, 400, 50 * MS, 200, 400);
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 400));
}

FIXTURE_TEARDOWN(alone)
{
        set_online(1, true);
        controller_close(&self->c);
        write_file("/sys/bus/pci/drivers/tms/bind", self->other);
}

TEST_F(alone, goes_back)
{
        for (int i = 0; i < 3; i++) {
                ASSERT_EQ(0, set_online(1, false));
                EXPECT_EQ(0, engine_cpu(0));
                ASSERT_EQ(0, set_online(1, true));
                EXPECT_EQ(1, engine_cpu(0));
        }
        /* Armed where it is it stays, until there is nothing to disturb. */
        ASSERT_EQ(0, set_online(1, false));
        ASSERT_EQ(0, arm_patiently(&self->c, self->pulses, 400));
        ASSERT_EQ(0, set_online(1, true));
        EXPECT_EQ(0, engine_cpu(0));
        EXPECT_EQ(TMS_STATE_ARMED, status_of(self->c.fd).state);
        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_STOP, NULL));
}

FIXTURE(race)
{
        struct controller c;
        struct tms_pulse pulse;
        struct window window;
        pthread_t stopping;
        int monitor;
        int stopped; /* the last STOP's result */
        unsigned int stops;
        bool over;
};

FIXTURE_SETUP(race)
{
        ASSERT_EQ(0, set_parameter("fitness_max_ns", 1000000000));
        ASSERT_EQ(0, lab_reset());
        ASSERT_EQ(0, set_online(1, true));
        ASSERT_EQ(0, controller_open(&self->c));
        self->monitor = node_open(O_RDONLY);
        ASSERT_GE(self->monitor, 0);
        ASSERT_EQ(0, window_open(&self->window, _metadata->name));
        flat(&self->pulse, 1, 0, 100, 1);
        ASSERT_EQ(0, controller_load(&self->c, &self->pulse, 1));
}

FIXTURE_TEARDOWN(race)
{
        close(self->monitor);
        controller_close(&self->c);
}

static void *stop_thread(void *arg)
{
        FIXTURE_DATA(race) *self = arg;

        move_to_cpu(0);
        while (!__atomic_load_n(&self->over, __ATOMIC_RELAXED)) {
                self->stopped = call(self->monitor, TMS_IOC_STOP, NULL);
                self->stops++;
        }
        return NULL;
}

/* A stop at whatever point of arming is a stop, and nothing is wrong with the card. */
TEST_F(race, stop_and_arm)
{
        unsigned int cancelled = 0;
        struct lab_state card;

        ASSERT_EQ(0, pthread_create(&self->stopping, NULL, stop_thread, self));
        ASSERT_EQ(0, move_to_cpu(1));
        for (unsigned int i = 0; cancelled < 1000; i++) {
                struct tms_arm arm = {.timeline_gen = self->c.gen};
                struct tms_status st;
                int r = call(self->c.fd, TMS_IOC_ARM, &arm);

                /* A host that lets one of the two wait, so that nobody stops, or the watchdog does. */
                if (!r) {
                        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_STOP, NULL));
                } else if (starved(self->c.fd)) {
                        ASSERT_EQ(0, controller_load(&self->c, &self->pulse, 1));
                        continue;
                }
                st = status_of(self->c.fd);
                cancelled += r == -ECANCELED;
                ASSERT_EQ(TMS_STATE_LOADED, st.state)
                {
                        TH_LOG("cause %u, ARM %d, at the %u.", st.cause, r, i);
                }
                ASSERT_EQ(TMS_CAUSE_REQUEST, st.cause);
        }
        __atomic_store_n(&self->over, true, __ATOMIC_RELAXED);
        pthread_join(self->stopping, NULL);
        TH_LOG("%u stops, 1000 of them in an arming", self->stops);
        EXPECT_EQ(0, self->stopped);
        EXPECT_EQ(0, status_of(self->c.fd).latched);
        ASSERT_EQ(0, lab_query(&card));
        EXPECT_STREQ("SAFE", card.state);

        /* And when it is over, it arms. */
        EXPECT_EQ(0, arm_patiently(&self->c, &self->pulse, 1));
        EXPECT_EQ(0, window_close(&self->window, 0, 0));
}

TEST_HARNESS_MAIN

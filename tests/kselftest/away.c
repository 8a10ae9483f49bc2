// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * While the card is being reset: nobody waits for it, everybody is told, and a stop is a stop. The card model
 * takes as long for its reset as it is told to.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "rest.h"
#include "tms_test.h"

/* A call that is turned away takes no longer; a reset takes 100 ms at least. */
#define AT_ONCE_NS (20 * MS)

FIXTURE(away)
{
        struct controller c;
        int monitor;
        struct tms_pulse pulses[100];
        struct window window;
        pthread_t resetting;
        char path[PATH_MAX];
        int reset; /* what the one who asked for it was told */
};

FIXTURE_VARIANT(away)
{
        uint32_t state;
};

FIXTURE_VARIANT_ADD(away, idle){.state = TMS_STATE_IDLE};
FIXTURE_VARIANT_ADD(away, loaded){.state = TMS_STATE_LOADED};
FIXTURE_VARIANT_ADD(away, running){.state = TMS_STATE_RUNNING};

FIXTURE_SETUP(away)
{
        char address[64];

        ASSERT_EQ(0, lab_reset());
        ASSERT_EQ(0, wait_node(true));
        ASSERT_EQ(0, card_address(address, sizeof(address)));
        snprintf(self->path, sizeof(self->path), "/sys/bus/pci/devices/%s/reset_method", address);
        ASSERT_EQ(0, write_file(self->path, "flr"));
        snprintf(self->path, sizeof(self->path), "/sys/bus/pci/devices/%s/reset", address);
        ASSERT_EQ(0, controller_open(&self->c));
        self->monitor = node_open(O_RDONLY);
        ASSERT_GE(self->monitor, 0);
        ASSERT_EQ(0, window_open(&self->window, _metadata->name));
        flat(self->pulses, 100, 50 * MS, 200, 100);
        if (variant->state >= TMS_STATE_LOADED)
                ASSERT_EQ(0, controller_load(&self->c, self->pulses, 100));
        if (variant->state >= TMS_STATE_RUNNING) {
                ASSERT_EQ(0, controller_arm(&self->c));
                ASSERT_EQ(0, controller_start(&self->c));
                ASSERT_EQ(0, wait_fired(self->c.fd, 3));
        }
}

FIXTURE_TEARDOWN(away)
{
        close(self->monitor);
        controller_close(&self->c);
        lab_reset();
}

static void *reset_thread(void *arg)
{
        FIXTURE_DATA(away) *self = arg;

        self->reset = write_file(self->path, "1");
        return NULL;
}

/* Begins a reset that takes @ns, and waits until it is under way. */
static int begin(FIXTURE_DATA(away) * self, uint64_t ns)
{
        struct tms_status st;
        int r = lab("slow_reset=%llu", (unsigned long long)ns);

        r = r ? r : -pthread_create(&self->resetting, NULL, reset_thread, self);
        for (int i = 0; !r && i < 1000; i++, sleep_ns(MS))
                if (call(self->monitor, TMS_IOC_STATUS, &st) == -EBUSY)
                        return 0;
        return r ? r : -ETIMEDOUT;
}

/* What a call says, and that it says so at once. */
#define EXPECT_AT_ONCE(what, expr)                         \
        do {                                               \
                uint64_t from_ns = now_ns();               \
                EXPECT_EQ(what, expr);                     \
                EXPECT_LT(now_ns() - from_ns, AT_ONCE_NS); \
        } while (0)

/* The records are there without the card. */
static struct tms_event last_state(int fd)
{
        struct tms_event e, last = {};

        while (read(fd, &e, sizeof(e)) == sizeof(e))
                if (e.type == TMS_EVENT_STATE)
                        last = e;
        return last;
}

TEST_F(away, is_told)
{
        struct tms_limits limits = wide_limits();
        struct tms_load load = {.pulses = (uintptr_t)self->pulses, .count = 100, PULSE_SIZE};
        struct tms_loaded loaded;
        struct pollfd p = {.fd = self->monitor, .events = POLLIN};
        struct tms_resume resume = {.delay_ns = S};
        struct tms_start start = {.delay_ns = S};
        struct tms_keepalive keep = {};
        struct tms_latency latency;
        struct tms_arm arm = {};
        struct tms_pause pause = {};
        struct tms_go go = {};
        struct tms_status st;
        struct tms_info info;
        struct tms_event e;
        char text[64], class[256];
        unsigned int rounds = 0;
        int pulses;

        ASSERT_EQ(0, node_class(class, sizeof(class)));
        ASSERT_EQ(0, begin(self, 30 * S));
        pulses = window_pulses(&self->window);
        controller_hang(&self->c);
        for (uint64_t end_ns = now_ns() + 10 * S; now_ns() < end_ns; sleep_ns(500 * MS), rounds++) {
                EXPECT_AT_ONCE(-EBUSY, call(self->monitor, TMS_IOC_STATUS, &st));
                EXPECT_AT_ONCE(-EBUSY, call(self->monitor, TMS_IOC_INFO, &info));
                EXPECT_AT_ONCE(-EBUSY, call(self->monitor, TMS_IOC_LATENCY, &latency));
                EXPECT_AT_ONCE(-EBUSY, call(self->monitor, TMS_IOC_GET_LIMITS, &limits));
                EXPECT_AT_ONCE(-EBUSY, call(self->monitor, TMS_IOC_LOADED, &loaded));
                EXPECT_AT_ONCE(-EBUSY, call(self->c.fd, TMS_IOC_LIMITS, &limits));
                EXPECT_AT_ONCE(-EBUSY, call(self->c.fd, TMS_IOC_LOAD, &load));
                EXPECT_AT_ONCE(-EBUSY, call(self->c.fd, TMS_IOC_ARM, &arm));
                EXPECT_AT_ONCE(-EBUSY, call(self->c.fd, TMS_IOC_START, &start));
                EXPECT_AT_ONCE(-EBUSY, call(self->c.fd, TMS_IOC_GO, &go));
                EXPECT_AT_ONCE(-EBUSY, call(self->c.fd, TMS_IOC_PAUSE, &pause));
                EXPECT_AT_ONCE(-EBUSY, call(self->c.fd, TMS_IOC_RESUME, &resume));
                EXPECT_EQ(TMS_REASON_AWAY, resume.why.reason);
                EXPECT_AT_ONCE(-EBUSY, call_disarm(self->c.fd));
                EXPECT_AT_ONCE(-EBUSY, call(self->c.fd, TMS_IOC_KEEPALIVE, &keep));
                EXPECT_AT_ONCE(-EBUSY, call_clear_fault(self->c.fd));
                EXPECT_AT_ONCE(-EAGAIN, node_open(O_RDONLY));
                EXPECT_AT_ONCE(-EAGAIN, node_open(O_RDWR));
                EXPECT_AT_ONCE(-EBUSY, read_text(text, sizeof(text), "%s/odometer", class));
                /* It is safe: that is what was asked for. */
                EXPECT_AT_ONCE(0, call(self->monitor, TMS_IOC_STOP, NULL));
                EXPECT_AT_ONCE(0, call(self->c.fd, TMS_IOC_STOP, NULL));
        }
        EXPECT_GE(rounds, 10);
        /* Nobody is told that it has gone, and why it ended can be read. */
        poll(&p, 1, 0);
        EXPECT_EQ(0, p.revents & (POLLHUP | POLLERR));
        e = last_state(self->monitor);
        if (variant->state == TMS_STATE_RUNNING) {
                EXPECT_EQ(TMS_STATE_FAULT, e.state.to);
                EXPECT_EQ(TMS_CAUSE_CARD_RESET, e.state.cause);
        } else if (variant->state == TMS_STATE_LOADED) {
                EXPECT_EQ(TMS_STATE_IDLE, e.state.to);
                EXPECT_EQ(TMS_CAUSE_CHANGED, e.state.cause);
        }
        EXPECT_EQ(pulses, window_pulses(&self->window));

        pthread_join(self->resetting, NULL);
        EXPECT_EQ(0, self->reset);
        EXPECT_EQ(variant->state == TMS_STATE_RUNNING ? TMS_STATE_FAULT : TMS_STATE_IDLE,
                  status_of(self->monitor).state);
        EXPECT_EQ(0, window_close(&self->window, pulses, 0));

        /* And treats. */
        controller_close(&self->c);
        ASSERT_EQ(0, controller_open(&self->c));
        ASSERT_EQ(0, window_open(&self->window, "back"));
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 100));
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
        EXPECT_EQ(100, status_of(self->c.fd).delivered);
        EXPECT_EQ(0, window_close(&self->window, 100, 0));
}

/* What was read while it is away can be acknowledged: the disk does not wait for a reset either. */
TEST_F(away, records_are_acknowledged)
{
        struct tms_keepalive keep = {};
        struct tms_event e;

        ASSERT_EQ(0, begin(self, 5 * S));
        controller_hang(&self->c);
        while (read(self->c.fd, &e, sizeof(e)) == sizeof(e))
                keep.acked_seq = e.seq + 1;
        EXPECT_AT_ONCE(-EBUSY, call(self->c.fd, TMS_IOC_KEEPALIVE, &keep));
        EXPECT_LE(keep.acked_seq, keep.event_head);
        EXPECT_GT(keep.event_head, 0);
        pthread_join(self->resetting, NULL);
        if (keep.acked_seq)
                EXPECT_EQ(keep.acked_seq, status_of(self->monitor).event_acked);
        EXPECT_EQ(0, window_close(&self->window, window_pulses(&self->window), 0));
}

/* The controller goes meanwhile, perhaps killed: it need not wait, and the next one finds nothing of it. */
TEST_F(away, close)
{
        uint64_t from_ns;

        ASSERT_EQ(0, begin(self, 10 * S));
        controller_hang(&self->c);
        from_ns = now_ns();
        close(self->c.fd);
        EXPECT_LT(now_ns() - from_ns, AT_ONCE_NS);
        self->c.fd = -1;
        pthread_join(self->resetting, NULL);
        EXPECT_EQ(0, status_of(self->monitor).timeline_gen);
        EXPECT_EQ(0, status_of(self->monitor).pulses);
        EXPECT_EQ(0, status_of(self->monitor).lease_ends_ns);
        controller_close(&self->c);
        EXPECT_EQ(0, controller_open(&self->c));
        EXPECT_EQ(0, window_close(&self->window, window_pulses(&self->window), 0));
}

/* The kernel waits for a minute, then it gives the card up. So do we, and nothing hangs. */
TEST_F(away, never_back)
{
        struct tms_status st;

        ASSERT_EQ(0, begin(self, 1000 * S));
        controller_hang(&self->c);
        sleep_ns(50 * S);
        EXPECT_AT_ONCE(-EBUSY, call(self->monitor, TMS_IOC_STATUS, &st));
        EXPECT_AT_ONCE(0, call(self->monitor, TMS_IOC_STOP, NULL));
        pthread_join(self->resetting, NULL);
        EXPECT_EQ(TMS_STATE_FAULT, status_of(self->monitor).state);
        EXPECT_EQ(TMS_STATE_FAULT, last_state(self->monitor).state.to);
        EXPECT_AT_ONCE(-ENODEV, call_clear_fault(self->c.fd));
        EXPECT_AT_ONCE(0, call(self->monitor, TMS_IOC_STOP, NULL));
        EXPECT_EQ(0, window_close(&self->window, window_pulses(&self->window), 0));
        controller_close(&self->c);
        close(self->monitor);
        self->monitor = -1;

        /* Its addresses are lost with the reset that was never seen to end: it is plugged in anew. */
        ASSERT_EQ(0, lab("remove"));
        ASSERT_EQ(0, wait_node(false));
        sleep_ns(2 * S);
        ASSERT_EQ(0, lab("insert"));
        ASSERT_EQ(0, wait_node(true));
        ASSERT_EQ(0, controller_open(&self->c));
        EXPECT_EQ(TMS_STATE_IDLE, status_of(self->c.fd).state);
}

/* Discharges that nobody was told of, their answers still in the card: recorded before the reset forgets them. */
TEST_F(away, answers_are_taken_first)
{
        struct tms_event e[256];
        size_t n, unexpected = 0;
        uint64_t fired = status_of(self->monitor).total_fired;
        int before;

        if (variant->state == TMS_STATE_RUNNING)
                ASSERT_EQ(0, call(self->c.fd, TMS_IOC_STOP, NULL));
        sleep_ns(MS);
        fired = status_of(self->monitor).total_fired;
        before = window_pulses(&self->window);
        ASSERT_EQ(0, lab("lost_irq; lost_pulse_irq; extra_pulse=300; lost_pulse_irq; extra_pulse=310"));
        ASSERT_EQ(0, begin(self, MS));
        pthread_join(self->resetting, NULL);
        n = controller_events(&self->c, TMS_EVENT_PULSE_ANSWER, e, 256);
        ASSERT_LE(n, 256);
        for (size_t i = 0; i < n; i++)
                if (e[i].pulse.outcome == 9) {
                        EXPECT_EQ(300 + 10 * unexpected, e[i].pulse.delivered_permille);
                        unexpected++;
                }
        EXPECT_EQ(2, unexpected);
        EXPECT_EQ(fired + 2, status_of(self->monitor).total_fired);
        EXPECT_EQ(TMS_STATE_FAULT, status_of(self->monitor).state);
        EXPECT_EQ(TMS_CAUSE_CARD_UNEXPECTED, status_of(self->monitor).cause);
        EXPECT_EQ(0, window_close(&self->window, before + 2, 0));
}

struct one {
        unsigned int card;
        char path[PATH_MAX];
        struct controller c;
        struct tms_pulse pulses[10];
        struct window window;
        pthread_t resetting;
        int reset;
};

static void *reset_one(void *arg)
{
        struct one *o = arg;

        o->reset = write_file(o->path, "1");
        return NULL;
}

/* As when the bus above them is reset: both are away at the same time, for different times, and both are back. */
TEST(two_cards_at_once)
{
        struct one one[CARDS] = {};
        char address[64];
        unsigned int both = 0;

        ASSERT_EQ(0, lab_reset());
        for (unsigned int i = 0; i < CARDS; i++) {
                struct one *o = &one[i];

                o->card = i;
                ASSERT_EQ(0, address_of(i, address, sizeof(address)));
                snprintf(o->path, sizeof(o->path), "/sys/bus/pci/devices/%s/reset", address);
                ASSERT_EQ(0, controller_open_card(&o->c, i));
                ASSERT_EQ(0, lab("card=%u slow_reset=%llu", i, (2 + 3 * i) * S));
        }
        for (unsigned int i = 0; i < CARDS; i++)
                ASSERT_EQ(0, pthread_create(&one[i].resetting, NULL, reset_one, &one[i]));
        for (uint64_t end_ns = now_ns() + 2 * S; now_ns() < end_ns; sleep_ns(50 * MS)) {
                unsigned int away = 0;
                struct tms_status st;

                for (unsigned int i = 0; i < CARDS; i++) {
                        away += call(one[i].c.fd, TMS_IOC_STATUS, &st) == -EBUSY;
                        EXPECT_AT_ONCE(0, call(one[i].c.fd, TMS_IOC_STOP, NULL));
                }
                both += away == CARDS;
        }
        EXPECT_GT(both, 10);
        for (unsigned int i = 0; i < CARDS; i++) {
                struct one *o = &one[i];

                pthread_join(o->resetting, NULL);
                EXPECT_EQ(0, o->reset);
                EXPECT_EQ(TMS_STATE_IDLE, status_of(o->c.fd).state);
                controller_catch_up(&o->c);
                ASSERT_EQ(0, window_open_card(&o->window, "both back", i));
                flat(o->pulses, 10, 50 * MS, 200, 10);
                ASSERT_EQ(0, controller_run(&o->c, o->pulses, 10));
                ASSERT_EQ(0, wait_state(o->c.fd, TMS_STATE_LOADED));
                EXPECT_EQ(10, status_of(o->c.fd).delivered);
                EXPECT_EQ(0, window_close(&o->window, 10, 0));
                controller_close(&o->c);
        }
}

TEST_HARNESS_MAIN

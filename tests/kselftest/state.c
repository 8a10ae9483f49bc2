// SPDX-License-Identifier: GPL-2.0-or-later
/* Every call in every state: it works, or says with the right errno why not, and changes nothing. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "tms_test.h"

#define OK 0
/* Out of order, something under way, fault latched. */
#define ORDER (-EPROTO)
#define BUSY (-EBUSY)
#define FAULTED (-EPERM)
/* Discharged: ARM comes first. And ARM itself, while it is too early. */
#define SHUT (-ESHUTDOWN)
#define EARLY (-EAGAIN)

/* clang-format off */
static const struct {
        const char *name;
        unsigned long cmd;
        int in[STATES];
} moves[] = {
        /*                                      IDLE   LOADED ARMING ARMED  RUNNING  PAUSED FAULT    GONE  BREAK */
        { "LIMITS", TMS_IOC_LIMITS,           { OK,    OK,    BUSY,  BUSY,  BUSY,    BUSY,  FAULTED, 0,    BUSY } },
        { "LOAD", TMS_IOC_LOAD,               { OK,    OK,    BUSY,  BUSY,  BUSY,    BUSY,  FAULTED, 0,    BUSY } },
        { "ARM", TMS_IOC_ARM,                 { ORDER, OK,    BUSY,  BUSY,  BUSY,    BUSY,  FAULTED, 0,    EARLY } },
        { "START", TMS_IOC_START,             { ORDER, ORDER, BUSY,  OK,    BUSY,    BUSY,  FAULTED, 0,    SHUT } },
        { "GO", TMS_IOC_GO,                   { ORDER, ORDER, ORDER, ORDER, -ESTALE, ORDER, FAULTED, 0,    SHUT } },
        { "PAUSE", TMS_IOC_PAUSE,             { ORDER, ORDER, ORDER, ORDER, OK,      ORDER, FAULTED, 0,    OK } },
        { "RESUME", TMS_IOC_RESUME,           { ORDER, ORDER, ORDER, ORDER, ORDER,   OK,    FAULTED, 0,    SHUT } },
        { "STOP", TMS_IOC_STOP,               { OK,    OK,    OK,    OK,    OK,      OK,    OK,      0,    OK } },
        { "DISARM", TMS_IOC_DISARM,           { ORDER, ORDER, OK,    OK,    ORDER,   OK,    FAULTED, 0,    OK } },
        { "KEEPALIVE", TMS_IOC_KEEPALIVE,     { OK,    OK,    OK,    OK,    OK,      OK,    OK,      0,    OK } },
        { "CLEAR_FAULT", TMS_IOC_CLEAR_FAULT, { ORDER, ORDER, ORDER, ORDER, ORDER,   ORDER, OK,      0,    ORDER } },
        { "INFO", TMS_IOC_INFO,               { OK,    OK,    OK,    OK,    OK,      OK,    OK,      0,    OK } },
        { "STATUS", TMS_IOC_STATUS,           { OK,    OK,    OK,    OK,    OK,      OK,    OK,      0,    OK } },
        { "LATENCY", TMS_IOC_LATENCY,         { OK,    OK,    OK,    OK,    OK,      OK,    OK,      0,    OK } },
        { "GET_LIMITS", TMS_IOC_GET_LIMITS,   { OK,    OK,    OK,    OK,    OK,      OK,    OK,      0,    OK } },
        { "LOADED", TMS_IOC_LOADED,           { OK,    OK,    OK,    OK,    OK,      OK,    OK,      0,    OK } },
};
/* clang-format on */

FIXTURE(state)
{
        struct controller c;
        struct tms_pulse pulses[10];
        struct window window;
        pthread_t arming;
        union controller_arg arg;
};

FIXTURE_VARIANT(state)
{
        uint32_t state;
};

VARIANTS_OF_STATES(state);
FIXTURE_VARIANT_ADD(state, break_){.state = TMS_STATE_BREAK};

FIXTURE_SETUP(state)
{
        ASSERT_EQ(0, lab_reset());
        ASSERT_EQ(0, controller_open(&self->c));
        ASSERT_EQ(0, window_open(&self->window, _metadata->name));
        flat(self->pulses, ELEMENTSOF(self->pulses), 5 * S, 100, 1);
        self->pulses[0].flags |= TMS_PULSE_WAIT_OPERATOR;
        /* So far away that nobody waits for it charged. */
        for (size_t i = 0; variant->state == TMS_STATE_BREAK && i < ELEMENTSOF(self->pulses); i++)
                self->pulses[i].t_ns += 100 * S;
}

FIXTURE_TEARDOWN(state)
{
        controller_close(&self->c);
        /* The only timeline waits for an operator who never comes. */
        EXPECT_EQ(0, window_close(&self->window, 0, 0));
}

static void *fill_arg(FIXTURE_DATA(state) * self, unsigned long cmd)
{
        controller_arg(&self->c, cmd, self->pulses, ELEMENTSOF(self->pulses), &self->arg);
        if (cmd == TMS_IOC_GO)
                self->arg.go.pulse = 7; /* not the one that waits */
        if (cmd == TMS_IOC_KEEPALIVE)
                self->arg.keepalive.acked_seq = status_of(self->c.fd).event_acked;
        return &self->arg;
}

/* From any state to the wanted one. */
static int enter(FIXTURE_DATA(state) * self, uint32_t state)
{
        int r = call(self->c.fd, TMS_IOC_STOP, NULL);

        if (!r && status_of(self->c.fd).state == TMS_STATE_FAULT)
                r = call_clear_fault(self->c.fd);
        if (!r)
                r = call(self->c.fd, TMS_IOC_LIMITS, fill_arg(self, TMS_IOC_LIMITS));
        if (r || state == TMS_STATE_IDLE)
                return r;

        r = controller_load(&self->c, self->pulses, ELEMENTSOF(self->pulses));
        if (r || state == TMS_STATE_LOADED)
                return r;

        if (state == TMS_STATE_ARMING) {
                r = lab("never_ready=on");
                if (!r)
                        r = -pthread_create(&self->arming, NULL, controller_arm_thread, &self->c);
                return r ? r : wait_state(self->c.fd, state);
        }
        r = controller_arm(&self->c);
        if (r || state == TMS_STATE_ARMED)
                return r;

        if (state == TMS_STATE_FAULT) {
                r = lab("open=cover_open");
                r = r ? r : wait_state(self->c.fd, state);
                return r ? r : lab("close=cover_open");
        }
        r = controller_start(&self->c);
        if (r || state == TMS_STATE_RUNNING || state == TMS_STATE_BREAK)
                return r;
        r = controller_pause(&self->c, TMS_PAUSE_NOW);
        return r ? r : wait_state(self->c.fd, TMS_STATE_PAUSED);
}

/* The one state that there is no way back from: a card whose driver has let it go. */
FIXTURE(gone)
{
        FIXTURE_DATA(state) with;
        char address[64];
        int monitor;
};

FIXTURE_SETUP(gone)
{
        struct controller *c = &self->with.c;

        ASSERT_EQ(0, lab_reset());
        ASSERT_EQ(0, card_address(self->address, sizeof(self->address)));
        ASSERT_EQ(0, controller_open(c));
        self->monitor = node_open(O_RDONLY);
        ASSERT_GE(self->monitor, 0);
        flat(self->with.pulses, ELEMENTSOF(self->with.pulses), 5 * S, 100, 1);
        ASSERT_EQ(0, controller_load(c, self->with.pulses, ELEMENTSOF(self->with.pulses)));
        ASSERT_EQ(0, controller_arm(c));
        controller_hang(c);
        ASSERT_EQ(0, write_file("/sys/bus/pci/drivers/tms/unbind", self->address));
}

FIXTURE_TEARDOWN(gone)
{
        controller_close(&self->with.c);
        close(self->monitor);
        write_file("/sys/bus/pci/drivers/tms/bind", self->address);
        wait_node(true);
}

/* The controller's every call, and the monitor's: the card is gone, or it is not their call. */
TEST_F(gone, calls)
{
        int fd = self->with.c.fd;

        for (size_t i = 0; i < ELEMENTSOF(moves); i++) {
                bool everybodys = moves[i].cmd == TMS_IOC_INFO || moves[i].cmd == TMS_IOC_STATUS ||
                                  moves[i].cmd == TMS_IOC_LATENCY || moves[i].cmd == TMS_IOC_GET_LIMITS ||
                                  moves[i].cmd == TMS_IOC_LOADED || moves[i].cmd == TMS_IOC_STOP;

                EXPECT_EQ(-ENODEV, call(fd, moves[i].cmd, fill_arg(&self->with, moves[i].cmd)))
                {
                        TH_LOG("%s", moves[i].name);
                }
                EXPECT_EQ(everybodys ? -ENODEV : -EBADF,
                          call(self->monitor, moves[i].cmd, fill_arg(&self->with, moves[i].cmd)))
                {
                        TH_LOG("%s by a monitor", moves[i].name);
                }
        }
        /* What is no call, or one with a bad argument, is that here as well. */
        EXPECT_EQ(-ENOTTY, call(fd, _IO(TMS_IOC_MAGIC, 0xff), NULL));
        EXPECT_EQ(-EFAULT, call(fd, TMS_IOC_ARM, NULL));
        EXPECT_EQ(-ENODEV, node_open(O_RDONLY) < 0 ? -ENODEV : 0);
}

/* What it has left is read to its end, and what is acknowledged then is acknowledged for the next one. */
TEST_F(gone, keepalive)
{
        struct tms_keepalive k = {};
        struct tms_event e, last = {};
        struct controller next;

        while (read(self->with.c.fd, &e, sizeof(e)) == sizeof(e))
                last = e;
        EXPECT_EQ(ENODEV, errno);
        EXPECT_EQ(TMS_EVENT_STATE, last.type);
        EXPECT_EQ(TMS_STATE_GONE, last.state.to);
        EXPECT_EQ(TMS_STATE_ARMED, last.state.from);
        EXPECT_EQ(TMS_CAUSE_SHUTDOWN, last.state.cause);
        k.acked_seq = last.seq + 1;
        EXPECT_EQ(-ENODEV, call(self->with.c.fd, TMS_IOC_KEEPALIVE, &k));

        ASSERT_EQ(0, write_file("/sys/bus/pci/drivers/tms/bind", self->address));
        ASSERT_EQ(0, wait_node(true));
        ASSERT_EQ(0, controller_open(&next));
        EXPECT_EQ(last.seq + 1, status_of(next.fd).event_acked);
        controller_close(&next);

        /* Behind the card's next life the old file acknowledges nothing. */
        k.acked_seq = last.seq + 1;
        EXPECT_EQ(-ENODEV, call(self->with.c.fd, TMS_IOC_KEEPALIVE, &k));
}

static void leave(FIXTURE_DATA(state) * self, uint32_t state)
{
        if (state == TMS_STATE_ARMING) {
                call(self->c.fd, TMS_IOC_STOP, NULL);
                pthread_join(self->arming, NULL);
                lab("never_ready=off");
        }
}

TEST_F(state, calls)
{
        for (size_t i = 0; i < ELEMENTSOF(moves); i++) {
                struct tms_status before, after;
                int r;

                ASSERT_EQ(0, enter(self, variant->state))
                {
                        TH_LOG("before %s", moves[i].name);
                }
                before = status_of(self->c.fd);
                ASSERT_EQ(variant->state, before.state);

                r = call(self->c.fd, moves[i].cmd, fill_arg(self, moves[i].cmd));
                after = status_of(self->c.fd);
                EXPECT_EQ(moves[i].in[variant->state], r)
                {
                        TH_LOG("%s", moves[i].name);
                }
                if (r) {
                        EXPECT_EQ(before.state, after.state)
                        {
                                TH_LOG("%s changed the state", moves[i].name);
                        }
                        EXPECT_EQ(before.timeline_gen, after.timeline_gen);
                        EXPECT_EQ(before.cause, after.cause);
                }
                /* Each refusal says why, and a call that may come later says when. */
                if (_IOC_DIR(moves[i].cmd) & _IOC_WRITE)
                        EXPECT_EQ(!r, self->arg.why.reason == TMS_REASON_NONE)
                        {
                                TH_LOG("%s", moves[i].name);
                        }
                if (r == EARLY) {
                        EXPECT_EQ(TMS_REASON_TOO_EARLY, self->arg.why.reason);
                        EXPECT_EQ(true, self->arg.why.wait_ns > 0 && self->arg.why.wait_ns < 100 * S);
                }
                leave(self, variant->state);
        }
}

/* STOP is for anyone, at once, and ends in SAFE from everywhere. */
TEST_F(state, stop_by_a_monitor)
{
        struct lab_state card;
        uint32_t state;
        int fd;

        fd = node_open(O_RDONLY);
        ASSERT_GE(fd, 0);
        ASSERT_EQ(0, enter(self, variant->state));
        EXPECT_EQ(0, call(fd, TMS_IOC_STOP, NULL));
        state = status_of(fd).state;
        switch (variant->state) {
        case TMS_STATE_IDLE:
        case TMS_STATE_FAULT:
                EXPECT_EQ(variant->state, state);
                break;
        default:
                EXPECT_EQ(TMS_STATE_LOADED, state);
        }
        ASSERT_EQ(0, lab_query(&card));
        EXPECT_STREQ("SAFE", card.state);
        leave(self, variant->state);
        close(fd);
}

/* What the card is in, in each state: energised only in those that need it. */
TEST_F(state, card_is_safe_unless_treating)
{
        struct lab_state card;

        ASSERT_EQ(0, enter(self, variant->state));
        ASSERT_EQ(0, lab_query(&card));
        switch (variant->state) {
        case TMS_STATE_ARMING:
                EXPECT_STREQ("CHARGE", card.state);
                break;
        case TMS_STATE_ARMED:
        case TMS_STATE_RUNNING:
        case TMS_STATE_PAUSED:
                EXPECT_STREQ("ARM", card.state);
                break;
        default:
                EXPECT_STREQ("SAFE", card.state);
        }
        leave(self, variant->state);

        /* And after the controller is gone, in SAFE in any case. */
        ASSERT_EQ(0, enter(self, variant->state));
        if (variant->state == TMS_STATE_ARMING)
                leave(self, variant->state);
        controller_close(&self->c);
        ASSERT_EQ(0, lab_query(&card));
        EXPECT_STREQ("SAFE", card.state);
}

TEST_HARNESS_MAIN

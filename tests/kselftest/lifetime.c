// SPDX-License-Identifier: GPL-2.0-or-later
/* Ends of every kind, in every state: close, unbind, reset, sleep, the module unloaded; unplug.c has one more. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "life.h"
#include "rest.h"

TEST_F(life, close)
{
        struct lab_state card;
        struct tms_status st;

        /* The thread that arms has its own hold on the file: it must end first. */
        if (variant->state == TMS_STATE_ARMING)
                ASSERT_EQ(0, call(self->monitor, TMS_IOC_STOP, NULL));
        controller_close(&self->c);
        EXPECT_QUIET();
        ASSERT_EQ(0, lab_query(&card));
        EXPECT_STREQ("SAFE", card.state);
        st = status_of(self->monitor);
        EXPECT_EQ(variant->state == TMS_STATE_FAULT ? TMS_STATE_FAULT : TMS_STATE_IDLE, st.state);
        EXPECT_EQ(0, st.timeline_gen);
        EXPECT_EQ(0, st.pulses);
        /* No lease is left behind for the next. */
        EXPECT_LE(st.lease_ends_ns, now_ns());
}

TEST_F(life, unbind)
{
        struct lab_state card;
        char address[64];
        uint64_t acked;

        ASSERT_EQ(0, card_address(address, sizeof(address)));
        controller_hang(&self->c);
        ASSERT_EQ(0, write_file("/sys/bus/pci/drivers/tms/unbind", address));
        ASSERT_EQ(0, lab_query(&card));
        EXPECT_STREQ("SAFE", card.state);
        EXPECT_QUIET();
        EXPECT_EQ(0, wait_node(false));

        acked = 0;
        /* The controller's own cursor is behind what it has acknowledged, or at it. */
        {
                struct tms_event e;

                if (self->c.count)
                        acked = self->c.events[self->c.count - 1].seq + 1;
                if (read(self->c.fd, &e, sizeof(e)) == sizeof(e))
                        acked = acked ? acked : e.seq;
        }
        EXPECT_GONE(self->monitor);
        EXPECT_GONE(self->c.fd);
        close(self->c.fd);
        close(self->monitor);
        self->monitor = -1;

        ASSERT_EQ(0, write_file("/sys/bus/pci/drivers/tms/bind", address));
        EXPECT_BACK(acked);
}

TEST_F(life, module_is_in_use)
{
        EXPECT_EQ(-1, syscall(SYS_delete_module, "tms", O_NONBLOCK));
        EXPECT_TRUE(errno == EWOULDBLOCK || errno == EBUSY);
        EXPECT_EQ(variant->state, status_of(self->c.fd).state);
        if (variant->state == TMS_STATE_ARMING)
                call(self->c.fd, TMS_IOC_STOP, NULL);
        call(self->c.fd, TMS_IOC_STOP, NULL);
        EXPECT_QUIET();
}

/*
 * Suspend to idle: refused in mid-treatment, before anything is frozen. At rest the
 * whole way down and up again, but for the last step, which nobody would wake from.
 */
TEST_F(life, sleep)
{
        bool treating = variant->state >= TMS_STATE_ARMING && variant->state <= TMS_STATE_PAUSED;
        struct lab_state card;

        EXPECT_EQ(treating ? -EBUSY : 0, nap("freeze"));
        if (treating || variant->state != TMS_STATE_LOADED) {
                EXPECT_EQ(variant->state, status_of(self->c.fd).state);
        } else {
                EXPECT_EQ(TMS_STATE_IDLE, status_of(self->c.fd).state);
                EXPECT_EQ(TMS_CAUSE_SUSPEND, status_of(self->c.fd).cause);
                EXPECT_EQ(TMS_CAUSE_SUSPEND, controller_last_state(&self->c).state.cause);
                EXPECT_EQ(0, status_of(self->c.fd).timeline_gen);
        }
        if (!treating) {
                ASSERT_EQ(0, lab_query(&card));
                EXPECT_STREQ("SAFE", card.state);
        }
        call(self->c.fd, TMS_IOC_STOP, NULL);
        EXPECT_QUIET();

        /* And the card treats as before. */
        ASSERT_EQ(0, lab_reset());
        if (variant->state == TMS_STATE_ARMING)
                pthread_join(self->arming, NULL);
        self->arming = 0;
        controller_close(&self->c);
        ASSERT_EQ(0, controller_open(&self->c));
        ASSERT_EQ(0, window_open(&self->window, "awake"));
        flat(self->pulses, 10, 50 * MS, 200, 10);
        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 10));
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
        EXPECT_EQ(10, status_of(self->c.fd).delivered);
        EXPECT_EQ(0, window_close(&self->window, 10, 0));
}

/* The card is reset under the driver. */
TEST_F(life, function_level_reset)
{
        struct lab_state card;
        char path[PATH_MAX], address[64];

        ASSERT_EQ(0, card_address(address, sizeof(address)));
        snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/reset", address);
        ASSERT_EQ(0, write_file(path, "1"));
        ASSERT_EQ(0, lab_query(&card));
        EXPECT_STREQ("SAFE", card.state);
        EXPECT_QUIET();
        EXPECT_TRUE(status_of(self->c.fd).state == TMS_STATE_IDLE || status_of(self->c.fd).state == TMS_STATE_FAULT);
        EXPECT_EQ(0, status_of(self->c.fd).timeline_gen);
}

/* It treats as on the first day. */
#define EXPECT_TREATS(name)                                                 \
        do {                                                                \
                ASSERT_EQ(0, window_open(&self->window, name));             \
                flat(self->pulses, 10, 50 * MS, 200, 10);                   \
                ASSERT_EQ(0, controller_run(&self->c, self->pulses, 10));   \
                ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));     \
                EXPECT_EQ(TMS_CAUSE_COMPLETE, status_of(self->c.fd).cause); \
                EXPECT_EQ(10, status_of(self->c.fd).delivered);             \
                EXPECT_EQ(0, window_close(&self->window, 10, 0));           \
        } while (0)

/* The bus reports an error of the card, and resets it: what was under way ends, nothing stays loaded. */
#define EXPECT_RECOVERED(op)                                                                              \
        do {                                                                                              \
                bool treating = variant->state >= TMS_STATE_ARMING && variant->state <= TMS_STATE_PAUSED; \
                struct lab_state card;                                                                    \
                ASSERT_EQ(0, report_errors());                                                            \
                ASSERT_EQ(0, lab(op));                                                                    \
                if (treating) {                                                                           \
                        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_FAULT));                            \
                        EXPECT_EQ(TMS_CAUSE_CARD_ABSENT, status_of(self->c.fd).cause);                    \
                } else if (variant->state == TMS_STATE_LOADED) {                                          \
                        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_IDLE));                             \
                }                                                                                         \
                EXPECT_QUIET();                                                                           \
                ASSERT_EQ(0, lab_query(&card));                                                           \
                EXPECT_STREQ("SAFE", card.state);                                                         \
                EXPECT_EQ(0, status_of(self->c.fd).timeline_gen);                                         \
                if (self->arming)                                                                         \
                        pthread_join(self->arming, NULL);                                                 \
                self->arming = 0;                                                                         \
                ASSERT_EQ(0, lab_reset());                                                                \
                if (status_of(self->c.fd).state == TMS_STATE_FAULT) {                                     \
                        ASSERT_EQ(0, call_clear_fault(self->c.fd));                                       \
                }                                                                                         \
                EXPECT_TREATS("recovered");                                                               \
        } while (0)

TEST_F(life, bus_error)
{
        EXPECT_RECOVERED("aer=uncorrectable");
}

TEST_F(life, fatal_bus_error)
{
        EXPECT_RECOVERED("aer=fatal");
}

/* One that the hardware has corrected by itself is no business of a treatment. */
TEST_F(life, corrected_bus_error)
{
        ASSERT_EQ(0, report_errors());
        ASSERT_EQ(0, lab("aer=correctable"));
        sleep_ns(100 * MS);
        EXPECT_EQ(variant->state, status_of(self->c.fd).state);
        call(self->c.fd, TMS_IOC_STOP, NULL);
        EXPECT_QUIET();
}

/* Behind a file's own card came others: what they left is not for this file, to read or to acknowledge. */
TEST(a_file_of_two_lives_ago)
{
        struct tms_keepalive k = {};
        struct tms_pulse pulses[2];
        struct controller a, b;
        struct tms_event e;
        uint64_t acked, head;
        char address[64];

        ASSERT_EQ(0, card_address(address, sizeof(address)));
        flat(pulses, 2, S, 200, 2);
        ASSERT_EQ(0, lab_reset());
        ASSERT_EQ(0, wait_node(true));
        ASSERT_EQ(0, controller_open(&a));
        controller_catch_up(&a);
        controller_hang(&a);
        ASSERT_EQ(0, rebind());
        ASSERT_EQ(0, controller_open(&b));
        controller_catch_up(&b);
        controller_hang(&b);
        acked = status_of(b.fd).event_acked;
        ASSERT_EQ(0, controller_load(&b, pulses, 2));
        head = status_of(b.fd).event_head;
        EXPECT_GT(head, acked);
        ASSERT_EQ(0, write_file("/sys/bus/pci/drivers/tms/unbind", address));

        while (read(a.fd, &e, sizeof(e)) == sizeof(e))
                EXPECT_LT(e.seq, acked);
        EXPECT_EQ(ENODEV, errno);
        k.acked_seq = head;
        EXPECT_EQ(-ENODEV, call(a.fd, TMS_IOC_KEEPALIVE, &k));
        controller_close(&a);
        controller_close(&b);

        ASSERT_EQ(0, write_file("/sys/bus/pci/drivers/tms/bind", address));
        ASSERT_EQ(0, wait_node(true));
        a.fd = node_open(O_RDWR);
        ASSERT_GE(a.fd, 0);
        EXPECT_EQ(acked, status_of(a.fd).event_acked);
        ASSERT_EQ(sizeof(e), read(a.fd, &e, sizeof(e)));
        EXPECT_EQ(acked, e.seq);
        close(a.fd);
}

FIXTURE(module){};

FIXTURE_SETUP(module)
{
        ASSERT_EQ(0, lab_reset());
        ASSERT_EQ(0, wait_node(true));
}

FIXTURE_TEARDOWN(module)
{
}

/* Whatever becomes of the card, its records are numbered on; with another module they begin anew, and say so. */
TEST_F(module, says_since_when_it_numbers_records)
{
        uint64_t since_ns, head;
        struct controller c;

        ASSERT_EQ(0, controller_open(&c));
        controller_catch_up(&c);
        since_ns = info_of(c.fd).records_since_ns;
        head = status_of(c.fd).event_head;
        EXPECT_GT(since_ns, 0);
        EXPECT_GT(head, 1);
        controller_close(&c);
        ASSERT_EQ(0, rebind());
        ASSERT_EQ(0, controller_open(&c));
        EXPECT_EQ(since_ns, info_of(c.fd).records_since_ns);
        EXPECT_GE(status_of(c.fd).event_head, head);
        controller_close(&c);

        ASSERT_EQ(0, system("modprobe -r tms"));
        EXPECT_EQ(0, wait_node(false));
        ASSERT_EQ(0, system("modprobe tms"));
        ASSERT_EQ(0, wait_node(true));
        ASSERT_EQ(0, controller_open(&c));
        EXPECT_GT(info_of(c.fd).records_since_ns, since_ns);
        EXPECT_LT(status_of(c.fd).event_head, head);
        controller_close(&c);
        /* This module does not know what the card has fired: it rests before the next test. */
        sleep_ns(REST_NS + S);
}

/* Loaded again, it knows nothing of what was fired, and waits until that makes no difference. */
TEST_F(module, history_unknown_after_reload)
{
        struct tms_start start = {.delay_ns = 10 * MS};
        struct tms_pulse pulses[2];
        struct controller c;
        struct window w;
        uint64_t from_ns, told_ns;
        int r;

        ASSERT_EQ(0, controller_open(&c));
        flat(pulses, 2, 50 * MS, 200, 2);
        ASSERT_EQ(0, window_open(&w, "module"));
        ASSERT_EQ(0, controller_run(&c, pulses, 2));
        ASSERT_EQ(0, wait_state(c.fd, TMS_STATE_LOADED));
        from_ns = now_ns();
        controller_close(&c);

        ASSERT_EQ(0, system("modprobe -r tms"));
        EXPECT_EQ(0, wait_node(false));
        ASSERT_EQ(0, system("modprobe tms"));
        ASSERT_EQ(0, wait_node(true));

        ASSERT_EQ(0, controller_open(&c));
        ASSERT_EQ(0, controller_load(&c, pulses, 2));
        ASSERT_EQ(0, controller_arm(&c));
        start.timeline_gen = c.gen;
        controller_catch_up(&c);
        EXPECT_EQ(-EAGAIN, call(c.fd, TMS_IOC_START, &start));
        EXPECT_EQ(TMS_REASON_HISTORY, start.why.reason);
        EXPECT_GT(start.why.wait_ns, 0);
        told_ns = now_ns() + start.why.wait_ns;
        while ((r = call(c.fd, TMS_IOC_START, &start)) == -EAGAIN && now_ns() - from_ns < 600 * S) {
                sleep_ns(S);
                if (status_of(c.fd).state == TMS_STATE_LOADED)
                        ASSERT_EQ(0, controller_arm(&c));
                controller_catch_up(&c);
        }
        EXPECT_EQ(0, r);
        /* The reservoir takes a minute to fill, the coil longer to cool. */
        EXPECT_GE(now_ns() - from_ns, 57 * S);
        /* Not earlier than it was told; later by a look each second, and by arming once more. */
        EXPECT_GE(now_ns() + MS, told_ns);
        EXPECT_LE(now_ns(), told_ns + 15 * S);
        ASSERT_EQ(0, wait_state(c.fd, TMS_STATE_LOADED));
        EXPECT_EQ(0, window_close(&w, 4, 0));
        controller_close(&c);
}

FIXTURE(history)
{
        struct controller c;
        struct tms_pulse pulses[10];
        struct window window;
        char address[64];
};

FIXTURE_SETUP(history)
{
        ASSERT_EQ(0, lab_reset());
        ASSERT_EQ(0, wait_node(true));
        ASSERT_EQ(0, card_address(self->address, sizeof(self->address)));
        ASSERT_EQ(0, controller_open(&self->c));
        /* Whatever was before: it has rested. */
        sleep_ns(120 * S);
        EXPECT_TREATS(_metadata->name);
}

FIXTURE_TEARDOWN(history)
{
        lab_reset();
        controller_close(&self->c);
}

/* Unbinds, does @op to the card, binds. */
static int away(FIXTURE_DATA(history) * self, const char *op)
{
        int r;

        controller_close(&self->c);
        r = write_file("/sys/bus/pci/drivers/tms/unbind", self->address);
        r = r ? r : lab("%s", op);
        r = r ? r : write_file("/sys/bus/pci/drivers/tms/bind", self->address);
        r = r ? r : wait_node(true);
        return r ? r : controller_open(&self->c);
}

/* A discharge whose answer was lost is known all the same: the trigger was written. */
TEST_F(history, known_after_a_lost_answer)
{
        ASSERT_EQ(0, window_open(&self->window, "lost answer"));
        flat(self->pulses, 10, 50 * MS, 200, 10);
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 10));
        ASSERT_EQ(0, controller_arm(&self->c));
        ASSERT_EQ(0, lab("pulse=+2 drop_answer"));
        ASSERT_EQ(0, controller_start(&self->c));
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_FAULT));
        EXPECT_EQ(TMS_CAUSE_CARD_NO_ANSWER, status_of(self->c.fd).cause);
        EXPECT_EQ(0, window_close(&self->window, 3, 0));
        ASSERT_EQ(0, away(self, "clear"));
        EXPECT_TREATS("after a lost answer");
        /* And counted once only. */
        ASSERT_EQ(0, away(self, "clear"));
        EXPECT_TREATS("after another life");
}

/* And one that did not fire after all is nothing that was missed. */
TEST_F(history, known_after_a_lost_pulse)
{
        ASSERT_EQ(0, window_open(&self->window, "lost pulse"));
        flat(self->pulses, 10, 50 * MS, 200, 10);
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 10));
        ASSERT_EQ(0, controller_arm(&self->c));
        ASSERT_EQ(0, lab("pulse=+2 lose_pulse=silent"));
        ASSERT_EQ(0, controller_start(&self->c));
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_FAULT));
        EXPECT_EQ(0, window_close(&self->window, 2, 0));
        ASSERT_EQ(0, away(self, "clear"));
        EXPECT_TREATS("after a lost pulse");
}

/* A card that has fired elsewhere must rest until it makes no difference. */
TEST_F(history, unknown_after_pulses_elsewhere)
{
        struct tms_start start = {.delay_ns = 10 * MS};
        struct lab_state card;
        char op[64];

        ASSERT_EQ(0, lab_query(&card));
        snprintf(op, sizeof(op), "odometer=%llu", (unsigned long long)card.odometer + 1);
        ASSERT_EQ(0, away(self, op));
        ASSERT_EQ(0, window_open(&self->window, "fired elsewhere"));
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 10));
        ASSERT_EQ(0, controller_arm(&self->c));
        controller_catch_up(&self->c);
        start.timeline_gen = self->c.gen;
        EXPECT_EQ(-EAGAIN, call(self->c.fd, TMS_IOC_START, &start));
        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_STOP, NULL));
        EXPECT_EQ(0, window_close(&self->window, 0, 0));

        sleep_ns(120 * S);
        EXPECT_TREATS("rested");
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0-or-later
/* Permission runs out by itself, with whoever holds it, and is not renewed without progress. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "tms_test.h"

FIXTURE(lease)
{
        struct controller c;
        struct tms_pulse pulses[100];
        struct window window;
};

FIXTURE_SETUP(lease)
{
        ASSERT_EQ(0, lab_reset());
        ASSERT_EQ(0, controller_open(&self->c));
        ASSERT_EQ(0, window_open(&self->window, _metadata->name));
        flat(self->pulses, 100, 50 * MS, 200, 10);
}

FIXTURE_TEARDOWN(lease)
{
        controller_close(&self->c);
}

TEST_F(lease, renewal)
{
        struct tms_keepalive k = {};
        uint64_t before_ns, after_ns;

        controller_catch_up(&self->c);
        controller_hang(&self->c);
        k.acked_seq = status_of(self->c.fd).event_acked;
        before_ns = now_ns();
        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_KEEPALIVE, &k));
        after_ns = now_ns();
        EXPECT_GE(k.lease_ends_ns, before_ns + 500 * MS);
        EXPECT_LE(k.lease_ends_ns, after_ns + 500 * MS);
        EXPECT_EQ(k.lease_ends_ns, status_of(self->c.fd).lease_ends_ns);
        EXPECT_EQ(status_of(self->c.fd).event_head, k.event_head);
        EXPECT_EQ(0, window_close(&self->window, 0, 0));
}

TEST_F(lease, arming_wants_one)
{
        struct tms_arm arm = {};
        struct lab_state card;

        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 100));
        controller_catch_up(&self->c);
        controller_hang(&self->c);
        sleep_ns(600 * MS);
        arm.timeline_gen = self->c.gen;
        EXPECT_EQ(-EPROTO, call(self->c.fd, TMS_IOC_ARM, &arm));
        EXPECT_EQ(TMS_STATE_LOADED, status_of(self->c.fd).state);
        ASSERT_EQ(0, lab_query(&card));
        EXPECT_STREQ("SAFE", card.state);
        EXPECT_EQ(0, window_close(&self->window, 0, 0));
}

TEST_F(lease, runs_out_armed)
{
        struct lab_state card;
        uint64_t end_ns;

        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 100));
        ASSERT_EQ(0, controller_arm(&self->c));
        controller_hang(&self->c);
        end_ns = status_of(self->c.fd).lease_ends_ns;
        ASSERT_GT(end_ns, now_ns());
        while (now_ns() < end_ns - 20 * MS)
                sleep_ns(5 * MS);
        EXPECT_EQ(TMS_STATE_ARMED, status_of(self->c.fd).state);
        while (now_ns() < end_ns + MS)
                sleep_ns(MS);
        EXPECT_EQ(TMS_STATE_LOADED, status_of(self->c.fd).state);
        EXPECT_EQ(TMS_CAUSE_LEASE, status_of(self->c.fd).cause);
        ASSERT_EQ(0, lab_query(&card));
        EXPECT_STREQ("SAFE", card.state);
        EXPECT_EQ(0, window_close(&self->window, 0, 0));
}

/* Pulses go on until the lease ends, to the pulse, and not one further. */
TEST_F(lease, runs_out_running)
{
        struct tms_status st;
        uint32_t in_time;
        uint64_t end_ns;

        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 100));
        ASSERT_EQ(0, wait_fired(self->c.fd, 3));
        controller_hang(&self->c);
        end_ns = status_of(self->c.fd).lease_ends_ns;
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
        st = status_of(self->c.fd);
        EXPECT_EQ(TMS_CAUSE_LEASE, st.cause);
        /* A pulse needs a lease that lasts over its lateness. */
        in_time = (end_ns - 50000 - self->c.start_ns + 50 * MS - 1) / (50 * MS);
        EXPECT_EQ(in_time, st.fired);
        sleep_ns(S);
        EXPECT_EQ(st.fired, window_pulses(&self->window));
        EXPECT_EQ(0, window_close(&self->window, in_time, 0));
}

TEST_F(lease, no_progress_no_renewal)
{
        struct tms_keepalive k = {};
        uint32_t fired;

        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 100));
        ASSERT_EQ(0, wait_fired(self->c.fd, 3));
        controller_hang(&self->c);
        k.acked_seq = status_of(self->c.fd).event_acked;

        /* It still answers, but writes nothing down any more. */
        for (int i = 0; i < 40; i++, sleep_ns(100 * MS))
                if (call(self->c.fd, TMS_IOC_KEEPALIVE, &k))
                        break;
        EXPECT_EQ(-ESTALE, call(self->c.fd, TMS_IOC_KEEPALIVE, &k));
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
        EXPECT_EQ(TMS_CAUSE_LEASE, status_of(self->c.fd).cause);
        /* Two seconds' worth of pulses, half a second of lease, and the first three. */
        fired = status_of(self->c.fd).fired;
        EXPECT_GE(fired, 40);
        EXPECT_LE(fired, 3 + 50 + 4);
        EXPECT_EQ(0, window_close(&self->window, fired, 0));
}

/* A child that treats and is stopped or killed. Returns its pid, with some pulses fired. */
static pid_t treating_child(FIXTURE_DATA(lease) * self, int monitor)
{
        struct controller c;
        pid_t child;

        controller_close(&self->c);
        child = fork();
        if (!child) {
                if (controller_open(&c) || controller_run(&c, self->pulses, 100))
                        _exit(1);
                for (;;)
                        pause();
        }
        return child > 0 && wait_state(monitor, TMS_STATE_RUNNING) == 0 && wait_fired(monitor, 3) == 0 ? child : -1;
}

TEST_F(lease, controller_stopped)
{
        int monitor = node_open(O_RDONLY);
        pid_t child = treating_child(self, monitor);
        uint64_t stopped_ns;
        struct tms_status st;

        ASSERT_GT(child, 0);
        EXPECT_EQ(0, kill(child, SIGSTOP));
        stopped_ns = now_ns();
        ASSERT_EQ(0, wait_state(monitor, TMS_STATE_LOADED));
        EXPECT_LE(now_ns() - stopped_ns, 510 * MS);
        st = status_of(monitor);
        EXPECT_EQ(TMS_CAUSE_LEASE, st.cause);
        sleep_ns(S);
        EXPECT_EQ(0, window_close(&self->window, st.fired, 0));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        close(monitor);
}

TEST_F(lease, controller_killed)
{
        int monitor = node_open(O_RDONLY);
        pid_t child = treating_child(self, monitor);
        struct lab_state card;
        struct tms_status st;
        int pulses;

        ASSERT_GT(child, 0);
        EXPECT_EQ(0, kill(child, SIGKILL));
        EXPECT_EQ(child, waitpid(child, NULL, 0));
        ASSERT_EQ(0, lab_query(&card));
        pulses = window_pulses(&self->window);
        EXPECT_STREQ("SAFE", card.state);
        st = status_of(monitor);
        EXPECT_EQ(TMS_STATE_IDLE, st.state);
        EXPECT_EQ(TMS_CAUSE_CLOSED, st.cause);
        sleep_ns(S);
        EXPECT_EQ(0, window_close(&self->window, pulses, 0));
        close(monitor);
}

/* Nobody presses anything for a minute. */
TEST_F(lease, idle_limit)
{
        uint64_t from_ns;

        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 100));
        ASSERT_EQ(0, controller_arm(&self->c));
        from_ns = now_ns();
        sleep_ns(59 * S);
        EXPECT_EQ(TMS_STATE_ARMED, status_of(self->c.fd).state);
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
        EXPECT_LE(now_ns() - from_ns, 60 * S + 100 * MS);
        EXPECT_EQ(TMS_CAUSE_IDLE_LIMIT, status_of(self->c.fd).cause);

        ASSERT_EQ(0, controller_arm(&self->c));
        ASSERT_EQ(0, controller_start(&self->c));
        ASSERT_EQ(0, wait_fired(self->c.fd, 2));
        ASSERT_EQ(0, controller_pause(&self->c, TMS_PAUSE_NOW));
        sleep_ns(59 * S);
        EXPECT_EQ(TMS_STATE_PAUSED, status_of(self->c.fd).state);
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_BREAK));
        EXPECT_EQ(TMS_CAUSE_IDLE_LIMIT, status_of(self->c.fd).cause);
        /* A lease is wanted there as well. */
        controller_hang(&self->c);
        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
        EXPECT_EQ(TMS_CAUSE_LEASE, status_of(self->c.fd).cause);
        EXPECT_EQ(0, window_close(&self->window, status_of(self->c.fd).fired, 0));
}

/* What was permitted before the machine slept is not permitted behind it. */
TEST_F(lease, does_not_outlast_sleep)
{
        struct tms_keepalive k = {};
        struct tms_arm arm = {};

        controller_catch_up(&self->c);
        controller_hang(&self->c);
        k.acked_seq = status_of(self->c.fd).event_acked;
        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_KEEPALIVE, &k));
        ASSERT_EQ(0, nap("freeze"));
        EXPECT_EQ(0, status_of(self->c.fd).lease_ends_ns);
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 100));
        arm.timeline_gen = self->c.gen;
        EXPECT_EQ(-EPROTO, call(self->c.fd, TMS_IOC_ARM, &arm));
        EXPECT_EQ(0, window_close(&self->window, 0, 0));
}

/* SAFE is written, and written is not arrived: who says that it is safe has read something back behind it. */
TEST_F(lease, stop_has_arrived)
{
        int64_t reads;

        ASSERT_EQ(0, controller_run(&self->c, self->pulses, 100));
        ASSERT_EQ(0, wait_fired(self->c.fd, 3));
        controller_catch_up(&self->c);
        controller_hang(&self->c);
        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_STOP, NULL));
        /* At rest nothing else reads it. */
        for (int i = 0; i < 3; i++) {
                reads = lab_reads("STATUS");
                ASSERT_GT(reads, 0);
                ASSERT_EQ(0, call(self->c.fd, TMS_IOC_STOP, NULL));
                EXPECT_GT(lab_reads("STATUS"), reads);
        }
        EXPECT_EQ(0, window_close(&self->window, window_pulses(&self->window), 0));
}

TEST_HARNESS_MAIN

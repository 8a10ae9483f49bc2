// SPDX-License-Identifier: GPL-2.0-or-later
/* Records: read, polled, acknowledged, kept over controllers; a monitor is told what it lost. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "tms_test.h"

FIXTURE(event)
{
        char path[256];
        struct controller c;
        struct tms_pulse pulses[4];
};

FIXTURE_SETUP(event)
{
        ASSERT_EQ(0, lab_reset());
        ASSERT_EQ(0, node_path(self->path, sizeof(self->path)));
        ASSERT_EQ(0, controller_open(&self->c));
        flat(self->pulses, 4, 100 * MS, 300, 2);
}

FIXTURE_TEARDOWN(event)
{
        controller_close(&self->c);
}

/* LOAD and LIMITS in turn: two changes of state, so two records. */
static int two_records(int fd, struct tms_pulse *pulses)
{
        struct tms_load load = {.pulses = (uintptr_t)pulses, .count = 1, PULSE_SIZE};
        struct tms_limits limits = wide_limits();
        int r = call(fd, TMS_IOC_LOAD, &load);

        return r ? r : call(fd, TMS_IOC_LIMITS, &limits);
}

static int acknowledge(int fd, uint64_t seq)
{
        struct tms_keepalive k = {.acked_seq = seq};

        return call(fd, TMS_IOC_KEEPALIVE, &k);
}

static int poll_for(int fd, int timeout_ms)
{
        struct pollfd p = {.fd = fd, .events = POLLIN};

        return poll(&p, 1, timeout_ms) < 0 ? -errno : p.revents;
}

TEST_F(event, sizes)
{
        struct tms_event e[3];
        int fd = node_open(O_RDONLY);

        ASSERT_GE(fd, 0);
        EXPECT_EQ(-1, read(fd, e, 0));
        EXPECT_EQ(EINVAL, errno);
        EXPECT_EQ(-1, read(fd, e, sizeof(e[0]) - 1));
        EXPECT_EQ(EINVAL, errno);
        EXPECT_EQ(-1, read(fd, e, sizeof(e)));
        EXPECT_EQ(EAGAIN, errno);

        flat(self->pulses, 1, 0, 100, 1);
        ASSERT_EQ(0, two_records(self->c.fd, self->pulses));
        /* Whole ones only, whatever the size. */
        EXPECT_EQ(sizeof(e[0]), read(fd, e, 2 * sizeof(e[0]) - 1));
        EXPECT_EQ(-1, syscall(SYS_read, fd, 8UL, sizeof(e)));
        EXPECT_EQ(EFAULT, errno);
        /* What could not be handed over is still there. */
        EXPECT_EQ(sizeof(e[0]), read(fd, &e[1], 2 * sizeof(e[0])));
        EXPECT_EQ(e[0].seq + 1, e[1].seq);
        close(fd);
}

TEST_F(event, a_change_of_state)
{
        struct tms_event e[2];
        int fd = node_open(O_RDONLY);
        uint64_t before_ns = now_ns();

        ASSERT_GE(fd, 0);
        EXPECT_EQ(0, poll_for(fd, 0));
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 4));
        EXPECT_EQ(POLLIN, poll_for(fd, 1000));
        ASSERT_EQ(sizeof(e[0]), read(fd, e, sizeof(e)));
        EXPECT_EQ(TMS_EVENT_STATE, e[0].type);
        EXPECT_EQ(TMS_STATE_LOADED, e[0].state.to);
        EXPECT_EQ(TMS_STATE_IDLE, e[0].state.from);
        EXPECT_EQ(TMS_CAUSE_REQUEST, e[0].state.cause);
        EXPECT_EQ(self->c.gen, e[0].state.timeline_gen);
        EXPECT_EQ(0, e[0].state.back_to);
        EXPECT_EQ(0, e[0].flags);
        for (size_t i = 0; i < ELEMENTSOF(e[0].state.reserved); i++)
                EXPECT_EQ(0, e[0].state.reserved[i]);
        EXPECT_GE(e[0].mono_ns, before_ns);
        EXPECT_LE(e[0].mono_ns, now_ns());
        EXPECT_EQ(e[0].seq + 1, status_of(fd).event_head);
        EXPECT_EQ(0, poll_for(fd, 0));
        close(fd);
}

TEST_F(event, blocking_read)
{
        struct tms_event e;
        pid_t child;
        int status;

        child = fork();
        ASSERT_GE(child, 0);
        if (!child) {
                int fd = open(self->path, O_RDONLY);

                _exit(fd >= 0 && read(fd, &e, sizeof(e)) == sizeof(e) && e.type == TMS_EVENT_STATE ? 0 : 1);
        }
        sleep_ns(200 * MS);
        EXPECT_EQ(0, waitpid(child, &status, WNOHANG));
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 4));
        EXPECT_EQ(child, waitpid(child, &status, 0));
        EXPECT_EQ(0, status);
}

static void nothing(int sig)
{
}

TEST_F(event, blocking_read_and_a_signal)
{
        struct tms_event e;
        pid_t child;
        int status;

        child = fork();
        ASSERT_GE(child, 0);
        if (!child) {
                struct sigaction sa = {.sa_handler = nothing};
                int fd = open(self->path, O_RDONLY);

                sigaction(SIGUSR1, &sa, NULL);
                _exit(fd >= 0 && read(fd, &e, sizeof(e)) == -1 && errno == EINTR ? 0 : 1);
        }
        sleep_ns(200 * MS);
        EXPECT_EQ(0, kill(child, SIGUSR1));
        EXPECT_EQ(child, waitpid(child, &status, 0));
        EXPECT_EQ(0, status);
}

TEST_F(event, cursors_are_apart)
{
        struct tms_event a[8], b[8];
        int fd_a = node_open(O_RDONLY), fd_b;

        flat(self->pulses, 1, 0, 100, 1);
        ASSERT_GE(fd_a, 0);
        ASSERT_EQ(0, two_records(self->c.fd, self->pulses));
        fd_b = node_open(O_RDONLY);
        ASSERT_GE(fd_b, 0);
        ASSERT_EQ(0, two_records(self->c.fd, self->pulses));

        EXPECT_EQ(4 * sizeof(a[0]), read(fd_a, a, sizeof(a)));
        /* A monitor begins with what happens after it came. */
        EXPECT_EQ(2 * sizeof(b[0]), read(fd_b, b, sizeof(b)));
        EXPECT_EQ(0, memcmp(&a[2], &b[0], 2 * sizeof(a[0])));
        for (int i = 1; i < 4; i++)
                EXPECT_EQ(a[i - 1].seq + 1, a[i].seq);
        close(fd_a);
        close(fd_b);
}

TEST_F(event, acknowledge)
{
        struct tms_status st;
        struct tms_event e[64];
        uint64_t head;

        flat(self->pulses, 1, 0, 100, 1);
        controller_hang(&self->c);
        ASSERT_EQ(0, two_records(self->c.fd, self->pulses));
        st = status_of(self->c.fd);
        head = st.event_head;

        /* Not read, not on disk. */
        EXPECT_EQ(-ESTALE, acknowledge(self->c.fd, head));
        EXPECT_EQ(st.event_acked, status_of(self->c.fd).event_acked);
        while (read(self->c.fd, e, sizeof(e)) > 0)
                ;
        EXPECT_EQ(0, acknowledge(self->c.fd, head - 1));
        EXPECT_EQ(head - 1, status_of(self->c.fd).event_acked);
        /* The same once more, or less, takes nothing back. */
        EXPECT_EQ(0, acknowledge(self->c.fd, head - 2));
        EXPECT_EQ(head - 1, status_of(self->c.fd).event_acked);
        EXPECT_EQ(-ESTALE, acknowledge(self->c.fd, head + 1));
        EXPECT_EQ(-ESTALE, acknowledge(self->c.fd, UINT64_MAX));
        EXPECT_EQ(0, acknowledge(self->c.fd, head));
        EXPECT_EQ(head, status_of(self->c.fd).event_acked);
}

/* A controller dies with records unread: the next one gets them first, and treats only then. */
TEST_F(event, outlive_the_controller)
{
        struct tms_event e[64] = {};
        struct tms_limits limits = wide_limits();
        struct tms_load load = {.pulses = (uintptr_t)self->pulses, .count = 4, PULSE_SIZE};
        uint64_t acked;
        ssize_t n;
        int fd;

        controller_catch_up(&self->c);
        controller_hang(&self->c);
        acked = status_of(self->c.fd).event_acked;
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 4));
        close(self->c.fd);

        fd = self->c.fd = node_open(O_RDWR);
        ASSERT_GE(fd, 0);
        EXPECT_EQ(0, call(fd, TMS_IOC_LIMITS, &limits));
        EXPECT_EQ(-EAGAIN, call(fd, TMS_IOC_LOAD, &load));
        EXPECT_EQ(TMS_REASON_RECORDS, load.why.reason);
        EXPECT_EQ(status_of(fd).event_head, load.why.detail);
        n = read(fd, e, sizeof(e)) / sizeof(e[0]);
        ASSERT_GE(n, 2);
        EXPECT_EQ(acked, e[0].seq);
        EXPECT_EQ(TMS_STATE_LOADED, e[0].state.to);
        EXPECT_EQ(TMS_STATE_IDLE, e[1].state.to);
        EXPECT_EQ(TMS_CAUSE_CLOSED, e[1].state.cause);

        /* Reading is not enough. */
        EXPECT_EQ(-EAGAIN, call(fd, TMS_IOC_LOAD, &load));
        EXPECT_EQ(0, acknowledge(fd, e[n - 1].seq + 1));
        EXPECT_EQ(0, call(fd, TMS_IOC_LOAD, &load));
        EXPECT_EQ(TMS_REASON_NONE, load.why.reason);
        EXPECT_EQ(0, load.why.detail);
}

/* Reading what was read but not acknowledged, once more: nothing is lost with a reader. */
TEST_F(event, read_is_not_acknowledged)
{
        struct tms_event first[64], again[64];
        ssize_t n;

        controller_catch_up(&self->c);
        controller_hang(&self->c);
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 4));
        n = read(self->c.fd, first, sizeof(first));
        ASSERT_GT(n, 0);
        close(self->c.fd);
        self->c.fd = node_open(O_RDWR);
        ASSERT_GE(self->c.fd, 0);
        EXPECT_GT(read(self->c.fd, again, sizeof(again)), n);
        EXPECT_EQ(0, memcmp(first, again, n));
}

/* More than the ring holds, past a monitor that sleeps. */
TEST_F(event, loss_is_told_in_band)
{
        uint32_t slots = info_of(self->c.fd).ring_slots;
        struct tms_event e[64] = {};
        int fd = node_open(O_RDONLY);
        uint64_t first, head;

        ASSERT_GE(fd, 0);
        controller_hang(&self->c);
        flat(self->pulses, 1, 0, 100, 1);
        first = status_of(fd).event_head;
        for (uint32_t i = 0; i < slots / 2 + 50; i++) {
                ASSERT_EQ(0, two_records(self->c.fd, self->pulses));
                if (i % 32 == 31) {
                        ASSERT_EQ(sizeof(e), read(self->c.fd, e, sizeof(e)));
                        ASSERT_EQ(0, acknowledge(self->c.fd, e[63].seq + 1));
                }
        }
        head = status_of(fd).event_head;
        EXPECT_EQ(first + 2 * (slots / 2 + 50), head);

        ASSERT_EQ(sizeof(e), read(fd, e, sizeof(e)));
        EXPECT_EQ(TMS_EVENT_LOST, e[0].type);
        EXPECT_EQ(head - slots - first, e[0].lost.count);
        EXPECT_EQ(head - slots, e[1].seq);
        EXPECT_EQ(TMS_EVENT_STATE, e[1].type);
        for (int i = 2; i < 64; i++)
                EXPECT_EQ(e[i - 1].seq + 1, e[i].seq);
        close(fd);
}

/* The controller's are not overwritten: without acknowledgement there is no room to treat. */
TEST_F(event, no_room_without_acknowledgement)
{
        uint32_t slots = info_of(self->c.fd).ring_slots, i;
        struct tms_event e[64];
        uint64_t acked, head, seq;
        int r = 0;

        controller_catch_up(&self->c);
        controller_hang(&self->c);
        acked = status_of(self->c.fd).event_acked;
        flat(self->pulses, 1, 0, 100, 1);
        for (i = 0; i < slots && !r; i++)
                r = two_records(self->c.fd, self->pulses);
        EXPECT_EQ(-EAGAIN, r);
        EXPECT_GT(i, slots / 2 - 600);
        head = status_of(self->c.fd).event_head;
        EXPECT_LE(head - acked, slots);

        for (seq = acked; seq < head;) {
                ssize_t n = read(self->c.fd, e, sizeof(e)) / (ssize_t)sizeof(e[0]);

                ASSERT_GT(n, 0);
                for (ssize_t k = 0; k < n; k++)
                        ASSERT_EQ(seq++, e[k].seq);
        }
        EXPECT_EQ(0, acknowledge(self->c.fd, head));
        EXPECT_EQ(0, two_records(self->c.fd, self->pulses));
}

TEST_HARNESS_MAIN

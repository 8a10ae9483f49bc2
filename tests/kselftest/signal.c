// SPDX-License-Identifier: GPL-2.0-or-later
/* What interrupts ARM: a signal. What does not: work that another subsystem leaves for the caller's way out. */
#include <errno.h>
#include <linux/io_uring.h>
#include <linux/time_types.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "tms_test.h"

FIXTURE(arming)
{
        struct controller c;
        struct tms_pulse pulses[5];
        struct window window;
};

FIXTURE_SETUP(arming)
{
        ASSERT_EQ(0, lab_reset());
        ASSERT_EQ(0, controller_open(&self->c));
        ASSERT_EQ(0, window_open(&self->window, _metadata->name));
        flat(self->pulses, 5, 50 * MS, 200, 5);
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 5));
        /* It takes as long as it takes. */
        ASSERT_EQ(0, lab("never_ready=on; in=2000000000 never_ready=off"));
}

FIXTURE_TEARDOWN(arming)
{
        lab_reset();
        controller_close(&self->c);
}

/* Puts one timeout into a ring of its own: when it is over, its completion waits for this thread. 0 or a fd. */
static int leave_work(uint64_t ns)
{
        struct io_uring_params params = {};
        static struct __kernel_timespec ts;
        int fd = syscall(SYS_io_uring_setup, 4, &params);
        struct io_uring_sqe *sqe;
        unsigned int *array, *tail;
        char *ring;

        if (fd < 0)
                return -errno;
        ring = mmap(NULL, params.sq_off.array + params.sq_entries * sizeof(unsigned int), PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_POPULATE, fd, IORING_OFF_SQ_RING);
        sqe = mmap(NULL, params.sq_entries * sizeof(*sqe), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd,
                   IORING_OFF_SQES);
        if (ring == MAP_FAILED || sqe == MAP_FAILED)
                return -errno;
        ts = (struct __kernel_timespec){.tv_sec = ns / S, .tv_nsec = ns % S};
        memset(sqe, 0, sizeof(*sqe));
        sqe->opcode = IORING_OP_TIMEOUT;
        sqe->addr = (uintptr_t)&ts;
        sqe->len = 1;
        tail = (unsigned int *)(ring + params.sq_off.tail);
        array = (unsigned int *)(ring + params.sq_off.array);
        array[0] = 0;
        __atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
        return syscall(SYS_io_uring_enter, fd, 1, 0, 0, NULL, 0) == 1 ? fd : -errno;
}

TEST_F(arming, is_not_interrupted_by_work_left_for_later)
{
        int fd = leave_work(500 * MS);

        ASSERT_GE(fd, 0);
        EXPECT_EQ(0, controller_arm(&self->c));
        EXPECT_EQ(TMS_STATE_ARMED, status_of(self->c.fd).state);
        EXPECT_EQ(TMS_CAUSE_REQUEST, status_of(self->c.fd).cause);
        EXPECT_EQ(0, call(self->c.fd, TMS_IOC_STOP, NULL));
        close(fd);
        EXPECT_EQ(0, window_close(&self->window, 0, 0));
}

static void on_alarm(int signal)
{
}

TEST_F(arming, is_ended_by_a_signal)
{
        struct itimerval timer = {.it_value = {.tv_usec = 500000}};
        struct sigaction action = {.sa_handler = on_alarm};
        struct tms_arm arm = {.timeline_gen = self->c.gen};
        uint64_t from_ns = now_ns();

        ASSERT_EQ(0, sigaction(SIGALRM, &action, NULL));
        ASSERT_EQ(0, setitimer(ITIMER_REAL, &timer, NULL));
        EXPECT_EQ(-EINTR, call(self->c.fd, TMS_IOC_ARM, &arm));
        EXPECT_LT(now_ns() - from_ns, S);
        EXPECT_EQ(TMS_STATE_LOADED, status_of(self->c.fd).state);
        EXPECT_EQ(0, window_close(&self->window, 0, 0));
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0-or-later
/* A host that keeps interrupts off: no task runs before a pulse, no host is armed that is not fit, no CPU idles deeply. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "hold.h"
#include "late.h"
#include "tms_test.h"

FIXTURE(quiet)
{
        struct controller c;
        struct tms_pulse pulses[MAX];
        struct tms_event fired[MAX], answers[MAX];
        struct window window;
        struct hold hold;
};

FIXTURE_SETUP(quiet)
{
        ASSERT_EQ(0, lab_reset());
        ASSERT_EQ(0, controller_open(&self->c));
        self->c.lateness_ns = tolerance_ns();
        ASSERT_EQ(0, hold_open(&self->hold, HOLD_TIMER, engine_cpu(0)));
        ASSERT_EQ(0, window_open(&self->window, _metadata->name));
}

FIXTURE_TEARDOWN(quiet)
{
        hold_close(&self->hold);
        controller_close(&self->c);
        lab_reset();
}

/* --- tasks that keep interrupts off ---------------------------------------------- */

/* A task that does nothing, for ever, and lets others do the same if it @yields. */
static pid_t run_for_ever(bool yields)
{
        pid_t parent = getpid(), pid = fork();

        if (pid)
                return pid;
        /* The parent may be gone already. */
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
                _exit(1);
        for (;;)
                if (yields)
                        sched_yield();
}

static void end_tasks(const pid_t *tasks, size_t count)
{
        for (size_t i = 0; i < count; i++)
                kill(tasks[i], SIGKILL);
        while (wait(NULL) > 0)
                ;
}

/*
 * Tasks change all the time, and each change keeps interrupts off for thrice the lead. No pulse is
 * late, for no task runs before one; but for that of an edge, which gives no notice. PREEMPT_RT does
 * without that: there the records say how late.
 */
TEST_F(quiet, busy_tasks)
{
        const uint32_t edge = 20;
        const uint64_t off_ns = 60000;
        const bool realtime = access("/sys/kernel/realtime", F_OK) == 0;
        const uint64_t bound_ns = realtime ? off_ns + 5000 : error_bound_ns();
        uint64_t worst_ns = 0;
        pid_t tasks[2];

        hold_close(&self->hold);
        ASSERT_EQ(0, hold_open(&self->hold, HOLD_TASKS, engine_cpu(0)));
        flat(self->pulses, 40, 50 * MS, 200, 40);
        self->pulses[edge].flags |= TMS_PULSE_WAIT_TRIGGER;
        self->c.lateness_ns = MS;
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 40));
        ASSERT_EQ(0, controller_arm(&self->c));
        for (size_t i = 0; i < ELEMENTSOF(tasks); i++)
                ASSERT_GT((tasks[i] = run_for_ever(true)), 0);
        ASSERT_EQ(0, controller_start(&self->c));
        hold_each(&self->hold, now_ns(), UINT64_MAX, off_ns);
        EXPECT_EQ(0, wait_fired(self->c.fd, edge));
        sleep_ns(200 * MS);
        EXPECT_EQ(0, lab("trigger_in"));
        EXPECT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
        hold_off(&self->hold);
        end_tasks(tasks, ELEMENTSOF(tasks));
        /* Most of the time: or it would say nothing. */
        EXPECT_GE(self->hold.window->count, 40 * 50 * MS / off_ns / 2);
        EXPECT_EQ(40, status_of(self->c.fd).delivered);
        READ_RECORDS(40);
        EXPECT_EACH_ITS_OWN(40);
        for (uint32_t i = 0; i < 40; i++)
                if (i != edge && self->fired[i].pulse.triggered_ns - self->fired[i].pulse.due_ns > worst_ns)
                        worst_ns = self->fired[i].pulse.triggered_ns - self->fired[i].pulse.due_ns;
        EXPECT_LE(worst_ns, bound_ns);
        if (realtime)
                EXPECT_GE(worst_ns, 1000);
        EXPECT_EQ(0, window_close(&self->window, 40, 0));
}

/*
 * Whoever arms or starts has been at it for so long that it is others' turn, where a task can be stopped
 * within a call. That is no reason to find the host unfit, or to leave out the first pulse.
 */
TEST_F(quiet, busy_caller)
{
        pid_t tasks[4];

        hold_close(&self->hold);
        ASSERT_EQ(0, hold_open(&self->hold, HOLD_STATE, engine_cpu(0)));
        flat(self->pulses, 3, 10 * MS, 200, 3);
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 3));
        for (size_t i = 0; i < ELEMENTSOF(tasks); i++)
                ASSERT_GT((tasks[i] = run_for_ever(false)), 0);
        for (int i = 0; i < 20; i++) {
                struct tms_arm arm = {.timeline_gen = self->c.gen};
                int r;

                controller_catch_up(&self->c);
                hold_each(&self->hold, now_ns(), UINT64_MAX, HOLD_MAX_NS);
                r = call(self->c.fd, TMS_IOC_ARM, &arm);
                EXPECT_EQ(0, r)
                {
                        TH_LOG("arming %d: worst probe %u ns late", i, arm.fitness_max_ns);
                }
                r = r ? r : controller_start(&self->c);
                EXPECT_EQ(0, r);
                hold_off(&self->hold);
                if (r)
                        break;
                EXPECT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
                EXPECT_EQ(3, status_of(self->c.fd).delivered);
        }
        EXPECT_GE(self->hold.window->count, 20);
        end_tasks(tasks, ELEMENTSOF(tasks));
        EXPECT_EQ(0, window_close(&self->window, 60, 0));
}

/* --- arming -------------------------------------------------------------------- */

/* The host's timers come 30 us late: no arming on it, and the figure is told. */
TEST_F(quiet, unfit)
{
        const unsigned int bound_ns = parameter("fitness_max_ns");
        /* So long before its own timer another one keeps the CPU quiet: a long hold begins there. */
        const unsigned int quiet_ns = slow() ? 200000 : 0;
        struct tms_arm arm;
        struct lab_state card;
        struct tms_status st;

        flat(self->pulses, 3, 50 * MS, 200, 1);
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 3));
        controller_catch_up(&self->c);
        hold_each(&self->hold, now_ns(), UINT64_MAX, quiet_ns + bound_ns + 30000);
        arm = (struct tms_arm){.timeline_gen = self->c.gen};
        EXPECT_EQ(-ETIME, call(self->c.fd, TMS_IOC_ARM, &arm));
        hold_off(&self->hold);
        EXPECT_GE(self->hold.window->count, 20);
        st = status_of(self->c.fd);
        EXPECT_EQ(TMS_STATE_LOADED, st.state);
        EXPECT_EQ(TMS_CAUSE_UNFIT, st.cause);
        EXPECT_EQ(st.fitness_max_ns, arm.fitness_max_ns);
        EXPECT_GE(arm.fitness_max_ns, bound_ns + 10000);
        EXPECT_LE(arm.fitness_max_ns, bound_ns + 40000 + error_bound_ns());
        ASSERT_EQ(0, lab_query(&card));
        EXPECT_STREQ("SAFE", card.state);

        /* Another day. */
        arm = (struct tms_arm){.timeline_gen = self->c.gen};
        EXPECT_EQ(0, call(self->c.fd, TMS_IOC_ARM, &arm));
        EXPECT_LE(arm.fitness_max_ns, bound_ns);
        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_STOP, NULL));

        /* The site's own bound, closer or wider. */
        ASSERT_EQ(0, set_parameter("fitness_max_ns", 1000));
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 3));
        hold_each(&self->hold, now_ns(), UINT64_MAX, 25000);
        arm = (struct tms_arm){.timeline_gen = self->c.gen};
        EXPECT_EQ(-ETIME, call(self->c.fd, TMS_IOC_ARM, &arm));
        EXPECT_EQ(TMS_CAUSE_UNFIT, status_of(self->c.fd).cause);
        EXPECT_GT(arm.fitness_max_ns, 1000);
        ASSERT_EQ(0, set_parameter("fitness_max_ns", 1000000000));
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 3));
        arm = (struct tms_arm){.timeline_gen = self->c.gen};
        EXPECT_EQ(0, call(self->c.fd, TMS_IOC_ARM, &arm));
        EXPECT_GT(arm.fitness_max_ns, 1000);
        hold_off(&self->hold);
        ASSERT_EQ(0, call(self->c.fd, TMS_IOC_STOP, NULL));
        ASSERT_EQ(0, set_parameter("fitness_max_ns", bound_ns));
        EXPECT_EQ(0, window_close(&self->window, 0, 0));
}

static unsigned int lines_with(const char *one, const char *other)
{
        unsigned int n = 0;
        char line[512];
        FILE *f = fopen(TRACING "/trace", "re");

        while (f && fgets(line, sizeof(line), f))
                n += strstr(line, one) && strstr(line, other);
        if (f)
                fclose(f);
        return n;
}

/* While a card is energised its CPU is kept out of deep idle, and no longer. */
TEST_F(quiet, shallow_idle)
{
        char add[64];

        snprintf(add, sizeof(add), "device=cpu%d type=DEV_PM_QOS_RESUME_LATENCY new_value=", engine_cpu(0));
        flat(self->pulses, 3, 50 * MS, 200, 1);
        ASSERT_EQ(0, controller_load(&self->c, self->pulses, 3));
        ASSERT_EQ(0, clear_trace());
        ASSERT_EQ(0, write_file(TRACING "/events/power/dev_pm_qos_add_request/enable", "1"));
        ASSERT_EQ(0, write_file(TRACING "/events/power/dev_pm_qos_remove_request/enable", "1"));
        for (unsigned int i = 1; i <= 3; i++) {
                ASSERT_EQ(0, controller_arm(&self->c));
                EXPECT_EQ(i, lines_with("dev_pm_qos_add_request:", add));
                EXPECT_EQ(i, lines_with("dev_pm_qos_add_request:", "new_value=5"));
                EXPECT_EQ(i - 1, lines_with("dev_pm_qos_remove_request:", add));
                if (i == 1)
                        ASSERT_EQ(0, call_disarm(self->c.fd));
                if (i == 2)
                        ASSERT_EQ(0, controller_start(&self->c));
                if (i == 3)
                        controller_close(&self->c);
                else
                        ASSERT_EQ(0, wait_state(self->c.fd, TMS_STATE_LOADED));
                sleep_ns(100 * MS);
                EXPECT_EQ(i, lines_with("dev_pm_qos_remove_request:", add));
        }
        write_file(TRACING "/events/power/enable", "0");
        EXPECT_EQ(0, clear_trace());
        EXPECT_EQ(0, window_close(&self->window, 3, 0));
}

TEST_HARNESS_MAIN

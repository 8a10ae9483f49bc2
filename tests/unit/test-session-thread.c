/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A thread that is done before the call that started it has returned, as happens on a machine that is busy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "fake-device.h"
#include "job.h"
#include "session-fixture.h"
#include "util.h"

#define LATE_USEC (50 * USEC_PER_MS)

int __real_job_start(sd_event *event, job_fn run, job_fn done, void *userdata);
int __wrap_job_start(sd_event *event, job_fn run, job_fn done, void *userdata);

int __wrap_job_start(sd_event *event, job_fn run, job_fn done, void *userdata)
{
        int r = __real_job_start(event, run, done, userdata);

        usleep(LATE_USEC);
        return r;
}

/* The kernel's no must not be lost. */
static void test_arm_is_refused_at_once(void **state)
{
        struct fixture *f = *state;

        must_prepare(f);
        fake->arm_error = -ETIME;
        assert_false(call(f, "Arm"));
        refused(f, "Unfit", "54321 ns");
        fake->arm_error = 0;
        must(f, "Arm");
        wait_state(f, "armed");
}

static void test_wrong_protocol(void **state)
{
        struct fixture *f = *state;

        must_create(f);
        assert_false(prepare_text(f, "x.yaml", "no protocol", 520));
        refused(f, "InvalidProtocol", "x.yaml");
        assert_true(prepare_text(f, "mdd-itbs-600.yaml", f->protocol, 520));
        wait_state(f, "prepared");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(test_arm_is_refused_at_once, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_wrong_protocol, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* Threshold hunts: on synthetic subjects, and the manners that all methods share. */
#include "subjects.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define SUBJECTS 10000

static struct hunts run(struct tms_threshold_options options)
{
        struct hunts h;

        assert_int_equal(hunts_run(&options, &population_plain, SUBJECTS, 20260117, &h), 0);
        print_message("within 5 %%: %.2f %%, rms %.2f %%, bias %+.2f %%, pulses %.1f (most %u), in interval %.2f %%, "
                      "failed %u\n",
                      100.0 * h.within_5_percent / h.subjects, 100 * h.rms, 100 * h.bias, h.pulses_mean, h.pulses_max,
                      100.0 * h.covered / h.subjects, h.failed);
        return h;
}

static void test_ml_pest_subjects(void **state)
{
        struct hunts h = run((struct tms_threshold_options){.method = TMS_THRESHOLD_ML_PEST});

        /* After 20 pulses there may be fewer than two answers of one kind near enough, or a row by chance. */
        assert_true(h.failed <= SUBJECTS / 1000);
        assert_int_equal(h.none, 0);
        assert_int_equal(h.pulses_max, 20);
        assert_true(h.within_5_percent >= SUBJECTS * 95 / 100);
        assert_true(h.rms < 0.026);
        /* The interval is worth its name: 95 %, less what 20 pulses of a discrete device leave. */
        assert_true(h.covered >= SUBJECTS * 93 / 100);
}

static void test_relative_subjects(void **state)
{
        struct hunts h = run((struct tms_threshold_options){.method = TMS_THRESHOLD_RELATIVE});

        assert_int_equal(h.failed, 0);
        assert_true(h.within_5_percent >= SUBJECTS * 93 / 100);
        assert_true(h.pulses_max < 200);
}

static void test_mills_nithi_subjects(void **state)
{
        struct hunts h = run((struct tms_threshold_options){.method = TMS_THRESHOLD_MILLS_NITHI});

        /* It wants ten of ten, which a threshold of 85 %MSO does not always have below 100 %MSO. */
        assert_true(h.failed <= SUBJECTS / 2000);
        assert_int_equal(h.none, 0);
        assert_true(h.within_5_percent >= SUBJECTS * 93 / 100);
        assert_true(h.pulses_max < 200);
}

/* A muscle without noise: every method must come within a step of its threshold. */
static void test_noiseless(void **state)
{
        for (unsigned method = TMS_THRESHOLD_RELATIVE; method <= TMS_THRESHOLD_ML_PEST; method++)
                for (uint32_t threshold = 155; threshold < 900; threshold += 37) {
                        struct tms_threshold_options o = {.method = method, .max_pulses = 300};
                        struct tms_threshold_estimate e;
                        struct tms_threshold *t;
                        uint64_t now = 0, not_before;
                        uint32_t x;

                        assert_int_equal(tms_threshold_new(&o, &t), 0);
                        while (tms_threshold_next(t, &x, &not_before) >= 0) {
                                assert_in_range(x, 1, 1000);
                                assert_true(!now || not_before == now + 5000000000);
                                now = not_before ? not_before : 1;
                                assert_int_equal(tms_threshold_answer(t, now, x >= threshold), 0);
                        }
                        assert_true(tms_threshold_done(t));
                        assert_int_equal(tms_threshold_estimate(t, &e, NULL), 0);
                        assert_in_range(e.threshold_permille, threshold - 20, threshold + 20);
                        if (method == TMS_THRESHOLD_ML_PEST)
                                assert_true(e.low_permille <= e.threshold_permille &&
                                            e.threshold_permille <= e.high_permille);
                        tms_threshold_free(t);
                }
}

/* Nobody home, or everything answers: it ends, says so, and never asks for more than is allowed. */
static void test_hopeless(void **state)
{
        for (unsigned method = TMS_THRESHOLD_RELATIVE; method <= TMS_THRESHOLD_ML_PEST; method++)
                for (unsigned answer = 0; answer < 2; answer++) {
                        struct tms_threshold_options o = {.method = method, .max_permille = 800};
                        struct tms_threshold_estimate e;
                        struct tms_threshold *t;
                        uint64_t now = 0, not_before;
                        uint32_t x;
                        int r;

                        assert_int_equal(tms_threshold_new(&o, &t), 0);
                        while (tms_threshold_next(t, &x, &not_before) >= 0) {
                                assert_in_range(x, 1, 800);
                                now = not_before;
                                assert_int_equal(tms_threshold_answer(t, now, answer), 0);
                        }
                        r = tms_threshold_estimate(t, &e, NULL);
                        assert_int_equal(r, answer ? -ENODATA : -ERANGE);
                        tms_threshold_free(t);
                }
}

static void test_manners(void **state)
{
        struct tms_threshold_options o = {.method = TMS_THRESHOLD_ML_PEST, .max_pulses = 2};
        struct tms_threshold_estimate e;
        struct tms_threshold *t;
        uint64_t not_before;
        uint32_t x;

        assert_int_equal(tms_threshold_new(&o, &t), 0);
        assert_int_equal(tms_threshold_answer(t, 0, true), -EPROTO);
        assert_int_equal(tms_threshold_next(t, &x, &not_before), 0);
        assert_int_equal(not_before, 0);
        assert_int_equal(x % 10, 0);
        assert_int_equal(tms_threshold_answer(t, 1000, true), 0);
        assert_int_equal(tms_threshold_answer(t, 6000000000, true), -EPROTO);
        assert_int_equal(tms_threshold_next(t, &x, &not_before), 0);
        assert_int_equal(not_before, 5000001000);
        assert_int_equal(tms_threshold_answer(t, 5000000999, true), -ETIME);
        assert_int_equal(tms_threshold_answer(t, 999, true), -ETIME);
        assert_int_equal(tms_threshold_answer(t, 5000001000, false), 0);
        assert_true(tms_threshold_done(t));
        assert_int_equal(tms_threshold_next(t, &x, &not_before), -EALREADY);
        /* One answer and one miss are no estimate. */
        assert_int_equal(tms_threshold_estimate(t, &e, NULL), -ENODATA);
        t = tms_threshold_free(t);
        assert_null(tms_threshold_free(t));

        o = (struct tms_threshold_options){.method = TMS_THRESHOLD_RELATIVE};
        assert_int_equal(tms_threshold_new(&o, &t), 0);
        assert_int_equal(tms_threshold_estimate(t, &e, NULL), -EAGAIN);
        tms_threshold_free(t);

        /* Out of pulses before a threshold: over, but not for lack of asking. */
        for (o.method = TMS_THRESHOLD_RELATIVE; o.method <= TMS_THRESHOLD_MILLS_NITHI; o.method++) {
                o.max_pulses = 2;
                assert_int_equal(tms_threshold_new(&o, &t), 0);
                for (uint64_t now = 0; now < 2 * TMS_THRESHOLD_GAP_NS; now += TMS_THRESHOLD_GAP_NS) {
                        assert_int_equal(tms_threshold_estimate(t, &e, NULL), -EAGAIN);
                        assert_int_equal(tms_threshold_next(t, &x, &not_before), 0);
                        assert_int_equal(tms_threshold_answer(t, now, false), 0);
                }
                assert_true(tms_threshold_done(t));
                assert_int_equal(tms_threshold_estimate(t, &e, NULL), -ENODATA);
                tms_threshold_free(t);
        }

        o.method = 3;
        assert_int_equal(tms_threshold_new(&o, &t), -EINVAL);
        o = (struct tms_threshold_options){.max_permille = 1001};
        assert_int_equal(tms_threshold_new(&o, &t), -EINVAL);
        o = (struct tms_threshold_options){.max_permille = 500, .start_permille = 501};
        assert_int_equal(tms_threshold_new(&o, &t), -EINVAL);
}

/* Done early when the interval is narrow, and then it is. */
static void test_precision(void **state)
{
        struct hunts h = run((struct tms_threshold_options){
                        .method = TMS_THRESHOLD_ML_PEST, .max_pulses = 60, .precision_permille = 50});

        assert_true(h.pulses_mean < 20);
        assert_true(h.within_5_percent >= SUBJECTS * 94 / 100);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_ml_pest_subjects),
                        cmocka_unit_test(test_relative_subjects),
                        cmocka_unit_test(test_mills_nithi_subjects),
                        cmocka_unit_test(test_noiseless),
                        cmocka_unit_test(test_hopeless),
                        cmocka_unit_test(test_manners),
                        cmocka_unit_test(test_precision),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

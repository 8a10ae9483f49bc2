// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The rest of a timeline that was not played to its end: what was given, what was left out, and the rest are the
 * whole, pulse by pulse, wherever it was cut.
 */
#include "protocol-text.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool no_memory;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
        return no_memory ? NULL : __real_malloc(size);
}

static bool ends_burst(const struct tms_pulse *p)
{
        return p->flags & TMS_PULSE_END_OF_BURST;
}

/* Where the rest begins by its definition: the first burst that has none of the pulses that are over. */
static uint32_t first_untouched_burst(const struct tms_timeline *t, uint32_t behind)
{
        uint32_t i = 0, end;

        while (i < t->count) {
                for (end = i; !ends_burst(&t->pulses[end]); end++)
                        ;
                if (i >= behind)
                        return i;
                i = end + 1;
        }
        return t->count;
}

static void check_same_from(const struct tms_timeline *whole, uint32_t first, const struct tms_timeline *rest)
{
        const struct tms_pulse *from = &whole->pulses[first];

        assert_int_equal(rest->count, whole->count - first);
        assert_int_equal(rest->waveform, whole->waveform);
        assert_int_equal(rest->pulses[0].t_ns, 0);
        assert_int_equal(rest->pulses[0].train, 0);
        for (uint32_t i = 0; i < rest->count; i++) {
                struct tms_pulse p = rest->pulses[i];

                p.t_ns += from->t_ns;
                p.train += from->train;
                assert_memory_equal(&p, &from[i], sizeof(p));
        }
}

/* At each place; a long timeline is copied at some of them only, and at all of them it is asked where the rest begins. */
static void check_all_cuts(const struct tms_timeline *whole)
{
        const uint32_t step = 1 + whole->count / 100;

        for (uint32_t behind = 0; behind <= whole->count; behind++) {
                const uint32_t wanted = first_untouched_burst(whole, behind);
                struct tms_timeline rest = {.count = 77};
                uint32_t first = 88, train = 99, max = 0;
                int r = tms_timeline_rest(whole, behind, behind % step == 0 ? &rest : NULL, &first, &train);

                if (wanted == whole->count) {
                        assert_int_equal(r, -ENODATA);
                        assert_int_equal(rest.count, 77);
                        assert_int_equal(first, 88);
                        assert_int_equal(train, 99);
                        continue;
                }
                assert_int_equal(r, 0);
                assert_int_equal(first, wanted);
                assert_true(first == 0 || ends_burst(&whole->pulses[first - 1]));
                assert_int_equal(train, whole->pulses[first].train);
                if (rest.count == 77)
                        continue;
                check_same_from(whole, first, &rest);
                assert_int_equal(rest.trains, whole->trains - train);
                assert_int_equal(rest.trains, rest.pulses[rest.count - 1].train + 1);
                for (uint32_t i = first; i < whole->count; i++)
                        max = whole->pulses[i].intensity_permille > max ? whole->pulses[i].intensity_permille : max;
                assert_int_equal(rest.max_permille, max);
                tms_timeline_clear(&rest);
        }
}

/* A threshold and a second one, for the protocols that want both; other coils than the common one. */
static struct tms_dose any_dose(const struct tms_protocol *p)
{
        struct tms_dose d = dose_for(p, 400);

        if (strcmp(tms_protocol_coil(p), TMS_ANY_COIL) == 0)
                snprintf(d.threshold_coil, sizeof(d.threshold_coil), "figure-8");
        if (strcmp(tms_protocol_reference(p), TMS_REFERENCE_MSO) == 0)
                d = (struct tms_dose){.threshold_permille = 0};
        return d;
}

static void test_all_shipped_protocols_at_each_place(void **state)
{
        struct dirent *e;
        unsigned n = 0;
        DIR *dir;

        dir = opendir(SOURCE_DIR "/lib/protocols");
        assert_non_null(dir);
        while ((e = readdir(dir))) {
                struct tms_timeline whole = {};
                struct tms_protocol *p;
                struct tms_verdict verdict;
                struct tms_error error;
                struct tms_timeline rest;
                struct tms_dose d;
                char *dot = strrchr(e->d_name, '.');

                if (!dot || strcmp(dot, ".yaml") != 0)
                        continue;
                *dot = '\0';
                p = protocol_shipped(e->d_name);
                d = any_dose(p);
                if (tms_compile(p, &d, &whole, &error) < 0) {
                        d.other_threshold_permille = 350;
                        whole = compile(p, &d);
                }
                check_all_cuts(&whole);
                /* The rest is a timeline that the kernel takes, wherever it was cut. */
                for (uint32_t i = 0; i < 12; i++) {
                        if (tms_timeline_rest(&whole, whole.count / 12 * i + i, &rest, NULL, NULL) < 0)
                                continue;
                        assert_int_equal(tms_timeline_check(&rest, NULL, NULL, &verdict), 0);
                        tms_timeline_clear(&rest);
                }
                tms_timeline_clear(&whole);
                tms_protocol_free(p);
                n++;
        }
        closedir(dir);
        assert_true(n > 20);
}

static uint32_t first_of(const struct tms_timeline *whole, uint32_t behind)
{
        uint32_t first = UINT32_MAX;

        assert_int_equal(tms_timeline_rest(whole, behind, NULL, &first, NULL), 0);
        return first;
}

/* 10 bursts of 3 a train: a burst that was begun is not given again, and the train goes on behind it. */
static void test_theta_bursts(void **state)
{
        struct tms_protocol *p = protocol_shipped("mdd-itbs-600");
        struct tms_dose d = dose_for(p, 500);
        struct tms_timeline t = compile(p, &d), rest;
        uint32_t first, train;

        assert_int_equal(first_of(&t, 0), 0);
        assert_int_equal(first_of(&t, 1), 3);
        assert_int_equal(first_of(&t, 2), 3);
        assert_int_equal(first_of(&t, 3), 3);
        assert_int_equal(first_of(&t, 4), 6);
        assert_int_equal(first_of(&t, 29), 30);
        assert_int_equal(first_of(&t, 30), 30);
        assert_int_equal(first_of(&t, 31), 33);
        assert_int_equal(tms_timeline_rest(&t, 40, &rest, &first, &train), 0);
        assert_int_equal(first, 42);
        assert_int_equal(train, 1);
        assert_int_equal(rest.count, 558);
        assert_int_equal(rest.trains, 19);
        /* In the cut train six bursts are left, 200 ms apart; the next train comes when it would have. */
        assert_int_equal(rest.pulses[3].t_ns, 200000000);
        assert_int_equal(rest.pulses[17].flags, TMS_PULSE_END_OF_TRAIN | TMS_PULSE_END_OF_BURST);
        assert_int_equal(rest.pulses[18].t_ns, 10000000000 - 4 * 200000000ULL);
        assert_int_equal(rest.pulses[18].train, 1);
        tms_timeline_clear(&rest);
        /* The last burst was begun: nothing is left. */
        assert_int_equal(tms_timeline_rest(&t, 598, &rest, &first, &train), -ENODATA);
        tms_timeline_clear(&t);
        tms_protocol_free(p);
}

/* A made one, where each number can be seen: two trains of two pairs, then single pulses that wait, ramped. */
static struct tms_timeline made(struct tms_pulse pulses[static 11])
{
        static const uint16_t burst = TMS_PULSE_END_OF_BURST, train = TMS_PULSE_END_OF_BURST | TMS_PULSE_END_OF_TRAIN;
        const struct tms_pulse all[11] = {
                        {.t_ns = 5, .intensity_permille = 300},
                        {.t_ns = 10, .intensity_permille = 310, .flags = burst},
                        {.t_ns = 20, .intensity_permille = 320, .condition = 4},
                        {.t_ns = 30, .intensity_permille = 900, .flags = train, .condition = 5},
                        {.t_ns = 140, .intensity_permille = 340, .train = 1, .flags = TMS_PULSE_WAIT_TRIGGER},
                        {.t_ns = 150, .intensity_permille = 350, .train = 1, .flags = burst},
                        {.t_ns = 160, .intensity_permille = 360, .train = 1},
                        {.t_ns = 170, .intensity_permille = 370, .train = 1, .flags = train},
                        {.t_ns = 300, .intensity_permille = 380, .train = 2, .flags = train},
                        {.t_ns = 400, .intensity_permille = 390, .train = 3, .flags = TMS_PULSE_WAIT_OPERATOR | train},
                        {.t_ns = 500, .intensity_permille = 200, .train = 4, .flags = train, .leg = 1},
        };

        memcpy(pulses, all, sizeof(all));
        return (struct tms_timeline){.pulses = pulses,
                                     .count = 11,
                                     .trains = 5,
                                     .max_permille = 900,
                                     .waveform = TMS_LOAD_MONOPHASIC};
}

static void test_pairs_waits_legs_single_pulses(void **state)
{
        static const uint32_t wanted[11] = {0, 2, 2, 4, 4, 6, 6, 8, 8, 9, 10};
        struct tms_pulse pulses[11];
        struct tms_timeline t = made(pulses), rest;
        uint32_t first, train;

        for (uint32_t behind = 0; behind < 11; behind++)
                assert_int_equal(first_of(&t, behind), wanted[behind]);
        check_all_cuts(&t);
        assert_int_equal(tms_timeline_rest(&t, 5, &rest, &first, &train), 0);
        assert_int_equal(train, 1);
        assert_int_equal(rest.trains, 4);
        assert_int_equal(rest.max_permille, 390);
        assert_int_equal(rest.pulses[3].flags & TMS_PULSE_WAIT_OPERATOR, TMS_PULSE_WAIT_OPERATOR);
        assert_int_equal(rest.pulses[4].leg, 1);
        assert_int_equal(rest.pulses[4].t_ns, 340);
        tms_timeline_clear(&rest);
        assert_int_equal(tms_timeline_rest(&t, 11, &rest, &first, &train), -ENODATA);
}

/* A rest that was cut again: the rest of the rest is the rest of the whole. */
static void test_rest_of_a_rest(void **state)
{
        struct tms_pulse pulses[11];
        struct tms_timeline t = made(pulses), one, two, at_once;
        uint32_t first_one, first_two, first, train_one, train_two, train;

        assert_int_equal(tms_timeline_rest(&t, 2, &one, &first_one, &train_one), 0);
        assert_int_equal(tms_timeline_rest(&one, 3, &two, &first_two, &train_two), 0);
        assert_int_equal(tms_timeline_rest(&t, first_one + 3, &at_once, &first, &train), 0);
        assert_int_equal(first_one + first_two, first);
        assert_int_equal(train_one + train_two, train);
        assert_int_equal(two.count, at_once.count);
        assert_int_equal(two.trains, at_once.trains);
        assert_memory_equal(two.pulses, at_once.pulses, two.count * sizeof(*two.pulses));
        tms_timeline_clear(&one);
        tms_timeline_clear(&two);
        tms_timeline_clear(&at_once);
}

static void test_wrong_places(void **state)
{
        struct tms_pulse pulses[11];
        struct tms_timeline t = made(pulses), rest = {.count = 77}, none = {};
        uint32_t first = 88, train = 99;

        assert_int_equal(tms_timeline_rest(&t, 12, &rest, &first, &train), -EINVAL);
        assert_int_equal(tms_timeline_rest(&t, UINT32_MAX, &rest, &first, &train), -EINVAL);
        assert_int_equal(tms_timeline_rest(&none, 0, &rest, &first, &train), -EINVAL);
        no_memory = true;
        assert_int_equal(tms_timeline_rest(&t, 3, &rest, &first, &train), -ENOMEM);
        no_memory = false;
        assert_int_equal(rest.count, 77);
        assert_int_equal(first, 88);
        assert_int_equal(train, 99);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_theta_bursts),
                        cmocka_unit_test(test_pairs_waits_legs_single_pulses),
                        cmocka_unit_test(test_rest_of_a_rest),
                        cmocka_unit_test(test_wrong_places),
                        cmocka_unit_test(test_all_shipped_protocols_at_each_place),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

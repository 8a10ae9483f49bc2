// SPDX-License-Identifier: GPL-2.0-or-later
/* Where a run is in its timeline: misses, bursts, pauses, waits, and that a tail only moves later. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "play.h"

#define MS 1000000ULL
#define BURST TMS_PULSE_END_OF_BURST
#define TRAIN (TMS_PULSE_END_OF_BURST | TMS_PULSE_END_OF_TRAIN)

/* Two trains of two bursts of three. */
static const struct tms_pulse theta[] = {
                {0 * MS, 500, 0, 0},     {20 * MS, 501, 0, 0},    {40 * MS, 502, BURST, 0},
                {200 * MS, 503, 0, 0},   {220 * MS, 504, 0, 0},   {240 * MS, 505, TRAIN, 0},
                {10000 * MS, 506, 0, 1}, {10020 * MS, 507, 0, 1}, {10040 * MS, 508, BURST, 1},
                {10200 * MS, 509, 0, 1}, {10220 * MS, 510, 0, 1}, {10240 * MS, 511, TRAIN, 1},
};
#define COUNT 12
#define START (5000 * MS)

static struct tms_play play_theta(void)
{
        struct tms_play play;

        tms_play_begin(&play, theta, COUNT);
        tms_play_start(&play, START);
        return play;
}

/* The rest of a whole has the whole's numbers, and a refused trigger is looked up by such a number. */
static void test_rest_of_a_whole(void **state)
{
        struct tms_play play;

        tms_play_begin(&play, theta, COUNT);
        tms_play_count_from(&play, 1000, 40);
        tms_play_start(&play, START);
        for (u32 i = 0; i < COUNT; i++) {
                assert_int_equal(tms_play_index(&play), 1000 + i);
                assert_int_equal(tms_play_train(&play), 40 + theta[i].train);
                tms_play_fired(&play);
                if (i != 7)
                        continue;
                tms_play_unfired(&play, 1007);
                assert_true(play.skipping);
                play.skipping = false;
        }
        assert_int_equal(tms_play_index(&play), 1000 + COUNT);
        assert_int_equal(tms_play_train(&play), 41);
        assert_int_equal(play.fired, COUNT - 1);
}

static void test_straight(void **state)
{
        struct tms_play play = play_theta();

        assert_int_equal(tms_play_end(&play), START + 10240 * MS);
        for (u32 i = 0; i < COUNT; i++) {
                assert_false(tms_play_over(&play));
                assert_int_equal(play.pos, i);
                assert_int_equal(tms_play_due(&play), START + theta[i].t_ns);
                assert_int_equal(tms_play_permille(&play, 0), 500 + i);
                assert_int_equal(tms_play_permille(&play, COUNT - 1 - i), 511);
                assert_int_equal(tms_play_permille(&play, COUNT - i), 0);
                assert_false(play.skipping);
                assert_false(tms_play_fired(&play));
        }
        assert_true(tms_play_over(&play));
        assert_int_equal(tms_play_permille(&play, 0), 0);
        assert_false(tms_play_waits(&play, TMS_PULSE_WAIT_OPERATOR));
        assert_int_equal(play.fired, COUNT);
        assert_int_equal(play.missed, 0);
}

/* A miss takes the rest of its burst with it, and no more. */
static void test_miss_skips_the_burst(void **state)
{
        struct tms_play play = play_theta();

        tms_play_fired(&play);
        tms_play_missed(&play);
        assert_true(play.skipping);
        tms_play_skipped(&play);
        assert_false(play.skipping);
        assert_int_equal(play.pos, 3);
        assert_int_equal(play.missed, 2);
        assert_int_equal(play.misses, 1);
        assert_int_equal(play.fired, 1);

        /* The last of a burst leaves nothing to skip. */
        tms_play_fired(&play);
        tms_play_fired(&play);
        tms_play_missed(&play);
        assert_false(play.skipping);
        assert_int_equal(play.misses, 2);
}

static void test_pause_at_the_end_of_the_train(void **state)
{
        struct tms_play play = play_theta();

        play.pausing = true;
        for (u32 i = 0; i < 5; i++)
                assert_false(tms_play_fired(&play));
        assert_true(tms_play_fired(&play));
        assert_int_equal(play.pos, 6);

        /* Not before the train's own time, however early it is resumed. */
        tms_play_resume(&play, START + 300 * MS);
        assert_false(play.pausing);
        assert_int_equal(tms_play_due(&play), START + 10000 * MS);

        /* Later, all that is left moves alike. */
        tms_play_resume(&play, START + 20000 * MS);
        assert_int_equal(tms_play_due(&play), START + 20000 * MS);
        assert_int_equal(tms_play_end(&play), START + 20240 * MS);

        /* After the last train there is nothing to pause. */
        play.pausing = true;
        for (u32 i = 6; i < COUNT; i++)
                assert_false(tms_play_fired(&play));
        assert_true(tms_play_over(&play));
}

/* A train whose last pulse is missed or skipped ends all the same. */
static void test_pause_when_the_end_is_not_fired(void **state)
{
        struct tms_play play = play_theta();

        play.pausing = true;
        for (u32 i = 0; i < 4; i++)
                tms_play_fired(&play);
        assert_false(tms_play_missed(&play));
        assert_true(tms_play_skipped(&play));

        play = play_theta();
        play.pausing = true;
        for (u32 i = 0; i < 5; i++)
                tms_play_fired(&play);
        assert_true(tms_play_missed(&play));
}

static void test_resume_forgives_misses(void **state)
{
        struct tms_play play = play_theta();

        tms_play_missed(&play);
        tms_play_resume(&play, 0);
        assert_int_equal(play.misses, 0);
        assert_int_equal(play.missed, 1);
}

static void test_pause_between_trains_waits_for_none(void **state)
{
        struct tms_play play = play_theta();

        assert_false(tms_play_within_train(&play));
        for (u32 i = 0; i < 5; i++) {
                tms_play_fired(&play);
                assert_true(tms_play_within_train(&play));
        }
        tms_play_fired(&play);
        assert_false(tms_play_within_train(&play));
        tms_play_missed(&play);
        assert_true(tms_play_within_train(&play));
}

/* What was let go before a pause has to be let go again. */
static void test_a_pause_recalls(void **state)
{
        struct tms_pulse hunt[] = {{0, 600, TRAIN | TMS_PULSE_WAIT_OPERATOR, 0}};
        struct tms_play play;

        tms_play_begin(&play, hunt, 1);
        tms_play_start(&play, START);
        tms_play_release(&play, START + 100 * MS, 450);
        assert_false(tms_play_waits(&play, TMS_PULSE_WAIT_OPERATOR));
        tms_play_recall(&play);
        assert_true(tms_play_waits(&play, TMS_PULSE_WAIT_OPERATOR));
        assert_int_equal(tms_play_permille(&play, 0), 600);
        assert_int_equal(tms_play_due(&play), START + 100 * MS);
}

static void test_waits(void **state)
{
        struct tms_pulse hunt[] = {
                        {0, 600, TRAIN | TMS_PULSE_WAIT_OPERATOR, 0},
                        {5000 * MS, 600, TRAIN | TMS_PULSE_WAIT_TRIGGER, 1},
                        {10000 * MS, 600, TRAIN, 2},
        };
        struct tms_play play;

        tms_play_begin(&play, hunt, 3);
        tms_play_start(&play, START);
        assert_true(tms_play_waits(&play, TMS_PULSE_WAIT_OPERATOR));
        assert_false(tms_play_waits(&play, TMS_PULSE_WAIT_TRIGGER));

        /* Released late and lower: the tail moves, only this pulse is lower. */
        tms_play_release(&play, START + 7000 * MS, 450);
        assert_false(tms_play_waits(&play, TMS_PULSE_WAIT_OPERATOR));
        assert_int_equal(tms_play_due(&play), START + 7000 * MS);
        assert_int_equal(tms_play_permille(&play, 0), 450);
        assert_int_equal(tms_play_permille(&play, 1), 600);
        tms_play_fired(&play);
        assert_int_equal(tms_play_permille(&play, 0), 600);

        /* Released early: not before its time. */
        assert_true(tms_play_waits(&play, TMS_PULSE_WAIT_TRIGGER));
        tms_play_release(&play, START + 8000 * MS, 0);
        assert_int_equal(tms_play_due(&play), START + 12000 * MS);
        assert_int_equal(tms_play_permille(&play, 0), 600);
        tms_play_fired(&play);
        assert_int_equal(tms_play_due(&play), START + 17000 * MS);
        assert_false(tms_play_waits(&play, TMS_PULSE_WAIT_TRIGGER | TMS_PULSE_WAIT_OPERATOR));
}

/* Whatever is done to a run, two pulses that are fired are never nearer than verified. */
static void test_only_later(void **state)
{
        u64 seed = 7;

        for (u32 round = 0; round < 20000; round++) {
                struct tms_play play = play_theta();
                u64 fired_ns[COUNT] = {}, last_start = play.start_ns;
                bool fired[COUNT] = {};

                while (!tms_play_over(&play)) {
                        u32 pos = play.pos;
                        u64 due = tms_play_due(&play);

                        seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
                        switch (seed >> 60) {
                        case 0:
                                tms_play_resume(&play, due - 1000 * MS + (seed >> 20) % (2000 * MS));
                                break;
                        case 1:
                                tms_play_release(&play, due - 1000 * MS + (seed >> 20) % (2000 * MS), 100);
                                break;
                        case 2:
                                tms_play_missed(&play);
                                break;
                        default:
                                if (play.skipping) {
                                        tms_play_skipped(&play);
                                        break;
                                }
                                fired[pos] = true;
                                fired_ns[pos] = due;
                                tms_play_fired(&play);
                        }
                        assert_true(play.start_ns >= last_start);
                        last_start = play.start_ns;
                }
                for (u32 i = 0; i < COUNT; i++)
                        for (u32 j = 0; j < i; j++)
                                if (fired[i] && fired[j])
                                        assert_true(fired_ns[i] - fired_ns[j] >= theta[i].t_ns - theta[j].t_ns);
                assert_int_equal(play.fired + play.missed, COUNT);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_straight),
                        cmocka_unit_test(test_rest_of_a_whole),
                        cmocka_unit_test(test_miss_skips_the_burst),
                        cmocka_unit_test(test_pause_at_the_end_of_the_train),
                        cmocka_unit_test(test_pause_when_the_end_is_not_fired),
                        cmocka_unit_test(test_resume_forgives_misses),
                        cmocka_unit_test(test_pause_between_trains_waits_for_none),
                        cmocka_unit_test(test_a_pause_recalls),
                        cmocka_unit_test(test_waits),
                        cmocka_unit_test(test_only_later),
        };

        return cmocka_run_group_tests_name("play", tests, NULL, NULL);
}

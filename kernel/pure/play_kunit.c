// SPDX-License-Identifier: GPL-2.0-only
/*
 * The place in a timeline: order, misses, pauses, and that the rest of a timeline only moves to
 * later.
 */
#include <kunit/test.h>
#include <linux/module.h>

#include "play.c"

#define MS	1000000ULL
#define TRAIN	(TMS_PULSE_END_OF_TRAIN | TMS_PULSE_END_OF_BURST)
#define COUNT	6

/* Two trains of three, each train one burst. */
static const struct tms_pulse pulses[COUNT] = {
	{ 0 * MS, 500, 0, 0 },
	{ 20 * MS, 501, 0, 0 },
	{ 40 * MS, 502, TRAIN, 0 },
	{ 1000 * MS, 503, 0, 1 },
	{ 1020 * MS, 504, 0, 1 },
	{ 1040 * MS, 505, TRAIN, 1 },
};

static void begin(struct tms_play *play)
{
	tms_play_begin(play, pulses, COUNT);
	tms_play_start(play, 7000 * MS);
}

static void test_straight(struct kunit *test)
{
	struct tms_play play;
	u32 i;

	begin(&play);
	for (i = 0; i < COUNT; i++) {
		KUNIT_EXPECT_EQ(test, 7000 * MS + pulses[i].t_ns, tms_play_due(&play));
		KUNIT_EXPECT_EQ(test, 500 + i, tms_play_permille(&play, 0));
		KUNIT_EXPECT_FALSE(test, tms_play_fired(&play));
	}
	KUNIT_EXPECT_TRUE(test, tms_play_over(&play));
	KUNIT_EXPECT_EQ(test, COUNT, play.fired);
}

static void test_miss(struct kunit *test)
{
	struct tms_play play;

	begin(&play);
	tms_play_missed(&play);
	KUNIT_EXPECT_TRUE(test, play.skipping);
	tms_play_skipped(&play);
	tms_play_skipped(&play);
	KUNIT_EXPECT_FALSE(test, play.skipping);
	KUNIT_EXPECT_EQ(test, 3, play.pos);
	KUNIT_EXPECT_EQ(test, 3, play.missed);
	KUNIT_EXPECT_EQ(test, 1, play.misses);
}

static void test_pause(struct kunit *test)
{
	struct tms_play play;

	begin(&play);
	play.pausing = true;
	KUNIT_EXPECT_FALSE(test, tms_play_fired(&play));
	KUNIT_EXPECT_FALSE(test, tms_play_fired(&play));
	KUNIT_EXPECT_TRUE(test, tms_play_fired(&play));

	tms_play_resume(&play, 7500 * MS);
	KUNIT_EXPECT_EQ(test, 8000 * MS, tms_play_due(&play));
	tms_play_resume(&play, 9000 * MS);
	KUNIT_EXPECT_EQ(test, 9000 * MS, tms_play_due(&play));
	KUNIT_EXPECT_EQ(test, 9040 * MS, tms_play_end(&play));
}

static struct kunit_case cases[] = {
	KUNIT_CASE(test_straight),
	KUNIT_CASE(test_miss),
	KUNIT_CASE(test_pause),
	{}
};

static struct kunit_suite suite = {
	.name = "tms_play",
	.test_cases = cases,
};

kunit_test_suite(suite);

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rest and BREAK, on a device that is plain memory: for how long a card is charged without a
 * pulse, what follows from that, and which state ARM leads to out of BREAK. The setter of the
 * states is the real one.
 */
#include <kunit/test.h>
#include <linux/module.h>

#include "irq/irq.h"

#include "rest.c"

#define S	1000000000ULL
#define T0	(1000 * S)		/* time of the last discharge */
#define OVER	(T0 + TMS_REST_MAX_NS + 1)

/* Two pulses, a second apart, and a third that is due long after the second. */
static const struct tms_pulse pulses[] = {
	{ 0, 500, TMS_PULSE_END_OF_BURST, 0 },
	{ S, 500, TMS_PULSE_END_OF_BURST, 0 },
	{ S + 2 * TMS_REST_MAX_NS, 500, TMS_PULSE_END_OF_TRAIN | TMS_PULSE_END_OF_BURST, 0 },
};

static int init(struct kunit *test)
{
	struct tms_device *tms = kunit_kzalloc(test, sizeof(*tms), GFP_KERNEL);
	void *registers = kunit_kzalloc(test, TMS_BAR_SIZE, GFP_KERNEL);

	if (!tms || !registers)
		return -ENOMEM;
	tms->mmio = (void __iomem *)registers;
	raw_spin_lock_init(&tms->engine_lock);
	test->priv = tms;
	return 0;
}

/*
 * Puts the device into @state: the first @fired pulses of the run have been fired, the last of
 * them at T0. engine_lock held.
 */
static void set_up(struct tms_device *tms, u32 state, u32 fired)
{
	u32 i;

	tms->state = state;
	tms->back_to = 0;
	tms->shot.pending = false;
	tms_play_begin(&tms->play, pulses, ARRAY_SIZE(pulses));
	tms_play_start(&tms->play, T0 - (fired ? pulses[fired - 1].t_ns : 0));
	for (i = 0; i < fired; i++)
		tms_play_fired(&tms->play);
	tms_rest_begin(tms, T0);
}

static void test_rest(struct kunit *test)
{
	struct tms_device *tms = test->priv;

	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		tms_rest_begin(tms, T0);
		KUNIT_EXPECT_EQ(test, 0, tms_rest_ns(tms, T0 - 1));
		KUNIT_EXPECT_EQ(test, 5, tms_rest_ns(tms, T0 + 5));
		KUNIT_EXPECT_FALSE(test, tms_rest_over(tms, OVER - 1));
		KUNIT_EXPECT_TRUE(test, tms_rest_over(tms, OVER));
	}
}

/* Each state, first just within the limit, then just beyond it. */
static void test_look(struct kunit *test)
{
	static const struct {
		u32 state, then, cause;
	} rows[] = {
		{ TMS_STATE_ARMED, TMS_STATE_LOADED, TMS_CAUSE_IDLE_LIMIT },
		{ TMS_STATE_RUNNING, TMS_STATE_BREAK, TMS_CAUSE_IDLE_LIMIT },
		{ TMS_STATE_PAUSED, TMS_STATE_BREAK, TMS_CAUSE_IDLE_LIMIT },
		{ TMS_STATE_LOADED, TMS_STATE_LOADED, 0 },
		{ TMS_STATE_ARMING, TMS_STATE_ARMING, 0 },
		{ TMS_STATE_FAULT, TMS_STATE_FAULT, 0 },
	};
	struct tms_device *tms = test->priv;
	u32 i;

	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		for (i = 0; i < ARRAY_SIZE(rows); i++) {
			/*
			 * The first pulse is overdue: that the engine is late is no reason for a
			 * BREAK.
			 */
			set_up(tms, rows[i].state, 0);
			tms->cause = 0;
			tms_rest_look(tms, OVER - 1);
			KUNIT_EXPECT_EQ(test, rows[i].state, tms->state);
			tms_rest_look(tms, OVER);
			KUNIT_EXPECT_EQ(test, rows[i].then, tms->state);
			KUNIT_EXPECT_EQ(test, rows[i].cause, tms->cause);
			if (rows[i].then == TMS_STATE_BREAK)
				KUNIT_EXPECT_EQ(test, rows[i].state, tms->back_to);
		}
	}
}

/* A trigger without an answer may have been a discharge, which would begin the rest anew. */
static void test_unanswered(struct kunit *test)
{
	struct tms_device *tms = test->priv;

	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		set_up(tms, TMS_STATE_RUNNING, 1);
		tms->shot.pending = true;
		tms_rest_look(tms, OVER);
		KUNIT_EXPECT_EQ(test, TMS_STATE_RUNNING, tms->state);
		tms->shot.pending = false;
		tms_rest_look(tms, OVER);
		KUNIT_EXPECT_EQ(test, TMS_STATE_BREAK, tms->state);
	}
}

/* A run whose next pulse is due only after the limit goes into BREAK at once. */
static void test_gap(struct kunit *test)
{
	struct tms_device *tms = test->priv;

	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		set_up(tms, TMS_STATE_RUNNING, 1);
		tms_rest_look(tms, T0 + 1);
		KUNIT_EXPECT_EQ(test, TMS_STATE_RUNNING, tms->state);

		set_up(tms, TMS_STATE_RUNNING, 2);
		tms_rest_look(tms, T0 + 1);
		KUNIT_EXPECT_EQ(test, TMS_STATE_BREAK, tms->state);
		KUNIT_EXPECT_EQ(test, TMS_CAUSE_GAP, tms->cause);
		KUNIT_EXPECT_EQ(test, TMS_STATE_RUNNING, tms->back_to);
	}
}

static void test_break_ends(struct kunit *test)
{
	struct tms_device *tms = test->priv;

	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		set_up(tms, TMS_STATE_BREAK, 2);
		tms->break_ns = T0;
		tms_rest_look(tms, T0 + TMS_BREAK_MAX_NS);
		KUNIT_EXPECT_EQ(test, TMS_STATE_BREAK, tms->state);
		tms_rest_look(tms, T0 + TMS_BREAK_MAX_NS + 1);
		KUNIT_EXPECT_EQ(test, TMS_STATE_LOADED, tms->state);
		KUNIT_EXPECT_EQ(test, TMS_CAUSE_BREAK_LIMIT, tms->cause);
	}
}

/* The third pulse is due two rests after T0, at which the second was fired. */
static void test_armed(struct kunit *test)
{
	const u64 due_ns = T0 + 2 * TMS_REST_MAX_NS;
	struct tms_device *tms = test->priv;
	u32 cause;

	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		set_up(tms, TMS_STATE_ARMING, 2);
		KUNIT_EXPECT_EQ(test, TMS_STATE_ARMED, tms_rest_armed(tms, T0, &cause));
		KUNIT_EXPECT_EQ(test, TMS_CAUSE_REQUEST, cause);
		tms->back_to = TMS_STATE_PAUSED;
		KUNIT_EXPECT_EQ(test, TMS_STATE_PAUSED, tms_rest_armed(tms, T0, &cause));
		KUNIT_EXPECT_EQ(test, TMS_CAUSE_REQUEST, cause);
		tms->back_to = TMS_STATE_RUNNING;
		KUNIT_EXPECT_EQ(test, TMS_STATE_RUNNING,
				tms_rest_armed(tms, due_ns - TMS_START_DELAY_MIN_NS, &cause));
		KUNIT_EXPECT_EQ(test, TMS_CAUSE_REQUEST, cause);
		KUNIT_EXPECT_EQ(test, TMS_STATE_PAUSED,
				tms_rest_armed(tms, due_ns - TMS_START_DELAY_MIN_NS + 1, &cause));
		KUNIT_EXPECT_EQ(test, TMS_CAUSE_ARMED_LATE, cause);
	}
}

/* A run that is paused in BREAK is led to PAUSED by ARM; an ARM that fails leads back to BREAK. */
static void test_pause_and_fall_back(struct kunit *test)
{
	struct tms_device *tms = test->priv;

	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		set_up(tms, TMS_STATE_BREAK, 2);
		tms->back_to = TMS_STATE_RUNNING;
		tms_rest_pause(tms);
		KUNIT_EXPECT_EQ(test, TMS_STATE_BREAK, tms->state);
		KUNIT_EXPECT_EQ(test, TMS_STATE_PAUSED, tms->back_to);

		tms_set_state(tms, TMS_STATE_ARMING, TMS_CAUSE_REQUEST);
		tms_rest_fall_back(tms, TMS_CAUSE_UNFIT);
		KUNIT_EXPECT_EQ(test, TMS_STATE_BREAK, tms->state);
		KUNIT_EXPECT_EQ(test, TMS_CAUSE_UNFIT, tms->cause);
		KUNIT_EXPECT_EQ(test, TMS_STATE_PAUSED, tms->back_to);

		set_up(tms, TMS_STATE_ARMING, 0);
		tms_rest_fall_back(tms, TMS_CAUSE_UNFIT);
		KUNIT_EXPECT_EQ(test, TMS_STATE_LOADED, tms->state);
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE(test_rest),
	KUNIT_CASE(test_look),
	KUNIT_CASE(test_unanswered),
	KUNIT_CASE(test_gap),
	KUNIT_CASE(test_break_ends),
	KUNIT_CASE(test_armed),
	KUNIT_CASE(test_pause_and_fall_back),
	{}
};

static struct kunit_suite suite = {
	.name = "tms_rest",
	.init = init,
	.test_cases = cases,
};

kunit_test_suite(suite);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("KUnit tests of the TMS stimulator driver");

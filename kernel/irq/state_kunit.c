// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state table and its setter, on a device that is plain memory: which moves the table has,
 * what the setter writes to the card, and that every state that is not energised has SAFE
 * written.
 */
#include <kunit/test.h>
#include <linux/module.h>

#include "irq/irq.h"

/* Counters in place of the functions that the setter calls. */
static u32 records, traces, last_from, last_to, last_cause;

#define TMS_TRACE_H
static void trace_tms_state(int card, u32 from, u32 to, u32 cause)
{
	traces++;
}

#include "state.c"

void tms_event_state(struct tms_device *tms, u32 from, u32 to, u32 cause)
{
	records++;
	last_from = from;
	last_to = to;
	last_cause = cause;
}

void tms_wake(struct tms_device *tms)
{
}

void tms_card_listen(struct tms_device *tms, bool trigger)
{
}

static int init(struct kunit *test)
{
	struct tms_device *tms = kunit_kzalloc(test, sizeof(*tms), GFP_KERNEL);
	void *registers = kunit_kzalloc(test, TMS_BAR_SIZE, GFP_KERNEL);

	if (!tms || !registers)
		return -ENOMEM;
	tms->mmio = (void __iomem *)registers;
	raw_spin_lock_init(&tms->engine_lock);
	test->priv = tms;
	records = 0;
	return 0;
}

static u32 control(struct tms_device *tms)
{
	return readl(tms->mmio + TMS_REG_CONTROL);
}

/* As if the card had been armed and nothing stood in the way. */
static void energise(struct tms_device *tms, u32 state)
{
	tms->state = state;
	tms->stop = 0;
	writel(TMS_CONTROL_ARM, tms->mmio + TMS_REG_CONTROL);
}

/* The table of DESIGN.md, written down a second time, independently of moves[]. */
static const char * const table[TMS_STATE_COUNT] = {
	/*                      ILAARPFGB */
	[TMS_STATE_IDLE]    = "010000110",
	[TMS_STATE_LOADED]  = "101000110",
	[TMS_STATE_ARMING]  = "010111111",
	[TMS_STATE_ARMED]   = "010010110",
	[TMS_STATE_RUNNING] = "010001111",
	[TMS_STATE_PAUSED]  = "010010111",
	[TMS_STATE_FAULT]   = "100000010",
	[TMS_STATE_GONE]    = "000000000",
	[TMS_STATE_BREAK]   = "011000111",
};

static void test_table(struct kunit *test)
{
	u32 from, to;

	for (from = 0; from < TMS_STATE_COUNT; from++)
		for (to = 0; to < TMS_STATE_COUNT; to++)
			KUNIT_EXPECT_EQ_MSG(test, table[from][to] == '1', tms_state_may(from, to),
					    "%s to %s", tms_state_name(from), tms_state_name(to));
	KUNIT_EXPECT_FALSE(test, tms_state_may(TMS_STATE_COUNT, TMS_STATE_IDLE));
	KUNIT_EXPECT_FALSE(test, tms_state_may(TMS_STATE_IDLE, U32_MAX));
	KUNIT_EXPECT_STREQ(test, "unknown", tms_state_name(TMS_STATE_COUNT));
}

/* Makes every move of the table: each is recorded, and SAFE is written wherever it must be. */
static void test_moves(struct kunit *test)
{
	struct tms_device *tms = test->priv;
	u32 from, to;

	for (from = 0; from < TMS_STATE_COUNT; from++) {
		for (to = 0; to < TMS_STATE_COUNT; to++) {
			if (!tms_state_may(from, to))
				continue;
			energise(tms, from);
			records = 0;
			traces = 0;
			scoped_guard(raw_spinlock_irqsave, &tms->engine_lock)
				tms_set_state(tms, to, 77);
			KUNIT_EXPECT_EQ(test, to, tms->state);
			KUNIT_EXPECT_EQ(test, 77, tms->cause);
			KUNIT_EXPECT_EQ(test, 1, records);
			KUNIT_EXPECT_EQ(test, 1, traces);
			KUNIT_EXPECT_EQ(test, from, last_from);
			KUNIT_EXPECT_EQ(test, to, last_to);
			KUNIT_EXPECT_EQ(test, 77, last_cause);
			KUNIT_EXPECT_EQ(test, !tms_energised(to), tms->stop);
			KUNIT_EXPECT_EQ(test,
					tms_energised(to) ? TMS_CONTROL_ARM : TMS_CONTROL_SAFE,
					control(tms));
		}
	}
}

static void test_fault_keeps_the_first_cause(struct kunit *test)
{
	struct tms_device *tms = test->priv;

	energise(tms, TMS_STATE_RUNNING);
	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		tms_fault(tms, TMS_CAUSE_COIL_HOT);
		tms_fault(tms, TMS_CAUSE_WATCHDOG);
		tms_end(tms, TMS_CAUSE_REQUEST);
	}
	KUNIT_EXPECT_EQ(test, TMS_STATE_FAULT, tms->state);
	KUNIT_EXPECT_EQ(test, TMS_CAUSE_COIL_HOT, tms->cause);
	KUNIT_EXPECT_EQ(test, TMS_CONTROL_SAFE, control(tms));
	KUNIT_EXPECT_EQ(test, 1, records);
}

static void test_drop(struct kunit *test)
{
	struct tms_device *tms = test->priv;

	energise(tms, TMS_STATE_PAUSED);
	tms->timeline_gen = 5;
	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock)
		tms_drop_timeline(tms, TMS_CAUSE_CHANGED);
	KUNIT_EXPECT_EQ(test, TMS_STATE_IDLE, tms->state);
	KUNIT_EXPECT_EQ(test, 0, tms->timeline_gen);
	KUNIT_EXPECT_EQ(test, TMS_CONTROL_SAFE, control(tms));
}

/*
 * back_to, the state that ARM leads to, is kept through BREAK and through ARMING out of BREAK,
 * and is forgotten after that.
 */
static void test_back_to(struct kunit *test)
{
	static const u32 path[] = { TMS_STATE_BREAK, TMS_STATE_ARMING, TMS_STATE_BREAK };
	struct tms_device *tms = test->priv;
	unsigned int i;

	energise(tms, TMS_STATE_RUNNING);
	tms->back_to = TMS_STATE_RUNNING;
	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		for (i = 0; i < ARRAY_SIZE(path); i++) {
			tms_set_state(tms, path[i], TMS_CAUSE_REQUEST);
			KUNIT_EXPECT_EQ(test, TMS_STATE_RUNNING, tms->back_to);
		}
		tms_end(tms, TMS_CAUSE_LEASE);
		KUNIT_EXPECT_EQ(test, TMS_STATE_LOADED, tms->state);
		KUNIT_EXPECT_EQ(test, 0, tms->back_to);
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE(test_table),
	KUNIT_CASE(test_moves),
	KUNIT_CASE(test_fault_keeps_the_first_cause),
	KUNIT_CASE(test_drop),
	KUNIT_CASE(test_back_to),
	{}
};

static struct kunit_suite suite = {
	.name = "tms_state",
	.init = init,
	.test_cases = cases,
};

kunit_test_suite(suite);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("KUnit tests of the TMS stimulator driver");

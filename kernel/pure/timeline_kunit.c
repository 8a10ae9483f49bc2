// SPDX-License-Identifier: GPL-2.0-only
/*
 * The verifier as the kernel compiles it: for each rule the last value that holds and the first
 * that breaks it. The tests that search (against a reference, with random timelines) are in
 * tests/unit.
 */
#include <kunit/test.h>
#include <linux/module.h>

#include "bounds.c"
#include "history.c"
#include "timeline.c"

#define MS		1000000ULL
#define BOTH_ENDS	(TMS_PULSE_END_OF_TRAIN | TMS_PULSE_END_OF_BURST)

/* An envelope that breaks no rule; each case tightens the limit that it is about. */
static const struct tms_envelope wide = {
	.max_permille = 1000,
	.stored_pulses = 2,
	.pulse_mJ = 252000,
	.charge_mW = U32_MAX,
	.reservoir_mJ = U32_MAX,
	.refill_mW = U32_MAX,
	.coil_heat_mJ = U32_MAX,
	.coil_cool_mW = U32_MAX,
	.max_pulses_per_s = TMS_RATE_MAX,
	.max_pulses = TMS_PULSES_MAX,
	.max_pulses_per_day = U32_MAX,
	.max_duration_ns = U64_MAX,
};

/* Three pulses at 0, 50 ms and 100 ms, at half the output: 63 J each. */
static void three(struct tms_pulse *p)
{
	u32 i;

	for (i = 0; i < 3; i++)
		p[i] = (struct tms_pulse) {
			.t_ns = i * 50 * MS,
			.intensity_permille = 500,
			.flags = BOTH_ENDS,
			.train = i,
		};
}

/* @holds lets three pulses pass, @breaks does not. Both are set to wide again afterwards. */
static void expect_edge(struct kunit *test, struct tms_envelope *holds,
			struct tms_envelope *breaks, u32 rule, u32 pulse)
{
	struct tms_verdict v;
	struct tms_pulse p[3];

	three(p);
	KUNIT_EXPECT_EQ_MSG(test, 0, tms_timeline_verify(p, 3, holds, NULL, 0, &v),
			    "rule %u held, %u broken", rule, v.rule);
	KUNIT_EXPECT_EQ_MSG(test, -ERANGE, tms_timeline_verify(p, 3, breaks, NULL, 0, &v),
			    "rule %u broken", rule);
	KUNIT_EXPECT_EQ(test, rule, v.rule);
	KUNIT_EXPECT_EQ(test, pulse, v.pulse);
	*holds = wide;
	*breaks = wide;
}

static void test_edges(struct kunit *test)
{
	struct tms_envelope holds = wide, breaks = wide;

	holds.max_permille = 500;
	breaks.max_permille = 499;
	expect_edge(test, &holds, &breaks, TMS_RULE_INTENSITY, 0);
	holds.min_interval_ns = 50 * MS;
	breaks.min_interval_ns = 50 * MS + 1;
	expect_edge(test, &holds, &breaks, TMS_RULE_INTERVAL, 1);
	holds.max_pulses_per_s = 3;
	breaks.max_pulses_per_s = 2;
	expect_edge(test, &holds, &breaks, TMS_RULE_PULSES_PER_S, 2);
	holds.max_pulses = 3;
	breaks.max_pulses = 2;
	expect_edge(test, &holds, &breaks, TMS_RULE_PULSES, 2);
	holds.max_pulses_per_day = 3;
	breaks.max_pulses_per_day = 2;
	expect_edge(test, &holds, &breaks, TMS_RULE_PULSES_PER_DAY, 2);
	holds.max_duration_ns = 100 * MS;
	breaks.max_duration_ns = 100 * MS - 1;
	expect_edge(test, &holds, &breaks, TMS_RULE_DURATION, 2);
	/* 63 J in 100 ms are 630 W. */
	holds.charge_mW = 630000;
	breaks.charge_mW = 629999;
	expect_edge(test, &holds, &breaks, TMS_RULE_SETTLING, 2);
	holds.settle_margin_ns = 99985331;
	breaks.settle_margin_ns = 99985332;
	expect_edge(test, &holds, &breaks, TMS_RULE_SETTLING, 2);
	/* 504 J are set aside for the two capacitors; the first pulse takes 63 J. */
	holds.reservoir_mJ = 567000;
	breaks.reservoir_mJ = 566999;
	expect_edge(test, &holds, &breaks, TMS_RULE_RESERVOIR, 0);
	holds.coil_heat_mJ = 63000;
	breaks.coil_heat_mJ = 62999;
	expect_edge(test, &holds, &breaks, TMS_RULE_COIL_HEAT, 0);
}

static void expect_malformed(struct kunit *test, const struct tms_pulse *p, u32 rule)
{
	struct tms_verdict v;

	KUNIT_EXPECT_EQ(test, -EINVAL, tms_timeline_verify(p, 3, &wide, NULL, 0, &v));
	KUNIT_EXPECT_EQ(test, rule, v.rule);
}

static void test_form(struct kunit *test)
{
	struct tms_verdict v;
	struct tms_pulse p[3];

	KUNIT_EXPECT_EQ(test, -EINVAL, tms_timeline_verify(p, 0, &wide, NULL, 0, &v));
	KUNIT_EXPECT_EQ(test, TMS_RULE_EMPTY, v.rule);

	three(p);
	p[1].flags |= 0x10;
	expect_malformed(test, p, TMS_RULE_FLAGS);
	three(p);
	p[2].flags = TMS_PULSE_END_OF_BURST;
	expect_malformed(test, p, TMS_RULE_FLAGS);
	three(p);
	p[1].t_ns = 0;
	expect_malformed(test, p, TMS_RULE_ORDER);
	three(p);
	p[2].train = 1;
	expect_malformed(test, p, TMS_RULE_TRAIN);
	three(p);
	p[0].intensity_permille = 0;
	expect_malformed(test, p, TMS_RULE_INTENSITY_ZERO);
}

/*
 * The same three pulses played again and again, 150 ms apart, are one series of pulses 50 ms
 * apart.
 */
static void test_history(struct kunit *test)
{
	struct tms_history *h = kunit_kzalloc(test, sizeof(*h), GFP_KERNEL);
	struct tms_envelope env = wide;
	u64 start_ns = TMS_NS_PER_S;
	struct tms_verdict v;
	struct tms_pulse p[3];
	u32 i, run;

	KUNIT_ASSERT_NOT_NULL(test, h);
	three(p);
	env.max_pulses_per_s = 20;
	env.coil_heat_mJ = 63000 * 12;
	env.coil_cool_mW = 630000;
	tms_history_init(h, &env);
	/* 63 J every 50 ms, of which 31.5 J stay: the 24th is half a pulse too much. */
	for (run = 0; run < 7; run++, start_ns += 150 * MS) {
		KUNIT_ASSERT_EQ(test, 0, tms_timeline_verify(p, 3, &env, h, start_ns, &v));
		for (i = 0; i < 3; i++)
			tms_history_add(h, &env, start_ns + p[i].t_ns, 500);
	}
	KUNIT_EXPECT_EQ(test, -ERANGE, tms_timeline_verify(p, 3, &env, h, start_ns, &v));
	KUNIT_EXPECT_EQ(test, TMS_RULE_COIL_HEAT, v.rule);
	KUNIT_EXPECT_EQ(test, 2, v.pulse);
	KUNIT_EXPECT_EQ(test, 21, tms_history_day(h, start_ns));

	env.coil_heat_mJ = U32_MAX;
	env.max_pulses_per_s = 19;
	KUNIT_EXPECT_EQ(test, -ERANGE, tms_timeline_verify(p, 3, &env, h, start_ns, &v));
	KUNIT_EXPECT_EQ(test, TMS_RULE_PULSES_PER_S, v.rule);
	KUNIT_EXPECT_EQ(test, 20, v.actual);
}

static void test_extremes(struct kunit *test)
{
	struct tms_envelope env;
	struct tms_verdict v;
	struct tms_pulse p[3];

	three(p);
	p[2].t_ns = U64_MAX;
	KUNIT_EXPECT_EQ(test, -ERANGE, tms_timeline_verify(p, 3, &wide, NULL, 0, &v));
	KUNIT_EXPECT_EQ(test, TMS_RULE_DURATION, v.rule);

	three(p);
	memset(&env, 0, sizeof(env));
	KUNIT_EXPECT_EQ(test, -ERANGE, tms_timeline_verify(p, 3, &env, NULL, 0, &v));
	KUNIT_EXPECT_EQ(test, U32_MAX * TMS_PJ_PER_MJ, tms_pulse_pJ(U32_MAX, 1000));
}

/* After a gap of more than a minute the card is charged from empty, in eight seconds. */
static void test_break(struct kunit *test)
{
	struct tms_envelope env = wide;
	struct tms_verdict v;
	struct tms_pulse p[3];

	three(p);
	env.pulse_mJ = 252000;
	env.settle_margin_ns = 0;
	env.stored_pulses = 1;
	env.charge_mW = 7875;
	p[1].t_ns += 10 * TMS_NS_PER_S;
	p[2].t_ns = p[1].t_ns + TMS_REST_MAX_NS + 1;
	KUNIT_EXPECT_EQ(test, 0, tms_timeline_verify(p, 3, &env, NULL, 0, &v));
	env.charge_mW--;
	KUNIT_EXPECT_EQ(test, -ERANGE, tms_timeline_verify(p, 3, &env, NULL, 0, &v));
	KUNIT_EXPECT_EQ(test, TMS_RULE_SETTLING, v.rule);
	KUNIT_EXPECT_EQ(test, 2, v.pulse);
	env.charge_mW++;
	p[2].t_ns = p[1].t_ns + TMS_BREAK_MAX_NS + 1;
	KUNIT_EXPECT_EQ(test, -ERANGE, tms_timeline_verify(p, 3, &env, NULL, 0, &v));
	KUNIT_EXPECT_EQ(test, TMS_RULE_GAP, v.rule);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(test_edges),
	KUNIT_CASE(test_form),
	KUNIT_CASE(test_history),
	KUNIT_CASE(test_extremes),
	KUNIT_CASE(test_break),
	{}
};

static struct kunit_suite suite = {
	.name = "tms_timeline",
	.test_cases = cases,
};

kunit_test_suite(suite);

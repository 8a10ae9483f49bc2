// SPDX-License-Identifier: GPL-2.0-only
/* The record ring with the kernel's own locks and memory, also filled from hard IRQ. */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/irq_work.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "ring.c"

static int init(struct kunit *test)
{
	struct tms_ring *ring = kunit_kzalloc(test, sizeof(*ring), GFP_KERNEL);

	test->priv = ring;
	return ring ? tms_ring_init(ring) : -ENOMEM;
}

static void finish(struct kunit *test)
{
	if (test->priv)
		tms_ring_destroy(test->priv);
}

static bool put_one(struct tms_ring *ring, u32 keep)
{
	struct tms_event e = { .type = TMS_EVENT_STATE, .mono_ns = ring->head };

	return tms_ring_put(ring, &e, keep);
}

static void test_full(struct kunit *test)
{
	struct tms_ring *ring = test->priv;
	u64 cursor = TMS_RING_FIRST_SEQ;
	struct tms_event e;
	u32 n = 0;

	while (put_one(ring, TMS_KEEP_NOTE))
		n++;
	KUNIT_EXPECT_EQ(test, TMS_RING_SLOTS - TMS_KEEP_NOTE, n);
	while (put_one(ring, TMS_KEEP_PULSE))
		n++;
	KUNIT_EXPECT_EQ(test, TMS_RING_SLOTS - TMS_KEEP_PULSE, n);
	while (put_one(ring, TMS_KEEP_STATE))
		n++;
	KUNIT_EXPECT_EQ(test, TMS_RING_SLOTS, n);

	KUNIT_EXPECT_EQ(test, 1, tms_ring_peek(ring, &cursor, &e, 1));
	KUNIT_EXPECT_EQ(test, TMS_RING_FIRST_SEQ, e.seq);
	KUNIT_EXPECT_EQ(test, -ESTALE, tms_ring_ack(ring, cursor + 1, cursor));
	KUNIT_EXPECT_EQ(test, 0, tms_ring_ack(ring, cursor, cursor));
	KUNIT_EXPECT_TRUE(test, put_one(ring, TMS_KEEP_STATE));
	KUNIT_EXPECT_FALSE(test, put_one(ring, TMS_KEEP_STATE));
}

static void test_reserve(struct kunit *test)
{
	struct tms_ring *ring = test->priv;
	struct tms_event e = {};

	KUNIT_EXPECT_TRUE(test, tms_ring_reserve(ring, 2, TMS_KEEP_PULSE));
	while (put_one(ring, TMS_KEEP_STATE))
		;
	KUNIT_EXPECT_EQ(test, TMS_RING_FIRST_SEQ + TMS_RING_SLOTS - 2, tms_ring_head(ring));
	tms_ring_put_reserved(ring, &e);
	KUNIT_EXPECT_FALSE(test, put_one(ring, TMS_KEEP_STATE));
	tms_ring_release(ring, 1);
	KUNIT_EXPECT_TRUE(test, put_one(ring, TMS_KEEP_STATE));
}

struct producer {
	struct irq_work work;
	struct tms_ring *ring;
	struct completion done;
};

static void produce(struct irq_work *work)
{
	struct producer *p = container_of(work, struct producer, work);

	put_one(p->ring, TMS_KEEP_PULSE);
	complete(&p->done);
}

/* The records arrive in order. On a kernel with lockdep, wrong locking shows in its log. */
static void test_from_hard_irq(struct kunit *test)
{
	struct producer *p = kunit_kzalloc(test, sizeof(*p), GFP_KERNEL);
	u64 cursor = TMS_RING_FIRST_SEQ;
	struct tms_event e[4];
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, p);
	p->ring = test->priv;
	p->work = IRQ_WORK_INIT_HARD(produce);
	for (i = 0; i < 4; i++) {
		init_completion(&p->done);
		irq_work_queue(&p->work);
		wait_for_completion(&p->done);
		irq_work_sync(&p->work);
	}
	KUNIT_EXPECT_EQ(test, 4, tms_ring_peek(p->ring, &cursor, e, 4));
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, TMS_RING_FIRST_SEQ + i, e[i].seq);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(test_full),
	KUNIT_CASE(test_reserve),
	KUNIT_CASE(test_from_hard_irq),
	{}
};

static struct kunit_suite suite = {
	.name = "tms_ring",
	.init = init,
	.exit = finish,
	.test_cases = cases,
};

kunit_test_suite(suite);

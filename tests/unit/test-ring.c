// SPDX-License-Identifier: GPL-2.0-or-later
/* The record ring: nothing lost before it is acknowledged, and loss told to monitors. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ring.h"

bool shim_no_memory;

static int setup(void **state)
{
        struct tms_ring *ring = malloc(sizeof(*ring));

        *state = ring;
        return ring ? tms_ring_init(ring) : -ENOMEM;
}

static int teardown(void **state)
{
        tms_ring_destroy(*state);
        free(*state);
        return 0;
}

/* A record that can be told from all others by its seq. */
static struct tms_event event(u64 seq)
{
        return (struct tms_event){.mono_ns = 1000 + seq, .type = TMS_EVENT_STATE, .state.to = (u32)seq};
}

static bool put(struct tms_ring *ring, u32 keep)
{
        u64 head = tms_ring_head(ring);
        struct tms_event e = event(head);
        bool fits = tms_ring_put(ring, &e, keep);

        assert_int_equal(tms_ring_head(ring), head + fits);
        if (fits)
                assert_int_equal(e.seq, head);
        return fits;
}

static void fill(struct tms_ring *ring, u32 n)
{
        while (n--)
                assert_true(put(ring, 0));
}

static void assert_next(struct tms_ring *ring, u64 *cursor, u64 seq)
{
        struct tms_event e = {}, expected = event(seq);

        expected.seq = seq;
        assert_int_equal(tms_ring_peek(ring, cursor, &e, 1), 1);
        assert_memory_equal(&e, &expected, sizeof(e));
        assert_int_equal(*cursor, seq + 1);
}

static void test_empty(void **state)
{
        struct tms_ring *ring = *state;
        u64 cursor = TMS_RING_FIRST_SEQ;
        struct tms_event e;

        assert_int_equal(tms_ring_head(ring), TMS_RING_FIRST_SEQ);
        assert_int_equal(tms_ring_acked(ring), TMS_RING_FIRST_SEQ);
        assert_false(tms_ring_readable(ring, cursor));
        assert_int_equal(tms_ring_peek(ring, &cursor, &e, 1), 0);
        assert_int_equal(cursor, TMS_RING_FIRST_SEQ);
        assert_true(tms_ring_oldest_ns(ring) == UINT64_MAX);
}

static void test_no_memory(void **state)
{
        struct tms_ring ring;

        shim_no_memory = true;
        assert_int_equal(tms_ring_init(&ring), -ENOMEM);
        shim_no_memory = false;
        tms_ring_destroy(&ring);
}

static void test_order(void **state)
{
        struct tms_ring *ring = *state;
        u64 cursor = TMS_RING_FIRST_SEQ;
        struct tms_event e[8];

        fill(ring, 5);
        assert_true(tms_ring_readable(ring, cursor));
        assert_next(ring, &cursor, 1);
        assert_int_equal(tms_ring_peek(ring, &cursor, e, 3), 3);
        assert_int_equal(e[0].seq, 2);
        assert_int_equal(e[2].seq, 4);
        assert_int_equal(tms_ring_peek(ring, &cursor, e, 0), 0);
        assert_int_equal(tms_ring_peek(ring, &cursor, e, 8), 1);
        assert_int_equal(e[0].seq, 5);
        assert_false(tms_ring_readable(ring, cursor));

        /* Reading takes nothing away from others. */
        cursor = TMS_RING_FIRST_SEQ;
        assert_next(ring, &cursor, 1);
}

static void test_acknowledge(void **state)
{
        struct tms_ring *ring = *state;

        fill(ring, 10);
        assert_int_equal(tms_ring_oldest_ns(ring), 1001);
        assert_int_equal(tms_ring_ack(ring, 5, 5), 0);
        assert_int_equal(tms_ring_acked(ring), 5);
        assert_int_equal(tms_ring_oldest_ns(ring), 1005);

        /* The same again, or less, is no harm; more than was read, more than there is, are. */
        assert_int_equal(tms_ring_ack(ring, 5, 5), 0);
        assert_int_equal(tms_ring_ack(ring, 4, 10), 0);
        assert_int_equal(tms_ring_ack(ring, 7, 6), -ESTALE);
        assert_int_equal(tms_ring_ack(ring, 12, 100), -ESTALE);
        assert_int_equal(tms_ring_acked(ring), 5);

        assert_int_equal(tms_ring_ack(ring, 11, 11), 0);
        assert_true(tms_ring_oldest_ns(ring) == UINT64_MAX);
}

static void test_full(void **state)
{
        struct tms_ring *ring = *state;
        u64 cursor = TMS_RING_FIRST_SEQ;

        /* Each class stops where the ones above it begin. */
        for (u32 i = 0; i < TMS_RING_SLOTS - TMS_KEEP_NOTE; i++)
                assert_true(put(ring, TMS_KEEP_NOTE));
        assert_false(tms_ring_room(ring, TMS_KEEP_NOTE));
        assert_false(put(ring, TMS_KEEP_NOTE));
        for (u32 i = 0; i < TMS_KEEP_NOTE - TMS_KEEP_PULSE; i++)
                assert_true(put(ring, TMS_KEEP_PULSE));
        assert_false(put(ring, TMS_KEEP_PULSE));
        assert_true(tms_ring_room(ring, TMS_KEEP_STATE));
        fill(ring, TMS_KEEP_PULSE);
        assert_false(tms_ring_room(ring, TMS_KEEP_STATE));
        assert_false(put(ring, TMS_KEEP_STATE));

        /* Nothing was overwritten, and room comes only with an acknowledgement. */
        for (u64 seq = 1; seq <= TMS_RING_SLOTS; seq++)
                assert_next(ring, &cursor, seq);
        assert_false(put(ring, 0));
        assert_int_equal(tms_ring_ack(ring, 3, cursor), 0);
        fill(ring, 2);
        assert_false(put(ring, 0));
        assert_next(ring, &cursor, TMS_RING_SLOTS + 1);
        assert_next(ring, &cursor, TMS_RING_SLOTS + 2);
}

static void test_reserve(void **state)
{
        struct tms_ring *ring = *state;
        struct tms_event e;

        fill(ring, TMS_RING_SLOTS - TMS_KEEP_PULSE - 3);
        assert_true(tms_ring_reserve(ring, 2, TMS_KEEP_PULSE));
        assert_false(tms_ring_reserve(ring, 2, TMS_KEEP_PULSE));
        assert_true(tms_ring_reserve(ring, 1, TMS_KEEP_PULSE));
        assert_false(put(ring, TMS_KEEP_PULSE));

        /* States may take what is left, but not what was promised. */
        fill(ring, TMS_KEEP_PULSE);
        assert_false(put(ring, TMS_KEEP_STATE));
        for (u64 i = 0; i < 2; i++) {
                e = event(tms_ring_head(ring));
                tms_ring_put_reserved(ring, &e);
        }
        assert_false(put(ring, TMS_KEEP_STATE));

        /* A promise given back is room again. */
        tms_ring_release(ring, 1);
        fill(ring, 1);
        assert_false(put(ring, TMS_KEEP_STATE));
        assert_int_equal(tms_ring_head(ring), TMS_RING_FIRST_SEQ + TMS_RING_SLOTS);
}

/* Fills the ring again and again; all is acknowledged by a controller that keeps up. */
static void lap(struct tms_ring *ring, u32 n)
{
        while (n--) {
                fill(ring, 1);
                assert_int_equal(tms_ring_ack(ring, tms_ring_head(ring), tms_ring_head(ring)), 0);
        }
}

static void test_monitor_is_told_of_loss(void **state)
{
        struct tms_ring *ring = *state;
        u64 cursor = TMS_RING_FIRST_SEQ;
        struct tms_event e[3];

        lap(ring, TMS_RING_SLOTS);
        assert_next(ring, &cursor, 1);

        lap(ring, 11);
        assert_int_equal(tms_ring_peek(ring, &cursor, e, 3), 3);
        assert_int_equal(e[0].type, TMS_EVENT_LOST);
        assert_int_equal(e[0].lost.count, 10);
        assert_int_equal(e[0].seq, 11);
        assert_int_equal(e[1].seq, 12);
        assert_int_equal(e[2].seq, 13);
        assert_int_equal(e[1].type, TMS_EVENT_STATE);

        /* With room for one record only, that one says it, and nothing is lost by it. */
        cursor = TMS_RING_FIRST_SEQ;
        assert_int_equal(tms_ring_peek(ring, &cursor, e, 1), 1);
        assert_int_equal(e[0].type, TMS_EVENT_LOST);
        assert_int_equal(e[0].lost.count, 11);
        assert_next(ring, &cursor, 12);
}

/* Against a model: a plain row of everything ever put. */
static void test_random(void **state)
{
        struct tms_ring *ring = *state;
        u64 head = TMS_RING_FIRST_SEQ, acked = head, read = head, monitor = head;
        u64 seed = 42;
        u32 reserved = 0;

        for (u32 i = 0; i < 1000000; i++) {
                u32 free = TMS_RING_SLOTS - (head - acked) - reserved, what;
                struct tms_event e[4];
                u64 seq;

                seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
                what = seed >> 33;
                switch (what % 16) {
                case 0:
                        assert_int_equal(tms_ring_reserve(ring, 2, TMS_KEEP_PULSE), free >= 2 + TMS_KEEP_PULSE);
                        reserved += free >= 2 + TMS_KEEP_PULSE ? 2 : 0;
                        break;
                case 1:
                        if (!reserved)
                                break;
                        e[0] = event(head++);
                        tms_ring_put_reserved(ring, &e[0]);
                        reserved--;
                        break;
                case 2:
                        if (!reserved)
                                break;
                        tms_ring_release(ring, 1);
                        reserved--;
                        break;
                case 3:
                        if (what >> 8 & 4095)
                                break;
                        seq = acked + (what >> 16) % (head - acked + 1);
                        assert_int_equal(tms_ring_ack(ring, seq, read), seq > read ? -ESTALE : 0);
                        acked = seq > read ? acked : seq;
                        break;
                case 4:
                        for (u32 n = tms_ring_peek(ring, &read, e, 4), k = 0; k < n; k++)
                                assert_int_equal(e[k].mono_ns, 1000 + e[k].seq);
                        break;
                case 5:
                        if (what >> 8 & 1023)
                                break;
                        seq = monitor;
                        assert_int_equal(tms_ring_peek(ring, &monitor, e, 1), seq < head);
                        if (head - seq > TMS_RING_SLOTS)
                                assert_int_equal(e[0].lost.count, head - TMS_RING_SLOTS - seq);
                        break;
                default:
                        assert_int_equal(put(ring, what >> 8 & 1 ? TMS_KEEP_PULSE : TMS_KEEP_NOTE),
                                         free > (what >> 8 & 1 ? TMS_KEEP_PULSE : TMS_KEEP_NOTE));
                        head = tms_ring_head(ring);
                        if (what >> 9 & 1)
                                read = head;
                }
                assert_int_equal(tms_ring_head(ring), head);
                assert_int_equal(tms_ring_acked(ring), acked);
        }
        /* It has gone round, and was full at times. */
        assert_true(head > 3 * TMS_RING_SLOTS);
        assert_true(ring->dropped > 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(test_empty, setup, teardown),
                        cmocka_unit_test(test_no_memory),
                        cmocka_unit_test_setup_teardown(test_order, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_acknowledge, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_full, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_reserve, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_monitor_is_told_of_loss, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_random, setup, teardown),
        };

        return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* The card's clock against the host's: what is so must be believed, what cannot be must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "clock.h"

#define S 1000000000ULL

static u64 seed = 99;

static u64 below(u64 n)
{
        seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
        return (seed >> 11) % n;
}

/* A card whose clock differs from the host's by an offset and up to 999 ppm. */
struct card {
        u64 offset_ns;
        s64 ppm;
};

static u64 card_reads(const struct card *c, u64 raw_ns)
{
        return c->offset_ns + raw_ns + (s64)(raw_ns / 1000000) * c->ppm;
}

/* The clock is read somewhere between two looks at the host's. */
static struct tms_anchor anchor(const struct card *c, u64 raw_ns)
{
        u64 took_ns = 100 + below(5000);

        return (struct tms_anchor){
                        .before_ns = raw_ns,
                        .after_ns = raw_ns + took_ns,
                        .card_ns = card_reads(c, raw_ns + below(took_ns)),
        };
}

static void test_true_clocks(void **state)
{
        for (u32 i = 0; i < 100000; i++) {
                struct card c = {below(1ULL << 62), (s64)below(1999) - 999};
                u64 then_ns = S + below(1000000 * S), later_ns = then_ns + 10000 + below(600 * S);
                struct tms_anchor a = anchor(&c, then_ns), b = anchor(&c, later_ns);
                u64 at_ns = a.after_ns + below(100 * S), reads = card_reads(&c, at_ns);

                assert_true(tms_clock_agrees(&a, &b));
                assert_true(tms_clock_within(&a, at_ns, at_ns, reads));
                assert_true(tms_clock_within(&a, at_ns - 500, at_ns + 500, reads));
                assert_true(tms_clock_not_after(&a, at_ns) + 2 >= reads);
                assert_true(llabs((s64)(tms_clock_about(&a, at_ns) - reads)) <=
                            (s64)(at_ns - a.before_ns) / 1000 + 5200);
                assert_true(tms_clock_widen(&a, at_ns, reads & ((1ULL << 40) - 1), 40) == reads);
                assert_true(llabs((s64)(tms_clock_to_raw(&a, reads) - at_ns)) <=
                            (s64)(at_ns - a.before_ns) / 1000 + 5200);
        }
}

static void test_false_clocks(void **state)
{
        for (u32 i = 0; i < 100000; i++) {
                struct card c = {below(1ULL << 62), 0};
                u64 then_ns = S + below(1000000 * S), later_ns = then_ns + S + below(600 * S);
                struct tms_anchor a = anchor(&c, then_ns), b = anchor(&c, later_ns);
                u64 off_ns = (later_ns - then_ns) / 1000 * 2 + 4 * TMS_CLOCK_SLACK_NS + below(S);

                b.card_ns += off_ns;
                assert_false(tms_clock_agrees(&a, &b));
                assert_false(tms_clock_within(&a, later_ns, later_ns, card_reads(&c, later_ns) + off_ns));
                b.card_ns -= 2 * off_ns;
                assert_false(tms_clock_agrees(&a, &b));
                assert_false(tms_clock_within(&a, later_ns, later_ns, card_reads(&c, later_ns) - off_ns));
        }
}

/* The bounds are no wider than they are said to be. */
static void test_not_after_is_tight(void **state)
{
        struct tms_anchor a = {.before_ns = 100 * S, .after_ns = 100 * S + 1000, .card_ns = 7 * S};

        assert_int_equal(tms_clock_not_after(&a, 100 * S), 7 * S);
        assert_int_equal(tms_clock_not_after(&a, 101 * S), 8 * S + S / 1000);
}

/* Mostly at once; now and then the CPU is held up for as long as firmware or a hypervisor likes. */
static u64 held_up_ns(void)
{
        return below(4) ? below(200) : below(100 * 1000 * 1000);
}

/* CLOCK_MONOTONIC, slewed against CLOCK_MONOTONIC_RAW. */
static u64 slewed(u64 raw_ns, s64 ppm)
{
        return 3 * S + raw_ns + (s64)raw_ns * ppm / 1000000;
}

/* A pulse's step on a CPU that is held up anywhere: a true answer is believed, and the bound is kept. */
static void test_held_up(void **state)
{
        for (u32 i = 0; i < 100000; i++) {
                struct card c = {below(1ULL << 62), (s64)below(1999) - 999};
                s64 slewed_ppm = (s64)below(1001) - 500;
                u64 raw_ns = S + below(1000000 * S), lateness_ns = below(1000 * 1000);
                struct tms_anchor a = anchor(&c, raw_ns);
                u64 due_ns, before_ns, due_raw_ns, fired_raw_ns;
                struct tms_moment woken;

                raw_ns = a.after_ns + below(50 * 1000 * 1000);
                woken.raw_ns = raw_ns;
                raw_ns += held_up_ns();
                woken.mono_ns = slewed(raw_ns, slewed_ppm);
                due_raw_ns = raw_ns + 20000;
                due_ns = slewed(due_raw_ns, slewed_ppm);
                raw_ns = due_raw_ns + held_up_ns() / 1000;
                before_ns = slewed(raw_ns, slewed_ppm);
                fired_raw_ns = raw_ns + held_up_ns();
                raw_ns = fired_raw_ns + held_up_ns();

                assert_true(tms_moment_not_before(&woken, before_ns) <= fired_raw_ns);
                assert_true(tms_clock_within(&a, tms_moment_not_before(&woken, before_ns), raw_ns,
                                             card_reads(&c, fired_raw_ns)));
                assert_true(tms_moment_raw(&woken, due_ns) <= due_raw_ns + 10);
                assert_true(tms_clock_not_after(&a, tms_moment_raw(&woken, due_ns) + lateness_ns) <=
                            card_reads(&c, due_raw_ns + lateness_ns) + (due_raw_ns + lateness_ns - a.before_ns) / 500 +
                                            5200);
        }
}

/* Two clocks of one rate: exact on both sides of the anchor, whatever lies between its readings. */
static void test_about(void **state)
{
        const struct tms_anchor a = {.before_ns = 1000, .after_ns = 1400, .card_ns = 5000000};

        assert_true(tms_clock_about(&a, 1200) == 5000000);
        assert_true(tms_clock_about(&a, 1201) == 5000001);
        assert_true(tms_clock_about(&a, 200) == 4999000);
        assert_true(tms_clock_about(&a, 1200 + 3600 * S) == 5000000 + 3600 * S);
}

static void test_widen_around_the_wrap(void **state)
{
        const u64 wrap = 1ULL << 40;
        struct tms_anchor a = {.before_ns = 100 * S, .after_ns = 100 * S + 10, .card_ns = 5 * wrap - 1000};

        assert_true(tms_clock_widen(&a, 100 * S, wrap - 1000, 40) == 5 * wrap - 1000);
        assert_true(tms_clock_widen(&a, 100 * S, 10, 40) == 5 * wrap + 10);
        assert_true(tms_clock_widen(&a, 100 * S + 5000, wrap - 1, 40) == 5 * wrap - 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_true_clocks),           cmocka_unit_test(test_false_clocks),
                        cmocka_unit_test(test_not_after_is_tight),    cmocka_unit_test(test_held_up),
                        cmocka_unit_test(test_widen_around_the_wrap), cmocka_unit_test(test_about),
        };

        return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}

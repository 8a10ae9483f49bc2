// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The verifier against its slow reference, and its two promises (pieces behind
 * each other are judged as the whole; later never breaks a rule), on random
 * timelines. Times and limits are drawn from few values around each rule's
 * edges, so that equality is common. The seed is fixed: a failure repeats.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pulses.h"
#include "timeline-reference.h"

#define PULSES 48
#define FIRED 64
#define ROUNDS 20000

static u64 seed;

/* xorshift64*: the same row of numbers on every machine. */
static u64 next_random(void)
{
        seed ^= seed >> 12;
        seed ^= seed << 25;
        seed ^= seed >> 27;
        return seed * 0x2545f4914f6cdd1dULL;
}

static u64 below(u64 n)
{
        return next_random() % n;
}

static u64 pick(const u64 *values, size_t n)
{
        return values[below(n)];
}

#define PICK(...) pick((const u64[]){__VA_ARGS__}, sizeof((const u64[]){__VA_ARGS__}) / sizeof(u64))

/* Each rule binds in some envelopes, so that none always hides the others. */
static struct tms_envelope random_envelope(void)
{
        struct tms_envelope env = envelope_wide();

        env.pulse_mJ = PICK(1, 1000, 100000, 252000);
        env.stored_pulses = 1 + below(5);
        if (below(2))
                env.min_interval_ns = PICK(MS, 10 * MS, 50 * MS);
        if (below(2))
                env.max_pulses_per_s = 1 + below(12);
        if (below(2)) {
                env.charge_mW = env.pulse_mJ * PICK(1, 4, 10, 20) + 1;
                env.settle_margin_ns = PICK(0, 1, MS);
        }
        if (below(2)) {
                env.reservoir_mJ = env.pulse_mJ * (env.stored_pulses + 1 + below(12));
                env.refill_mW = env.pulse_mJ * PICK(0, 1, 3, 10) + below(2);
        }
        if (below(2)) {
                env.coil_heat_mJ = env.pulse_mJ * (1 + below(12));
                env.coil_cool_mW = env.pulse_mJ * PICK(0, 1, 3, 10) + below(2);
        }
        if (below(3) == 0)
                env.max_permille = PICK(500, 999, 1000);
        if (below(4) == 0)
                env.max_pulses = 1 + below(PULSES);
        if (below(4) == 0)
                env.max_duration_ns = PICK(S, 3 * S, HOUR);
        if (below(4) == 0)
                env.max_pulses_per_day = 1 + below(2 * PULSES);
        return env;
}

static u64 random_gap(void)
{
        u64 gap = PICK(1, MS, 10 * MS, 50 * MS, 100 * MS, 100 * MS, 250 * MS, S, S, 3 * S);

        return gap + below(3) - (gap > 1 ? below(2) : 0);
}

/* Between runs, where the card may rest for as long as it likes. */
static u64 random_rest(void)
{
        return below(500) ? random_gap() : PICK(HOUR, 23 * HOUR, 24 * HOUR) + below(3) - below(2);
}

/* In a timeline, where a long one discharges the card. */
static u64 random_break(void)
{
        return below(300) ? random_gap() : PICK(MINUTE, MINUTE + 2, 2 * MINUTE, HOUR, HOUR + 2) + below(3) - below(2);
}

/* One in @wrong is malformed somewhere; never with 0. */
static u32 random_timeline(struct tms_pulse *p, u32 max, u32 wrong, u64 (*gap)(void))
{
        u64 t_ns = below(2) ? 0 : gap();
        u32 count = 1 + below(max), train = 0;
        u16 permille = PICK(1, 500, 999, 1000);

        for (u32 i = 0; i < count; i++, t_ns += gap()) {
                u16 flags = PICK(0, TMS_PULSE_END_OF_BURST, TMS_PULSE_END_OF_BURST | TMS_PULSE_END_OF_TRAIN);

                if (i + 1 == count)
                        flags = TMS_PULSE_END_OF_BURST | TMS_PULSE_END_OF_TRAIN;
                if (below(4) == 0)
                        permille = PICK(1, 250, 500, 501, 999, 1000);
                p[i] = (struct tms_pulse){
                                .t_ns = t_ns,
                                .intensity_permille = permille,
                                .flags = flags,
                                .train = train,
                };
                train += !!(flags & TMS_PULSE_END_OF_TRAIN);
        }

        if (wrong && below(wrong) == 0) {
                struct tms_pulse *q = &p[below(count)];

                switch (below(7)) {
                case 0:
                        q->flags = next_random();
                        break;
                case 1:
                        q->t_ns = p[below(count)].t_ns;
                        break;
                case 2:
                        q->train = below(PULSES);
                        break;
                case 3:
                        q->intensity_permille = PICK(0, 1001, UINT16_MAX);
                        break;
                case 4:
                        q->t_ns = PICK(0, UINT64_MAX, 1ULL << 63, TMS_DURATION_MAX_NS);
                        break;
                case 5:
                        q->leg = PICK(0, 1, UINT16_MAX);
                        break;
                case 6:
                        q->delay_ns = PICK(0, 1, 50000, UINT32_MAX);
                        break;
                }
        }
        return count;
}

/* What the card has fired: pulses that the verifier has let pass, one by one. */
static u32 random_past(struct fired *fired, struct tms_history *h, const struct tms_envelope *env, u64 *now)
{
        u32 count = 0;

        tms_history_init(h, env);
        for (u32 i = below(FIRED); i > 0; i--) {
                struct tms_pulse p = {
                                .intensity_permille = PICK(1, 500, 1000),
                                .flags = TMS_PULSE_END_OF_BURST | TMS_PULSE_END_OF_TRAIN,
                };
                struct tms_verdict v;

                *now += random_rest();
                if (tms_timeline_verify(&p, 1, env, h, *now, &v) < 0)
                        continue;
                tms_history_add(h, env, *now, p.intensity_permille);
                fired[count++] = (struct fired){*now, p.intensity_permille};
        }
        return count;
}

static void test_reference(void **state)
{
        u32 seen[TMS_RULE_DELAY + 1] = {};

        seed = 0x7435;
        for (u32 round = 0; round < ROUNDS; round++) {
                struct tms_envelope env = random_envelope();
                u64 now = PICK(S, HOUR - S, 100 * HOUR);
                struct tms_pulse p[PULSES];
                struct fired fired[FIRED];
                struct tms_history h;
                struct tms_verdict v;
                u32 count, past, first, rules;
                int r;

                past = random_past(fired, &h, &env, &now);
                count = random_timeline(p, PULSES, 4, random_break);
                now += below(3) ? random_rest() : 0;

                r = tms_timeline_verify(p, count, &env, &h, now, &v);
                first = reference_verify(p, count, &env, fired, past, now, &rules);

                if (first == count ? r != 0 || v.rule != TMS_RULE_NONE
                                   : v.pulse != first || !(rules & 1 << v.rule) ||
                                                     r != (rules & (1 << TMS_RULE_FLAGS | 1 << TMS_RULE_ORDER |
                                                                    1 << TMS_RULE_TRAIN | 1 << TMS_RULE_INTENSITY_ZERO)
                                                                           ? -EINVAL
                                                                           : -ERANGE))
                        fail_msg("round %u: rule %u at %u (%llu, %llu), reference: 0x%x at %u of %u", round, v.rule,
                                 v.pulse, v.limit, v.actual, rules, first, count);
                seen[v.rule]++;

                /* Without a history it is a card at rest. */
                r = tms_timeline_verify(p, count, &env, NULL, now, &v);
                first = reference_verify(p, count, &env, NULL, 0, 0, &rules);
                assert_true(first == count ? r == 0 : v.pulse == first && rules & 1 << v.rule);
        }

        /* The draw is good for something only if every rule was met, and none too. */
        for (u32 rule = 0; rule < ELEMENTSOF(seen); rule++)
                if (rule != TMS_RULE_EMPTY && rule != TMS_RULE_WAVEFORM && rule != TMS_RULE_TRIGGER_IN &&
                    seen[rule] < 20)
                        fail_msg("rule %u was met only %u times", rule, seen[rule]);
}

/*
 * Settling is judged afresh at each start, since arming charges a full set;
 * duration is one timeline's, and so is a gap in which the card is discharged. All
 * other rules do not care where the cuts are.
 */
static void test_pieces(void **state)
{
        u32 held = 0, broken = 0, pieces = 0;

        seed = 0x51ce;
        for (u32 round = 0; round < ROUNDS; round++) {
                struct tms_envelope env = random_envelope();
                u64 now = PICK(S, HOUR - S, 100 * HOUR), start;
                struct tms_pulse p[PULSES], piece[PULSES];
                struct tms_verdict v_whole, v;
                struct fired fired[FIRED];
                struct tms_history h;
                u32 count, from, n;
                int r_whole, r = 0;

                env.charge_mW = UINT32_MAX;
                env.settle_margin_ns = 0;
                env.pulse_mJ = PICK(1, 4); /* one ns to charge at most */
                env.max_duration_ns = UINT64_MAX;
                random_past(fired, &h, &env, &now);
                count = random_timeline(p, PULSES, 0, random_gap);
                if (p[count - 1].t_ns > TMS_DURATION_MAX_NS)
                        continue;
                start = now + random_rest();
                r_whole = tms_timeline_verify(p, count, &env, &h, start, &v_whole);

                for (from = 0; from < count && r == 0; from += n) {
                        /* A piece may start at its first pulse or at any time before it. */
                        u64 t0 = below(2) ? p[from].t_ns : from ? p[from - 1].t_ns : 0;
                        struct tms_envelope left = env;

                        for (n = 1; !(p[from + n - 1].flags & TMS_PULSE_END_OF_TRAIN); n++)
                                ;
                        while (from + n < count && below(2))
                                for (n++; !(p[from + n - 1].flags & TMS_PULSE_END_OF_TRAIN); n++)
                                        ;
                        for (u32 i = 0; i < n; i++) {
                                piece[i] = p[from + i];
                                piece[i].t_ns -= t0;
                                piece[i].train -= p[from].train;
                        }
                        left.max_pulses -= from < env.max_pulses ? from : env.max_pulses;

                        r = tms_timeline_verify(piece, n, &left, &h, start + t0, &v);
                        if (r < 0)
                                break;
                        for (u32 i = 0; i < n; i++)
                                tms_history_add(&h, &env, start + p[from + i].t_ns, p[from + i].intensity_permille);
                        pieces++;
                }

                assert_int_equal(r, r_whole);
                if (r == 0) {
                        held++;
                        continue;
                }
                broken++;
                assert_int_equal(v.rule, v_whole.rule);
                assert_int_equal(from + v.pulse, v_whole.pulse);
                if (v.rule != TMS_RULE_PULSES) {
                        assert_int_equal(v.limit, v_whole.limit);
                        assert_int_equal(v.actual, v_whole.actual);
                }
        }
        assert_true(held > ROUNDS / 20 && broken > ROUNDS / 20 && pieces > ROUNDS / 2);
}

/* The rules of a gap that discharges the card are for those that are written down: the others wait for the card. */
static bool gap_grew(const struct tms_pulse *p, const struct tms_verdict *v)
{
        u64 gap = v->pulse > 0 ? p[v->pulse].t_ns - p[v->pulse - 1].t_ns : p[0].t_ns;

        return gap > MINUTE &&
               (v->rule == TMS_RULE_GAP || v->rule == TMS_RULE_SETTLING || v->rule == TMS_RULE_RESERVOIR);
}

static void test_later(void **state)
{
        u32 moved = 0;

        seed = 0x1a7e;
        for (u32 round = 0; round < 4 * ROUNDS; round++) {
                struct tms_envelope env = random_envelope();
                u64 now = PICK(S, HOUR - S, 100 * HOUR);
                struct tms_pulse p[PULSES];
                struct fired fired[FIRED];
                struct tms_history h;
                struct tms_verdict v;
                u32 count;

                env.max_duration_ns = UINT64_MAX;
                random_past(fired, &h, &env, &now);
                count = random_timeline(p, PULSES, 0, random_gap);
                now += random_rest();
                if (tms_timeline_verify(p, count, &env, &h, now, &v) < 0)
                        continue;

                for (u32 turn = 0; turn < 4; turn++) {
                        u64 shift = below(3) ? random_gap() : below(HOUR);
                        u32 from = below(count + 1);

                        if (from == count) {
                                now += shift;
                        } else {
                                if (p[count - 1].t_ns + shift > TMS_DURATION_MAX_NS)
                                        break;
                                for (u32 i = from; i < count; i++)
                                        p[i].t_ns += shift;
                        }
                        if (tms_timeline_verify(p, count, &env, &h, now, &v) < 0) {
                                if (gap_grew(p, &v))
                                        break;
                                fail_msg("round %u: %llu ns later, pulse %u breaks rule %u (%llu, %llu)", round, shift,
                                         v.pulse, v.rule, v.limit, v.actual);
                        }
                        moved++;
                }
        }
        assert_true(moved > ROUNDS / 2);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_reference),
                        cmocka_unit_test(test_pieces),
                        cmocka_unit_test(test_later),
        };

        return cmocka_run_group_tests_name("timeline-random", tests, NULL, NULL);
}

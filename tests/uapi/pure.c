// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the verifier says of many drawn timelines, behind a drawn history: a line each. tests/uapi/check runs it on this
 * machine and on a big-endian one; the lines must be the same.
 */
#include <stdio.h>

#include "timeline.h"

#define PULSES 50
#define ROUNDS 2000

static u64 seed = 1;

static u64 below(u64 n)
{
        seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
        return (seed >> 11) % n;
}

static u32 draw(struct tms_pulse *p)
{
        u32 count = 1 + below(PULSES), i, train = 0;
        u64 t_ns = 0;

        for (i = 0; i < count; i++) {
                bool ends = i == count - 1 || below(8) == 0;

                p[i] = (struct tms_pulse){
                                .t_ns = t_ns,
                                .intensity_permille = 100 + below(755),
                                .flags = ends ? TMS_PULSE_END_OF_TRAIN | TMS_PULSE_END_OF_BURST : 0,
                                .train = train,
                                .condition = below(65536),
                                .leg = below(500) == 0,
                                .delay_ns = below(500) == 0,
                };
                train += ends;
                t_ns += below(100) ? 20000000 + below(200000000) : below(20000000);
        }
        /* One in twenty is malformed. */
        if (below(20) == 0)
                p[below(count)].train ^= 1U << 8 * below(4);
        return count;
}

int main(void)
{
        static struct tms_pulse pulses[PULSES];
        static struct tms_history h;
        struct tms_envelope env = {
                        .max_permille = 850,
                        .stored_pulses = 4,
                        .min_interval_ns = 1500000,
                        .pulse_mJ = 252000,
                        .charge_mW = 6300000,
                        .settle_margin_ns = 250000,
                        .reservoir_mJ = 6000000,
                        .refill_mW = 1050000,
                        .coil_heat_mJ = 1500000,
                        .coil_cool_mW = 400000,
                        .max_pulses_per_s = 40,
                        .max_pulses = 48,
                        .max_pulses_per_day = 30000,
                        .max_duration_ns = 6000000000ULL,
        };
        u64 now_ns = TMS_NS_PER_S;
        u32 round, i;

        tms_history_init(&h, &env);
        for (round = 0; round < ROUNDS; round++) {
                u32 count = draw(pulses);
                struct tms_verdict v;
                int r = tms_timeline_verify(pulses, count, &env, &h, now_ns, &v);

                printf("%u %d %u %u %llu %llu\n", round, r, v.rule, v.pulse, (unsigned long long)v.limit,
                       (unsigned long long)v.actual);
                for (i = 0; r == 0 && i < count; i++)
                        tms_history_add(&h, &env, now_ns + pulses[i].t_ns, pulses[i].intensity_permille);
                now_ns += pulses[count - 1].t_ns + below(100) * TMS_NS_PER_S;
        }
        printf("%llu %llu %llu %u\n", (unsigned long long)h.last_ns, (unsigned long long)h.reservoir_pJ,
               (unsigned long long)h.coil_pJ, tms_history_day(&h, now_ns));
        return 0;
}

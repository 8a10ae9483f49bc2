// SPDX-License-Identifier: GPL-2.0-or-later
#include "pulses.h"

struct tms_envelope envelope_wide(void)
{
        return (struct tms_envelope){
                        .max_permille = 1000,
                        .stored_pulses = 4,
                        .pulse_mJ = 252000,
                        .charge_mW = UINT32_MAX,
                        .reservoir_mJ = UINT32_MAX,
                        .refill_mW = UINT32_MAX,
                        .coil_heat_mJ = UINT32_MAX,
                        .coil_cool_mW = UINT32_MAX,
                        .max_pulses_per_s = TMS_RATE_MAX,
                        .max_pulses = TMS_PULSES_MAX,
                        .max_pulses_per_day = UINT32_MAX,
                        .max_duration_ns = UINT64_MAX,
        };
}

void pulses_at(struct tms_pulse *pulses, const u64 *t_ns, u32 count, u16 permille)
{
        for (u32 i = 0; i < count; i++)
                pulses[i] = (struct tms_pulse){
                                .t_ns = t_ns[i],
                                .intensity_permille = permille,
                                .flags = TMS_PULSE_END_OF_TRAIN | TMS_PULSE_END_OF_BURST,
                                .train = i,
                };
}

void pulses_flat(struct tms_pulse *pulses, u32 count, u64 interval_ns, u16 permille, u32 per_train)
{
        for (u32 i = 0; i < count; i++)
                pulses[i] = (struct tms_pulse){
                                .t_ns = i * interval_ns,
                                .intensity_permille = permille,
                                .flags = TMS_PULSE_END_OF_BURST |
                                         ((i + 1) % per_train == 0 || i + 1 == count ? TMS_PULSE_END_OF_TRAIN : 0),
                                .train = i / per_train,
                };
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The coil's temperature: one heat capacity, cooled towards the room.
 *
 *   rise' = P / C - rise / tau,  tau = R C
 *
 * With R = 0.03 K/W and C = 10 kJ/K the two figures that the card states hold
 * together: 400 W for ever settles 12 K above the room of 22 degC, 30 kJ at
 * once on top of it adds 3 K, and that is below the limit of 40 degC.
 * Between pulses the coil only cools, so that it can become too hot only at a
 * discharge, and cool enough at one time that is known in advance.
 */
#include "qemu/osdep.h"
#include <math.h>
#include "card.h"

#define CAPACITY_J_PER_K 10000.0
#define TAU_S 300.0
#define HYSTERESIS_MC 1000

#define HOT_K ((TMS_COIL_TEMP_MAX_MC - TMS_COIL_AMBIENT_MC) / 1000.0)
#define SLACK_K 1e-9                /* what rounding may take from a figure */
#define COOL_K ((TMS_COIL_TEMP_MAX_MC - HYSTERESIS_MC - TMS_COIL_AMBIENT_MC) / 1000.0)

/* By the rise itself, so that it does not matter who looks, and when. */
static void judge(TMSThermal *th)
{
    if (th->rise_k >= HOT_K - SLACK_K) {
        th->hot = true;
    } else if (th->rise_k <= COOL_K + SLACK_K) {
        th->hot = false;
    }
}

void tms_thermal_set_mc(TMSThermal *th, int64_t t_ns, int32_t temp_mc)
{
    th->t_ns = t_ns;
    th->rise_k = (temp_mc - TMS_COIL_AMBIENT_MC) / 1000.0;
    judge(th);
}

void tms_thermal_advance(TMSThermal *th, int64_t t_ns)
{
    if (t_ns > th->t_ns) {
        th->rise_k *= exp(-(t_ns - th->t_ns) / 1e9 / TAU_S);
        th->t_ns = t_ns;
        judge(th);
    }
}

void tms_thermal_heat(TMSThermal *th, int64_t t_ns, int64_t energy_pj)
{
    tms_thermal_advance(th, t_ns);
    th->rise_k += energy_pj / 1e12 / CAPACITY_J_PER_K;
    judge(th);
}

int32_t tms_thermal_mc(const TMSThermal *th)
{
    /* Downwards: 40000 is read only when the limit is reached. */
    return TMS_COIL_AMBIENT_MC + (int32_t)floor((th->rise_k + SLACK_K) * 1000.0);
}

/* When a hot coil will be cool again; TMS_NEVER when it is not hot. */
int64_t tms_thermal_next(const TMSThermal *th)
{
    if (!th->hot) {
        return TMS_NEVER;
    }
    /* One microsecond on: beyond any rounding of exp() against log(). */
    return th->t_ns + 1000 +
           (int64_t)MAX(0.0, ceil(log(th->rise_k / COOL_K) * TAU_S * 1e9));
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two energy stages: a reservoir, refilled from the mains, and the pulse
 * capacitors, charged from it.
 *
 * The charger works on one capacitor at a time: the first in firing order that
 * is not at its set-point. It charges at charge_mw, or at refill_mw while the
 * reservoir is empty, and empties into the dump load at dump_mw. All is linear
 * between breakpoints, and 1 mW for 1 ns is 1 pJ, so that whole numbers give
 * the same answer however often the state is looked at in between.
 */
#include "qemu/osdep.h"
#include <math.h>
#include "qapi/error.h"
#include "card.h"

#define PJ_PER_MJ 1000000000LL
#define HV_FULL_MV 1800000.0        /* of a capacitor at 1000 permille */

bool tms_energy_check(const TMSEnergy *e, Error **errp)
{
    if (e->stored < 1 || e->stored > TMS_STORED_MAX) {
        error_setg(errp, "stored-pulses is %u: expected 1 to %d", e->stored,
                   TMS_STORED_MAX);
        return false;
    }
    if (!e->pulse_mj || !e->charge_mw || !e->dump_mw || !e->refill_mw) {
        error_setg(errp, "pulse-mj, charge-mw, dump-mw and refill-mw: "
                   "expected all above 0");
        return false;
    }
    return true;
}

static int64_t reservoir_max(const TMSEnergy *e)
{
    return e->reservoir_mj * PJ_PER_MJ;
}

/* A power-on finds the reservoir filled: it stands in for a card warmed up. */
void tms_energy_power_on(TMSEnergy *e, int64_t t_ns)
{
    e->t_ns = t_ns;
    e->reservoir_pj = reservoir_max(e);
    memset(e->cap_pj, 0, sizeof(e->cap_pj));
    e->head = 0;
    e->queued = 0;
    e->dumping = false;
    e->stuck = false;
}

/* 252 J at 1000 permille falls with the square: exact in pJ. */
int64_t tms_energy_pulse_pj(const TMSEnergy *e, uint32_t permille)
{
    return (int64_t)e->pulse_mj * 1000 * permille * permille;
}

static uint32_t nth(const TMSEnergy *e, uint32_t index)
{
    return (e->head + index) % e->stored;
}

static int64_t target(const TMSEnergy *e, uint32_t cap)
{
    return tms_energy_pulse_pj(e, e->set_permille[cap]);
}

/* The capacitor being worked on, or -1. */
static int worked_on(const TMSEnergy *e)
{
    uint32_t i;

    for (i = 0; i < e->queued; i++) {
        uint32_t cap = nth(e, i);

        if (e->cap_pj[cap] != target(e, cap)) {
            return cap;
        }
    }
    return -1;
}

static int64_t fullest(const TMSEnergy *e)
{
    int64_t max = 0;
    uint32_t i;

    for (i = 0; i < e->stored; i++) {
        max = MAX(max, e->cap_pj[i]);
    }
    return max;
}

/* What the charger does now: the powers, and how long until that changes. */
typedef struct Flow {
    int cap;                        /* worked on, or -1 */
    int64_t cap_mw;                 /* into it; negative when emptying */
    int64_t reservoir_mw;           /* into the reservoir */
    int64_t until_ns;               /* next breakpoint, from now */
} Flow;

static Flow flow(const TMSEnergy *e)
{
    Flow f = { .cap = -1, .reservoir_mw = e->refill_mw, .until_ns = TMS_NEVER };
    int64_t togo;

    if (e->dumping) {
        f.until_ns = DIV_ROUND_UP(fullest(e), (int64_t)e->dump_mw);
        return f;
    }
    f.cap = worked_on(e);
    if (f.cap < 0) {
        return f;
    }
    togo = target(e, f.cap) - e->cap_pj[f.cap];
    if (togo < 0) {
        f.cap_mw = -(int64_t)e->dump_mw;
        f.until_ns = DIV_ROUND_UP(-togo, (int64_t)e->dump_mw);
        return f;
    }
    if (e->stuck) {
        f.cap = -1;
        return f;
    }
    f.cap_mw = e->charge_mw;
    if (e->reservoir_pj == 0) {
        f.cap_mw = MIN(e->charge_mw, e->refill_mw);
    }
    f.reservoir_mw -= f.cap_mw;
    f.until_ns = DIV_ROUND_UP(togo, f.cap_mw);
    if (f.reservoir_mw < 0) {
        f.until_ns = MIN(f.until_ns,
                         DIV_ROUND_UP(e->reservoir_pj, -f.reservoir_mw));
    }
    return f;
}

/* value + mw x ns, kept between low and high without overflow on long idling. */
static int64_t ramp(int64_t value, int64_t mw, int64_t ns, int64_t low,
                    int64_t high)
{
    if (mw > 0 && ns > (high - value) / mw) {
        return high;
    }
    if (mw < 0 && ns > (value - low) / -mw) {
        return low;
    }
    return value + mw * ns;
}

static void step(TMSEnergy *e, const Flow *f, int64_t ns)
{
    uint32_t i;

    if (e->dumping) {
        for (i = 0; i < e->stored; i++) {
            e->cap_pj[i] = ramp(e->cap_pj[i], -(int64_t)e->dump_mw, ns, 0, 0);
        }
        e->dumping = fullest(e) > 0;
    } else if (f->cap >= 0) {
        int64_t want = target(e, f->cap), *pj = &e->cap_pj[f->cap];

        *pj = f->cap_mw > 0 ? ramp(*pj, f->cap_mw, ns, 0, want)
                            : ramp(*pj, f->cap_mw, ns, want, INT64_MAX);
    }
    e->reservoir_pj = ramp(e->reservoir_pj, f->reservoir_mw, ns, 0,
                           reservoir_max(e));
    e->t_ns += ns;
}

void tms_energy_advance(TMSEnergy *e, int64_t t_ns)
{
    while (e->t_ns < t_ns) {
        Flow f = flow(e);

        step(e, &f, MIN(f.until_ns, t_ns - e->t_ns));
    }
}

/* When the work in hand changes by itself next; TMS_NEVER when there is none. */
int64_t tms_energy_next(const TMSEnergy *e)
{
    Flow f = flow(e);

    return f.until_ns == TMS_NEVER ? TMS_NEVER : e->t_ns + f.until_ns;
}

static bool charged(const TMSEnergy *e, uint32_t index)
{
    uint32_t cap = nth(e, index);

    return e->cap_pj[cap] == target(e, cap);
}

bool tms_energy_ready(const TMSEnergy *e)
{
    return !e->dumping && e->queued && charged(e, 0);
}

bool tms_energy_full(const TMSEnergy *e)
{
    return !e->dumping && e->queued && worked_on(e) < 0;
}

/* index 0 is the next to fire; index == queued appends (caller has checked room). */
void tms_energy_set(TMSEnergy *e, uint32_t index, uint32_t permille)
{
    e->set_permille[nth(e, index)] = permille;
    if (index == e->queued) {
        e->queued++;
    }
}

/* SAFE: the queue is gone at once, the charge as fast as the dump loads take it. */
void tms_energy_dump(TMSEnergy *e)
{
    e->queued = 0;
    e->dumping = fullest(e) > 0;
}

static uint32_t isqrt(uint64_t x)
{
    uint64_t low = 0, high = 1ULL << 31;

    while (low < high) {
        uint64_t mid = (low + high + 1) / 2;

        if (mid * mid <= x) {
            low = mid;
        } else {
            high = mid - 1;
        }
    }
    return low;
}

/* The amplitude that the next capacitor would give as it is now charged. */
uint32_t tms_energy_head_permille(const TMSEnergy *e)
{
    return isqrt(e->cap_pj[e->head] / ((int64_t)e->pulse_mj * 1000));
}

/* Empties the next capacitor through the coil; returns what it held. */
uint32_t tms_energy_discharge(TMSEnergy *e)
{
    uint32_t permille = tms_energy_head_permille(e);

    e->cap_pj[e->head] = 0;
    if (e->queued) {
        e->head = nth(e, 1);
        e->queued--;
    }
    e->dumping = e->dumping && fullest(e) > 0;
    return permille;
}

uint32_t tms_energy_hv_mv(const TMSEnergy *e)
{
    return HV_FULL_MV * sqrt((double)e->cap_pj[e->head] /
                             tms_energy_pulse_pj(e, 1000));
}

bool tms_energy_reservoir_full(const TMSEnergy *e)
{
    return e->reservoir_pj == reservoir_max(e);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The card's oscillator and the order of events.
 *
 * What the card times by itself (clock, lock-out, watchdog) runs by its own
 * oscillator, which may be off by clock_ppm; what physics times does not.
 */
#include "qemu/osdep.h"
#include "qemu/host-utils.h"
#include "card.h"

#define MILLION 1000000

int64_t tms_now(void)
{
    return qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
}

/* Nanoseconds of the oscillator between power-on and t_ns. */
static int64_t oscillator(const TMSCard *s, int64_t t_ns)
{
    return muldiv64(t_ns - s->power_on_ns, MILLION + s->clock_ppm, MILLION);
}

/* What CLOCK_NS reads at t_ns. */
uint64_t tms_clock_ns(const TMSCard *s, int64_t t_ns)
{
    return oscillator(s, t_ns) + s->clock_start_ns + s->clock_jump_ns;
}

/* The first virtual time at which card_ns of the oscillator have gone by since t_ns. */
int64_t tms_clock_after(const TMSCard *s, int64_t t_ns, int64_t card_ns)
{
    int64_t want = oscillator(s, t_ns) + card_ns;
    int64_t t = s->power_on_ns +
                muldiv64(want, MILLION, MILLION + s->clock_ppm);

    while (oscillator(s, t) < want) {
        t++;
    }
    while (t > t_ns && oscillator(s, t - 1) >= want) {
        t--;
    }
    return t;
}

/* All ones would be an absent card: "never" is one less. */
uint64_t tms_since_pulse_ns(const TMSCard *s, int64_t t_ns)
{
    if (!s->pulsed) {
        return UINT64_MAX - 1;
    }
    return oscillator(s, t_ns) - oscillator(s, s->last_pulse_ns);
}

/* READY rises with the last queued capacitor; the event is the edge. */
static void look_at_full(TMSCard *s)
{
    bool full = tms_energy_full(&s->energy);

    if (full && !s->was_full) {
        tms_event(s, TMS_IRQ_READY);
    }
    s->was_full = full;
}

static int64_t next_event(TMSCard *s)
{
    int64_t t = s->watchdog_end_ns;

    t = MIN(t, s->trigger_in_fall_ns);
    t = MIN(t, tms_fault_next(s));
    t = MIN(t, tms_thermal_next(&s->thermal));
    return MIN(t, tms_energy_next(&s->energy));
}

static void advance(TMSCard *s, int64_t t_ns)
{
    tms_energy_advance(&s->energy, t_ns);
    tms_thermal_advance(&s->thermal, t_ns);
    look_at_full(s);
}

/* Moves the card to the present, each event in its turn; returns the present. */
int64_t tms_sync(TMSCard *s)
{
    int64_t now = tms_now(), t;

    while ((t = next_event(s)) <= now) {
        advance(s, t);
        if (s->trigger_in_fall_ns <= t) {
            s->trigger_in_fall_ns = TMS_NEVER;
        }
        if (s->watchdog_end_ns <= t) {
            if (s->faults.watchdog_stuck) {
                s->watchdog_end_ns = TMS_NEVER;
            } else {
                tms_latch(s, TMS_IL_WATCHDOG);
            }
        }
        tms_fault_run(s, t);
        tms_interlocks_changed(s);
    }
    advance(s, now);
    return now;
}

/*
 * Sets the timer to the next event that somebody outside would notice. The end
 * of a charge is one only if its interrupt is enabled; otherwise the next
 * access finds out soon enough.
 */
void tms_rearm(TMSCard *s)
{
    int64_t t = MIN(s->watchdog_end_ns, tms_fault_next(s));

    t = MIN(t, tms_thermal_next(&s->thermal));
    if (s->irq_enable & TMS_IRQ_READY) {
        t = MIN(t, tms_energy_next(&s->energy));
    }
    if (t == TMS_NEVER) {
        timer_del(s->timer);
    } else {
        timer_mod(s->timer, t);
    }
}

void tms_timer(void *opaque)
{
    TMSCard *s = opaque;

    tms_sync(s);
    tms_rearm(s);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SAFE, CHARGE, ARM; what drops the card to SAFE; and the two vectors that
 * tell the host.
 *
 * The rule that keeps it simple: every cause of danger becomes a bit of LATCH,
 * in every state, and a bit that appears there always means SAFE and a message
 * on the fault vector. CHARGE and ARM want LATCH to be zero; since a bit with
 * a live cause cannot be cleared, that includes the live interlocks.
 */
#include "qemu/osdep.h"
#include "card.h"

const char *tms_state_name(TMSState state)
{
    static const char *const name[] = {
        [TMS_SAFE] = "SAFE",
        [TMS_CHARGE] = "CHARGE",
        [TMS_ARM] = "ARM",
    };

    return name[state];
}

static void message(TMSCard *s, unsigned vector, uint32_t *lost)
{
    if (*lost) {
        (*lost)--;
        return;
    }
    if (!s->removed && msix_enabled(PCI_DEVICE(s))) {
        if (vector == TMS_VECTOR_FAULT && s->fault_ns == TMS_NEVER) {
            s->fault_ns = tms_now();
        }
        msix_notify(PCI_DEVICE(s), vector);
    }
}

/* The host writes SAFE: how long is it since it was told of the fault? */
static void fault_answered(TMSCard *s, int64_t t_ns)
{
    if (s->fault_ns == TMS_NEVER) {
        return;
    }
    s->fault_answer_last_ns = t_ns - s->fault_ns;
    s->fault_answer_max_ns = MAX(s->fault_answer_max_ns, s->fault_answer_last_ns);
    s->fault_answers++;
    s->fault_ns = TMS_NEVER;
}

void tms_fault_answers_reset(TMSCard *s)
{
    s->fault_ns = TMS_NEVER;
    s->fault_answers = 0;
    s->fault_answer_last_ns = 0;
    s->fault_answer_max_ns = 0;
}

/* Something happened for TMS_VECTOR_PULSE: each time is told, if it is enabled. */
void tms_event(TMSCard *s, uint32_t bits)
{
    s->irq_events |= bits;
    if (bits & s->irq_enable) {
        message(s, TMS_VECTOR_PULSE, &s->faults.lost_pulse_irqs);
    }
}

void tms_irq_enable(TMSCard *s, uint32_t value)
{
    uint32_t news = value & ~s->irq_enable & s->irq_events;

    s->irq_enable = value;
    if (news) {
        message(s, TMS_VECTOR_PULSE, &s->faults.lost_pulse_irqs);
    }
}

/* No charge, no trigger possible. Safe to call at any time, in any state. */
void tms_safe(TMSCard *s)
{
    s->not_after = 0;
    if (s->state == TMS_SAFE) {
        return;
    }
    s->state = TMS_SAFE;
    s->safe_ns = s->energy.t_ns;
    s->safe_latch = s->latch;
    s->watchdog_end_ns = TMS_NEVER;
    tms_energy_dump(&s->energy);
    s->was_full = false;
}

void tms_latch(TMSCard *s, uint32_t bits)
{
    uint32_t news = bits & ~s->latch;

    if (!news) {
        return;
    }
    s->latch |= news;
    tms_safe(s);
    message(s, TMS_VECTOR_FAULT, &s->faults.lost_irqs);
}

void tms_latch_clear(TMSCard *s, uint32_t bits)
{
    s->latch &= ~(bits & ~tms_interlocks(s));
}

void tms_control_write(TMSCard *s, uint32_t value, int64_t t_ns)
{
    bool clean = !s->latch && !tms_interlocks(s);

    if (value == TMS_CONTROL_CHARGE && s->state == TMS_SAFE && clean) {
        s->state = TMS_CHARGE;
        s->seq_expected = 1;
        s->not_after = 0;
        s->watchdog_end_ns = tms_clock_after(s, t_ns,
                                             s->id.watchdog_ms * 1000000LL);
        return;
    }
    if (value == TMS_CONTROL_ARM && s->state == TMS_CHARGE && clean) {
        s->state = TMS_ARM;
        return;
    }
    if (value == TMS_CONTROL_RESET) {
        tms_reset(s, t_ns);
        return;
    }
    fault_answered(s, t_ns);
    tms_safe(s);
}

/* A value that does not change is the sign of a host that hangs in a loop. */
void tms_watchdog_kick(TMSCard *s, uint32_t value, int64_t t_ns)
{
    if (value == s->watchdog_value) {
        return;
    }
    s->watchdog_value = value;
    if (s->state != TMS_SAFE) {
        s->watchdog_end_ns = tms_clock_after(s, t_ns,
                                             s->id.watchdog_ms * 1000000LL);
    }
}

uint32_t tms_status(const TMSCard *s, int64_t t_ns)
{
    static const uint32_t state[] = {
        [TMS_SAFE] = TMS_STATUS_STATE_SAFE,
        [TMS_CHARGE] = TMS_STATUS_STATE_CHARGE,
        [TMS_ARM] = TMS_STATUS_STATE_ARM,
    };
    uint32_t status = TMS_STATUS_SIGN | state[s->state] | tms_interlocks(s);

    if (s->latch) {
        status |= TMS_STATUS_LATCHED;
    }
    if (tms_energy_ready(&s->energy)) {
        status |= TMS_STATUS_READY;
    }
    if (tms_energy_full(&s->energy)) {
        status |= TMS_STATUS_FULL;
    }
    if (tms_energy_reservoir_full(&s->energy)) {
        status |= TMS_STATUS_RESERVOIR_FULL;
    }
    if (s->fifo_count) {
        status |= TMS_STATUS_ANSWER;
    }
    if (t_ns < s->lockout_end_ns) {
        status |= TMS_STATUS_LOCKOUT;
    }
    if (s->trigger_in_fall_ns != TMS_NEVER) {
        status |= TMS_STATUS_TRIGGER_IN;
    }
    return status;
}

/*
 * CONTROL_RESET, function-level reset, PCIe reset: SAFE, and all that the host
 * has set is forgotten. The clock, the lock-out, the reservoir, temperatures,
 * counters and the interlocks' own state are the world's, and go on.
 */
void tms_reset(TMSCard *s, int64_t t_ns)
{
    tms_safe(s);
    s->latch = 0;
    s->irq_enable = TMS_IRQ_ANSWER;
    s->irq_events = 0;
    s->waveform = TMS_WAVEFORM_BIPHASIC;
    s->trigger_out = 0;
    s->watchdog_value = 0;
    s->seq_expected = 0;
    s->fifo_first = 0;
    s->fifo_count = 0;
    s->trigger_in_ns = 0;
    /* No message for what is already open: the host has just reset the card. */
    s->latch = tms_interlocks(s);
}

/* Mains power on: as reset, and the clock starts from nothing. */
void tms_power_on(TMSCard *s, int64_t t_ns)
{
    s->power_on_ns = t_ns;
    s->clock_jump_ns = 0;
    s->pulsed = false;
    s->pulses = 0;
    s->lockout_end_ns = t_ns;
    s->state = TMS_SAFE;
    s->safe_ns = t_ns;
    s->safe_latch = 0;
    s->watchdog_end_ns = TMS_NEVER;
    s->trigger_in_fall_ns = TMS_NEVER;
    s->was_full = false;
    s->magic = TMS_MAGIC;
    tms_fault_answers_reset(s);
    tms_energy_power_on(&s->energy, t_ns);
    tms_thermal_advance(&s->thermal, t_ns);
    tms_reset(s, t_ns);
}

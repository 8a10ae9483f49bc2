/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Set-points in, discharges out: the queue, the trigger's gate and the answer
 * FIFO.
 */
#include "qemu/osdep.h"
#include "card.h"

/* --- answers -------------------------------------------------------------- */

static void enqueue(TMSCard *s, uint64_t answer)
{
    if (s->fifo_count == s->fifo_depth) {
        tms_latch(s, TMS_LATCH_FIFO_OVERFLOW);
        return;
    }
    s->fifo[(s->fifo_first + s->fifo_count++) % s->fifo_depth] = answer;
    tms_event(s, TMS_IRQ_ANSWER);
}

/* Between a discharge and its answer stand the faults that touch only the answer. */
static void answer(TMSCard *s, uint32_t seq, uint32_t permille,
                   unsigned outcome, int64_t t_ns)
{
    TMSFaults *f = &s->faults;
    uint64_t time = tms_clock_ns(s, t_ns);
    uint64_t word;

    if (f->answer_outcome) {
        outcome = f->answer_outcome;
        f->answer_outcome = 0;
    }
    if (f->answer_time_set) {
        f->answer_time_set = false;
        time += f->answer_time_ns;
    }
    word = (time & TMS_ANSWER_TIME_MASK) |
           (uint64_t)MIN(permille, TMS_ANSWER_PERMILLE_MASK)
                << TMS_ANSWER_PERMILLE_SHIFT |
           (uint64_t)(seq & TMS_ANSWER_SEQ_MASK) << TMS_ANSWER_SEQ_SHIFT |
           (uint64_t)outcome << TMS_ANSWER_OUTCOME_SHIFT;
    if (f->drop_answers) {
        f->drop_answers--;
        return;
    }
    if (f->swap_answers) {
        f->swap_answers = false;
        f->swap_held = true;
        f->held_answer = word;
        return;
    }
    enqueue(s, word);
    if (f->swap_held) {
        f->swap_held = false;
        enqueue(s, f->held_answer);
    }
}

uint64_t tms_answer_pop(TMSCard *s)
{
    uint64_t word = 0;

    if (s->fifo_count) {
        word = s->fifo[s->fifo_first] | TMS_ANSWER_VALID;
        s->fifo_first = (s->fifo_first + 1) % s->fifo_depth;
        s->fifo_count--;
    }
    if (s->fifo_count) {
        word |= TMS_ANSWER_MORE;
    } else {
        s->irq_events &= ~TMS_IRQ_ANSWER;
    }
    if (s->irq_events & s->irq_enable & ~TMS_IRQ_ANSWER) {
        word |= TMS_ANSWER_EVENTS;
    }
    return word;
}

/* --- set-points ------------------------------------------------------------ */

void tms_setpoint_write(TMSCard *s, uint32_t value)
{
    uint32_t permille = value & 0xffff;
    uint32_t index = ((value >> 16) - s->seq_expected) & 0xffff;

    /* The card may have fallen to SAFE since the host last looked: no blame. */
    if (s->state == TMS_SAFE) {
        return;
    }
    if (permille < 1 || permille > MIN(s->id.max_permille, s->coil_max_permille) ||
        index > s->energy.queued || index >= s->energy.stored) {
        tms_latch(s, TMS_LATCH_BAD_SETPOINT);
        return;
    }
    tms_energy_set(&s->energy, index, permille);
    s->was_full = false;
}

/* --- discharges ------------------------------------------------------------ */

/* Everything that follows from current in the coil, whoever caused it. */
static void discharged(TMSCard *s, uint32_t permille, int64_t t_ns)
{
    uint64_t *coil = NULL;

    if (s->coil_type != TMS_COIL_NONE) {
        coil = tms_nvram_coil(&s->nvram, s->coil_serial);
    }
    s->last_pulse_ns = t_ns;
    s->pulsed = true;
    s->pulses++;
    s->lockout_end_ns = tms_clock_after(s, t_ns, s->id.min_interval_ns);
    s->was_full = false;
    s->nvram.odometer++;
    if (coil) {
        (*coil)++;
    }
    tms_nvram_save(&s->nvram);
    tms_thermal_heat(&s->thermal, t_ns,
                     tms_energy_pulse_pj(&s->energy, permille));
}

static const char *pulse_detail(const TMSCard *s)
{
    static const char *const detail[2][3] = {
        { "delivered", "delivered:monophasic", "delivered:halfsine" },
        { "delivered:biphasic-reverse", "delivered:monophasic-reverse",
          "delivered:halfsine-reverse" },
    };

    return detail[!!(s->waveform & TMS_WAVEFORM_REVERSE)][s->waveform & 3];
}

/* Why a trigger is refused, in the order in which the card looks; 0: it is not. */
static unsigned judge(const TMSCard *s, uint32_t seq, uint64_t not_after,
                      int64_t t_ns)
{
    uint32_t bad = s->latch | tms_interlocks(s);

    if (seq != s->seq_expected) {
        return TMS_OUTCOME_WRONG_SEQ;
    }
    if (bad & ~TMS_IL_WATCHDOG) {
        return TMS_OUTCOME_INTERLOCK;
    }
    if (bad) {
        return TMS_OUTCOME_WATCHDOG;
    }
    if (s->state != TMS_ARM) {
        return TMS_OUTCOME_NOT_ARMED;
    }
    if (!not_after || tms_clock_ns(s, t_ns) > not_after) {
        return TMS_OUTCOME_TOO_LATE;
    }
    if (t_ns < s->lockout_end_ns) {
        return TMS_OUTCOME_LOCKOUT;
    }
    if (!tms_energy_ready(&s->energy)) {
        return TMS_OUTCOME_NOT_READY;
    }
    return TMS_OUTCOME_DELIVERED;
}

static void refuse(TMSCard *s, uint32_t seq, unsigned outcome, int64_t t_ns)
{
    static const char *const reason[] = {
        [TMS_OUTCOME_NOT_ARMED] = "not_armed",
        [TMS_OUTCOME_NOT_READY] = "not_ready",
        [TMS_OUTCOME_INTERLOCK] = "interlock",
        [TMS_OUTCOME_WATCHDOG] = "watchdog",
        [TMS_OUTCOME_LOCKOUT] = "lockout",
        [TMS_OUTCOME_TOO_LATE] = "too_late",
        [TMS_OUTCOME_WRONG_SEQ] = "wrong_seq",
    };
    g_autofree char *detail = NULL;

    if (outcome == TMS_OUTCOME_INTERLOCK) {
        uint32_t bad = (s->latch | tms_interlocks(s)) & ~TMS_IL_WATCHDOG;

        detail = g_strdup_printf("interlock:%s", tms_latch_name(ctz32(bad)));
    }
    tms_witness_write(&s->witness, t_ns, "refused", 0, seq,
                      detail ?: reason[outcome]);
    answer(s, seq, 0, outcome, t_ns);
}

/* The switch did not close: the charge stays where it is. */
static bool lose_pulse(TMSCard *s, uint32_t seq, int64_t t_ns)
{
    if (!s->faults.lose_pulses) {
        return false;
    }
    s->faults.lose_pulses--;
    if (!s->faults.lose_silently) {
        answer(s, seq, 0, TMS_OUTCOME_NO_DISCHARGE, t_ns);
        tms_latch(s, TMS_LATCH_LOST_PULSE);
    }
    return true;
}

void tms_trigger_write(TMSCard *s, uint32_t seq, int64_t t_ns)
{
    TMSFaults *f = &s->faults;
    uint64_t not_after = s->not_after;
    unsigned outcome = judge(s, seq, not_after, t_ns);
    int32_t permille;

    s->not_after = 0;
    if (outcome != TMS_OUTCOME_DELIVERED) {
        refuse(s, seq, outcome, t_ns);
        return;
    }
    if (lose_pulse(s, seq, t_ns)) {
        return;
    }
    permille = tms_energy_discharge(&s->energy);
    if (f->amplitude_pulses) {
        f->amplitude_pulses--;
        permille = MAX(1, permille + f->amplitude_permille);
    }
    s->seq_expected++;
    discharged(s, permille, t_ns);
    tms_witness_write(&s->witness, t_ns, "pulse", permille, seq,
                      pulse_detail(s));
    answer(s, seq, permille, TMS_OUTCOME_DELIVERED, t_ns);
    tms_interlocks_changed(s);
    tms_fault_pulse(s, t_ns);
}

/*
 * A discharge that no trigger asked for. One that the card does not notice (a
 * dead current sensor) is seen by the witness and by nobody else.
 */
void tms_unexpected(TMSCard *s, uint32_t permille, bool noticed, int64_t t_ns)
{
    tms_witness_write(&s->witness, t_ns, "pulse", permille, 0, "unexpected");
    if (!noticed) {
        return;
    }
    tms_energy_discharge(&s->energy);
    discharged(s, permille, t_ns);
    answer(s, 0, permille, TMS_OUTCOME_UNEXPECTED, t_ns);
    tms_latch(s, TMS_LATCH_UNEXPECTED_PULSE);
    tms_interlocks_changed(s);
    tms_fault_pulse(s, t_ns);
}
